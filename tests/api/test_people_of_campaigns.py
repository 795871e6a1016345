"""Reach step by step, the people behind each step, and why one person is where they are; before and after the launch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from api_client import ApiClient
from cast import NOW, add_campaign, add_people, add_sender, add_template, recipients, start
from tulia.audience.models import Customer
from tulia.campaigns.models import MessageCampaign
from tulia.channels.types import Failure, FailureKind
from tulia.core import clock, sql
from tulia.dispatch import jobs, scheduler
from tulia.ledger import record
from tulia.ledger.claim import claim
from tulia.ledger.record import Evidence, Kind
from tulia.tenants import tenant_settings
from tulia.tenants.models import Tenant, Tier
from tulia.tenants.scope import tenant_scope

VIPS = {"target_criteria": {"tags": ["vip"]}}
TEXT = VIPS | {"message_content": "Mangoes!"}


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """Of twelve people three don't agree, two have no WhatsApp, one has not written, and two got a message yesterday."""
    add_sender(tenant)
    tenant_settings.change(tenant.pk, {"quiet_hours": None, "frequency_cap": {"max_messages": 1, "days": 7}})
    yesterday = clock.now() - timedelta(days=1)
    lately = add_people(tenant, 2)
    before = start(add_campaign(tenant, now=yesterday), now=yesterday)
    assert len(claim(tenant.pk, before.pk, now=yesterday, batch=10).people) == len(lately)
    add_people(tenant, 3, consenting=False)
    add_people(tenant, 2, unreachable_at=yesterday)
    add_people(tenant, 1, last_wrote_at=None)
    add_people(tenant, 4)
    return tenant


def steps(reach: Any) -> dict[str, int]:
    return {one["step"]: one["remaining"] for one in reach["waterfall"]}


def test_each_step_goes_on_from_the_one_before(shop: Tenant, api: ApiClient) -> None:
    text = api("POST", "/v1/campaigns/reach", TEXT).json()
    assert (text["total_matching"], text["with_consent"]) == (12, 9)
    assert steps(text) == {
        "matches": 12, "consented": 9, "reachable": 7, "in_window": 6, "under_frequency_cap": 4, "within_limits": 4,
    }  # fmt: skip
    assert "24 hours" in text["notes"][0]
    template = str(add_template(shop, body="Mangoes!").pk)
    approved = api("POST", "/v1/campaigns/reach", VIPS | {"template_id": template}).json()
    assert steps(approved)["in_window"] == steps(approved)["reachable"] == 7
    assert approved["estimate"] == {
        "currency": "USD", "category": "marketing", "cost_micros": 5 * 22_500,
        "markets": [{"market": "Rest of Africa", "people": 5, "price_micros": 22_500, "cost_micros": 5 * 22_500}],
    }  # fmt: skip
    rich = api("POST", "/v1/campaigns/reach", VIPS | {"template_id": template, "budget_micros": 2 * 22_500}).json()
    assert steps(rich)["within_limits"] == 2
    assert "budget" in rich["notes"][-1]
    exempt = api("POST", "/v1/campaigns/reach", TEXT | {"frequency_cap_exempt_reason": "They asked"}).json()
    assert steps(exempt)["under_frequency_cap"] == 6


def test_the_reach_ends_where_the_tiers_month_does(shop: Tenant, api: ApiClient) -> None:
    Tier.objects.update_or_create(
        name="two", defaults={"max_variants": 2, "max_campaign_sends_per_month": 2 + 2, "position": 97}
    )
    Tenant.objects.filter(pk=shop.pk).update(tier_id="two")
    seen = api("POST", "/v1/campaigns/reach", TEXT).json()
    assert steps(seen)["within_limits"] in (2, 4)  # two were sent yesterday, which may have been last month
    assert ("2 more" in seen["notes"][-1]) == (steps(seen)["within_limits"] == 2)


def listed(api: ApiClient, method: str, path: str, body: Any = None) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = f"{path}{'&' if '?' in path else '?'}limit=3"
    while cursor:
        page = api(method, cursor, body).json()
        found += page["results"]
        cursor = page["next"]
    return found


