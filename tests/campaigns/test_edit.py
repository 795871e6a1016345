"""Campaigns are made, changed, started and ended once, whoever else tries at the same moment."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cast import NOW, add_campaign, add_people, add_sender, add_template, all_at_once, reloaded, start
from tulia.campaigns import edit, lifecycle, wordings
from tulia.campaigns.message import Slot, TemplateWording, Wording
from tulia.campaigns.models import MessageCampaign
from tulia.channels import components, senders
from tulia.channels.models import MessageTemplate
from tulia.core.errors import Forbidden, Invalid, Missing
from tulia.dispatch import scheduler
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

LATER = NOW + timedelta(hours=1)
ARMS = [{"name": name, "content": name} for name in "ABCD"]


def within(campaign: MessageCampaign, act: Callable[..., object], **how: object) -> object:
    with tenant_scope(campaign.tenant_id):
        return act(campaign, **how)


def set_status(campaign: MessageCampaign, status: str) -> MessageCampaign:
    with tenant_scope(campaign.tenant_id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status=status, scheduled_at=LATER, launch_at=LATER)
    return reloaded(campaign)


@pytest.fixture
def other() -> Tenant:
    return accounts.create_tenant(f"o-{uuid.uuid4().hex[:10]}", name="Other", tier="starter")


def test_a_tier_that_allows_fewer_variants_refuses_and_names_the_one_that_lifts_it(other: Tenant) -> None:
    with pytest.raises(Forbidden) as refused:
        add_campaign(other, is_ab_test=True, variants=ARMS[:3])
    assert refused.value.code == "tier_limit"
    assert refused.value.details == {"limit": "variants", "allowed": 2, "asked": 3, "lifted_by": "enterprise"}
    assert "starter" in refused.value.message
    assert "enterprise" in refused.value.message
    draft = add_campaign(other, is_ab_test=True, variants=ARMS[:2])
    with pytest.raises(edit.OverTierLimit):
        within(draft, edit.update, fields={"variants": ARMS}, now=NOW)


def test_a_sender_or_template_of_another_tenant_is_not_there(tenant: Tenant, other: Tenant) -> None:
    theirs, template = str(add_sender(other).id), str(add_template(other).id)
    arms = [ARMS[0], {"name": "B", "template_id": template}]
    with pytest.raises(Invalid) as refused:
        add_campaign(tenant, sender_id=theirs, template_id=template, is_ab_test=True, variants=arms)
    assert set(refused.value.details or ()) == {"sender_id", "template_id", "variants[1].template_id"}
    with pytest.raises(Invalid):
        within(add_campaign(tenant), edit.update, fields={"sender_id": theirs}, now=NOW)


def test_a_campaign_of_another_tenant_is_missing(tenant: Tenant, other: Tenant) -> None:
    with tenant_scope(other.id), pytest.raises(Missing):
        edit.find(other.id, add_campaign(tenant).pk)


@pytest.mark.parametrize("status", ["scheduled", "sending", "paused", "completed", "canceled"])
def test_only_a_draft_is_changed_or_deleted(tenant: Tenant, status: str) -> None:
    campaign = set_status(add_campaign(tenant), status)
    for act, how in ((edit.update, {"fields": {"name": "Other"}, "now": NOW}), (edit.delete, {})):
        with pytest.raises(edit.NotADraft):
            within(campaign, act, **how)
    assert reloaded(campaign).name == "Mangoes"


def test_a_draft_keeps_something_to_say_and_its_test_in_one_piece(tenant: Tenant) -> None:
    template = add_template(tenant, body="Hello")
    with tenant_scope(tenant.id):
        only_template = edit.create(
            tenant.id, {"name": "x", "template_id": str(template.id)}, created_by_id=None, now=NOW
        )
    wrong: list[dict[str, object]] = [{"template_id": None}]
    for fields in wrong:
        with pytest.raises(Invalid, match="needs a message"):
            within(only_template, edit.update, fields=fields, now=NOW)
    test = add_campaign(tenant, is_ab_test=True, variants=ARMS[:2])
    for fields in ({"is_ab_test": False}, {"variants": []}, {"scheduled_at": LATER.isoformat()}):
        with pytest.raises(Invalid):
            within(test, edit.update, fields=fields, now=NOW)
    within(test, edit.update, fields={"is_ab_test": False, "variants": []}, now=NOW)
    assert reloaded(test).variants == []


def test_a_clone_is_a_new_draft_with_another_seed_and_no_past(tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 1)
    ran = start(add_campaign(tenant, name="x" * 255, is_ab_test=True, variants=ARMS[:2], seed=5))
    twin = within(ran, edit.clone, name=None, created_by_id=None)
    assert isinstance(twin, MessageCampaign)
    assert (twin.status, twin.started_at, twin.audience_frozen_at, twin.delivery_count) == ("draft", None, None, 0)
    assert (twin.variants, twin.target_criteria, twin.message_content) == (
        ran.variants,
        ran.target_criteria,
        ran.message_content,
    )
    assert twin.seed != ran.seed
    assert len(twin.name) == 255
    assert twin.metadata == {"cloned_from": str(ran.pk)}


def test_rates_are_percent_and_zero_when_there_is_nothing_below() -> None:
    campaign = MessageCampaign(delivery_count=8, delivered_count=4, read_count=3, response_count=1, conversion_count=2)
    rates = ("delivery", "read", "engagement", "conversion")
    assert [getattr(campaign, f"calculate_{rate}_rate")() for rate in rates] == [50.0, 75.0, 25.0, 50.0]
    assert [getattr(MessageCampaign(), f"calculate_{rate}_rate")() for rate in rates] == [0.0] * 4


def test_increments_at_once_lose_nothing(tenant: Tenant) -> None:
    campaign = add_campaign(tenant)
    names = ("delivery", "delivered", "failed", "read", "response", "conversion")

    def count() -> None:
        for name in names * 3:
            with tenant_scope(tenant.id):
                getattr(campaign, f"increment_{name}")()

    assert all_at_once(*[count] * 8) == [None] * 8
    counted = reloaded(campaign)
    assert [getattr(counted, f"{name}_count") for name in names] == [24] * 6


MOVES = {
    "mark_sending": {"draft", "scheduled"}, "mark_completed": {"sending"}, "mark_paused": {"sending"},
    "mark_resumed": {"paused"}, "cancel": {"draft", "scheduled", "sending", "paused"},
}  # fmt: skip


@pytest.mark.parametrize("status", ["draft", "scheduled", "sending", "paused", "completed", "canceled"])
def test_each_move_starts_from_its_own_states_only(tenant: Tenant, status: str) -> None:
    for move, origins in MOVES.items():
        campaign = set_status(add_campaign(tenant), status)
        further = {"reason": "x"} if move == "mark_paused" else {}
        assert within(campaign, getattr(MessageCampaign, move), at=NOW, **further) is (status in origins)
        assert (reloaded(campaign).status == status) is (status not in origins)


@pytest.mark.parametrize("move", list(MOVES))
def test_of_many_moves_at_once_one_succeeds(tenant: Tenant, move: str) -> None:
    campaign = set_status(add_campaign(tenant), min(MOVES[move]))
    further = {"reason": "x"} if move == "mark_paused" else {}
    acts = [lambda: within(reloaded(campaign), getattr(MessageCampaign, move), at=NOW, **further)] * 4
    assert sorted(map(str, all_at_once(*acts))) == ["False", "False", "False", "True"]


def test_what_is_missing_for_a_start_is_said(tenant: Tenant) -> None:
    def refusal(campaign: MessageCampaign) -> str:
        with tenant_scope(tenant.id), pytest.raises((Invalid, lifecycle.WrongState)) as refused:
            scheduler.start(campaign, confirm_everyone=False, now=NOW)
        return refused.value.code

    assert refusal(add_campaign(tenant)) == "no_sender"
    sender = add_sender(tenant)
    assert refusal(add_campaign(tenant, target_criteria={})) == "everyone_not_confirmed"
    pending = add_template(tenant, body="x", status="pending")
    assert refusal(add_campaign(tenant, template_id=str(pending.id))) == "template_not_approved"
    with tenant_scope(tenant.id):
        senders.pause(tenant.id, sender.id, reason="quality")
    assert refusal(add_campaign(tenant)) == "no_sender"
    assert refusal(set_status(add_campaign(tenant), "canceled")) == "wrong_state"


def scheduled(tenant: Tenant, *, after: timedelta = timedelta(seconds=1)) -> MessageCampaign:
    return add_campaign(tenant, scheduled_at=(NOW + after).isoformat())


def start_due(*campaigns: MessageCampaign, found_at: datetime = LATER, now: datetime = LATER) -> int:
    """What a worker does that looked at `found_at`, as far as these campaigns are concerned."""
    mine = {campaign.pk for campaign in campaigns}
    due = lifecycle.due(now=found_at)
    return scheduler.start_due([one for one in due if one[1] in mine], now=now)


def test_what_is_due_starts_and_what_is_not_waits(tenant: Tenant) -> None:
    add_sender(tenant)
    due, later = scheduled(tenant), scheduled(tenant, after=timedelta(hours=2))
    assert start_due(due, later) == 1
    assert (reloaded(due).status, reloaded(due).started_at) == ("sending", LATER)
    assert reloaded(later).status == "scheduled"


def test_schedulers_at_once_start_each_campaign_once(tenant: Tenant) -> None:
    add_sender(tenant)
    campaigns = [scheduled(tenant) for _ in range(5)]
    started = all_at_once(*[lambda: start_due(*campaigns)] * 4)
    assert sum(started) == 5  # type: ignore[arg-type]
    assert {reloaded(one).status for one in campaigns} == {"sending"}


def test_a_refused_campaign_goes_back_to_draft_with_the_reason_and_the_others_go_on(
    tenant: Tenant, other: Tenant
) -> None:
    without_sender = scheduled(tenant)
    add_sender(other)
    broken, good = scheduled(other), scheduled(other)
    with tenant_scope(other.id):
        MessageCampaign.objects.filter(pk=broken.pk).update(target_criteria={"no_such_key": 1})
    assert start_due(without_sender, broken, good) == 1
    assert [reloaded(one).status for one in (without_sender, broken, good)] == ["draft", "draft", "sending"]
    assert reloaded(without_sender).status_reason.startswith("Not started at its time: There is no sender")
    assert "something went wrong" in reloaded(broken).status_reason


def test_a_campaign_whose_time_was_moved_after_a_worker_saw_it_does_not_start(tenant: Tenant) -> None:
    add_sender(tenant)
    campaign = scheduled(tenant, after=timedelta(hours=2))
    assert start_due(campaign, found_at=NOW + timedelta(days=1), now=LATER) == 0
    assert reloaded(campaign).status == "scheduled"


def said(campaign: MessageCampaign) -> tuple[Wording, ...]:
    with tenant_scope(campaign.tenant_id):
        return wordings.of_campaign(campaign)


def test_each_arm_says_its_own_text_or_template_and_else_the_campaigns(tenant: Tenant) -> None:
    first, second = add_template(tenant, body="Hello {{1}}"), add_template(tenant, body="Bye")
    values = {"1": "{{ first_name }}"}
    plain = said(add_campaign(tenant))
    assert plain == (Wording("Fresh mangoes!"),)

    def template(one: MessageTemplate) -> Wording:
        parts = components.of_body(one.body)
        slots = tuple(Slot(place, values[place.key]) for place in parts.places())
        return Wording(one.body, TemplateWording(one.name, "en", parts, slots))

    assert said(add_campaign(tenant, template_id=str(first.id), template_variables=values)) == (template(first),)
    arms = [ARMS[0], {"name": "B", "template_id": str(second.id)}]
    test = add_campaign(tenant, template_id=str(first.id), template_variables=values, is_ab_test=True, variants=arms)
    assert said(test) == (Wording("A"), template(second))


def test_a_placeholder_without_a_value_is_refused_by_its_name(tenant: Tenant) -> None:
    template = add_template(tenant, body="Hello {{1}} and {{2}}")
    campaign = add_campaign(tenant, template_id=str(template.id), template_variables={"1": "x"})
    with pytest.raises(Invalid) as refused:
        said(campaign)
    assert list(refused.value.details or ()) == ["template_variables.2"]
