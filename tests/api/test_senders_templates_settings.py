from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from api_client import ApiClient
from tulia.channels.models import Sender
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

SECRETS = {"access_token": "EAAtoken", "app_secret": "s3cret-of-app", "verify_token": "verify-me"}
SENDER: dict[str, Any] = {"name": "Main", "phone_number_id": "106540352242922", **SECRETS}
TEMPLATE = {"name": "june_sale", "language": "en", "category": "marketing", "body": "Hi {{1}}, save {{2}} today"}


def test_a_sender_is_made_and_read_and_its_secrets_never_come_back(tenant: Tenant, api: ApiClient) -> None:
    made = api("POST", "/v1/senders", SENDER)
    assert made.status_code == 201
    sender = made.json()
    assert sender["webhook_path"] == f"/v1/webhooks/whatsapp/{sender['id']}"
    assert (sender["rate_per_second"], sender["is_paused"], sender["is_simulated"]) == (80, False, False)
    answers = [made, api("GET", f"/v1/senders/{sender['id']}"), api("GET", "/v1/senders")]
    for answer in answers:
        for secret in SECRETS.values():
            assert secret not in answer.content.decode()
    with tenant_scope(tenant.id):
        stored = Sender.objects.get(pk=sender["id"])
    assert not {stored.access_token_encrypted, stored.app_secret_encrypted} & set(SECRETS.values())


def test_the_same_phone_number_twice_is_a_conflict(api: ApiClient) -> None:
    api("POST", "/v1/senders", SENDER)
    again = api("POST", "/v1/senders", SENDER)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "sender_exists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_number_id": "+254700000001"},
        {"phone_number_id": ""},
        {"access_token": "with space"},
        {"access_token": "line\nbreak"},
        {"app_secret": ""},
        {"rate_per_second": 0},
        {"rate_per_second": 1.5},
        {"name": "  "},
        {"name": "x" * 101},
        {"kind": "fax"},
    ],
)
def test_every_wrong_field_of_a_sender_is_named(api: ApiClient, wrong: dict[str, Any]) -> None:
    answer = api("POST", "/v1/senders", SENDER | wrong)
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == set(wrong)


