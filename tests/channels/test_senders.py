from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.test import override_settings

from tulia.channels import senders, simulated
from tulia.channels.models import Sender
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def make(tenant: Tenant, number: str) -> Sender:
    with tenant_scope(tenant.id):
        return senders.create(
            tenant.id,
            kind="whatsapp_cloud",
            name=number,
            external_id=number,
            access_token="token",
            app_secret="secret",
            verify_token="verify",
        )


def test_a_campaign_without_a_sender_takes_the_first_real_one_else_the_simulated(tenant: Tenant) -> None:
    with override_settings(SIMULATOR_URL="http://127.0.0.1:1"), tenant_scope(tenant.id):
        assert senders.for_campaign(tenant.id, None) is None
        built_in = simulated.ensure(tenant.id)
        assert senders.for_campaign(tenant.id, None) == built_in
    first = make(tenant, "1")
    make(tenant, "2")
    with override_settings(SIMULATOR_URL="http://127.0.0.1:1"), tenant_scope(tenant.id):
        assert senders.for_campaign(tenant.id, None) == first
        assert senders.for_campaign(tenant.id, built_in.pk) == built_in
        assert senders.for_campaign(tenant.id, uuid4()) is None


def test_where_no_simulator_runs_the_simulated_sender_is_nobodys_default(tenant: Tenant) -> None:
    with override_settings(SIMULATOR_URL=""), tenant_scope(tenant.id):
        simulated.ensure(tenant.id)
        assert senders.for_campaign(tenant.id, None) is None


def test_many_at_once_make_one_simulated_sender(tenant: Tenant) -> None:
    def ensure() -> None:
        with tenant_scope(tenant.id):
            simulated.ensure(tenant.id)

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant_scope(tenant.id):
        assert Sender.objects.filter(tenant=tenant, is_simulated=True).count() == 1


def test_a_callback_address_leads_to_its_tenant_and_secrets_which_no_repr_shows(tenant: Tenant) -> None:
    sender = make(tenant, "1")
    assert senders.routing_if_known(sender.pk) is None
    routing = senders.routing(sender.pk)
    assert routing is not None
    assert (routing.tenant_id, routing.app_secret, routing.verify_token) == (tenant.id, "secret", "verify")
    assert "secret" not in repr(routing).replace("app_secret", "")
    assert senders.routing_if_known(sender.pk) is routing
    assert senders.routing(uuid4()) is None


def test_a_simulator_that_is_away_is_one_clear_line(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        sender = simulated.ensure(tenant.id)
    with pytest.raises(simulated.SimulatorUnavailable, match=r"http://127\.0\.0\.1:1 doesn't answer"):
        simulated.introduce(sender, simulator_url="http://127.0.0.1:1", public_url="http://127.0.0.1:2")
