"""/v1/customers over HTTP: people, what they agreed to, and who may see them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from api_client import ApiClient
from tulia.tenants import accounts
from tulia.tenants.models import Tenant


def made(api: ApiClient, **fields: Any) -> dict[str, Any]:
    response = api("POST", "/v1/customers", {"phone": "0712000001", **fields})
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_a_customer_is_added_shown_changed_and_taken_away(api: ApiClient) -> None:
    asha = made(
        api,
        external_id="A1",
        name=" Asha ",
        tags=["vip", "new", "vip"],
        attributes={"age": 31, "city": "Nairobi", "member": True},
        consent_promotional=True,
    )
    assert asha["phone"] == "+254712000001"
    assert (asha["name"], asha["country"], asha["tags"]) == ("Asha", "KE", ["new", "vip"])
    assert asha["preferences"] == {
        "transactional_messages": True,
        "reminder_messages": True,
        "promotional_messages": True,
    }
    path = f"/v1/customers/{asha['id']}"
    changed = api("PATCH", path, {"tags": ["gold"], "attributes": {"age": None, "x": 1.5}, "language": "sw"}).json()
    assert changed["tags"] == ["gold"]
    assert changed["attributes"] == {"city": "Nairobi", "member": True, "x": 1.5}
    assert changed["name"] == "Asha"
    assert api("GET", path).json() == changed
    assert api("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        assert api(method, path).status_code == 404
    assert made(api, external_id="A1")["id"] != asha["id"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"phone": "12"}, {"phone"}),
        ({"phone": None}, {"phone"}),
        ({"phone": 5}, {"phone"}),
        ({"timezone": "Nowhere/Town", "language": "!", "country": "XX"}, {"timezone", "language", "country"}),
        ({"attributes": {"nested": {"a": 1}}}, {"attributes"}),
        ({"attributes": {" x": 1}}, {"attributes"}),
        ({"attributes": {"x": 1e300}}, {"attributes"}),
        ({"tags": ["a;b"]}, {"tags"}),
        ({"tags": "vip"}, {"tags"}),
        ({"name": "x" * 201, "nickname": "x"}, {"nickname"}),
        ({"name": "x" * 201}, {"name"}),
        ({"external_id": "x" * 201}, {"external_id"}),
    ],
)
def test_every_wrong_field_is_named(api: ApiClient, fields: dict[str, Any], wrong: set[str]) -> None:
    response = api("POST", "/v1/customers", {"phone": "0712000001", **fields})
    assert response.status_code == 400
    assert {name.split("[")[0].split(".")[0] for name in response.json()["error"]["details"]} == wrong


def test_a_phone_or_external_id_that_is_taken_is_a_conflict_that_names_it(api: ApiClient) -> None:
    made(api, external_id="A1")
    other = made(api, phone="0712000002")
    for body, field in (({"phone": "+254 712 000001"}, "phone"), ({"external_id": "A1"}, "external_id")):
        response = api("PATCH", f"/v1/customers/{other['id']}", body)
        assert response.status_code == 409
        assert set(response.json()["error"]["details"]) == {field}
    assert api("POST", "/v1/customers", {"phone": "0712000001"}).status_code == 409


def test_the_list_is_newest_first_in_pages_with_filters(api: ApiClient) -> None:
    for number in range(5):
        made(api, phone=f"071200000{number}", name=f"N{number}", external_id=f"X{number}", tags=["odd"] * (number % 2))
    first = api("GET", "/v1/customers?limit=2").json()
    assert [row["name"] for row in first["results"]] == ["N4", "N3"]
    second = api("GET", first["next"]).json()
    assert [row["name"] for row in second["results"]] == ["N2", "N1"]
    found = {
        query: [row["name"] for row in api("GET", f"/v1/customers?{query}").json()["results"]]
        for query in ("tag=odd", "phone=0712000003", "phone=%2B254712000003", "external_id=X2", "q=n1", "phone=zzz")
    }
    assert found == {
        "tag=odd": ["N3", "N1"],
        "phone=0712000003": ["N3"],
        "phone=%2B254712000003": ["N3"],
        "external_id=X2": ["N2"],
        "q=n1": ["N1"],
        "phone=zzz": [],
    }
    assert api("GET", "/v1/customers?tagg=odd").status_code == 400


def test_preferences_change_with_a_reason_and_leave_their_history(api: ApiClient) -> None:
    path = f"/v1/customers/{made(api)['id']}"
    refused = api("PUT", f"{path}/preferences", {"promotional_messages": True})
    assert refused.status_code == 400
    assert "reason" in refused.json()["error"]["details"]
    body = {"promotional_messages": True, "reminder_messages": False, "reason": "said so on the phone"}
    assert api("PUT", f"{path}/preferences", body).json() == {
        "transactional_messages": True,
        "reminder_messages": False,
        "promotional_messages": True,
    }
    off = api("PUT", f"{path}/preferences", {"transactional_messages": False, "reason": "x"})
    assert (off.status_code, set(off.json()["error"]["details"])) == (400, {"transactional_messages"})
    assert api("PUT", f"{path}/preferences", {"reason": "x"}).status_code == 400
    own = {"promotional_messages": False, "source": "customer_initiated", "reason": " "}
    assert set(api("PUT", f"{path}/preferences", own).json()["error"]["details"]) == {"reason"}
    assert api("PUT", f"{path}/preferences", own | {"reason": "asked in the shop"}).status_code == 200
    history = api("GET", f"{path}/consent-history").json()["results"]
    assert [(row["consent_type"], row["new_value"], row["source"]) for row in history] == [
        ("promotional_messages", False, "customer_initiated"),
        ("promotional_messages", True, "tenant_updated"),
        ("reminder_messages", False, "tenant_updated"),
        ("transactional_messages", True, "system_default"),
        ("reminder_messages", True, "system_default"),
        ("promotional_messages", False, "system_default"),
    ]
    assert history[1]["reason"] == "said so on the phone"
    assert api("GET", f"{path}/preferences").json()["promotional_messages"] is False


def test_another_tenants_customer_does_not_exist(api: ApiClient, tenant: Tenant, api_of: Callable[..., Any]) -> None:
    stranger = api_of(accounts.create_tenant(f"o-{tenant.slug}", name="Other", tier="starter"))
    path = f"/v1/customers/{made(api)['id']}"
    for method, address, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("GET", f"{path}/preferences", None),
        ("PUT", f"{path}/preferences", {"promotional_messages": True, "reason": "x"}),
        ("GET", f"{path}/consent-history", None),
        ("GET", f"/v1/customers/{uuid.uuid4()}", None),
    ):
        assert stranger(method, address, body).status_code == 404, (method, address)
    assert stranger("GET", "/v1/customers").json()["results"] == []
    assert api("GET", path).json()["name"] == ""


def test_a_key_without_the_permission_is_told_which_one(tenant: Tenant, api_of: Callable[..., ApiClient]) -> None:
    weak = api_of(tenant, "catalog:view")
    for method, path, scope in (
        ("GET", "/v1/customers", "conversations:view"),
        ("POST", "/v1/customers/import", "conversations:view"),
        ("POST", "/v1/orders/import", "orders:edit"),
        ("POST", "/v1/bookings", "appointments:edit"),
    ):
        response = weak(method, path)
        assert response.status_code == 403
        assert response.json()["error"]["details"] == {"scope": scope}