def test_only_the_operator_says_where_messages_are_posted_to(api: ApiClient) -> None:
    answer = api("POST", "/v1/senders", SENDER | {"base_url": "http://10.0.0.1/"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "base_url_forbidden")
    with override_settings(TENANTS_MAY_SET_BASE_URL=True):
        assert api("POST", "/v1/senders", SENDER | {"base_url": "http://10.0.0.1/"}).status_code == 201
        for address in ("ftp://x", "http://", "http://user:pass@x", "http://x?y", "http://x:99999", "http://[", "x y"):
            assert api("POST", "/v1/senders", SENDER | {"base_url": address}).status_code == 400


def test_a_sender_is_renamed_paced_paused_and_resumed(api: ApiClient) -> None:
    path = f"/v1/senders/{api('POST', '/v1/senders', SENDER).json()['id']}"
    changed = api("PATCH", path, {"name": "New", "rate_per_second": 5}).json()
    assert (changed["name"], changed["rate_per_second"]) == ("New", 5)
    assert api("GET", path).json()["breaker"] == {
        "state": "closed", "scope": None, "reason": "", "code": "", "since": None, "retry_at": None,
    }  # fmt: skip
    paused = api("PATCH", path, {"is_paused": True, "paused_reason": "Number under review"}).json()
    assert (paused["is_paused"], paused["paused_reason"]) == (True, "Number under review")
    assert api("PATCH", path, {"is_paused": False}).json()["is_paused"] is False
    assert api("PATCH", path, {"phone_number_id": "1"}).status_code == 400
    assert api("PATCH", path, {"paused_reason": "why"}).status_code == 400


def test_templates_are_made_listed_and_filtered(api: ApiClient) -> None:
    made = api("POST", "/v1/templates", TEMPLATE)
    assert (made.status_code, made.json()["variables"], made.json()["status"]) == (201, ["1", "2"], "approved")
    assert api("POST", "/v1/templates", TEMPLATE).json()["error"]["code"] == "template_exists"
    assert api("POST", "/v1/templates", TEMPLATE | {"language": "sw"}).status_code == 201
    assert len(api("GET", "/v1/templates?status=approved").json()["results"]) == 2
    assert api("GET", "/v1/templates?status=rejected").json()["results"] == []
    assert api("GET", "/v1/templates?status=nice").status_code == 400
    assert api("GET", "/v1/templates?stauts=approved").status_code == 400
    assert api("GET", f"/v1/templates/{made.json()['id']}").json() == made.json()


@override_settings(API_RATE_PER_SECOND=0)  # calls are counted ahead, at some calls and not at others
def test_a_list_takes_the_same_number_of_queries_however_long_it_is(api: ApiClient) -> None:
    counts = []
    for index in range(6):
        api("POST", "/v1/templates", TEMPLATE | {"name": f"t_{index}"})
        with CaptureQueriesContext(connection) as queries:
            api("GET", "/v1/templates")
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_settings_are_read_and_changed(api: ApiClient) -> None:
    first = {
        "timezone": "Africa/Nairobi", "country": "KE", "quiet_hours": None,
        "frequency_cap": None, "approval_required": False, "opt_out_words": [],
        "opt_in_words": [],
        "opt_out_reply": "You have been unsubscribed from promotional and reminder messages",
        "opt_in_reply": "You have been subscribed again to promotional and reminder messages",
    }  # fmt: skip
    assert api("GET", "/v1/settings").json() == first
    changes = {
        "country": "TZ", "opt_out_words": [" acha ", "ACHA", "simama kabisa"], "quiet_hours": {"start": "21:30", "end": "07:00"},
        "frequency_cap": {"max_messages": 2, "days": 7}, "approval_required": True,
    }  # fmt: skip
    changed = api("PATCH", "/v1/settings", changes).json()
    assert changed == first | changes | {"opt_out_words": ["ACHA", "simama kabisa"]}
    assert api("PATCH", "/v1/settings", {"frequency_cap": None}).json()["frequency_cap"] is None
    assert api("PATCH", "/v1/settings", changed).json() == changed


def test_words_may_be_given_for_each_language_and_answers_switched_off(api: ApiClient) -> None:
    changes = {
        "opt_out_words": {"sw": ["acha", "Basi  sana"], "pt": []},
        "opt_in_words": ["Anza"],
        "opt_out_reply": None,
    }
    changed = api("PATCH", "/v1/settings", changes).json()
    assert changed["opt_out_words"] == {"sw": ["acha", "Basi sana"], "pt": []}
    assert (changed["opt_in_words"], changed["opt_out_reply"]) == (["Anza"], None)
    assert api("GET", "/v1/settings").json() == changed


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Nairobi"},
        {"country": "Ke"},
        {"country": None},
        {"opt_out_words": ["x" * 61]},
        {"opt_out_words": [5]},
        {"opt_out_words": [f"w{i}" for i in range(51)]},
        {"opt_out_words": "STOP"},
        {"opt_out_words": {"Swahili": ["acha"]}},
        {"opt_out_words": {"sw": "acha"}},
        {"opt_in_words": None},
        {"opt_out_reply": ""},
        {"opt_in_reply": "x" * 1_001},
        {"quiet_hours": {"start": "22:00"}},
        {"frequency_cap": {"max_messages": 0, "days": 1}},
        {"frequency_cap": {"max_messages": 1}},
        {"approval_required": None},
        {"quiet_days": None},
    ],
)
def test_wrong_and_unknown_settings_are_refused_by_name(api: ApiClient, wrong: dict[str, Any]) -> None:
    answer = api("PATCH", "/v1/settings", wrong)
    assert answer.status_code == 400
    assert next(iter(answer.json()["error"]["details"])).startswith(next(iter(wrong)))


def test_another_tenants_senders_and_templates_do_not_exist(
    tenant: Tenant, api: ApiClient, api_of: Callable[..., ApiClient]
) -> None:
    stranger = api_of(accounts.create_tenant(f"other-{tenant.slug}", name="Other", tier="starter"))
    for kind, body in (("senders", SENDER), ("templates", TEMPLATE)):
        path = f"/v1/{kind}/{api('POST', f'/v1/{kind}', body).json()['id']}"
        assert stranger("GET", path).status_code == 404
        if kind == "senders":
            assert stranger("PATCH", path, {"name": "Mine"}).status_code == 404
        assert stranger("GET", f"/v1/{kind}").json()["results"] == []
