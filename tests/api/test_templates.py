"""Templates over the API: their parts, what they need, what becomes of campaigns when they change."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from api_client import ApiClient
from cast import add_campaign, add_people, add_sender, recipients, reloaded, start
from tulia.channels import templates
from tulia.channels.models import MessageTemplate
from tulia.core import clock
from tulia.ledger import record
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

PARTS: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "Hi {{customer_name}}, {{fruit}} from {{farm}} are here."},
    {"type": "FOOTER", "text": "Reply STOP to get no more"},
    {"type": "BUTTONS", "buttons": [
        {"type": "URL", "text": "Order", "url": "https://shop.example/o/{{1}}"},
        {"type": "QUICK_REPLY", "text": "Stop promotions"},
    ]},
]  # fmt: skip
OFFER: dict[str, Any] = {"name": "fruit_offer", "language": "en", "category": "marketing", "components": PARTS}


@pytest.fixture
def offer(api: ApiClient) -> Any:
    made = api("POST", "/v1/templates", OFFER | {"defaults": {"farm": "our farms"}, "examples": {"fruit": "mangoes"}})
    assert made.status_code == 201, made.content
    return made.json()


def stored(tenant: Tenant, template_id: str) -> MessageTemplate:
    with tenant_scope(tenant.id):
        return templates.get(tenant.id, uuid.UUID(template_id))


def test_a_template_with_all_parts_says_what_it_needs(offer: Any) -> None:
    assert [part["type"] for part in offer["components"]] == ["header", "body", "footer", "buttons"]
    assert (offer["body"], offer["variables"]) == (PARTS[1]["text"], ["customer_name", "fruit", "farm"])
    assert (offer["status"], offer["quality"], offer["use_count"]) == ("approved", "unknown", 0)
    needed = {place["key"]: place for place in offer["places"]}
    assert [key for key, place in needed.items() if place["is_required"]] == ["header.link", "fruit", "buttons[0].url"]
    assert needed["farm"]["default"] == "our farms"
    assert needed["fruit"]["example"] == "mangoes"
    assert needed["customer_name"]["standard"] == "{{ customer.name }}"


def test_a_body_alone_is_a_template_with_one_part(api: ApiClient) -> None:
    made = api("POST", "/v1/templates", {"name": "a", "language": "sw", "category": "utility", "body": "Habari {{1}}"})
    assert made.json()["components"] == [{"type": "body", "text": "Habari {{1}}"}]


@pytest.mark.parametrize(
    ("wrong", "paths"),
    [
        ({"components": [*PARTS[:3], {"type": "buttons", "buttons": [{"type": "quick_reply", "text": "x" * 26}]}]},
         {"components[3].buttons[0].text"}),
        ({"components": "x"}, {"components"}),
        ({"body": "Hi"}, {"components"}),
        ({"components": None}, {"components"}),
        ({"examples": {"colour": "red"}}, {"examples.colour"}),
        ({"defaults": {"farm": ""}}, {"defaults.farm"}),
        ({"defaults": {"farm": "x" * 1_025}}, {"defaults.farm"}),
        ({"name": "Offer", "language": "english"}, {"name", "language"}),
        ({"status": "nice"}, {"status"}),
        ({"colour": "red"}, {"colour"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_template_is_named_by_its_path(
    api: ApiClient, wrong: dict[str, Any], paths: set[str]
) -> None:
    answer = api("POST", "/v1/templates", OFFER | wrong)
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == paths


def test_neither_body_nor_components_is_refused(api: ApiClient) -> None:
    answer = api("POST", "/v1/templates", {key: value for key, value in OFFER.items() if key != "components"})
    assert answer.json()["error"]["details"] == {"body": "give either body or components"}


def test_a_template_is_changed_and_forgets_defaults_of_places_it_has_no_more(api: ApiClient, offer: Any) -> None:
    path = f"/v1/templates/{offer['id']}"
    changed = api("PATCH", path, {"body": "Now {{fruit}} only!", "category": "utility", "provider_id": "77"}).json()
    assert (changed["body"], changed["category"], changed["provider_id"]) == ("Now {{fruit}} only!", "utility", "77")
    assert [(place["key"], place["example"], place["default"]) for place in changed["places"]] == [
        ("fruit", "mangoes", None)
    ]
    assert api("PATCH", path, {"body": "x", "components": PARTS}).status_code == 400
    assert api("PATCH", path, {"name": "other"}).status_code == 400
    assert api("PATCH", path, {}).json() | {"updated_at": 0} == changed | {"updated_at": 0}


def running(tenant: Tenant, template_id: str, **fields: Any) -> Any:
    add_sender(tenant)
    add_people(tenant, 4)
    values = {"fruit": "mangoes", "header.link": "https://shop.example/m.jpg", "buttons[0].url": "m"}
    return start(
        add_campaign(tenant, template_id=template_id, template_variables=values, now=clock.now(), **fields),
        now=clock.now(),
    )


def test_what_a_template_says_is_not_changed_and_it_is_not_deleted_under_a_live_campaign(
    tenant: Tenant, api: ApiClient, offer: Any
) -> None:
    campaign = running(tenant, offer["id"], name="Fruit")
    path = f"/v1/templates/{offer['id']}"
    for method, body in (("PATCH", {"body": "Other"}), ("DELETE", None)):
        refused = api(method, path, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "template_in_use")
        assert "'Fruit'" in refused.json()["error"]["message"]
        assert refused.json()["error"]["details"]["campaigns"] == [str(campaign.pk)]
    assert api("PATCH", path, {"examples": {"fruit": "figs"}}).status_code == 200
    with tenant_scope(tenant.id):
        campaign.cancel(at=clock.now())
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == api("DELETE", path).status_code == 404
    assert api("GET", "/v1/templates").json()["results"] == []
    assert api("POST", "/v1/templates", OFFER).status_code == 201
    again = api("POST", "/v1/campaigns", {"name": "x", "template_id": offer["id"]})
    assert again.json()["error"]["details"] == {"template_id": "is not a template of yours"}


def test_a_template_that_is_paused_by_hand_pauses_its_campaigns_which_resume_when_it_is_approved(
    tenant: Tenant, api: ApiClient, offer: Any
) -> None:
    campaign = running(tenant, offer["id"])
    api("PATCH", f"/v1/templates/{offer['id']}", {"status": "paused"})
    assert reloaded(campaign).status == "paused"
    assert reloaded(campaign).status_reason.startswith("The template 'fruit_offer' (en) is paused: set by")
    resume = f"/v1/campaigns/{campaign.pk}/resume"
    refused = api("POST", resume, {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "template_not_approved")
    api("PATCH", f"/v1/templates/{offer['id']}", {"status": "approved"})
    assert api("POST", resume, {}).json()["status"] == "sending"


def test_a_template_counts_the_people_it_was_sent_to(tenant: Tenant, api: ApiClient, offer: Any) -> None:
    arms = [{"name": "A", "content": "Just words"}, {"name": "B", "template_id": offer["id"]}]
    plain = running(tenant, offer["id"])
    test = running(tenant, offer["id"], is_ab_test=True, variants=arms)
    for campaign in (plain, test):
        rows = [row for row in recipients(campaign) if row.due_at]
        taken = [Evidence(row.pk, Kind.ACCEPTED, clock.now(), message_id=f"wamid.{row.pk}") for row in rows]
        record.record(tenant.id, campaign.sender_id, taken)
    in_plain = reloaded(plain).delivery_count
    in_arm_b = sum(row.arm == 1 for row in recipients(test))
    assert min(in_plain, in_arm_b) > 0
    assert api("GET", f"/v1/templates/{offer['id']}").json()["use_count"] == in_plain + in_arm_b
    assert api("GET", "/v1/templates").json()["results"][0]["use_count"] == in_plain + in_arm_b


def test_a_campaign_says_which_values_are_missing_before_it_is_launched(
    tenant: Tenant, api: ApiClient, offer: Any
) -> None:
    add_sender(tenant)
    add_people(tenant, 1)
    made = api("POST", "/v1/campaigns", {
        "name": "x", "template_id": offer["id"], "target_criteria": {"tags": ["vip"]},
        "template_variables": {"fruit": "figs"},
    }).json()  # fmt: skip
    refused = api("POST", f"/v1/campaigns/{made['id']}/execute", {"confirm": True})
    assert refused.status_code == 400
    assert set(refused.json()["error"]["details"]) == {
        "template_variables.header.link", "template_variables.buttons[0].url",
    }  # fmt: skip


def test_another_tenants_template_can_not_be_changed_or_deleted(
    api: ApiClient, offer: Any, api_of: Callable[..., ApiClient]
) -> None:
    from tulia.tenants import accounts

    stranger = api_of(accounts.create_tenant(f"s-{uuid.uuid4().hex[:8]}", name="s", tier="growth"))
    for method, body in (("PATCH", {"body": "Mine"}), ("DELETE", None), ("GET", None)):
        assert stranger(method, f"/v1/templates/{offer['id']}", body).status_code == 404
    assert api("GET", f"/v1/templates/{offer['id']}").json() == offer
