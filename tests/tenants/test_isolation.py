from __future__ import annotations

import concurrent.futures

import pytest
from django.db import InternalError, ProgrammingError, connection

from tulia.audience.models import ConsentChange, Customer
from tulia.core import sql
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import system_scope, tenant_scope, tenant_view


def test_a_query_with_the_filter_forgotten_sees_only_the_tenant_of_the_scope(tenant: Tenant) -> None:
    other = accounts.create_tenant(f"other-{tenant.slug}", name="Other", tier="starter")
    for owner in (tenant, other):
        with tenant_scope(owner.id):
            Customer.objects.create(tenant=owner, phone="+254700000001")
    with tenant_scope(tenant.id):
        assert {customer.tenant_id for customer in Customer.objects.all()} == {tenant.id}


def test_outside_a_scope_there_is_nothing_to_see_and_nothing_may_be_written(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000001")
    assert not Customer.objects.exists()
    with system_scope():
        assert not Customer.objects.exists()
    with pytest.raises(ProgrammingError, match="row-level security"):
        Customer.objects.create(tenant=tenant, phone="+254700000002")


def test_a_nested_scope_gives_back_the_scope_it_was_opened_in(tenant: Tenant) -> None:
    other = accounts.create_tenant(f"other-{tenant.slug}", name="Other", tier="starter")
    with tenant_scope(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000001")
        with tenant_scope(other.id):
            assert not Customer.objects.exists()
        assert Customer.objects.count() == 1


def test_every_table_with_a_tenant_has_forced_row_level_security() -> None:
    unprotected = sql.fetch_all(
        """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relforcerowsecurity
        """
    )
    assert unprotected == []


def test_the_application_role_is_neither_superuser_nor_owner_of_anything() -> None:
    row = sql.fetch_one(
        """
        SELECT current_user, (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user),
               (SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole)
        """
    )
    assert row == ("tulia_app", False, 0)


def test_the_history_of_consents_can_not_be_rewritten(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        customer = Customer.objects.create(tenant=tenant, phone="+254700000001")
        ConsentChange.objects.create(
            tenant=tenant,
            customer=customer,
            consent_type="promotional_messages",
            new_value=True,
            source="system_default",
            actor="test",
        )
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(tenant.id):
        ConsentChange.objects.update(new_value=False)
    assert not connection.in_atomic_block


def test_a_view_sees_one_instant_and_writes_nothing(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000001")
    with tenant_view(tenant.id):
        assert Customer.objects.count() == 1
        with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(_add_customer, tenant).result()
        assert Customer.objects.count() == 1
    with tenant_scope(tenant.id):
        assert Customer.objects.count() == 2
    with pytest.raises(InternalError, match="read-only"), tenant_view(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000003")


def _add_customer(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000002")
    connection.close()
