"""Consents change once, keep their history, and obey the customer."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tulia.audience import consent, imports
from tulia.audience.models import Customer
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import PageRequest
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

AT = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def customer(tenant: Tenant) -> Customer:
    with tenant_scope(tenant.id):
        return Customer.objects.create(tenant=tenant, phone="+254700000001", consents_promotional=True)


def stop(tenant: Tenant, *people: uuid.UUID | str, at: datetime = AT) -> tuple[consent.Changed, ...]:
    with tenant_scope(tenant.id):
        return consent.withdraw(tenant.id, people, at=at, source="customer_initiated", actor="customer", reason="STOP")


def start(tenant: Tenant, *people: uuid.UUID | str, at: datetime = AT) -> tuple[consent.Changed, ...]:
    with tenant_scope(tenant.id):
        return consent.restore(tenant.id, people, at=at, source="customer_initiated", actor="customer", reason="START")


def preferences(customer: Customer) -> consent.Preferences:
    with tenant_scope(customer.tenant_id):
        return consent.preferences(customer.tenant_id, customer.id)


def history(customer: Customer) -> list[consent.Entry]:
    """Its changes, without how it began."""
    with tenant_scope(customer.tenant_id):
        told = consent.history(customer.tenant_id, customer.id).results
    return [line for line in told if line.source != "system_default"]


def test_stop_switches_promotions_and_reminders_off_and_keeps_transactional(tenant: Tenant, customer: Customer) -> None:
    changed = stop(tenant, customer.phone)
    assert {change.consent_type for change in changed} == {"reminder_messages", "promotional_messages"}
    assert preferences(customer) == consent.Preferences(True, False, False)
    assert [(line.old_value, line.new_value, line.source, line.reason) for line in history(customer)] == [
        (True, False, "customer_initiated", "STOP")
    ] * 2


def test_stop_said_twice_is_stop_said_once(tenant: Tenant, customer: Customer) -> None:
    stop(tenant, customer.id)
    assert stop(tenant, customer.id, customer.phone) == ()
    assert len(history(customer)) == 2


def test_start_switches_both_on_again_and_history_is_newest_first(tenant: Tenant, customer: Customer) -> None:
    stop(tenant, customer.id)
    start(tenant, customer.id, at=AT + timedelta(seconds=1))
    assert preferences(customer) == consent.Preferences(True, True, True)
    assert [line.new_value for line in history(customer)] == [True, True, False, False]


def test_the_history_tells_how_each_consent_began_and_is_read_in_pages_both_ways(
    tenant: Tenant, customer: Customer
) -> None:
    for minute in range(3):
        stop(tenant, customer.id, at=AT + timedelta(minutes=2 * minute))
        start(tenant, customer.id, at=AT + timedelta(minutes=2 * minute + 1))
    with tenant_scope(tenant.id):
        whole = consent.history(tenant.id, customer.id)
        assert [(line.consent_type, line.old_value, line.new_value) for line in whole.results[-3:]] == [
            ("transactional_messages", None, True), ("reminder_messages", None, True), ("promotional_messages", None, True)
        ]  # fmt: skip
        assert len(whole.results) == 2 * 6 + 3
        pages, position = [], None
        while True:
            page = consent.history(tenant.id, customer.id, PageRequest(4, position))
            pages.append(page)
            if page.next is None:
                break
            position = page.next
        assert [line for page in pages for line in page.results] == whole.results
        back = consent.history(tenant.id, customer.id, PageRequest(4, pages[1].previous, is_backward=True))
    assert back.results == pages[0].results


def test_the_word_of_a_customer_who_never_agreed_is_kept_and_stands_against_an_import(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        person = Customer.objects.create(tenant=tenant, phone="+254700000003")
    stop(tenant, person.id)
    assert [(line.consent_type, line.old_value) for line in history(person)] == [
        ("promotional_messages", False), ("reminder_messages", True)
    ]  # fmt: skip
    imports.run(tenant.id, "customers", io.BytesIO(b"phone,consent_promotional\n+254700000003,true\n"), actor="crm")
    assert preferences(person).promotional_messages is False


def test_a_stop_that_arrives_after_a_later_start_changes_nothing(tenant: Tenant, customer: Customer) -> None:
    stop(tenant, customer.id, at=AT)
    start(tenant, customer.id, at=AT + timedelta(minutes=5))
    assert stop(tenant, customer.id, at=AT + timedelta(minutes=1)) == ()
    assert preferences(customer).promotional_messages is True


def test_a_stop_counts_though_the_business_changed_the_consent_after_it_was_said(
    tenant: Tenant, customer: Customer
) -> None:
    with tenant_scope(tenant.id):
        for value in (False, True):
            consent.change(
                tenant.id,
                customer.id,
                consent_type="promotional_messages",
                value=value,
                source="tenant_updated",
                actor="Asha",
                reason="call",
                at=AT + timedelta(minutes=5),
            )
    assert len(stop(tenant, customer.id, at=AT)) == 2
    assert preferences(customer).promotional_messages is False


def test_many_people_stop_at_once_and_strangers_are_passed_over(tenant: Tenant, customer: Customer) -> None:
    with tenant_scope(tenant.id):
        other = Customer.objects.create(tenant=tenant, phone="+254700000002", consents_promotional=True)
    changed = stop(tenant, customer.phone, other.phone, "+254799999999", uuid.uuid4())
    assert {change.customer_id for change in changed} == {customer.id, other.id}


def test_another_tenants_customer_with_the_same_phone_is_untouched(tenant: Tenant, customer: Customer) -> None:
    other = accounts.create_tenant(f"o-{tenant.slug}", name="Other", tier="starter")
    assert stop(other, customer.phone, customer.id) == ()
    assert preferences(customer).promotional_messages is True


def test_the_business_must_say_why_and_nobody_can_stop_transactional_messages(
    tenant: Tenant, customer: Customer
) -> None:
    with tenant_scope(tenant.id), pytest.raises(Invalid) as refused:
        consent.change(
            tenant.id,
            customer.id,
            consent_type="transactional_messages",
            value=False,
            source="tenant_updated",
            actor="x" * 201,
            reason=" ",
            at=AT,
        )
    assert set(refused.value.details or ()) == {"transactional_messages", "reason", "actor"}


def test_a_change_to_the_same_value_leaves_no_history(tenant: Tenant, customer: Customer) -> None:
    with tenant_scope(tenant.id):
        same = consent.change(
            tenant.id,
            customer.id,
            consent_type="promotional_messages",
            value=True,
            source="tenant_updated",
            actor="Asha",
            reason="call",
            at=AT,
        )
    assert same is False
    assert history(customer) == []


def test_deleted_and_unknown_customers_are_missing(tenant: Tenant, customer: Customer) -> None:
    with tenant_scope(tenant.id):
        Customer.objects.filter(pk=customer.pk).update(deleted_at=AT)
        for stranger in (customer.id, uuid.uuid4()):
            with pytest.raises(Missing):
                consent.history(tenant.id, stranger)
