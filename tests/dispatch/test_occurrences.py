"""Each occurrence of a recurrence has one campaign, whoever looks and however late, or is known to be missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cast import NOW, add_people, add_sender, add_template, all_at_once
from tulia.campaigns import recurring
from tulia.campaigns.lifecycle import EveryoneNotConfirmed
from tulia.campaigns.models import CampaignRecurrence, MessageCampaign
from tulia.channels.models import Sender
from tulia.core.errors import Missing
from tulia.dispatch import occurrences
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

HOUR = timedelta(hours=1)
CONFIGURATION = {"message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}


def add_recurrence(tenant: Tenant, *, now: datetime = NOW, **fields: Any) -> CampaignRecurrence:
    """Daily at 15:00 in Nairobi, which is noon in UTC; the first one is tomorrow."""
    given = {"name": "Daily", "campaign": CONFIGURATION, "rrule": "FREQ=DAILY", "starts_at": "2026-05-20T15:00:00"}
    with tenant_scope(tenant.id):
        return recurring.create(tenant.id, given | fields, created_by_id=None, now=now)


def take(held: CampaignRecurrence, *, now: datetime) -> MessageCampaign | None:
    return occurrences.take_turn(held.tenant_id, held.pk, now=now)


def again(held: CampaignRecurrence) -> CampaignRecurrence:
    with tenant_scope(held.tenant_id):
        return recurring.find(held.tenant_id, held.pk)


def children(held: CampaignRecurrence) -> list[MessageCampaign]:
    with tenant_scope(held.tenant_id):
        return list(MessageCampaign.objects.filter(recurrence_id=held.pk).order_by("occurrence_at"))


def change(held: CampaignRecurrence, act: Callable[..., CampaignRecurrence], **how: Any) -> CampaignRecurrence:
    with tenant_scope(held.tenant_id):
        return act(recurring.hold(held.tenant_id, held.pk), **how)


@pytest.fixture
def shop(tenant: Tenant) -> Iterator[Tenant]:
    """Two people and a sender; nothing is left for the workers of other tests."""
    add_sender(tenant)
    add_people(tenant, 2)
    yield tenant
    with tenant_scope(tenant.id):
        CampaignRecurrence.objects.all().update(status="paused", next_at=None)
        MessageCampaign.objects.all().update(status="canceled")


def test_what_is_due_becomes_a_campaign_that_is_sending(shop: Tenant) -> None:
    held = add_recurrence(shop)
    assert held.next_at == NOW + 24 * HOUR
    assert take(held, now=NOW + 23 * HOUR) is None
    made = take(held, now=NOW + 24 * HOUR + timedelta(seconds=0.4))
    assert made is not None
    assert (made.status, made.name, made.occurrence_at) == ("sending", "Daily · 2026-05-21", held.next_at)
    assert made.metadata == {"late_seconds": 0.4, "recurring_campaign_id": str(held.pk)}
    assert (made.recurrence_id, made.as_of) == (held.pk, None)
    after = again(held)
    assert (after.next_at, after.last_at, after.missed_count) == (NOW + 48 * HOUR, NOW + 24 * HOUR, 0)
    assert take(held, now=NOW + 25 * HOUR) is None


def test_the_latest_is_started_late_and_those_before_it_are_missed(shop: Tenant) -> None:
    held = add_recurrence(shop)
    made = take(held, now=NOW + 72 * HOUR + 5 * HOUR)
    assert made is not None
    assert (made.status, made.occurrence_at) == ("sending", NOW + 72 * HOUR)
    assert made.metadata["late_seconds"] == 5 * 3600
    after = again(held)
    assert (after.missed_count, after.last_missed_at) == (2, NOW + 48 * HOUR)
    assert (after.last_at, after.next_at) == (NOW + 72 * HOUR, NOW + 96 * HOUR)
    assert len(children(held)) == 1


def test_what_is_too_late_is_missed(shop: Tenant) -> None:
    held = add_recurrence(shop)
    assert take(held, now=NOW + 24 * HOUR + 6 * HOUR + timedelta(seconds=1)) is None
    after = again(held)
    assert (after.missed_count, after.last_missed_at, after.last_at) == (1, NOW + 24 * HOUR, None)
    assert after.next_at == NOW + 48 * HOUR
    patient = add_recurrence(shop, catch_up_seconds=86_400)
    assert take(patient, now=NOW + 24 * HOUR + 23 * HOUR) is not None


def test_it_ends_with_its_last_occurrence(shop: Tenant) -> None:
    held = add_recurrence(shop, rrule="FREQ=DAILY;COUNT=2")  # the first of the two was at NOW
    assert take(held, now=NOW + 24 * HOUR) is not None
    after = again(held)
    assert (after.status, after.next_at) == ("ended", None)
    assert take(held, now=NOW + 480 * HOUR) is None


def test_of_five_at_once_one_makes_the_campaign_a_hundred_times(shop: Tenant) -> None:
    held = add_recurrence(shop, rrule="FREQ=HOURLY")
    for turn in range(1, 101):
        now = NOW + turn * HOUR
        results = all_at_once(*[partial(take, held, now=now)] * 5)
        assert sum(isinstance(one, MessageCampaign) for one in results) == 1, results
        assert results.count(None) == 4
    made = children(held)
    assert [one.occurrence_at for one in made] == [NOW + turn * HOUR for turn in range(1, 101)]
    assert {one.status for one in made} == {"sending"}
    assert again(held).missed_count == 0
    assert made[0].name == "Daily · 2026-05-20 16:00"


def test_a_worker_looks_at_all_that_is_due_and_goes_on_after_a_refusal(shop: Tenant, tenant: Tenant) -> None:
    first, second = add_recurrence(shop), add_recurrence(shop)
    with tenant_scope(shop.id):
        CampaignRecurrence.objects.filter(pk=first.pk).update(campaign={"target_criteria": {"tags": ["vip"]}})
    occurrences.start_due(now=NOW + 24 * HOUR)
    broken = again(first)
    assert children(first) == []
    assert "message_content is required" in broken.last_problem
    assert (broken.missed_count, broken.next_at) == (1, NOW + 48 * HOUR)
    assert [one.status for one in children(second)] == ["sending"]


def test_a_campaign_that_can_not_be_started_is_left_as_a_draft_with_the_reason(shop: Tenant) -> None:
    held = add_recurrence(shop)
    with tenant_scope(shop.id):
        Sender.objects.update(paused_reason="The access token has expired.")
    made = take(held, now=NOW + 24 * HOUR)
    assert made is not None
    assert made.status == "draft"
    assert made.status_reason.startswith("Not started at its time: The sender 'Main' is paused")
    after = again(held)
    assert (after.status, after.last_at, after.missed_count) == ("active", NOW + 24 * HOUR, 0)
    assert after.last_problem.startswith("2026-05-21T12:00:00Z: The sender 'Main' is paused")
    with tenant_scope(shop.id):
        Sender.objects.update(paused_reason="")
    following = take(held, now=NOW + 48 * HOUR)
    assert following is not None
    assert following.status == "sending"
    assert again(held).last_problem == ""


def test_a_template_that_lost_its_approval_stops_only_the_campaigns(shop: Tenant) -> None:
    template = add_template(shop, body="Hello", status="approved")
    held = add_recurrence(shop, campaign={"template_id": str(template.pk), "target_criteria": {"tags": ["vip"]}})
    with tenant_scope(shop.id):
        template.status = "paused"
        template.save()
    made = take(held, now=NOW + 24 * HOUR)
    assert made is not None
    assert made.status == "draft"
    assert "only an approved one can be sent" in made.status_reason


def test_everybody_must_be_confirmed_again_for_another_configuration(shop: Tenant) -> None:
    everybody = {"message_content": "Hi"}
    with pytest.raises(EveryoneNotConfirmed):
        add_recurrence(shop, campaign=everybody)
    held = add_recurrence(shop, campaign=everybody, confirm_everyone=True)
    made = take(held, now=NOW + 24 * HOUR)
    assert made is not None
    assert made.status == "sending"
    with pytest.raises(EveryoneNotConfirmed):
        change(held, recurring.update, fields={"campaign": {"message_content": "Hello"}}, now=NOW)
    assert again(held).campaign == everybody
    changed = change(held, recurring.update, fields={"campaign": CONFIGURATION}, now=NOW)
    assert not changed.everyone_confirmed


def test_what_would_have_started_while_paused_is_neither_started_nor_missed(shop: Tenant) -> None:
    held = add_recurrence(shop)
    assert change(held, recurring.pause, now=NOW).next_at is None
    assert take(held, now=NOW + 24 * HOUR) is None
    resumed = change(held, recurring.resume, now=NOW + 30 * HOUR)
    assert (resumed.status, resumed.next_at, resumed.missed_count) == ("active", NOW + 48 * HOUR, 0)


def test_skipping_leaves_one_out_and_may_be_the_end(shop: Tenant) -> None:
    held = add_recurrence(shop, rrule="FREQ=DAILY;COUNT=3")
    assert change(held, recurring.skip_next, now=NOW).next_at == NOW + 48 * HOUR
    assert change(held, recurring.skip_next, now=NOW).status == "ended"
    for act in (recurring.skip_next, recurring.pause, recurring.resume):
        with pytest.raises(recurring.NotRecurring):
            change(held, act, now=NOW)
    revived = change(held, recurring.update, fields={"rrule": "FREQ=DAILY"}, now=NOW)
    assert (revived.status, revived.next_at) == ("active", NOW + 24 * HOUR)


def test_its_campaigns_outlive_it(shop: Tenant) -> None:
    held = add_recurrence(shop)
    made = take(held, now=NOW + 24 * HOUR)
    assert made is not None
    with tenant_scope(shop.id):
        recurring.delete(recurring.hold(shop.id, held.pk))
        with pytest.raises(Missing):
            recurring.find(shop.id, held.pk)
        made.refresh_from_db()
    assert (made.status, made.recurrence_id, made.occurrence_at) == ("sending", None, NOW + 24 * HOUR)


def test_a_campaign_of_a_predecessor_that_is_still_sending_does_not_hold_up_the_next(shop: Tenant) -> None:
    held = add_recurrence(shop)
    take(held, now=NOW + 24 * HOUR)
    take(held, now=NOW + 48 * HOUR)
    assert [one.status for one in children(held)] == ["sending", "sending"]


def test_a_crash_is_noted_and_the_next_occurrence_is_tried(shop: Tenant) -> None:
    held = add_recurrence(shop)
    made = take(held, now=NOW + 24 * HOUR)
    assert made is not None
    with tenant_scope(shop.id):  # as if a clock had been turned back: the database refuses a second campaign
        CampaignRecurrence.objects.filter(pk=held.pk).update(next_at=NOW + 24 * HOUR)
    occurrences.start_due(now=NOW + 25 * HOUR)
    after = again(held)
    assert "something went wrong here" in after.last_problem
    assert (after.status, after.next_at) == ("active", NOW + 48 * HOUR)
    with tenant_scope(shop.id):
        CampaignRecurrence.objects.filter(pk=held.pk).update(rrule="FREQ=NONSENSE")
    occurrences.start_due(now=NOW + 49 * HOUR)
    assert again(held).status == "paused"
    assert len(children(held)) == 1