EXPECTED = {
    ("waiting", ""): 4, ("deferred", "frequency_cap"): 2, ("skipped", "no_consent"): 3, ("skipped", "unreachable"): 2,
    ("skipped", "outside_window"): 1,
}  # fmt: skip


def counted(rows: list[Any]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        found[row["state"], row["reason"]] = found.get((row["state"], row["reason"]), 0) + 1
    return found


@pytest.mark.parametrize("is_saved", [True, False])
def test_every_step_leads_to_its_people_before_the_launch(shop: Tenant, api: ApiClient, is_saved: bool) -> None:
    if is_saved:
        method, path, body = "GET", f"/v1/campaigns/{add_campaign(shop).pk}/recipients", None
    else:
        method, path, body = "POST", "/v1/campaigns/reach/recipients", TEXT  # type: ignore[assignment]
    assert counted(listed(api, method, path, body)) == EXPECTED
    for (state, reason), people in EXPECTED.items():
        assert counted(listed(api, method, f"{path}?state={state}&reason={reason}" if reason else f"{path}?state={state}",
                              body)) == {(state, reason): people}  # fmt: skip
    assert len(listed(api, method, f"{path}?state=skipped", body)) == 6
    assert len(listed(api, method, f"{path}?reason=frequency_cap", body)) == 2
    assert not listed(api, method, f"{path}?state=skipped&reason=frequency_cap", body)
    assert api(method, f"{path}?state=delivered", body).status_code == 400


def test_what_is_said_before_the_launch_is_what_the_launch_does(shop: Tenant, api: ApiClient) -> None:
    campaign = add_campaign(shop)
    path = f"/v1/campaigns/{campaign.pk}/recipients"
    said = {row["customer_id"]: (row["state"], row["reason"]) for row in listed(api, "GET", path)}
    now = clock.now()
    start(campaign, now=now)
    claim(shop.pk, campaign.pk, now=now, batch=100)
    done = {row["customer_id"]: (row["state"], row["reason"]) for row in listed(api, "GET", path)}
    assert done == {who: ("sending", "") if what == ("waiting", "") else what for who, what in said.items()}


def explained(api: ApiClient, campaign: MessageCampaign, customer: Any) -> Any:
    answer = api("GET", f"/v1/campaigns/{campaign.pk}/recipients/{customer}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def verdicts(told: Any) -> dict[str, str]:
    return {one["rule"]: one["verdict"] for one in told["rules"]}


def test_one_person_is_explained_before_and_after_the_launch(shop: Tenant, api: ApiClient) -> None:
    campaign = add_campaign(shop)
    path = f"/v1/campaigns/{campaign.pk}/recipients"
    by_fate = {(row["state"], row["reason"]): row["customer_id"] for row in listed(api, "GET", path)}
    capped = explained(api, campaign, by_fate["deferred", "frequency_cap"])
    assert (capped["is_launched"], capped["state"], capped["reason"]) == (False, "deferred", "frequency_cap")
    assert verdicts(capped)["frequency_cap"] == "waiting"
    assert capped["criteria"] == {"tags": True}
    now = clock.now()
    start(campaign, now=now)
    claim(shop.pk, campaign.pk, now=now, batch=100)
    sent = explained(api, campaign, by_fate["waiting", ""])
    assert set(verdicts(sent).values()) == {"passed"}
    assert [one["what"] for one in sent["history"]] == ["claimed"]
    assert sent["attempts"] == 1
    refused = explained(api, campaign, by_fate["skipped", "no_consent"])
    assert (refused["state"], verdicts(refused)["matched"], verdicts(refused)["consent"]) == (
        "skipped",
        "passed",
        "failed",
    )
    assert verdicts(refused)["frequency_cap"] == "not_applied"
    later = explained(api, campaign, by_fate["deferred", "frequency_cap"])
    assert verdicts(later)["frequency_cap"] == "waiting"
    assert [one["what"] for one in later["history"]] == ["deferred"]
    assert later["due_at"] == later["history"][0]["until"] == next(
        one["until"] for one in later["rules"] if one["rule"] == "frequency_cap"
    )  # fmt: skip


def test_somebody_outside_the_audience_is_told_why(shop: Tenant, api: ApiClient) -> None:
    with tenant_scope(shop.pk):
        other = Customer.objects.create(tenant=shop, phone="+254733000999", consents_promotional=True)
    campaign = add_campaign(shop)
    told = explained(api, campaign, other.pk)
    assert (told["state"], told["criteria"], verdicts(told)["matched"]) == (None, {"tags": False}, "failed")
    start(campaign)
    assert verdicts(explained(api, campaign, other.pk))["matched"] == "failed"
    assert api("GET", f"/v1/campaigns/{campaign.pk}/recipients/{campaign.pk}").status_code == 404


@override_settings(API_RATE_PER_SECOND=0)  # calls are counted ahead, at some calls and not at others
def test_lists_and_reach_take_the_same_number_of_queries_however_many_people(tenant: Tenant, api: ApiClient) -> None:
    add_sender(tenant)
    campaign = add_campaign(tenant)
    counts: list[tuple[int, ...]] = []
    for more in (3, 30):
        add_people(tenant, more)
        asked = []
        for method, path, body in (
            ("GET", f"/v1/campaigns/{campaign.pk}/recipients", None),
            ("POST", "/v1/campaigns/reach", TEXT),
            ("POST", "/v1/campaigns/reach/recipients", TEXT),
        ):
            api(method, path, body)
            with CaptureQueriesContext(connection) as queries:
                api(method, path, body)
            asked.append(len(queries))
        counts.append(tuple(asked))
    assert counts[0] == counts[1]
    assert max(counts[0]) < 25
    assert not recipients(campaign)


def test_the_few_who_failed_are_found_without_reading_everybody(tenant: Tenant, api: ApiClient) -> None:
    sender = add_sender(tenant)
    add_people(tenant, 3_000)
    campaign = start(add_campaign(tenant, sender_id=str(sender.pk)))
    claimed = claim(tenant.pk, campaign.pk, now=NOW, batch=10).people
    failure = Failure(FailureKind.RECIPIENT, "131026", "no WhatsApp")
    record.record(
        tenant.pk, sender.pk, [Evidence(one.recipient_id, Kind.REJECTED, NOW, failure=failure) for one in claimed[:3]]
    )
    path = f"/v1/campaigns/{campaign.pk}/recipients?state=failed&limit=2"
    with CaptureQueriesContext(connection) as asked:
        first = api("GET", path).json()
    (statement,) = (one["sql"] for one in asked if "failed_at IS NOT NULL" in one["sql"])
    second = api("GET", first["next"].removeprefix("http://testserver")).json()
    people = [*first["results"], *second["results"]]
    assert [person["state"] for person in people] == ["failed"] * 3
    assert {person["customer_id"] for person in people} == {str(one.customer_id) for one in claimed[:3]}
    assert api("GET", second["previous"].removeprefix("http://testserver")).json()["results"] == first["results"]
    with tenant_scope(tenant.pk):
        plan = "\n".join(line for (line,) in sql.fetch_all(f"EXPLAIN {statement}"))
    assert "ledger_failed" in plan


def test_a_page_of_people_is_read_in_order_right_after_the_freeze(tenant: Tenant, api: ApiClient) -> None:
    """And not by sorting everybody, as it was until the database had looked at the new rows."""
    add_sender(tenant)
    add_people(tenant, 3_000)
    campaign = add_campaign(tenant)
    with tenant_scope(tenant.pk):
        scheduler.start(campaign, confirm_everyone=False, now=NOW)
    jobs.launch(str(tenant.pk), str(campaign.pk))
    with CaptureQueriesContext(connection) as asked:
        assert len(api("GET", f"/v1/campaigns/{campaign.pk}/recipients").json()["results"]) == 50
    (statement,) = (one["sql"] for one in asked if "wanted AS" in one["sql"])
    with tenant_scope(tenant.pk):
        plan = "\n".join(line for (line,) in sql.fetch_all(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {statement}"))
    assert "Index Scan using ledger_one_row_per_person" in plan
    assert "actual rows=3000" not in plan
