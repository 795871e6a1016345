"""Campaign templates over HTTP: saved, changed, started from, refused by field."""

from __future__ import annotations

from typing import Any

import pytest

from api_client import ApiClient
from cast import add_campaign
from tulia.tenants.models import Tenant

SAVED = {"message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}


def save(api: ApiClient, **fields: Any) -> Any:
    answer = api("POST", "/v1/campaign-templates", {"name": "June", "campaign": SAVED} | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_configuration_is_saved_changed_started_from_and_deleted(api: ApiClient) -> None:
    saved = save(api, description="For the season")
    path = f"/v1/campaign-templates/{saved['id']}"
    assert (saved["campaign"], saved["description"]) == (SAVED, "For the season")
    assert api("GET", path).json() == saved
    assert api("GET", "/v1/campaign-templates").json()["results"] == [saved]
    changed = api("PATCH", path, {"name": "July", "campaign": SAVED | {"budget_micros": 5}}).json()
    assert (changed["name"], changed["campaign"]["budget_micros"]) == ("July", 5)
    started = api("POST", f"{path}/start", {"overrides": {"message_content": "Ripe mangoes!"}})
    assert started.status_code == 201
    campaign = started.json()
    assert (campaign["name"], campaign["message_content"], campaign["status"]) == ("July", "Ripe mangoes!", "draft")
    assert campaign["budget_micros"] == 5
    assert api("POST", f"{path}/start", {}).json()["message_content"] == "Fresh mangoes!"
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404
    assert api("GET", f"/v1/campaigns/{campaign['id']}").status_code == 200


def test_a_campaign_can_be_saved_as_it_is(api: ApiClient, tenant: Tenant) -> None:
    campaign = add_campaign(tenant, description="As it was")
    saved = api("POST", "/v1/campaign-templates", {"name": "June", "from_campaign_id": str(campaign.pk)}).json()
    assert saved["campaign"] == SAVED | {"description": "As it was", "primary_metric": "responded"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "June"}, "campaign"),
        ({"name": "June", "campaign": SAVED, "from_campaign_id": "00000000-0000-4000-8000-000000000001"}, "campaign"),
        ({"campaign": SAVED}, "name"),
        ({"name": " ", "campaign": SAVED}, "name"),
        ({"name": "x" * 256, "campaign": SAVED}, "name"),
        ({"name": "June", "campaign": []}, "campaign"),
        ({"name": "June", "campaign": None}, "campaign"),
        ({"name": "June", "campaign": {"scheduled_at": "2031-01-06T09:00:00Z"}}, "campaign.scheduled_at"),
        ({"name": "June", "campaign": {"message": "Hi"}}, "campaign.message"),
        ({"name": "June", "campaign": {"message_content": "{{ unclosed"}}, "campaign.message_content"),
        ({"name": "June", "campaign": SAVED, "colour": "red"}, "colour"),
    ],
)
def test_what_will_not_do_is_refused_by_field(api: ApiClient, body: Any, path: str) -> None:
    answer = api("POST", "/v1/campaign-templates", body)
    assert answer.status_code == 400
    assert path in answer.json()["error"]["details"]
    assert api("GET", "/v1/campaign-templates").json()["results"] == []


def test_an_override_that_will_not_do_starts_nothing(api: ApiClient) -> None:
    path = f"/v1/campaign-templates/{save(api)['id']}/start"
    wrong: list[Any] = [{"target_criteria": {"tag": ["x"]}}, {"name": ""}, {"colour": "red"}, []]
    for overrides in wrong:
        answer = api("POST", path, {"overrides": overrides})
        assert answer.status_code == 400, overrides
    incomplete = save(api, campaign={"target_criteria": {"tags": ["vip"]}})
    answer = api("POST", f"/v1/campaign-templates/{incomplete['id']}/start", {})
    assert answer.json()["error"]["details"] == {"message_content": "is required"}
    assert api("GET", "/v1/campaigns").json()["results"] == []
