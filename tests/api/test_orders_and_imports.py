"""/v1/orders, /v1/bookings and the imports over HTTP."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from api_client import ApiClient


@pytest.fixture
def shop(api: ApiClient) -> ApiClient:
    csv = b"external_id,phone\nA1,+254712000001\nA2,+254712000002\n"
    assert api("POST", "/v1/customers/import", csv, content_type="text/csv").json()["created"] == 2
    return api


def test_a_file_is_imported_and_its_bad_lines_are_listed(api: ApiClient) -> None:
    csv = b"phone,name\n0712000001,Asha\n12,Bad\n"
    answer = api("POST", "/v1/customers/import", csv, content_type="text/csv; charset=utf-8")
    assert answer.status_code == 200
    body = answer.json()
    assert {key: body[key] for key in ("created", "updated", "rejected", "unchanged")} == {
        "created": 1,
        "updated": 0,
        "rejected": 1,
        "unchanged": 0,
    }
    assert [error["line"] for error in body["errors"]] == [3]
    again = api("POST", "/v1/customers/import", gzip.compress(csv), content_type="text/csv", content_encoding="gzip")
    assert (again.json()["created"], again.json()["unchanged"]) == (0, 1)


def test_json_lines_of_every_kind_are_imported(shop: ApiClient) -> None:
    lines: dict[str, dict[str, Any]] = {
        "customers": {"phone": "+254712000003", "tags": ["vip"], "attributes": {"age": 5}},
        "orders": {"external_id": "O1", "phone": "0712000001", "placed_at": "2026-05-04", "total": 5, "status": "paid"},
        "bookings": {
            "external_id": "B1", "customer_external_id": "A1", "booked_at": "2026-05-04", "starts_at": "2026-05-05",
            "status": "confirmed",
        },
        "messages": {"customer_external_id": "A1", "direction": "inbound", "sent_at": "2026-05-04T09:30:00Z"},
    }  # fmt: skip
    for kind, line in lines.items():
        raw = json.dumps(line).encode()
        answer = shop("POST", f"/v1/{kind}/import", raw, content_type="application/x-ndjson")
        assert (answer.status_code, answer.json()["created"]) == (200, 1), (kind, answer.content)


def test_an_empty_or_wrong_file_and_another_type_are_refused(api: ApiClient) -> None:
    for body, content_type, status in (
        (b"\n", "text/csv", 400),
        (b"colour\nred\n", "text/csv", 400),
        (b'{"phone": "0712000001"}', "application/json", 415),
    ):
        answer = api("POST", "/v1/customers/import", body, content_type=content_type)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
    details = api("POST", "/v1/customers/import", b"colour\n", content_type="text/csv").json()["error"]["details"]
    assert details == {"colour": "unknown column", "phone": "missing column"}


def test_an_order_is_added_with_its_money(shop: ApiClient) -> None:
    order = {"phone": "0712000001", "placed_at": "2026-05-04T09:30:00+03:00", "total": "1250.5", "status": "cancelled"}
    answer = shop("POST", "/v1/orders", {**order, "external_id": "O1", "currency": "KES"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["total"], body["status"], body["placed_at"]) == ("1250.50", "canceled", "2026-05-04T06:30:00Z")
    assert body["created_at"]
    repeated = shop("POST", "/v1/orders", {**order, "external_id": "O1"})
    assert (repeated.status_code, repeated.json()["error"]["code"]) == (409, "order_exists")
    assert shop("POST", "/v1/orders", {**order, "total": 0.1}).json()["total"] == "0.10"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"total": -1}, 400, "total"),
        ({"total": True}, 400, "total"),
        ({"total": "1,000"}, 400, "total"),
        ({"status": "lost"}, 400, "status"),
        ({"placed_at": "2026-05-04T09:30:00"}, 400, "placed_at"),
        ({"currency": "K5S"}, 400, "currency"),
        ({"customer_external_id": "A1"}, 400, "customer_id"),
        ({"phone": "0712999999"}, 404, "phone"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_what_is_wrong_with_an_order_is_named(shop: ApiClient, change: dict[str, Any], status: int, field: str) -> None:
    order = {"phone": "0712000001", "placed_at": "2026-05-04", "total": 5, "status": "paid", **change}
    answer = shop("POST", "/v1/orders", order)
    assert answer.status_code == status
    assert set(answer.json()["error"]["details"]) == {field}


def test_a_booking_is_added(shop: ApiClient) -> None:
    booking = {"customer_external_id": "A2", "booked_at": "2026-05-04", "starts_at": "2026-05-09T10:00:00Z"}
    answer = shop("POST", "/v1/bookings", {**booking, "status": "confirmed"})
    assert (answer.status_code, answer.json()["starts_at"]) == (201, "2026-05-09T10:00:00Z")
    assert shop("POST", "/v1/bookings", booking).status_code == 400


def test_the_description_of_the_api_knows_these_addresses(api: ApiClient) -> None:
    paths = api("GET", "/v1/openapi.json").json()["paths"]
    taken = {"text/csv", "application/x-ndjson", "application/ndjson", "application/gzip"}
    assert set(paths["/v1/customers/import"]["post"]["requestBody"]["content"]) == taken
    assert {"get", "put"} <= set(paths["/v1/customers/{customer_id}/preferences"])
