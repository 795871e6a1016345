"""The month's sends of a tier: reserved at the launch, counted from facts, and never taken twice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import cast
from api_client import ApiClient
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock
from tulia.core.errors import Forbidden
from tulia.dispatch import jobs, scheduler
from tulia.ledger import usage
from tulia.ledger.models import Recipient
from tulia.ledger.status import State
from tulia.tenants import accounts, api_keys
from tulia.tenants.models import Tenant, Tier
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Callable

MARCH = datetime(2026, 3, 15, 12, tzinfo=UTC)
_positions = iter(range(1_000, 30_000))


def tenant_with(limit: int | None, *, people: int = 0, per_day: int | None = None) -> Tenant:
    """A tenant of a tier of its own that allows this many sends a month."""
    tier = Tier.objects.create(
        name=f"t{uuid.uuid4().hex[:12]}", max_variants=2, max_campaign_sends_per_month=limit,
        max_messages_per_day=per_day, position=next(_positions),
    )  # fmt: skip
    slug = f"t-{uuid.uuid4().hex[:12]}"
    tenant = accounts.create_tenant(slug, name=slug, tier=tier.name)
    cast.add_sender(tenant)
    cast.add_people(tenant, people)
    return tenant


def start(campaign: MessageCampaign, *, now: datetime = MARCH) -> None:
    with tenant_scope(campaign.tenant_id):
        scheduler.start(campaign, confirm_everyone=False, now=now)


def freeze(campaign: MessageCampaign) -> None:
    jobs.launch(str(campaign.tenant_id), str(campaign.pk))


def standing(tenant: Tenant, *, now: datetime = MARCH) -> usage.Allowance:
    with tenant_scope(tenant.id):
        return usage.of_tenant(tenant.id, now=now).campaign_sends


def claimed(campaign: MessageCampaign, count: int, *, at: datetime, state: State = State.ACCEPTED) -> None:
    """So many of the campaign's people were sent to then."""
    ids = [one.pk for one in cast.recipients(campaign) if one.due_at][:count]
    with tenant_scope(campaign.tenant_id):
        Recipient.objects.filter(pk__in=ids).update(
            state=state, due_at=None, claimed_at=at, accepted_at=at if state >= State.ACCEPTED else None
        )


def test_a_launch_beyond_the_month_is_refused_and_the_answer_says_what_lifts_it() -> None:
    slug = f"t-{uuid.uuid4().hex[:12]}"
    tenant = accounts.create_tenant(slug, name=slug, tier="starter")
    cast.add_sender(tenant)
    cast.add_people(tenant, 501)
    cast.add_people(tenant, 40, consenting=False)
    api = ApiClient(api_keys.create(tenant.id, name="n", scopes=["conversations:view", "analytics:view"]))
    fields = {"name": "M", "message_content": "Hi", "target_criteria": {"tags": ["vip"]}}
    campaign_id = api("POST", "/v1/campaigns", fields).json()["id"]
    refused = api("POST", f"/v1/campaigns/{campaign_id}/execute", {"confirm": True}, prefer="wait=0")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "campaign_send_limit")
    details = error["details"]
    assert (details["limit"], details["allowed"], details["used"]) == ("campaign_sends_per_month", 500, 0)
    assert (details["reserved"], details["asked"], details["lifted_by"]) == (0, 501, "growth")
    assert "growth tier allows 5,000" in error["message"]
    assert api("GET", f"/v1/campaigns/{campaign_id}").json()["status"] == "draft"
    Tenant.objects.filter(pk=tenant.pk).update(tier="growth")  # an upgrade works at once
    accepted = api("POST", f"/v1/campaigns/{campaign_id}/execute", {"confirm": True}, prefer="wait=0")
    assert accepted.status_code == 202
    assert api("GET", "/v1/usage").json()["campaign_sends"]["reserved"] == 501


def test_of_two_launches_at_once_one_takes_the_last_sends_a_hundred_times() -> None:
    tenant = tenant_with(3, people=2)
    for _ in range(100):
        pair = [cast.add_campaign(tenant) for _ in range(2)]
        done = cast.all_at_once(*[lambda one=one: start(one) for one in pair])
        assert sorted(type(one).__name__ for one in done) == ["CampaignSendLimit", "NoneType"]
        states = sorted(cast.reloaded(one).status for one in pair)
        assert states == ["draft", "sending"]
        assert standing(tenant).taken == 2
        with tenant_scope(tenant.id):
            MessageCampaign.objects.filter(pk__in=[one.pk for one in pair]).update(status="canceled")


def test_many_launches_at_once_take_no_more_than_there_is() -> None:
    tenant = tenant_with(7, people=2)
    campaigns = [cast.add_campaign(tenant) for _ in range(8)]
    done = cast.all_at_once(*[lambda one=one: start(one) for one in campaigns])
    assert sum(one is None for one in done) == 3
    assert standing(tenant).taken == 6


def test_what_was_reserved_is_counted_once_on_its_way_from_launch_to_sent() -> None:
    tenant = tenant_with(10, people=4)
    campaign = cast.add_campaign(tenant)
    start(campaign)
    assert standing(tenant) == usage.Allowance(0, 4, 10)
    freeze(campaign)
    assert standing(tenant) == usage.Allowance(0, 4, 10)
    claimed(campaign, 1, at=MARCH)
    claimed(campaign, 1, at=MARCH, state=State.UNKNOWN)
    assert standing(tenant) == usage.Allowance(2, 2, 10)
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status="paused")
    assert standing(tenant) == usage.Allowance(2, 2, 10)
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign.pk).update(status="canceled")
    assert standing(tenant) == usage.Allowance(2, 0, 10)


