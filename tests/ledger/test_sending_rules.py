"""Caps, quiet hours, windows, tiers, limits and budgets: applied by the claim, in the database, exactly."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from cast import NOW, add_campaign, add_people, add_sender, add_template, all_at_once, recipients, reloaded, start
from tulia.audience import reachability
from tulia.audience.models import Customer
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import Sender
from tulia.channels.types import Failure, FailureKind
from tulia.ledger import record
from tulia.ledger.claim import Claim, PutBack, claim, put_back
from tulia.ledger.models import RecipientEvent
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import State
from tulia.tenants import accounts, tenant_settings
from tulia.tenants.models import Tenant, Tier
from tulia.tenants.scope import tenant_scope

SERVICE_PRICE = 0  # free text in an open window was not billed in May 2026
MARKETING_PRICE = 22_500  # Rest of Africa
REPETITIONS = 100


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """Without any rule but those a test sets."""
    add_sender(tenant)
    return tenant


def take(campaign: MessageCampaign, batch: int = 100, *, now: datetime = NOW) -> Claim:
    return claim(campaign.tenant_id, campaign.pk, now=now, batch=batch)


def reasons(campaign: MessageCampaign) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in recipients(campaign):
        name = f"{State(row.state).name.lower()}:{row.reason}".rstrip(":")
        found[name] = found.get(name, 0) + 1
    return found


def settings(shop: Tenant, **fields: Any) -> None:
    tenant_settings.change(shop.pk, fields)


def billed(shop: Tenant, **fields: Any) -> MessageCampaign:
    """A started campaign whose messages cost something."""
    return start(add_campaign(shop, template_id=str(add_template(shop, body="Mangoes!").pk), **fields))


# Quiet hours


def test_a_new_tenant_writes_to_nobody_between_ten_at_night_and_eight(tenant: Tenant) -> None:
    fresh = accounts.create_tenant(f"f-{tenant.slug}", name="Fresh", tier="starter")
    assert tenant_settings.to_json(fresh)["quiet_hours"] == {"start": "22:00", "end": "08:00"}


def test_whoever_is_in_quiet_hours_is_deferred_to_their_end_and_not_dropped(shop: Tenant) -> None:
    settings(shop, quiet_hours={"start": "22:00", "end": "08:00"}, timezone="Africa/Nairobi")
    add_people(shop, 1, timezone="Pacific/Auckland")  # midnight there at noon UTC
    add_people(shop, 1, timezone="Europe/London")
    campaign = start(add_campaign(shop))
    assert len(take(campaign).people) == 1
    late = next(row for row in recipients(campaign) if row.state == State.DEFERRED)
    assert (late.reason, late.due_at) == ("quiet_hours", datetime.fromisoformat("2026-05-21T08:00:00+12:00"))
    with tenant_scope(shop.pk):
        event = RecipientEvent.objects.get(recipient_id=late.pk)
    assert (event.kind, event.reason, event.until, event.happened_at) == ("deferred", "quiet_hours", late.due_at, NOW)
    assert late.due_at is not None
    assert len(take(campaign, now=late.due_at).people) == 1


def test_a_number_of_one_time_zone_tells_it_and_one_of_several_leaves_it_to_the_tenant(shop: Tenant) -> None:
    settings(shop, quiet_hours={"start": "14:30", "end": "16:00"}, timezone="America/New_York")
    kenyan = add_people(shop, 1)  # +254: 15:00 in Nairobi
    with tenant_scope(shop.pk):
        american = Customer.objects.create(tenant=shop, phone="+12025550123", consents_promotional=True)
    campaign = start(add_campaign(shop, target_criteria={"countries": ["KE"]}))
    everyone = start(
        add_campaign(shop, target_criteria={"not": {"tags": ["x"]}}, template_id=str(add_template(shop, body="Hi").pk))
    )
    assert not take(campaign).people
    assert [one.customer_id for one in take(everyone).people] == [american.pk]  # 08:00 in New York
    assert kenyan[0].pk not in {one.customer_id for one in take(everyone).people}


@pytest.mark.parametrize(("quiet", "sent"), [(None, 1), ({"start": "01:00", "end": "02:00"}, 1), ("tenant", 0)])
def test_a_campaigns_own_quiet_hours_go_before_the_tenants(shop: Tenant, quiet: Any, sent: int) -> None:
    settings(shop, quiet_hours={"start": "00:00", "end": "23:59"})
    add_people(shop, 1)
    assert len(take(start(add_campaign(shop, quiet_hours=quiet))).people) == sent


# The 24-hour window


def test_free_text_reaches_only_people_who_wrote_in_the_last_24_hours_and_a_template_everybody(shop: Tenant) -> None:
    day = timedelta(hours=24)
    add_people(shop, 1, last_wrote_at=NOW - day + timedelta(seconds=1))
    add_people(shop, 1, last_wrote_at=NOW - day)
    add_people(shop, 1, last_wrote_at=None)
    text, template = start(add_campaign(shop)), billed(shop)
    assert reasons(text) == {"waiting": 1, "skipped:outside_window": 2}
    assert reasons(template) == {"waiting": 3}
    assert len(take(template).people) == 3
    late = take(text, now=NOW + timedelta(seconds=2))
    assert (late.people, late.skipped_count, reasons(text)) == ((), 1, {"skipped:outside_window": 3})


def test_arms_are_equal_among_those_who_can_be_sent_to(shop: Tenant) -> None:
    add_people(shop, 7)
    add_people(shop, 20, last_wrote_at=None)
    add_people(shop, 5, consenting=False)
    arms = [{"name": "A", "content": "Hi"}, {"name": "B", "content": "Hello"}]
    campaign = start(add_campaign(shop, is_ab_test=True, variants=arms))
    assert sorted(row.arm for row in recipients(campaign) if row.arm is not None) == [0, 0, 0, 0, 1, 1, 1] or sorted(
        row.arm for row in recipients(campaign) if row.arm is not None
    ) == [0, 0, 0, 1, 1, 1, 1]


# The frequency cap


def test_the_cap_defers_to_the_moment_its_window_has_room(shop: Tenant) -> None:
    settings(shop, frequency_cap={"max_messages": 2, "days": 7})
    add_people(shop, 3)
    first, second, third = (start(add_campaign(shop)) for _ in range(3))
    take(first, now=NOW)
    take(second, now=NOW + timedelta(hours=1))
    assert not take(third, now=NOW + timedelta(hours=2)).people
    assert reasons(third) == {"deferred:frequency_cap": 3}
    assert {row.due_at for row in recipients(third)} == {NOW + timedelta(days=7)}
    assert len(take(third, now=NOW + timedelta(days=7)).people) == 3


def test_an_exempt_campaign_goes_out_and_counts_for_the_others(shop: Tenant) -> None:
    settings(shop, frequency_cap={"max_messages": 1, "days": 1})
    add_people(shop, 2)
    exempt = start(add_campaign(shop, frequency_cap_exempt_reason="The shop is on fire"))
    assert len(take(exempt).people) == 2
    assert not take(start(add_campaign(shop))).people
    assert len(take(start(add_campaign(shop, frequency_cap_exempt_reason="Still on fire"))).people) == 2


def test_what_did_not_go_out_or_did_not_arrive_does_not_count(shop: Tenant) -> None:
    settings(shop, frequency_cap={"max_messages": 1, "days": 1})
    add_people(shop, 3)
    first, second = start(add_campaign(shop)), start(add_campaign(shop))
    back, failed, refused = take(first).people
    put_back(shop.pk, [PutBack(back.recipient_id, back.claimed_at, NOW + timedelta(days=3), "retry", counts=True)])
    why = Failure(FailureKind.RECIPIENT, "131026", "No WhatsApp")
    assert first.sender_id is not None
    said = [
        Evidence(failed.recipient_id, Kind.FAILED, NOW, failure=why),
        Evidence(refused.recipient_id, Kind.REJECTED, NOW, failure=why),
    ]
    record.record(shop.pk, first.sender_id, said)
    assert len(take(second).people) == 3


def test_of_two_campaigns_at_once_one_gets_the_last_slot_of_each_person(shop: Tenant) -> None:
    settings(shop, frequency_cap={"max_messages": 1, "days": 30})
    people = {one.pk for one in add_people(shop, 4)}
    for repetition in range(REPETITIONS):
        now = NOW + timedelta(days=31 * repetition)
        first, second = (start(add_campaign(shop, now=now), now=now) for _ in range(2))
        acts = [lambda one=one, now=now: take(one, now=now) for one in (first, second)]
        sent = [one.customer_id for taken in all_at_once(*acts) for one in taken.people]  # type: ignore[union-attr]
        assert len(sent) == 4
        assert set(sent) == people


# Tiers and the provider's limit


@pytest.fixture
def small_tier(shop: Tenant) -> Tenant:
    Tier.objects.update_or_create(
        name="tiny",
        defaults={"max_variants": 2, "max_messages_per_day": 10, "position": 99, "max_campaign_sends_per_month": None},
    )
    Tenant.objects.filter(pk=shop.pk).update(tier_id="tiny")
    return shop


def test_what_is_over_the_daily_limit_waits_for_the_days_next_room(small_tier: Tenant) -> None:
    add_people(small_tier, 14)
    campaign = start(add_campaign(small_tier))
    assert len(take(campaign, 6).people) == 6
    assert len(take(campaign, now=NOW + timedelta(hours=1)).people) == 4
    assert reasons(campaign) == {"sending": 10, "deferred:daily_limit": 4}
    assert {row.due_at for row in recipients(campaign) if row.due_at} == {NOW + timedelta(hours=24)}
    assert len(take(campaign, now=NOW + timedelta(hours=24)).people) == 4


def test_claims_at_once_never_exceed_the_daily_limit(small_tier: Tenant) -> None:
    add_people(small_tier, 7)
    for repetition in range(REPETITIONS):
        now = NOW + timedelta(days=2 * repetition)
        campaigns = [start(add_campaign(small_tier, now=now), now=now) for _ in range(2)]
        acts = [lambda one=one, now=now: take(one, now=now) for one in campaigns]
        taken = all_at_once(*acts)
        assert sum(len(one.people) for one in taken) == 10  # type: ignore[union-attr]


def test_the_providers_messaging_limit_counts_people_of_its_sender_and_not_their_failures(shop: Tenant) -> None:
    with tenant_scope(shop.pk):
        Sender.objects.update(daily_limit=3)
    add_people(shop, 5)
    campaign = billed(shop)
    assert len(take(campaign).people) == 3
    assert reasons(campaign) == {"sending": 3, "deferred:messaging_limit": 2}
    text = start(add_campaign(shop))
    assert len(take(text).people) == 5  # inside the window there is no such limit


# The budget


def test_the_budget_is_reserved_before_sending_and_never_exceeded(shop: Tenant) -> None:
    add_people(shop, 5)
    campaign = billed(shop, budget_micros=3 * MARKETING_PRICE + 1)
    taken = take(campaign)
    assert (len(taken.people), taken.over_budget_count) == (3, 2)
    assert reasons(campaign) == {"sending": 3, "waiting": 2}
    assert reloaded(campaign).cost_micros == 3 * MARKETING_PRICE
    assert take(campaign).over_budget_count == 2


def test_what_did_not_go_out_or_was_not_billed_is_free_again(shop: Tenant) -> None:
    add_people(shop, 4)
    campaign = billed(shop, budget_micros=4 * MARKETING_PRICE)
    back, failed, free, dear = take(campaign).people
    assert reloaded(campaign).cost_micros == 4 * MARKETING_PRICE
    put_back(shop.pk, [PutBack(back.recipient_id, back.claimed_at, NOW + timedelta(hours=1), "retry", counts=True)])
    assert reloaded(campaign).cost_micros == 3 * MARKETING_PRICE
    assert campaign.sender_id is not None
    why = Failure(FailureKind.RECIPIENT, "131026", "No WhatsApp")
    said = [
        Evidence(failed.recipient_id, Kind.FAILED, NOW, failure=why),
        Evidence(free.recipient_id, Kind.DELIVERED, NOW, cost_micros=0),
        Evidence(dear.recipient_id, Kind.DELIVERED, NOW, cost_micros=30_000),
    ]
    for _ in range(2):
        record.record(shop.pk, campaign.sender_id, said)
        assert reloaded(campaign).cost_micros == 30_000
    record.record(shop.pk, campaign.sender_id, [Evidence(failed.recipient_id, Kind.DELIVERED, NOW)])
    assert reloaded(campaign).cost_micros == 30_000 + MARKETING_PRICE  # it had arrived after all


def test_claims_at_once_never_exceed_the_budget(shop: Tenant) -> None:
    add_people(shop, 6)
    for _ in range(REPETITIONS):
        campaign = billed(shop, budget_micros=5 * MARKETING_PRICE)
        taken = all_at_once(*[lambda one=campaign: take(one, 4)] * 2)
        assert sum(len(one.people) for one in taken) <= 5  # type: ignore[union-attr]
        take(campaign)
        assert reloaded(campaign).cost_micros == 5 * MARKETING_PRICE


# Unreachable people


def test_whoever_has_no_whatsapp_is_skipped_at_the_launch_and_at_the_claim(shop: Tenant) -> None:
    add_people(shop, 1, unreachable_at=NOW)
    later = add_people(shop, 1)
    campaign = start(add_campaign(shop))
    with tenant_scope(shop.pk):
        Customer.objects.filter(pk=later[0].pk).update(unreachable_at=NOW)
    assert not take(campaign).people
    assert reasons(campaign) == {"skipped:unreachable": 2}


def test_what_whatsapp_says_of_a_number_is_believed_for_90_days_or_until_somebody_writes_from_it(shop: Tenant) -> None:
    people = add_people(shop, 3, last_wrote_at=None)
    first = billed(shop)
    why = Failure(FailureKind.RECIPIENT, "131026", "No WhatsApp", is_unreachable=True)
    assert first.sender_id is not None
    said = [Evidence(one.recipient_id, Kind.FAILED, NOW, failure=why) for one in take(first).people]
    record.record(shop.pk, first.sender_id, said[:2])
    gone = {row.customer_id for row in recipients(first) if row.state == State.FAILED}
    writer = next(one for one in people if one.pk in gone)
    assert reasons(billed(shop)) == {"waiting": 1, "skipped:unreachable": 2}
    with tenant_scope(shop.pk):
        reachability.regain(shop.pk, [writer.phone])
    assert reasons(billed(shop)) == {"waiting": 2, "skipped:unreachable": 1}
    later = NOW + reachability.LASTS
    assert reasons(start(add_campaign(shop, template_id=str(add_template(shop, body="Hi").pk)), now=later)) == {
        "waiting": 3
    }


# Local time


def test_everybody_is_due_when_their_own_clock_shows_the_time(shop: Tenant) -> None:
    settings(shop, timezone="Africa/Nairobi")
    people = {
        zone: add_people(shop, 1, timezone=zone)[0].pk for zone in ("Africa/Nairobi", "Asia/Tokyo", "America/New_York")
    }
    people["+254"] = add_people(shop, 1)[0].pk
    made = add_campaign(shop, scheduled_at="2026-05-22T09:00:00+03:00", local_time=True)
    assert made.launch_at == datetime.fromisoformat("2026-05-22T09:00:00+14:00")
    campaign = start(made, now=made.launch_at)
    due = {row.customer_id: row.due_at for row in recipients(campaign)}
    expected = {"Africa/Nairobi": "+03:00", "+254": "+03:00", "Asia/Tokyo": "+09:00", "America/New_York": "-04:00"}
    assert due == {
        people[zone]: datetime.fromisoformat(f"2026-05-22T09:00:00{offset}") for zone, offset in expected.items()
    }
