"""Templates from end to end: sent with all their parts, paused by the provider in the middle, tapped by people."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from flows.conftest import OpenShop
from flows.shop import Shop
from live_installation import eventually, fetch

PARTS: list[dict[str, Any]] = [
    {"type": "header", "format": "image"},
    {"type": "body", "text": "Hi {{first_name}}, figs from {{city}} are here."},
    {"type": "footer", "text": "Reply STOP to get no more"},
    {"type": "buttons", "buttons": [
        {"type": "url", "text": "Order", "url": "https://shop.example/o/{{1}}"},
        {"type": "quick_reply", "text": "Tell me more"}, {"type": "quick_reply", "text": "Stop promotions"},
    ]},
]  # fmt: skip
VALUES = {
    "header.link": "https://shop.example/figs.jpg",
    "city": "Nakuru",
    "buttons[0].url": "{{ customer.external_id }}",
}


def add_template(shop: Shop, name: str) -> str:
    """The template here and at the provider, approved."""
    url = f"{shop.installation.simulator_url}/v25.0/9{shop.phone_number_id}/message_templates"
    theirs = [
        {key: value.upper() if key in ("type", "format") else value for key, value in part.items()} for part in PARTS
    ]
    theirs[3]["buttons"] = [button | {"type": button["type"].upper()} for button in PARTS[3]["buttons"]]
    made = httpx.post(
        url,
        json={"name": name, "language": "en", "category": "MARKETING", "components": theirs},
        headers={"Authorization": f"Bearer token-{shop.phone_number_id}"},
    )
    assert made.status_code == 200, made.text
    answer = shop.call(
        "POST",
        "/v1/templates",
        {
            "name": name,
            "language": "en",
            "category": "marketing",
            "components": PARTS,
            "provider_id": made.json()["id"],
        },
    )
    assert answer.status_code == 201, answer.text
    eventually(lambda: _at_provider(shop, made.json()["id"]) == "APPROVED")
    return str(answer.json()["id"])


def _at_provider(shop: Shop, provider_id: str) -> Any:
    url = f"{shop.installation.simulator_url}/v25.0/{provider_id}"
    return httpx.get(url, headers={"Authorization": f"Bearer token-{shop.phone_number_id}"}).json()["status"]


def tell(shop: Shop, name: str, **what: str) -> None:
    fetch(f"{shop.installation.simulator_url}/_sim/template/{name}/en", what, method="POST")


@pytest.fixture
def provider_approves_at_once(open_shop: OpenShop) -> None:
    fetch(
        f"{open_shop(customers=0).installation.simulator_url}/_sim/config", {"templates": {"review_s": 0}}, method="PUT"
    )


def test_a_template_goes_out_with_all_its_parts_and_a_tap_on_stop_is_obeyed(
    open_shop: OpenShop, provider_approves_at_once: None
) -> None:
    shop = open_shop(customers=30, number=lambda i: i * 10_000 + (210 if i < 3 else 220), have_written=False)
    template = add_template(shop, f"figs_{shop.phone_number_id}")
    campaign = shop.make(template_id=template, template_variables=VALUES)
    assert shop.execute(campaign, wait=30).json()["results"]["sent"] == 30
    shop.drain_provider()
    report = eventually(lambda: _with_replies(shop, campaign, 3))
    assert report["balance"]["failed"] == 0
    assert shop.get(f"/v1/templates/{template}")["use_count"] == 30


def _with_replies(shop: Shop, campaign: str, count: int) -> Any:
    report = shop.report(campaign)
    return report if report["engagement"]["response_count"] == count else None


def test_a_template_that_is_paused_in_the_middle_pauses_the_campaign_and_nobody_is_burnt(
    open_shop: OpenShop, provider_approves_at_once: None
) -> None:
    shop = open_shop(customers=600, rate=100, have_written=False)
    name = f"figs_{shop.phone_number_id}"
    template = add_template(shop, name)
    campaign = shop.make(template_id=template, template_variables=VALUES)
    shop.execute(campaign)
    eventually(lambda: shop.get(f"/v1/campaigns/{campaign}")["delivery_count"] > 50)
    tell(shop, name, status="PAUSED")
    paused = shop.until(campaign, "paused")
    assert "template" in paused["status_reason"].lower()
    eventually(lambda: shop.get(f"/v1/templates/{template}")["status"] == "paused")
    eventually(lambda: shop.report(campaign)["balance"]["sending"] == 0)
    balance = shop.report(campaign)["balance"]
    assert balance["waiting"] + balance["deferred"] > 400
    assert set(balance["failed_by_class"]) <= {"recipient"}  # numbers without WhatsApp
    refused = shop.call("POST", f"/v1/campaigns/{campaign}/resume", {})
    assert refused.json()["error"]["code"] == "template_not_approved"
    tell(shop, name, status="APPROVED")
    eventually(lambda: shop.get(f"/v1/templates/{template}")["status"] == "approved")
    assert shop.call("POST", f"/v1/campaigns/{campaign}/resume", {}).status_code == 200
    shop.until(campaign, within=60)
    balance = shop.report(campaign)["balance"]
    assert balance["sent"] + balance["failed"] + balance["skipped"] == 600
    assert set(balance["failed_by_class"]) <= {"recipient"}
    assert max(shop.ledger_of_provider()["accepts_by_opaque"].values()) == 1


def test_quality_and_category_are_followed(open_shop: OpenShop, provider_approves_at_once: None) -> None:
    shop = open_shop(customers=0)
    name = f"figs_{shop.phone_number_id}"
    template = add_template(shop, name)
    tell(shop, name, category="UTILITY")
    tell(shop, name, quality="YELLOW")
    found = eventually(lambda: _changed(shop, template))
    assert found["status"] == "approved"


def _changed(shop: Shop, template: str) -> Any:
    found = shop.get(f"/v1/templates/{template}")
    return found if (found["category"], found["quality"]) == ("utility", "yellow") else None


def test_the_providers_templates_are_taken_over(open_shop: OpenShop, provider_approves_at_once: None) -> None:
    shop = open_shop(customers=0)
    path = f"/v1/senders/{shop.sender_id}"
    refused = shop.call("POST", f"{path}/sync-templates", {})
    assert set(refused.json()["error"]["details"]) == {"business_account_id"}
    assert shop.call("PATCH", path, {"business_account_id": f"9{shop.phone_number_id}"}).status_code == 200
    known = add_template(shop, "known")
    url = f"{shop.installation.simulator_url}/v25.0/9{shop.phone_number_id}/message_templates"
    headers = {"Authorization": f"Bearer token-{shop.phone_number_id}"}
    for number in range(120):
        body: dict[str, Any] = {
            "type": "BODY",
            "text": f"No. {number} for {{{{1}}}}",
            "example": {"body_text": [["Amina"]]},
        }
        made = {"name": f"t_{number}", "language": "en", "category": "UTILITY", "components": [body]}
        assert httpx.post(url, json=made, headers=headers).status_code == 200
    flow = {"type": "BUTTONS", "buttons": [{"type": "FLOW", "text": "Sign up"}]}
    odd = {"name": "odd", "language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "x"}, flow]}
    assert httpx.post(url, json=odd, headers=headers).status_code == 200
    synced = shop.call("POST", f"{path}/sync-templates", {}).json()
    assert (synced["created"], synced["updated"], synced["unchanged"]) == (120, 0, 1)
    assert [(one["name"], "FLOW" in one["reason"].upper() or "type" in one["reason"]) for one in synced["skipped"]] == [
        ("odd", True)
    ]
    again = shop.call("POST", f"{path}/sync-templates", {}).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 121)
    (first,) = [one for one in shop.get("/v1/templates?limit=200")["results"] if one["name"] == "t_7"]
    assert (first["body"], first["places"][0]["example"]) == ("No. 7 for {{1}}", "Amina")
    tell(shop, "known", status="DISABLED")
    assert shop.call("POST", f"{path}/sync-templates", {}).json()["updated"] <= 1
    assert shop.get(f"/v1/templates/{known}")["status"] == "disabled"