def test_the_month_is_that_of_the_tenants_zone() -> None:
    tenant = tenant_with(10, people=4)
    campaign = cast.add_campaign(tenant)
    start(campaign)
    freeze(campaign)
    last_of_march_in_utc = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)  # in Nairobi it is April already
    claimed(campaign, 1, at=last_of_march_in_utc)
    claimed(campaign, 1, at=last_of_march_in_utc - timedelta(hours=1))
    assert standing(tenant, now=MARCH).used == 1
    assert standing(tenant, now=last_of_march_in_utc).used == 1
    month = usage.month_of(last_of_march_in_utc, "Africa/Nairobi")
    assert (month.start, month.end) == (datetime(2026, 3, 31, 21, tzinfo=UTC), datetime(2026, 4, 30, 21, tzinfo=UTC))
    december = usage.month_of(datetime(2026, 12, 31, 20, tzinfo=UTC), "Africa/Nairobi")
    assert december.end == datetime(2026, 12, 31, 21, tzinfo=UTC)


def test_those_who_will_not_be_sent_to_are_not_asked_for() -> None:
    tenant = tenant_with(3, people=3)
    cast.add_people(tenant, 20, consenting=False)
    campaign = cast.add_campaign(tenant)
    start(campaign)
    assert cast.reloaded(campaign).reserved_sends == 3


def test_a_scheduled_campaign_beyond_the_month_goes_back_to_draft_with_the_reason() -> None:
    tenant = tenant_with(2, people=3)
    at = clock.now() + timedelta(hours=1)
    campaign = cast.add_campaign(tenant, now=clock.now(), scheduled_at=at.isoformat())
    assert scheduler.start_due([(tenant.id, campaign.pk)], now=at + timedelta(seconds=1)) == 0
    found = cast.reloaded(campaign)
    assert found.status == "draft"
    assert "allows 2 campaign sends a month" in found.status_reason


def test_an_audience_that_grew_beyond_the_month_before_it_was_written_is_not_written() -> None:
    tenant = tenant_with(5, people=3)
    campaign = cast.add_campaign(tenant)
    start(campaign, now=clock.now())
    cast.add_people(tenant, 3)
    freeze(campaign)
    found = cast.reloaded(campaign)
    assert (found.status, found.audience_frozen_at) == ("paused", None)
    assert "More people match than at its start" in found.status_reason
    assert cast.recipients(campaign) == []


def test_a_tier_without_a_limit_does_not_pay_for_counting() -> None:
    tenant = tenant_with(None, people=2)
    campaign = cast.add_campaign(tenant)
    with CaptureQueriesContext(connection) as queries:
        start(campaign)
    said = " ".join(one["sql"] for one in queries)
    assert "ledger_recipients" not in said
    assert "count(*) FILTER" not in said
    assert cast.reloaded(campaign).reserved_sends is None


def test_a_test_with_more_variants_than_the_tier_has_by_now_is_not_started() -> None:
    slug = f"t-{uuid.uuid4().hex[:12]}"
    tenant = accounts.create_tenant(slug, name=slug, tier="enterprise")
    cast.add_sender(tenant)
    arms = [{"name": name, "content": name} for name in "abcd"]
    campaign = cast.add_campaign(tenant, is_ab_test=True, variants=arms)
    Tenant.objects.filter(pk=tenant.pk).update(tier="growth")
    with pytest.raises(Forbidden) as refused:
        start(campaign)
    assert refused.value.code == "tier_limit"
    assert (refused.value.details or {})["lifted_by"] == "enterprise"


@pytest.fixture
def api_for() -> Callable[[Tenant], ApiClient]:
    return lambda tenant: ApiClient(api_keys.create(tenant.id, name="n", scopes=["analytics:view"]))


def test_usage_warns_from_eighty_percent_in_a_plain_sentence(api_for: Callable[[Tenant], ApiClient]) -> None:
    tenant = tenant_with(10, people=8, per_day=8)
    api = api_for(tenant)
    seen: dict[str, Any] = api("GET", "/v1/usage").json()
    assert seen["warnings"] == []
    assert seen["campaign_sends"]["percent"] == 0
    campaign = cast.add_campaign(tenant, now=clock.now())
    start(campaign, now=clock.now())
    freeze(campaign)
    claimed(campaign, 7, at=clock.now())
    seen = api("GET", "/v1/usage").json()
    sends, messages = seen["campaign_sends"], seen["messages_last_24_hours"]
    assert (sends["used"], sends["reserved"], sends["limit"], sends["remaining"]) == (7, 1, 10, 2)
    assert (sends["percent"], sends["is_warning"]) == (80.0, True)
    assert sends["warning"].startswith("8 of 10 campaign sends this month are used (80 %).")
    assert sends["resets_at"] == seen["resets_at"] == seen["period"]["end"]
    assert (messages["used"], messages["limit"], messages["percent"]) == (7, 8, 87.5)
    assert "waits until there is room" in messages["warning"]
    assert seen["warnings"] == [sends["warning"], messages["warning"]]
    assert seen["variants"] == {"limit": 2}


def test_usage_without_limits_counts_and_warns_of_nothing(
    tenant: Tenant, api_for: Callable[[Tenant], ApiClient]
) -> None:
    seen = api_for(tenant)("GET", "/v1/usage").json()
    assert seen["tier"] == "enterprise"
    assert (seen["campaign_sends"]["limit"], seen["campaign_sends"]["percent"], seen["warnings"]) == (None, None, [])
    assert seen["variants"] == {"limit": 4}
