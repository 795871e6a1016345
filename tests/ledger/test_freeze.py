"""An audience is written once, and its arms are the ones that the seed says."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast import NOW, add_campaign, add_people, add_sender, all_at_once, recipients, reloaded, start
from tulia.campaigns import lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.experiments import assignment
from tulia.ledger import enqueue, reconcile
from tulia.ledger.status import State
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ARMS = [{"name": name, "content": name} for name in "ABCD"]


def freeze(campaign: MessageCampaign) -> int | None:
    with tenant_scope(campaign.tenant_id):
        return enqueue.freeze(campaign, now=NOW)


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    add_sender(tenant)
    return tenant


@pytest.mark.parametrize(
    ("consenting", "arms", "seed"), [(0, 2, 1), (1, 2, 2), (7, 2, -3), (7, 3, 2**63 - 1), (10, 4, 0)]
)
def test_arms_differ_by_at_most_one_and_are_those_of_the_seed(
    shop: Tenant, consenting: int, arms: int, seed: int
) -> None:
    people = add_people(shop, consenting)
    others = {one.id for one in add_people(shop, 3, consenting=False)}
    campaign = start(add_campaign(shop, is_ab_test=True, variants=ARMS[:arms], seed=seed))
    rows = recipients(campaign)
    assigned = {row.customer_id: row.arm for row in rows if row.arm is not None}
    assert assigned == assignment.assign([one.id for one in people], seed=seed, arms=arms)
    sizes = Counter(assigned.values())
    assert {arm: sizes[arm] for arm in range(arms)} == dict(enumerate(assignment.arm_counts(consenting, arms)))
    assert {row.customer_id for row in rows if row.arm is None} == others
    assert {(row.state, row.reason, row.due_at) for row in rows if row.arm is None} == {
        (State.SKIPPED, "no_consent", None)
    }
    assert all((row.state, row.reason, row.due_at) == (State.WAITING, "", NOW) for row in rows if row.arm is not None)


def test_arms_take_turns_in_the_order_of_sending(shop: Tenant) -> None:
    add_people(shop, 9)
    rows = recipients(start(add_campaign(shop, is_ab_test=True, variants=ARMS[:3])))
    assert [row.arm for row in rows] == [0, 1, 2] * 3


def test_a_campaign_that_is_no_test_has_one_arm(shop: Tenant) -> None:
    add_people(shop, 3)
    assert {row.arm for row in recipients(start(add_campaign(shop)))} == {0}


def test_a_second_freeze_does_nothing_even_when_more_people_match(shop: Tenant) -> None:
    add_people(shop, 3)
    campaign = start(add_campaign(shop))
    before = [row.id for row in recipients(campaign)]
    add_people(shop, 2)
    assert freeze(campaign) is None
    assert [row.id for row in recipients(campaign)] == before


def test_two_freezes_at_once_write_one_audience(shop: Tenant) -> None:
    add_people(shop, 20)
    campaign = add_campaign(shop)
    with tenant_scope(shop.id):
        assert campaign.mark_sending(at=NOW)
        MessageCampaign.objects.filter(pk=campaign.pk).update(sender=add_sender(shop))
    campaign = reloaded(campaign)
    sizes = all_at_once(*[lambda: freeze(campaign)] * 4)
    assert sorted(sizes, key=str) == [20, None, None, None]
    assert len(recipients(campaign)) == 20


@pytest.mark.parametrize("status", ["draft", "canceled", "completed"])
def test_only_a_campaign_that_runs_is_frozen(shop: Tenant, status: str) -> None:
    add_people(shop, 2)
    campaign = add_campaign(shop)
    with tenant_scope(shop.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status=status, sender=add_sender(shop))
    assert freeze(reloaded(campaign)) is None
    assert recipients(campaign) == []


def test_deleted_customers_and_those_of_another_tenant_are_in_no_audience(shop: Tenant) -> None:
    other = accounts.create_tenant(f"o-{shop.slug}", name="Other", tier="starter")
    add_people(other, 2)
    add_people(shop, 1, deleted_at=NOW)
    mine = add_people(shop, 1)
    assert [row.customer_id for row in recipients(start(add_campaign(shop)))] == [mine[0].id]


def test_whoever_waits_when_a_campaign_is_canceled_is_cancelled(shop: Tenant) -> None:
    add_people(shop, 3)
    campaign = start(add_campaign(shop))
    with tenant_scope(shop.id):
        lifecycle.cancel(campaign, now=NOW)
    assert reconcile.call_off(shop.id, campaign.pk) == 3
    assert {(row.state, row.reason) for row in recipients(campaign)} == {(State.CANCELLED, "canceled")}
    assert reconcile.call_off(shop.id, campaign.pk) == 0


@settings(max_examples=100, deadline=None)
@given(st.sets(st.uuids(), max_size=40), st.integers(-(2**63), 2**63 - 1), st.integers(1, 4))
def test_the_seeds_order_is_the_databases(ids: set[UUID], seed: int, arms: int) -> None:
    from tulia.core import sql

    rows = sql.fetch_all(
        """
        SELECT id, (row_number() OVER (ORDER BY md5((%(seed)s)::bigint::text || ':' || id::text) COLLATE "C", id) - 1) %% %(arms)s
        FROM unnest(%(ids)s::uuid[]) AS id
        """,
        {"ids": list(ids), "seed": seed, "arms": arms},
    )
    assert dict(rows) == assignment.assign(ids, seed=seed, arms=arms)
