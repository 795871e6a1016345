"""Automatic winners: decided once, at the time that was set, by the test phase alone, and sent to the rest."""

from __future__ import annotations

import collections
from datetime import datetime, timedelta
from typing import Any

import pytest

from cast import NOW, add_campaign, add_people, add_sender, all_at_once, recipients, reloaded, start
from tulia.campaigns.models import MessageCampaign
from tulia.dispatch import winners
from tulia.ledger import reconcile, record
from tulia.ledger.claim import claim
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import Role, State
from tulia.reports import campaign_report
from tulia.reports.verify import verify
from tulia.tenants.models import AuditEntry, Tenant
from tulia.tenants.scope import tenant_scope

VARIANTS = [{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}]
DECIDED = NOW + timedelta(hours=1)


def sent_test(
    tenant: Tenant, *replies: int, if_undecided: str = "control", people: int = 500, **fields: Any
) -> MessageCampaign:
    """A campaign whose test phase (four fifths) is sent, with so many replies to each arm."""
    add_sender(tenant)
    add_people(tenant, people)
    auto = {"test_percent": 80, "decide_after_minutes": 60, "if_undecided": if_undecided}
    given: dict[str, Any] = {
        "is_ab_test": True,
        "variants": VARIANTS,
        "auto_winner": auto,
        "outcome_window_minutes": 30,
    }
    campaign = start(add_campaign(tenant, **(given | fields)))
    while not claim(tenant.id, campaign.pk, now=NOW, batch=500).is_empty:
        pass
    rows = [row for row in recipients(campaign) if row.role == Role.DEALT]
    sender_id = rows[0].sender_id
    record.record(tenant.id, sender_id, [Evidence(row.pk, Kind.DELIVERED, NOW + timedelta(minutes=1)) for row in rows])
    for arm, count in enumerate(replies):
        some = [row for row in rows if row.arm == arm][:count]
        record.record(
            tenant.id, sender_id, [Evidence(row.pk, Kind.REPLIED, NOW + timedelta(minutes=9)) for row in some]
        )
    return reloaded(campaign)


def look(campaign: MessageCampaign, now: datetime) -> bool:
    return winners.look_at(campaign.tenant_id, campaign.pk, now=now)


def rest(campaign: MessageCampaign) -> dict[tuple[int | None, int, str], int]:
    rows = [row for row in recipients(campaign) if row.role == Role.ROLLED_OUT]
    return dict(collections.Counter((row.arm, row.state, row.reason) for row in rows))


def findings(campaign: MessageCampaign, *, now: datetime = DECIDED) -> list[str]:
    with tenant_scope(campaign.tenant_id):
        said = campaign_report.generate(reloaded(campaign), now=now).to_json()
    found: list[str] = said["ab_test"]["analysis"]["findings"]
    return found


def test_at_its_time_and_not_before_the_better_one_goes_to_the_rest(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 30, 50)
    assert not look(campaign, DECIDED - timedelta(seconds=1))
    assert rest(campaign) == {(None, State.DEFERRED, "awaiting_winner"): 100}
    assert look(campaign, DECIDED)
    now = reloaded(campaign)
    assert (now.winner_variant, now.winner_reason, now.winner_decided_at) == (1, "", DECIDED)
    assert rest(campaign) == {(1, State.WAITING, ""): 100}
    assert not look(campaign, DECIDED)
    assert findings(campaign)[0] == "B was selected for the rest. It is selected, not proven better."
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.filter(action="campaign.choose_winner").count() == 1


def test_what_the_rest_do_changes_nothing_in_the_comparison(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 30, 50)
    before = _compared(campaign)
    look(campaign, DECIDED)
    sent = claim(tenant.id, campaign.pk, now=DECIDED, batch=500).people
    assert len(sent) == 100
    sender_id = recipients(campaign)[0].sender_id
    record.record(
        tenant.id, sender_id, [Evidence(one.recipient_id, Kind.REPLIED, DECIDED + timedelta(minutes=1)) for one in sent]
    )
    after = _compared(campaign)
    assert after == before
    assert reloaded(campaign).response_count == 180
    assert verify([tenant.id]).differences == ()


