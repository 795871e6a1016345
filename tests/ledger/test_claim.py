"""A claim takes each person once, and only whoever may be written to."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from cast import NOW, add_campaign, add_people, add_sender, all_at_once, recipients, reloaded, start
from tulia.audience.models import Customer
from tulia.campaigns import lifecycle
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.core.trace import Trace
from tulia.ledger import reconcile, record
from tulia.ledger.claim import Claim, PutBack, claim, put_back
from tulia.ledger.models import Recipient
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import State
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

LATER = NOW + timedelta(seconds=1)


@pytest.fixture
def campaign(tenant: Tenant) -> MessageCampaign:
    """Started, with ten people."""
    add_sender(tenant)
    add_people(tenant, 10, attributes={"city": "Thika"})
    return start(add_campaign(tenant))


def take(campaign: MessageCampaign, batch: int = 100) -> Claim:
    return claim(campaign.tenant_id, campaign.pk, now=LATER, batch=batch)


def states(campaign: MessageCampaign) -> list[tuple[int, str]]:
    return [(row.state, row.reason) for row in recipients(campaign)]


def back(campaign: MessageCampaign, taken: Claim, *, reason: str = "retry", counts: bool = True) -> None:
    people = taken.people
    put_back(campaign.tenant_id, [PutBack(one.recipient_id, one.claimed_at, LATER, reason, counts) for one in people])


def test_a_claim_brings_what_a_message_may_say(campaign: MessageCampaign) -> None:
    one = take(campaign, 1).people[0]
    row = recipients(campaign)[0]
    assert (one.recipient_id, one.attempt, one.arm, one.customer_id) == (row.id, 1, 0, row.customer_id)
    assert (one.name, one.country, one.external_id, one.attributes) == (one.name, "KE", "", {"city": "Thika"})
    assert one.phone.startswith("+2547")
    assert (row.state, row.sending_at, row.due_at) == (State.SENDING, LATER, None)


def test_people_are_claimed_in_order_and_each_once(campaign: MessageCampaign) -> None:
    order = [row.id for row in recipients(campaign)]
    taken = [[one.recipient_id for one in take(campaign, 4).people] for _ in range(4)]
    assert [sorted(some) for some in taken] == [order[:4], order[4:8], order[8:], []]
    assert take(campaign).is_empty


def test_claims_at_once_never_take_the_same_person(campaign: MessageCampaign) -> None:
    add_people_to = 190
    add_people(Tenant.objects.get(pk=campaign.tenant_id), add_people_to)
    big = start(add_campaign(Tenant.objects.get(pk=campaign.tenant_id)))

    def drain() -> list[int]:
        found: list[int] = []
        while people := take(big, 7).people:
            found += [one.recipient_id for one in people]
        return found

    shares = all_at_once(*[drain] * 4)
    everyone = [one for share in shares for one in share]  # type: ignore[union-attr]
    left = take(big).people  # those that another held at the moment somebody saw nobody left
    assert len(everyone) + len(left) == 200
    assert len(set(everyone) | {one.recipient_id for one in left}) == 200


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "completed", "canceled"])
def test_nothing_is_claimed_of_a_campaign_that_is_not_sending(campaign: MessageCampaign, status: str) -> None:
    with tenant_scope(campaign.tenant_id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status=status, scheduled_at=NOW, launch_at=NOW)
    assert take(campaign).is_empty
    assert {state for state, _ in states(campaign)} == {State.WAITING}


def test_nothing_is_claimed_before_it_is_due_or_for_another_tenant(campaign: MessageCampaign) -> None:
    assert claim(campaign.tenant_id, campaign.pk, now=NOW - timedelta(seconds=1), batch=9).is_empty
    other = accounts.create_tenant(f"o-{uuid4().hex[:8]}", name="Other", tier="starter")
    assert claim(other.id, campaign.pk, now=LATER, batch=9).is_empty


def test_who_opted_out_or_is_gone_is_passed_over_with_the_reason(campaign: MessageCampaign) -> None:
    ids = [row.customer_id for row in recipients(campaign)]
    with tenant_scope(campaign.tenant_id):
        Customer.objects.filter(pk=ids[0]).update(consents_promotional=False)
        Customer.objects.filter(pk=ids[1]).update(deleted_at=NOW)
        Customer.objects.filter(pk=ids[2]).update(deleted_at=NOW, consents_promotional=False)
        Recipient.objects.filter(customer_id=ids[3]).update(customer_id=uuid4())  # erased without a trace
    taken = take(campaign)
    assert (len(taken.people), taken.skipped_count, taken.is_empty) == (6, 4, False)
    assert states(campaign)[:4] == [
        (State.SKIPPED, "opted_out"), (State.SKIPPED, "deleted"), (State.SKIPPED, "deleted"), (State.SKIPPED, "deleted"),
    ]  # fmt: skip
    assert not any(row.sending_at or row.attempts for row in recipients(campaign)[:4])


def test_who_is_put_back_waits_for_their_time_and_keeps_the_count_of_tries(campaign: MessageCampaign) -> None:
    taken = take(campaign, 1)
    back(campaign, taken)
    row = recipients(campaign)[0]
    assert (row.state, row.reason, row.due_at, row.sending_at, row.attempts) == (
        State.DEFERRED,
        "retry",
        LATER,
        None,
        1,
    )
    again = take(campaign)
    assert {one.attempt for one in again.people if one.recipient_id == row.id} == {2}


def test_a_try_that_does_not_count_is_taken_back(campaign: MessageCampaign) -> None:
    back(campaign, take(campaign, 1), reason="", counts=False)
    row = recipients(campaign)[0]
    assert (row.state, row.reason, row.attempts) == (State.WAITING, "", 0)


@pytest.mark.parametrize("counts", [True, False])
def test_who_was_claimed_again_meanwhile_is_not_put_back_a_second_time(campaign: MessageCampaign, counts: bool) -> None:
    """As when the answer to the first time got lost, and it is said again: somebody may be sending to them by now."""
    first = take(campaign)
    back(campaign, first, counts=counts)
    claim(campaign.tenant_id, campaign.pk, now=LATER + timedelta(microseconds=1), batch=100)
    before = recipients(campaign)
    back(campaign, first, counts=counts)
    assert [(row.state, row.attempts, row.sending_at) for row in recipients(campaign)] == [
        (row.state, row.attempts, row.sending_at) for row in before
    ]
    assert {row.state for row in before} == {State.SENDING}


def test_who_was_accepted_meanwhile_is_not_put_back(campaign: MessageCampaign) -> None:
    taken = take(campaign)
    evidence = [Evidence(one.recipient_id, Kind.DELIVERED, LATER) for one in taken.people]
    record.record(campaign.tenant_id, campaign.sender_id, evidence)  # type: ignore[arg-type]
    back(campaign, taken)
    assert {state for state, _ in states(campaign)} == {State.DELIVERED}


def test_who_comes_back_to_a_canceled_campaign_is_cancelled(campaign: MessageCampaign) -> None:
    taken = take(campaign, 4)
    with tenant_scope(campaign.tenant_id):
        lifecycle.cancel(reloaded(campaign), now=LATER)
    assert reconcile.call_off(campaign.tenant_id, campaign.pk) == 6
    back(campaign, taken)
    assert set(states(campaign)) == {(State.CANCELLED, "canceled")}
    assert {row.due_at for row in recipients(campaign)} == {None}


def test_a_cancel_between_the_claim_and_the_return_leaves_nobody_waiting(campaign: MessageCampaign) -> None:
    taken = take(campaign)

    def cancel() -> None:
        with tenant_scope(campaign.tenant_id):
            lifecycle.cancel(reloaded(campaign), now=LATER)
        reconcile.call_off(campaign.tenant_id, campaign.pk)

    assert (
        all_at_once(cancel, *[lambda one=one: back(campaign, Claim((one,), 0)) for one in taken.people]) == [None] * 11
    )  # type: ignore[misc]
    assert set(states(campaign)) == {(State.CANCELLED, "canceled")}


def test_putting_back_nobody_or_strangers_does_nothing(campaign: MessageCampaign) -> None:
    put_back(campaign.tenant_id, [])
    other = accounts.create_tenant(f"o-{uuid4().hex[:8]}", name="Other", tier="starter")
    taken = take(campaign)
    put_back(other.id, [PutBack(one.recipient_id, one.claimed_at, LATER, "retry", counts=True) for one in taken.people])
    assert {state for state, _ in states(campaign)} == {State.SENDING}


def test_whoever_was_being_sent_to_when_the_dispatcher_died_is_unknown_and_nobody_else(
    campaign: MessageCampaign,
) -> None:
    taken = take(campaign, 3)
    one = taken.people[0]
    record.record(campaign.tenant_id, campaign.sender_id, [Evidence(one.recipient_id, Kind.ACCEPTED, LATER)])  # type: ignore[arg-type]
    assert reconcile.disown(campaign.tenant_id, uuid4(), now=LATER).unknown_count == 0
    assert reconcile.disown(campaign.tenant_id, campaign.sender_id, now=LATER).unknown_count == 2  # type: ignore[arg-type]
    assert states(campaign)[:4] == [(State.ACCEPTED, ""), *[(State.UNKNOWN, "interrupted")] * 2, (State.WAITING, "")]
    assert len(take(campaign).people) == 7


def test_who_comes_back_to_a_completed_campaign_stays_unknown_and_shown(campaign: MessageCampaign) -> None:
    """Nobody would claim them there: they would wait for ever."""
    taken = take(campaign)
    assert reconcile.disown(campaign.tenant_id, campaign.sender_id, now=LATER).unknown_count == 10  # type: ignore[arg-type]
    assert lifecycle.complete(campaign.tenant_id, campaign.pk, now=LATER)
    back(campaign, taken)
    assert set(states(campaign)) == {(State.UNKNOWN, "interrupted")}


def test_a_worker_that_lives_has_its_minute_from_when_the_sender_was_taken_over(campaign: MessageCampaign) -> None:
    """The database may have been away for longer than that since the claim."""
    worker_id = uuid4()
    standing.take_over(campaign.tenant_id, campaign.sender_id, worker_id)  # type: ignore[arg-type]
    claim(campaign.tenant_id, campaign.pk, now=LATER, batch=100, worker_id=worker_id)
    taken_over_at = LATER + timedelta(hours=1)

    def left_after(seconds: int) -> int:
        return reconcile.disown(
            campaign.tenant_id, campaign.sender_id,  # type: ignore[arg-type]
            now=taken_over_at + timedelta(seconds=seconds), since=taken_over_at, on_the_wire=lambda _: Trace.LIVES,
        ).left_count  # fmt: skip

    assert [left_after(seconds) for seconds in (0, 59, 61)] == [10, 10, 0]
    assert set(states(campaign)) == {(State.UNKNOWN, "interrupted")}


def test_what_is_open_is_whoever_waits_or_is_being_sent_to(campaign: MessageCampaign) -> None:
    def is_open() -> bool:
        return reconcile.has_open(campaign.tenant_id, campaign.sender_id, campaign.pk)  # type: ignore[arg-type]

    assert is_open()
    taken = take(campaign)
    assert is_open()
    record.mark_unknown(campaign.tenant_id, [one.recipient_id for one in taken.people[:5]])
    assert is_open()
    record.skip_unrendered(campaign.tenant_id, [one.recipient_id for one in taken.people])
    assert not is_open()
    assert sorted(states(campaign)) == [(State.UNKNOWN, "no_answer")] * 5 + [(State.SKIPPED, "render_failed")] * 5
