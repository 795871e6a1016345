"""What people are to an experiment: dealt an arm, held out, or waiting for the winner; and what came of each."""

from __future__ import annotations

import collections
from datetime import timedelta
from typing import Any

import pytest

from cast import NOW, add_campaign, add_people, add_sender, recipients, reloaded, start
from tulia.audience.models import Customer
from tulia.campaigns import experiment
from tulia.campaigns.models import MessageCampaign
from tulia.ledger import outcomes, record
from tulia.ledger.claim import claim
from tulia.ledger.models import Recipient
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import NEVER_BY_ITSELF, Role, State
from tulia.reports.verify import verify
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

TWO = [{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}]
AUTO = {"test_percent": 20, "decide_after_minutes": 60, "if_undecided": "control"}


def launched(tenant: Tenant, people: int, **fields: Any) -> MessageCampaign:
    add_sender(tenant)
    add_people(tenant, people)
    given: dict[str, Any] = {"is_ab_test": True, "variants": TWO} | fields
    return start(add_campaign(tenant, **given))


def sizes(campaign: MessageCampaign) -> dict[tuple[Role, int | None], int]:
    return dict(collections.Counter((Role(row.role), row.arm) for row in recipients(campaign)))


def claim_all(campaign: MessageCampaign, *, at: Any = NOW) -> list[int]:
    """The ids of those who are to be sent to."""
    found = []
    while not (one := claim(campaign.tenant_id, campaign.pk, now=at, batch=200)).is_empty:
        found += [person.recipient_id for person in one.people]
    return found


