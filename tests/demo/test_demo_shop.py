from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth import authenticate

from tulia.audience import criteria, reach
from tulia.audience.models import Customer
from tulia.campaigns import tryout, wordings
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import MessageTemplate
from tulia.core import clock, sql
from tulia.demo import invent, shop
from tulia.tenants import api_keys, queries
from tulia.tenants.models import ApiKey, Tenant
from tulia.tenants.scope import tenant_scope


@pytest.fixture
def without_demo() -> None:
    """No demo tenant: tests share a database, and another may have made it."""
    for tenant in Tenant.objects.filter(slug=shop.SLUG):
        Tenant.objects.filter(pk=tenant.pk).update(slug=f"old-{tenant.pk.hex[:12]}")
        with tenant_scope(tenant.pk):
            ApiKey.objects.all().delete()


@pytest.fixture(autouse=True)
def people_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids follow from the seed; shops that are left over from other tests keep theirs."""
    monkeypatch.setattr(shop, "SEED", f"seed {time.monotonic_ns()}")


def test_the_demo_can_be_entered_by_password_and_by_key(without_demo: None) -> None:
    access = shop.ensure()
    user = authenticate(username=access.email, password=access.password)
    assert user is not None
    caller = queries.caller_for(user, tenant_id=access.tenant_id)  # type: ignore[arg-type]
    assert caller is not None
    by_key = api_keys.recognise(access.api_key)
    assert isinstance(by_key, api_keys.Caller)


def test_making_it_again_changes_nothing_and_says_the_same(without_demo: None) -> None:
    first = shop.ensure()
    with tenant_scope(first.tenant_id):
        before = Customer.objects.count()
    assert shop.ensure() == first
    with tenant_scope(first.tenant_id):
        assert Customer.objects.count() == before == invent.CUSTOMERS


def test_it_has_templates_that_everybody_can_be_sent_without_further_values(without_demo: None) -> None:
    access = shop.ensure()
    with tenant_scope(access.tenant_id):
        known = MessageTemplate.objects.filter(status="approved").order_by("name")
        assert [(one.name, one.category) for one in known] == [
            ("fresh_this_week", "marketing"), ("order_ready", "utility"), ("weekend_offer", "marketing"),
        ]  # fmt: skip
        for one in known.exclude(name="order_ready"):
            said = wordings.of_campaign(MessageCampaign(tenant_id=access.tenant_id, template=one))
            tried = tryout.on_audience(access.tenant_id, said, {}, as_of=None, seed=1, count=5, now=clock.now())
            assert (tried.failing, tried.problems) == (0, ())
            assert tried.examined > 500


def test_four_in_five_can_be_reached(without_demo: None) -> None:
    access = shop.ensure()
    with tenant_scope(access.tenant_id):
        counted = reach.calculate(access.tenant_id, criteria.parse({}), as_of=clock.now())
        changes = sql.fetch_one("SELECT count(*) FROM consent_changes WHERE new_value")
    assert counted.total_matching == invent.CUSTOMERS
    assert 0.77 <= counted.with_consent / counted.total_matching <= 0.83
    assert changes is not None
    assert changes[0] >= counted.with_consent


def test_what_fails_half_way_leaves_nothing_behind(without_demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(shop, "_consent_changes", fail)
        with pytest.raises(RuntimeError):
            shop.ensure()
    assert not Tenant.objects.filter(slug=shop.SLUG).exists()
    assert shop.ensure().slug == shop.SLUG


def test_of_two_at_once_one_makes_it(without_demo: None) -> None:
    answers: list[shop.DemoAccess] = []

    def make() -> None:
        try:
            answers.append(shop.ensure())
        finally:
            sql.drop_connection()

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert Tenant.objects.filter(slug=shop.SLUG).count() == 1
