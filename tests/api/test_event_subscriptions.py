from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from api_client import ApiClient
from hook_receiver import receiving
from webhooks.listening import deliveries
from webhooks.test_claiming_deliveries import _tell

PATH = "/v1/event-subscriptions"
NEW = {"url": "https://hooks.invalid/tulia", "event_types": ["campaign.started", "recipient.failed"]}


@pytest.fixture
def api(tenant: Any) -> ApiClient:
    from tulia.tenants import api_keys

    return ApiClient(api_keys.create(tenant.id, name="test", scopes=["integrations:manage"]))


def _made(api: ApiClient, **fields: Any) -> Any:
    answer = api("POST", PATH, NEW | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_secret_is_shown_when_it_is_made_and_never_again(api: ApiClient) -> None:
    made = _made(api, description="CRM")
    assert made["secret"].startswith("whsec_")
    shown = api("GET", f"{PATH}/{made['id']}")
    assert shown.json() == {name: value for name, value in made.items() if name != "secret"}
    assert shown.json()["event_types"] == NEW["event_types"]
    assert made["secret"] not in api("GET", PATH).content.decode()
    rotated = api("POST", f"{PATH}/{made['id']}/rotate-secret", {"previous_valid_seconds": 60}).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"]


def test_a_subscription_is_changed_switched_off_and_deleted(api: ApiClient) -> None:
    made = _made(api)
    path = f"{PATH}/{made['id']}"
    changed = api("PATCH", path, {"is_enabled": False, "description": "Off", "event_types": ["recipient.read"]}).json()
    assert (changed["is_enabled"], changed["description"], changed["event_types"]) == (
        False, "Off", ["recipient.read"]
    )  # fmt: skip
    assert changed["url"] == NEW["url"]
    assert api("PATCH", path, {"is_enabled": True}).json()["is_enabled"] is True
    assert api("DELETE", path).status_code == 204
    for method, rest, body in (
        ("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/test", {}),
        ("POST", "/rotate-secret", {}), ("GET", "/deliveries", None),
        ("POST", "/replay", {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}),
    ):  # fmt: skip
        assert api(method, path + rest, body).status_code == 404
    assert api("GET", PATH).json()["results"] == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "not an address"}, "url"),
        ({"url": None}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["campaign.exploded"]}, "event_types[0]"),
        ({"event_types": "campaign.started"}, "event_types"),
        ({"event_types": [["campaign.started"]]}, "event_types[0]"),
        ({"description": "x" * 301}, "description"),
        ({"is_enabled": "yes"}, "is_enabled"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_named(api: ApiClient, fields: dict[str, Any], wrong: str) -> None:
    answer = api("POST", PATH, NEW | fields)
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [wrong])
    made = _made(api)
    if fields != {"secret": "whsec_mine"}:
        assert api("PATCH", f"{PATH}/{made['id']}", fields).status_code == 400
    assert len(api("GET", PATH).json()["results"]) == 1


@pytest.mark.parametrize("seconds", [-1, 604_801, "60", True])
def test_an_overlap_is_at_most_a_week(api: ApiClient, seconds: object) -> None:
    made = _made(api)
    answer = api("POST", f"{PATH}/{made['id']}/rotate-secret", {"previous_valid_seconds": seconds})
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["previous_valid_seconds"])


def test_there_are_twenty_subscriptions_at_most(api: ApiClient) -> None:
    made = [_made(api) for _ in range(20)]
    refused = api("POST", PATH, NEW)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many_subscriptions")
    assert api("DELETE", f"{PATH}/{made[0]['id']}").status_code == 204
    assert api("POST", PATH, NEW).status_code == 201


def test_a_test_says_what_happened(api: ApiClient) -> None:
    with override_settings(WEBHOOKS_MAY_BE_LOCAL=True), receiving() as receiver:
        made = _made(api, url=receiver.url)
        answer = api("POST", f"{PATH}/{made['id']}/test", {}).json()
        assert answer.pop("duration_ms") >= 0
        assert answer == {"is_delivered": True, "status": 204, "error": "", "response": ""}
        (arrived,) = receiver.arrived
        payload = arrived.verify(made["secret"])
        assert (payload["type"], payload["data"]) == ("webhook.test", {"subscription_id": made["id"]})
    refused = api("POST", f"{PATH}/{made['id']}/test", {}).json()  # now http and this machine are not allowed
    assert (refused["is_delivered"], refused["status"]) == (False, None)
    assert "public internet" in refused["error"]


def test_the_log_is_listed_by_state_in_pages_and_shown_in_detail(api: ApiClient, tenant: Any) -> None:
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks.models import WebhookDelivery

    made = _made(api)
    _tell(tenant, 3)
    log = f"{PATH}/{made['id']}/deliveries"
    newest = [str(one.pk) for one in reversed(deliveries(tenant))]
    with tenant_scope(tenant.id):
        WebhookDelivery.objects.filter(pk=newest[0]).update(state="failed", next_attempt_at=None)
    first = api("GET", f"{log}?limit=2").json()
    assert [one["id"] for one in first["results"]] == newest[:2]
    second = api("GET", first["next"]).json()
    assert [one["id"] for one in second["results"]] == newest[2:]
    assert second["next"] is None
    failed = api("GET", f"{log}?state=failed").json()["results"]
    assert [one["id"] for one in failed] == newest[:1]
    assert api("GET", f"{log}?state=lost").status_code == 400
    assert api("GET", f"{log}?stat=failed").status_code == 400
    shown = api("GET", f"{log}/{newest[0]}").json()
    assert shown["attempts"] == []
    assert shown["payload"]["type"] == shown["event_type"] == "campaign.started"
    assert api("GET", f"{log}/{uuid4()}").status_code == 404
    other = _made(api)
    assert api("GET", f"{PATH}/{other['id']}/deliveries/{newest[0]}").status_code == 404
    replayed = api("POST", f"{log}/{newest[0]}/replay", {})
    assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")


def test_a_period_is_sent_again_also_to_who_was_not_there(api: ApiClient, tenant: Any) -> None:
    _made(api)
    _tell(tenant, 3)
    late = _made(api)
    period = {"from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    answer = api("POST", f"{PATH}/{late['id']}/replay", period)
    assert (answer.status_code, answer.json()) == (202, {"event_count": 3})
    assert len(api("GET", f"{PATH}/{late['id']}/deliveries?state=pending").json()["results"]) == 3
    before = {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}
    assert api("POST", f"{PATH}/{late['id']}/replay", before).json() == {"event_count": 0}


@pytest.mark.parametrize(
    ("period", "wrong"),
    [
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-01-02T00:00:00Z"}, "to"),
        ({"from": "yesterday", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"since": "2026-01-02T00:00:00Z"}, "since"),
    ],
)
def test_a_period_that_is_none_is_refused(api: ApiClient, period: dict[str, str], wrong: str) -> None:
    made = _made(api)
    answer = api("POST", f"{PATH}/{made['id']}/replay", period)
    assert answer.status_code == 400
    assert wrong in answer.json()["error"]["details"]