@pytest.mark.parametrize(
    ("people", "weights", "expected"),
    [(10, (1, 1), (5, 5)), (100, (9, 1), (90, 10)), (70, (4, 2, 1), (40, 20, 10)), (7, (2, 2), (4, 3))],
)
def test_arms_are_as_large_as_their_weights_say(
    tenant: Tenant, people: int, weights: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    variants = [{"name": str(i), "content": "Hello", "weight": weight} for i, weight in enumerate(weights)]
    campaign = launched(tenant, people, variants=variants)
    assert sizes(campaign) == {(Role.DEALT, arm): size for arm, size in enumerate(expected)}


def test_the_weights_hold_all_along_the_queue(tenant: Tenant) -> None:
    variants = [{"name": "A", "content": "a", "weight": 3}, {"name": "B", "content": "b"}]
    campaign = launched(tenant, 80, variants=variants)
    seen = [row.arm for row in recipients(campaign)]
    for upto in range(1, 81):
        assert abs(seen[:upto].count(1) - upto / 4) <= 1


def test_a_holdout_is_as_large_as_asked_and_all_over_the_queue(tenant: Tenant) -> None:
    campaign = launched(tenant, 200, holdout_percent=10)
    assert sizes(campaign) == {(Role.DEALT, 0): 90, (Role.DEALT, 1): 90, (Role.HELD_OUT, None): 20}
    held = [row.role == Role.HELD_OUT for row in recipients(campaign)]
    for upto in range(1, 201):
        assert abs(sum(held[:upto]) - upto / 10) <= 1


def test_whoever_is_held_out_has_a_turn_like_everybody_else_and_gets_nothing(tenant: Tenant) -> None:
    campaign = launched(tenant, 50, holdout_percent=20)
    sent = claim_all(campaign)
    assert len(sent) == 40
    held = [row for row in recipients(campaign) if row.role == Role.HELD_OUT]
    assert len(held) == 10
    for row in held:
        assert (row.state, row.turn_at, row.due_at, row.claimed_at) == (State.HOLDOUT, NOW, None, None)
        assert (row.attempts, row.cost_micros) == (0, 0)
    assert reloaded(campaign).cost_micros == sum(row.cost_micros for row in recipients(campaign))
    assert verify([tenant.id]).differences == ()


def test_whoever_is_held_out_is_refused_like_everybody_else(tenant: Tenant) -> None:
    campaign = launched(tenant, 20, holdout_percent=50)
    with tenant_scope(tenant.id):
        Customer.objects.filter(tenant=tenant).update(consents_promotional=False)
    assert claim_all(campaign) == []
    rows = recipients(campaign)
    assert {(row.state, row.reason, row.turn_at) for row in rows} == {(State.SKIPPED, "opted_out", NOW)}
    assert sizes(campaign)[Role.HELD_OUT, None] == 10


def test_with_an_automatic_winner_the_rest_wait_for_it(tenant: Tenant) -> None:
    campaign = launched(tenant, 100, auto_winner=AUTO)
    assert sizes(campaign) == {(Role.DEALT, 0): 10, (Role.DEALT, 1): 10, (Role.ROLLED_OUT, None): 80}
    rest = [row for row in recipients(campaign) if row.role == Role.ROLLED_OUT]
    assert {(row.state, row.reason, row.due_at) for row in rest} == {
        (State.DEFERRED, "awaiting_winner", NEVER_BY_ITSELF)
    }
    assert len(claim_all(campaign, at=NOW + timedelta(days=300))) == 20


def test_an_attribute_names_the_variant_and_the_holdout(tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 7)
    values = ["mens", " MENS ", "womens", "none", "none", "", None]
    with tenant_scope(tenant.id):
        for customer, value in zip(Customer.objects.order_by("phone"), values, strict=True):
            Customer.objects.filter(pk=customer.pk).update(attributes={} if value is None else {"segment": value})
    variants = [{"name": "Mens", "content": "m"}, {"name": "Womens", "content": "w"}]
    campaign = start(add_campaign(tenant, is_ab_test=True, variants=variants, assignment={"attribute": "segment"}))
    assert sizes(campaign) == {(Role.DEALT, 0): 2, (Role.DEALT, 1): 1, (Role.HELD_OUT, None): 2, (Role.DEALT, None): 2}
    skipped = [row for row in recipients(campaign) if row.arm is None and row.role == Role.DEALT]
    assert {(row.state, row.reason) for row in skipped} == {(State.SKIPPED, "no_variant")}
    named = {"attribute": "segment", "holdout": "nobody"}
    other = start(add_campaign(tenant, is_ab_test=True, variants=variants, assignment=named))
    assert (Role.HELD_OUT, None) not in sizes(other)
    assert reloaded(campaign).experiment_plan["people_by_variant"] == [2, 1]


def test_names_with_letters_that_are_made_small_in_several_ways_are_found_too(tenant: Tenant) -> None:
    names = ["ΠΡΟΣΦΟΡΑΣ", "İndirim", "Élèves"]
    add_sender(tenant)
    add_people(tenant, 5)
    with tenant_scope(tenant.id):
        for customer, value in zip(Customer.objects.order_by("phone"), [*names, "élèves", "KEINEΣ"], strict=True):
            Customer.objects.filter(pk=customer.pk).update(attributes={"segment": value})
    variants = [{"name": name, "content": "m"} for name in names]
    named = {"attribute": "segment", "holdout": "KEINEΣ"}
    campaign = start(add_campaign(tenant, is_ab_test=True, variants=variants, assignment=named))
    assert sizes(campaign) == {
        (Role.DEALT, 0): 1, (Role.DEALT, 1): 1, (Role.DEALT, 2): 2, (Role.HELD_OUT, None): 1,
    }  # fmt: skip


def test_an_outcome_counts_within_the_window_of_ones_own_turn(tenant: Tenant) -> None:
    campaign = launched(tenant, 40, outcome_window_minutes=60, holdout_percent=10)
    first = claim(tenant.id, campaign.pk, now=NOW, batch=20).people
    later = NOW + timedelta(minutes=30)
    claim(tenant.id, campaign.pk, now=later, batch=40)
    record.record(
        tenant.id,
        recipients(campaign)[0].sender_id,
        [
            Evidence(first[0].recipient_id, Kind.REPLIED, NOW + timedelta(minutes=59)),
            Evidence(first[1].recipient_id, Kind.REPLIED, NOW + timedelta(minutes=61)),
        ],
    )
    at = NOW + timedelta(minutes=62)
    with tenant_scope(tenant.id):
        found = outcomes.of_campaign(reloaded(campaign), now=at)
    assert not found.is_final
    assert sum(arm.assigned for arm in found.arms) == 36
    assert sum(arm.matured for arm in found.arms) == len(first)
    assert sum(arm.successes for arm in found.arms) == 1
    assert found.held_out is not None
    assert found.held_out.assigned == 4
    with tenant_scope(tenant.id):
        Recipient.objects.filter(campaign=campaign, state=State.SENDING).update(state=State.UNKNOWN, sending_at=None)
    with tenant_scope(tenant.id):
        ended = outcomes.of_campaign(reloaded(campaign), now=later + timedelta(minutes=62))
    assert ended.is_final
    assert verify([tenant.id]).differences == ()


def test_equal_weights_take_turns() -> None:
    assert experiment.cycle((1, 1, 1)) == [0, 1, 2]
    assert experiment.cycle((5, 5)) == [0, 1]