def _compared(campaign: MessageCampaign) -> tuple[Any, ...]:
    with tenant_scope(campaign.tenant_id):
        said = campaign_report.generate(reloaded(campaign), now=DECIDED + timedelta(hours=1)).to_json()["ab_test"]
    arms = [(one["customer_count"], one["response_count"]) for one in said["variants"]]
    return arms, said["analysis"]["comparisons"], said["analysis"]["verdict"]


def test_too_few_replies_choose_nobody_and_the_first_goes_out(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 3, 20)
    look(campaign, DECIDED)
    now = reloaded(campaign)
    assert (now.winner_variant, now.winner_reason) == (0, "too_few_events")
    assert rest(campaign) == {(0, State.WAITING, ""): 100}
    assert findings(campaign)[0].startswith("No variant was selected, because too few people did it")


def test_without_a_winner_nobody_else_is_sent_to_if_that_was_wanted(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 3, 20, if_undecided="stop")
    look(campaign, DECIDED)
    assert rest(campaign) == {(None, State.SKIPPED, "no_winner"): 100}
    sender_id = recipients(campaign)[0].sender_id
    assert not reconcile.has_open(tenant.id, sender_id, campaign.pk)


def test_waiting_goes_on_until_there_is_enough_but_no_longer_than_a_week(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 3, 20, if_undecided="wait")
    assert not look(campaign, DECIDED + timedelta(days=6))
    assert rest(campaign) == {(None, State.DEFERRED, "awaiting_winner"): 100}
    assert look(campaign, DECIDED + timedelta(days=7))
    assert reloaded(campaign).winner_variant == 0


def test_while_somebody_still_has_time_nothing_is_chosen(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 30, 50, outcome_window_minutes=59, if_undecided="wait")
    assert not look(campaign, DECIDED - timedelta(minutes=1))
    assert look(campaign, DECIDED)


def test_a_variant_that_drives_people_away_is_not_chosen(tenant: Tenant) -> None:
    from tulia.audience.models import ConsentChange

    campaign = sent_test(tenant, 30, 60)
    with tenant_scope(tenant.id):
        harmed = [row for row in recipients(campaign) if row.arm == 1][:40]
        for row in harmed:
            ConsentChange.objects.create(
                tenant=tenant, customer_id=row.customer_id, consent_type="promotional_messages", old_value=True,
                new_value=False, source="customer_initiated", actor="test", changed_at=NOW + timedelta(minutes=5),
            )  # fmt: skip
    look(campaign, DECIDED)
    assert (reloaded(campaign).winner_variant, reloaded(campaign).winner_reason) == (0, "guardrail")
    assert any("had more opt-outs" in said for said in findings(campaign))


def test_a_paused_campaign_decides_when_it_goes_on(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 30, 50)
    with tenant_scope(tenant.id):
        campaign.mark_paused(at=NOW, reason="test")
    assert not look(campaign, DECIDED)
    with tenant_scope(tenant.id):
        campaign.mark_resumed(at=NOW)
    assert look(campaign, DECIDED)


@pytest.mark.parametrize("at_once", [8])
def test_however_many_look_at_once_it_is_decided_once(tenant: Tenant, at_once: int) -> None:
    campaign = sent_test(tenant, 30, 50)
    decided = all_at_once(*[lambda: winners.decide(tenant.id, campaign.pk, now=DECIDED)] * at_once)
    assert sorted(map(bool, decided)) == [False] * (at_once - 1) + [True]
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.filter(action="campaign.choose_winner").count() == 1


def test_after_a_crash_between_decision_and_roll_out_the_next_look_goes_on(tenant: Tenant) -> None:
    campaign = sent_test(tenant, 30, 50)
    assert winners.decide(tenant.id, campaign.pk, now=DECIDED)
    assert rest(campaign) == {(None, State.DEFERRED, "awaiting_winner"): 100}
    assert not look(campaign, DECIDED + timedelta(hours=9))
    assert rest(campaign) == {(1, State.WAITING, ""): 100}
