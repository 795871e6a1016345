from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import shelf
from django.test import override_settings

from api_client import ApiClient
from tulia.audience.models import Customer
from tulia.core import clock
from tulia.tenants import accounts, api_keys
from tulia.tenants.models import ApiKey, IdempotentRequest, Tenant
from tulia.tenants.scope import tenant_scope


@pytest.fixture(autouse=True)
def _with_a_shelf_of_books() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="shelf"):
        yield


def error_of(response: Any) -> dict[str, Any]:
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "details"}
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer tulia_unknown"},
        {"authorization": "Basic dHVsaWE6eA=="},
        {"authorization": "Bearer"},
        {"authorization": "Bearer tulia_a tulia_b"},
        {"authorization": "Bearer tulia_\u00e9\u00ff"},
        {"authorization": "Bearer tulia_" + "x" * 5_000},
    ],
)
def test_without_a_valid_key_the_answer_is_401_and_says_how_to_send_one(headers: dict[str, str]) -> None:
    response = ApiClient(None)("GET", "/v1/books", **headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert error_of(response)["code"] == "unauthenticated"


def test_a_revoked_or_expired_key_is_no_key(tenant: Tenant) -> None:
    for change in ({"revoked_at": clock.now()}, {"expires_at": clock.now() - timedelta(seconds=1)}):
        key = api_keys.create(tenant.id, name="old", scopes=["catalog:view"])
        with tenant_scope(tenant.id):
            ApiKey.objects.filter(prefix=key[:12]).update(**change)
        assert ApiClient(key)("GET", "/v1/books").status_code == 401


def test_a_key_without_the_scope_is_told_which_one_is_missing(tenant: Tenant, api_of: Callable[..., ApiClient]) -> None:
    reader = api_of(tenant, "catalog:view")
    assert reader("GET", "/v1/books").status_code == 200
    response = reader("POST", "/v1/books", {"title": "Utengano"})
    assert response.status_code == 403
    error = error_of(response)
    assert (error["code"], error["details"]) == ("scope_missing", {"scope": "catalog:edit"})


def test_a_method_that_declares_no_scope_refuses_even_the_owner(api: ApiClient) -> None:
    response = api("POST", "/v1/forgotten")
    assert (response.status_code, error_of(response)["code"]) == (403, "scope_undeclared")


@pytest.mark.parametrize(("how", "status"), [("invalid", 400), ("forbidden", 403), ("missing", 404), ("conflict", 409)])
def test_each_kind_of_refusal_has_its_status(api: ApiClient, how: str, status: int) -> None:
    response = api("GET", f"/v1/broken/{how}")
    assert response.status_code == status
    assert error_of(response)["details"] == {"how": how}


def test_a_bug_is_a_500_with_a_reference_and_nothing_of_anybodys_data(
    api: ApiClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    response = api("GET", "/v1/broken/bug")
    assert response.status_code == 500
    reference = error_of(response)["details"]["reference"]
    assert "254700000001" not in response.content.decode()
    logged = "".join(capfd.readouterr()) + caplog.text
    assert reference in logged
    assert "IntegrityError" in logged
    assert "254700000001" not in logged


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/books/", "/v1/books/not-a-uuid", "/v1/%00", "/v1/"])
def test_an_unknown_address_under_v1_answers_404_in_json(api: ApiClient, path: str) -> None:
    response = api("GET", path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_an_unknown_address_elsewhere_answers_a_page() -> None:
    response = ApiClient(None)("GET", "/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "DELETE", "TRACE"])
def test_a_method_that_does_not_exist_answers_405_and_names_those_that_do(api: ApiClient, method: str) -> None:
    response = api(method, "/v1/books")
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert "POST" in response["Allow"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"title": ', "not valid JSON"),
        (b'{"title": "\xff"}', "not valid JSON"),
        (b'{"title": "\\ud800"}', "not valid JSON"),
        (b'{"pages": 1e999}', "not valid JSON"),
        (b'{"pages": NaN}', "not valid JSON"),
        (b'["title"]', "must be a JSON object"),
        (b'{"title": "a\\u0000b"}', "title contains the character NUL"),
        (b'{"a": [{"b\\u0000": 1}]}', "a[0] contains the character NUL"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "more than 64 levels"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b'{"title": 5}', "title: must be a text"),
        (b'{"title": "A", "pages": true}', "pages: must be a whole number"),
        (b'{"title": "A", "pages": "5"}', "pages: must be a whole number"),
        (b'{"title": "A", "is_lent": "yes"}', "is_lent: must be true or false"),
        (b'{"title": "A", "lent_at": "2026-05-04T09:30:00"}', "with its offset"),
        (b'{"title": "A", "lent_at": "2026-02-30T09:30:00Z"}', "with its offset"),
        (b'{"titel": "A"}', "titel: unknown field"),
        (b"{}", "title: This field is required."),
    ],
)
def test_a_body_that_can_not_be_understood_is_refused_with_the_place(api: ApiClient, body: bytes, said: str) -> None:
    response = api("POST", "/v1/books", body)
    assert response.status_code == 400
    error = error_of(response)
    assert said in error["message"].replace("A key in a[0]", "a[0]")


def test_a_nul_in_the_address_is_refused(api: ApiClient) -> None:
    assert api("GET", "/v1/books?limit=%00").status_code == 400


def test_a_body_over_a_mebibyte_is_too_large(api: ApiClient) -> None:
    response = api("POST", "/v1/books", b'{"title": "' + b"x" * 1024 * 1024 + b'"}')
    assert (response.status_code, error_of(response)["code"]) == (413, "too_large")


def test_a_body_of_another_type_is_told_which_type_to_send(api: ApiClient) -> None:
    response = api("POST", "/v1/books", b"title=A", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert "application/json" in error_of(response)["message"]


def test_the_answer_is_json_whatever_was_accepted(api: ApiClient) -> None:
    assert api("GET", "/v1/books?format=api", accept="text/html").json()["results"] == []


def test_instants_are_rfc_3339_in_utc(api: ApiClient) -> None:
    answer = api("POST", "/v1/books", {"title": "A", "lent_at": "2026-05-04T12:30:00+03:00"}).json()
    assert answer["lent_at"] == "2026-05-04T09:30:00Z"
    assert answer["made_at"].endswith("Z")


def add_customers(tenant: Tenant, count: int) -> list[str]:
    """Newest first, several made at the same instant."""
    now = clock.now()
    with tenant_scope(tenant.id):
        Customer.objects.bulk_create(
            Customer(tenant=tenant, phone=f"+2547{i:08}", name=f"c{i:03}", created_at=now + timedelta(seconds=i // 3))
            for i in range(count)
        )
        return list(Customer.objects.order_by("-created_at", "-id").values_list("name", flat=True))


def test_following_next_visits_everyone_once_in_order_and_previous_leads_back(tenant: Tenant, api: ApiClient) -> None:
    everyone = add_customers(tenant, 25)
    seen: list[str] = []
    pages = [api("GET", "/v1/books?limit=7").json()]
    while following := pages[-1]["next"]:
        pages.append(api("GET", following.removeprefix("http://testserver")).json())
    for page in pages:
        seen += page["results"]
    assert seen == everyone
    assert [len(page["results"]) for page in pages] == [7, 7, 7, 4]
    assert pages[0]["previous"] is None
    back = api("GET", pages[-1]["previous"]).json()
    assert back["results"] == pages[-2]["results"]
    first = api("GET", api("GET", back["previous"]).json()["previous"]).json()
    assert first["results"] == pages[0]["results"]
    assert first["previous"] is None


def test_a_page_keeps_the_other_parameters_and_the_limit(tenant: Tenant, api: ApiClient) -> None:
    add_customers(tenant, 4)
    assert "limit=3" in api("GET", "/v1/books?limit=3").json()["next"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "limit=%D9%A3"])
def test_a_limit_outside_its_range_is_refused(api: ApiClient, query: str) -> None:
    assert api("GET", f"/v1/books?{query}").status_code == 400


@pytest.mark.parametrize("cursor", ["", "garbage", "%F0%9F%98%80", "A" * 700, "AAAAAAAAAAAAAAAAW3RydWUsW11d"])
def test_a_cursor_we_did_not_make_is_refused(api: ApiClient, cursor: str) -> None:
    response = api("GET", f"/v1/books?cursor={cursor}")
    assert (response.status_code, error_of(response)["code"]) == (400, "cursor_invalid")


def test_a_repeated_post_with_the_same_key_is_done_once_and_answered_the_same(api: ApiClient) -> None:
    key = uuid4().hex
    first = api("POST", "/v1/books", {"title": "Once"}, idempotency_key=key)
    count = len(shelf.made)
    again = api("POST", "/v1/books", {"title": "Once"}, idempotency_key=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert len(shelf.made) == count


def test_the_same_key_with_another_body_is_a_conflict(api: ApiClient) -> None:
    key = uuid4().hex
    api("POST", "/v1/books", {"title": "One"}, idempotency_key=key)
    response = api("POST", "/v1/books", {"title": "Two"}, idempotency_key=key)
    assert (response.status_code, error_of(response)["code"]) == (409, "idempotency_key_reused")


def test_the_same_key_of_another_tenant_is_another_key(
    tenant: Tenant, api: ApiClient, api_of: Callable[..., ApiClient]
) -> None:
    other = accounts.create_tenant(f"other-{tenant.slug}", name="Other", tier="starter")
    key = uuid4().hex
    mine = api("POST", "/v1/books", {"title": "Mine"}, idempotency_key=key).json()
    theirs = api_of(other)("POST", "/v1/books", {"title": "Theirs"}, idempotency_key=key).json()
    assert mine["title"] == "Mine"
    assert theirs["title"] == "Theirs"


def test_of_two_at_once_with_the_same_key_one_works_and_one_is_told_to_wait(api: ApiClient) -> None:
    key, count = uuid4().hex, len(shelf.made)
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(api("POST", "/v1/books", {"title": "slow"}, idempotency_key=key))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert error_of(max(answers, key=lambda answer: answer.status_code))["code"] == "in_progress"
    assert len(shelf.made) == count + 1


def test_a_refused_request_frees_its_key(api: ApiClient) -> None:
    key = uuid4().hex
    assert api("POST", "/v1/books", {"title": 5}, idempotency_key=key).status_code == 400
    assert api("POST", "/v1/books", {"title": "Five"}, idempotency_key=key).status_code == 201


def test_a_failure_that_may_have_come_after_the_work_is_not_repeated(api: ApiClient) -> None:
    key = uuid4().hex
    first = api("POST", "/v1/books", {"title": "breaks after"}, idempotency_key=key)
    count = len(shelf.made)
    again = api("POST", "/v1/books", {"title": "breaks after"}, idempotency_key=key)
    assert (first.status_code, again.status_code) == (500, 500)
    assert again.json() == first.json()
    assert len(shelf.made) == count


def test_after_an_interrupted_request_nobody_repeats_it_by_accident(tenant: Tenant, api: ApiClient) -> None:
    key = uuid4().hex
    api("POST", "/v1/books", {"title": "Lost"}, idempotency_key=key)
    with tenant_scope(tenant.id):
        IdempotentRequest.objects.filter(key=key).update(status=None, created_at=clock.now() - timedelta(minutes=5))
    response = api("POST", "/v1/books", {"title": "Lost"}, idempotency_key=key)
    assert (response.status_code, error_of(response)["code"]) == (409, "outcome_unknown")


def test_a_key_is_free_again_after_a_day(tenant: Tenant, api: ApiClient) -> None:
    key = uuid4().hex
    first = api("POST", "/v1/books", {"title": "Day"}, idempotency_key=key)
    with tenant_scope(tenant.id):
        IdempotentRequest.objects.filter(key=key).update(created_at=clock.now() - timedelta(hours=25))
    assert api("POST", "/v1/books", {"title": "Day"}, idempotency_key=key).json()["number"] > first.json()["number"]


@pytest.mark.parametrize("key", ["", "x" * 256, "t\u00e9"])
def test_an_idempotency_key_of_a_wrong_form_is_refused(api: ApiClient, key: str) -> None:
    assert api("POST", "/v1/books", {"title": "A"}, idempotency_key=key).status_code == 400


def test_stored_answers_can_not_be_read_in_the_database(tenant: Tenant, api: ApiClient) -> None:
    api("POST", "/v1/books", {"title": "Private"}, idempotency_key=uuid4().hex)
    with tenant_scope(tenant.id):
        assert "Private" not in IdempotentRequest.objects.get(tenant=tenant).answer_encrypted
