"""An experiment as it is asked for over the API: made, read, changed, cloned, saved, and planned before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from api_client import ApiClient
from cast import NOW, add_people, add_sender
from tulia.api import openapi
from tulia.api.campaign_shapes import A_TEST
from tulia.campaigns.models import MessageCampaign
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

VIPS = {"target_criteria": {"tags": ["vip"]}}
TEST: dict[str, Any] = {
    "name": "Spring",
    "message_content": "Hello",
    "is_ab_test": True,
    "variants": [{"name": "A", "content": "Hello", "weight": 1}, {"name": "B", "content": "Hi", "weight": 3}],
    **VIPS,
}
ASKED = {
    "holdout_percent": 12.5,
    "control_variant": 0,
    "expected_rate_percent": 2.3,
    "outcome_window_minutes": 60,
    "auto_winner": {"test_percent": 30, "decide_after_minutes": 120, "if_undecided": "stop"},
}
AS_USUAL = {
    "assignment": "random", "holdout_percent": 0, "control_variant": None, "expected_rate_percent": None,
    "outcome_window_minutes": 72 * 60, "auto_winner": None, "winner": None, "experiment_plan": None,
}  # fmt: skip


def made(api: ApiClient, **fields: Any) -> Any:
    answer = api("POST", "/v1/campaigns", fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def part(campaign: Any, like: dict[str, Any]) -> dict[str, Any]:
    return {name: campaign[name] for name in like}


def test_what_is_asked_for_is_read_back_changed_cloned_and_saved(api: ApiClient) -> None:
    campaign = made(api, **TEST | ASKED)
    path = f"/v1/campaigns/{campaign['id']}"
    for seen in (campaign, api("GET", path).json(), api("POST", f"{path}/clone", {}).json()):
        assert part(seen, ASKED) == ASKED
        assert [one["weight"] for one in seen["variants"]] == [1, 3]
        assert (seen["assignment"], seen["winner"], seen["experiment_plan"]) == ("random", None, None)
    saved = api("POST", "/v1/campaign-templates", {"name": "Saved", "from_campaign_id": campaign["id"]}).json()
    assert part(saved["campaign"], ASKED) == ASKED
    started = api(
        "POST", f"/v1/campaign-templates/{saved['id']}/start", {"overrides": {"holdout_percent": None}}
    ).json()
    assert part(started, ASKED) == ASKED | {"holdout_percent": 0}
    changed = api("PATCH", path, {"auto_winner": None, "control_variant": None, "expected_rate_percent": None})
    assert part(changed.json(), ASKED) == ASKED | dict.fromkeys(
        ("auto_winner", "control_variant", "expected_rate_percent")
    )


def test_who_says_nothing_gets_what_is_usual(api: ApiClient) -> None:
    assert part(made(api, name="x", message_content="x"), AS_USUAL) == AS_USUAL
    read = made(api, name="x", message_content="x", primary_metric="converted", assignment="random")
    assert read["outcome_window_minutes"] == 7 * 24 * 60


def test_an_earlier_assignment_is_named_by_its_attribute(api: ApiClient) -> None:
    arms = [{"name": "Mens", "content": "x"}, {"name": "Womens", "content": "y"}]
    assignment = {"attribute": "segment", "holdout": "No E-Mail"}
    campaign = made(api, **TEST | {"variants": arms, "assignment": assignment})
    assert campaign["assignment"] == assignment
    refused = api("PATCH", f"/v1/campaigns/{campaign['id']}", {"holdout_percent": 5})
    assert refused.status_code == 400
    assert list(refused.json()["error"]["details"]) == ["holdout_percent"]
    cleared = api("PATCH", f"/v1/campaigns/{campaign['id']}", {"assignment": "random", "holdout_percent": 5}).json()
    assert (cleared["assignment"], cleared["holdout_percent"]) == ("random", 5)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"holdout_percent": 60}, "holdout_percent"),
        ({"holdout_percent": 1.234}, "holdout_percent"),
        ({"control_variant": 2}, "control_variant"),
        ({"expected_rate_percent": 100}, "expected_rate_percent"),
        ({"outcome_window_minutes": 0}, "outcome_window_minutes"),
        ({"auto_winner": {"test_percent": 100}}, "auto_winner.test_percent"),
        ({"auto_winner": {"if_undecided": "never"}}, "auto_winner.if_undecided"),
        ({"auto_winner": {}, "local_time": True}, "auto_winner"),
        ({"assignment": {"attribute": ""}}, "assignment.attribute"),
        ({"assignment": {"attribute": "x"}}, "variants[0].weight"),
    ],
)
def test_bad_input_is_a_400_with_its_field_and_nothing_is_made(
    api: ApiClient, tenant: Tenant, fields: dict[str, Any], path: str
) -> None:
    answer = api("POST", "/v1/campaigns", TEST | fields)
    assert answer.status_code == 400
    assert path in answer.json()["error"]["details"]
    assert api("POST", "/v1/campaigns/reach", TEST | fields).status_code == 400
    with tenant_scope(tenant.id):
        assert not MessageCampaign.objects.exists()


def test_a_recurring_campaign_hands_its_experiment_on(api: ApiClient) -> None:
    timing = {"rrule": "FREQ=WEEKLY", "starts_at": "2031-01-06T09:00:00"}
    fields = {name: value for name, value in (TEST | ASKED).items() if name != "name"}
    answer = api("POST", "/v1/recurring-campaigns", {"name": "Weekly", "campaign": fields, **timing})
    assert answer.status_code == 201, answer.content
    assert part(answer.json()["campaign"], ASKED) == ASKED
    wrong = api("POST", "/v1/recurring-campaigns", {"name": "W", "campaign": fields | {"control_variant": 3}, **timing})
    assert list(wrong.json()["error"]["details"]) == ["campaign.control_variant"]


def test_a_decision_is_shown_with_its_reason(api: ApiClient, tenant: Tenant) -> None:
    campaign = made(api, **TEST | ASKED)
    with tenant_scope(tenant.id):
        MessageCampaign.objects.filter(pk=campaign["id"]).update(winner_decided_at=NOW, winner_variant=1)
    seen = api("GET", f"/v1/campaigns/{campaign['id']}").json()["winner"]
    assert seen == {"decided_at": "2026-05-20T12:00:00Z", "variant": 1, "reason": ""}


def test_the_reach_says_what_the_test_can_see(api: ApiClient, tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 80)
    add_people(tenant, 5, consenting=False)
    plain = api("POST", "/v1/campaigns/reach", VIPS).json()
    assert plain["experiment"] is None
    asked = TEST | ASKED
    reach = api("POST", "/v1/campaigns/reach", asked).json()
    seen = reach["experiment"]
    assert (seen["people_by_variant"], seen["held_out"], seen["rest"]) == ([5, 16], 10, 49)
    assert [(one["step"], one["remaining"]) for one in reach["waterfall"]][-2:] == [
        ("not_held_out", 70), ("within_limits", 70),
    ]  # fmt: skip
    assert sum(one["people"] for one in reach["estimate"]["markets"]) == 70
    assert seen["expected_rate_percent"] == 2.3
    assert seen["is_worthwhile"] is False
    assert any("hardly worth" in sentence for sentence in seen["sentences"])
    saved = made(api, **asked)
    assert api("GET", f"/v1/campaigns/{saved['id']}/reach").json() == reach


def test_a_budget_ends_what_the_test_can_count_on(api: ApiClient, tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 80)
    text = api("POST", "/v1/campaigns/reach", TEST).json()
    price = text["estimate"]["markets"][0]["price_micros"]
    small = api("POST", "/v1/campaigns/reach", TEST | {"budget_micros": 40 * price}).json()
    assert small["experiment"]["people_by_variant"] == [10, 30]


def test_an_earlier_assignment_can_not_be_planned(api: ApiClient) -> None:
    arms = [{"name": "Mens", "content": "x"}, {"name": "Womens", "content": "y"}]
    asked = VIPS | {"is_ab_test": True, "variants": arms, "assignment": {"attribute": "segment"}}
    seen = api("POST", "/v1/campaigns/reach", asked).json()["experiment"]
    nothing = ("people_by_variant", "held_out", "smallest_detectable_points", "is_worthwhile")
    assert part(seen, dict.fromkeys(nothing)) == dict.fromkeys(nothing)
    assert "attribute" in seen["sentences"][0]


def test_the_fields_are_described_with_an_example_that_is_good(api: ApiClient) -> None:
    shapes = openapi.description()["components"]["schemas"]
    for name in ("MessageCampaignCreate", "MessageCampaign"):
        assert set(ASKED) | {"assignment"} <= set(shapes[name]["properties"])
    assert shapes["MessageCampaignCreate"]["properties"]["holdout_percent"]["maximum"] == 50
    body = openapi.description()["paths"]["/v1/campaigns"]["post"]["requestBody"]["content"]["application/json"]
    (example,) = body["examples"].values()
    assert example["value"] == A_TEST
    assert made(api, **A_TEST)["auto_winner"] == A_TEST["auto_winner"]
    assert "weight" in shapes["Variant"]["properties"]
