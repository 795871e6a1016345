"""What can't be meant is refused at every address: with a clear 4xx, the field's name, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import override_settings

from api_client import ApiClient
from tulia.api import openapi
from tulia.core import clock
from tulia.tenants import access, api_keys
from tulia.tenants.models import ApiKey
from tulia.tenants.scope import tenant_scope
from world import OPERATIONS, World, make_world, sample, standing

FILES = [(method, route) for method, route in OPERATIONS if route.endswith("/import")]
WITH_BODY = [one for one in OPERATIONS if one[0] in ("POST", "PUT", "PATCH") and one not in FILES]
READING = [one for one in OPERATIONS if one[0] == "GET"]
DEEP = b"[" * 100 + b"]" * 100

NO_OBJECTS: list[tuple[bytes, int]] = [
    (b'{"name": ', 400),
    (b"[]", 400),
    (b"null", 400),
    (b'"text"', 400),
    (b'{"name": "\xff\xfe"}', 400),
    (b'{"name": "\\ud800"}', 400),
    (b'{"name": "a\\u0000b"}', 400),
    (b'{"name": NaN}', 400),
    (b'{"name": -Infinity}', 400),
    (b'{"name": 1e999}', 400),
    (b'{"name": "a", "name": "b"}', 400),
    (b'{"deep": {"a": 1, "a": 2}}', 400),
    (b'{"name": ' + DEEP + b"}", 400),
    (b'{"no such field": 1}', 400),
    ('{"\u202eemoji \U0001f600": 1}'.encode(), 400),
    (b'{"name": [' + b"1," * 10**6 + b"1]}", 413),
    (b'{"name": "' + b"x" * 1024 * 1024 + b'"}', 413),
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with override_settings(API_RATE_PER_SECOND=0, API_FAILURES_PER_MINUTE=0):
        yield make_world()


@pytest.fixture(scope="module")
def unchanged(world: World) -> Iterator[None]:
    """What the tenant has is the same after all that is tried here."""
    before = standing(world)
    yield
    after = standing(world)
    assert [line for line in after.split("\n") if line not in before.split("\n")] == []


def refused(answer: Any, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, answer.content
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"]
    assert len(error["message"]) > 10
    return error


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("method", "route"), WITH_BODY)
def test_what_is_no_object_of_known_fields_is_refused(method: str, route: str, world: World) -> None:
    path = world.path(route)
    for body, status in NO_OBJECTS:
        refused(world.api(method, path, body, Prefer="wait=0"), status)
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refused(world.api(method, path, b"{}", content_type=content_type), 415)


def fields_of(method: str, route: str) -> dict[str, Any]:
    """The declared fields of an operation's body, by name."""
    described = openapi.description()
    operation = described["paths"]["/" + openapi_path(route)][method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["schemas"].get(name, {}).get("properties", {})
    return found


def openapi_path(route: str) -> str:
    return route.replace("<uuid:", "{").replace("<str:", "{").replace(">", "}")


def wrong_values(about: dict[str, Any]) -> list[bytes]:
    kind = about.get("type")
    kinds = set(kind if isinstance(kind, list) else [kind])
    if kinds & {"integer", "number"}:
        return [b'"5"', b"true", b"[]", b"1" + b"0" * 400] + ([b"1.5"] if "number" not in kinds else [])
    if "boolean" in kinds:
        return [b'"true"', b"1", b"null", b"{}"]
    if "string" in kinds:
        texts = [b"5", b"true", b"[]", b'{"a": 1}']
        return texts + ([b'"' + b"\xf0\x9f\x98\x80" * (about["maxLength"] + 1) + b'"'] if "maxLength" in about else [])
    if "array" in kinds:
        return [b"5", b'"text"', b'{"a": 1}', b"[[[]]]", b"[" + b"{}," * 2_000 + b"{}]"]
    return [b"true", b'"\xe2\x80\xae\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"', b"[[]]"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("method", "route"), WITH_BODY)
def test_a_value_of_another_type_is_refused_with_the_name_of_its_field(method: str, route: str, world: World) -> None:
    good = sample(method, route, world)
    assert isinstance(good, dict)
    for name, about in fields_of(method, route).items():
        others = {key: value for key, value in good.items() if key != name}
        beginning = orjson.dumps(others)[:-1] + (b"," if others else b"") + orjson.dumps(name) + b":"
        for value in wrong_values(about):
            error = refused(world.api(method, world.path(route), beginning + value + b"}", Prefer="wait=0"), 400)
            told = " ".join([error["message"], *error.get("details", {})])
            assert name in told or "not valid JSON" in told, (name, value[:40], error)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("method", "route"), READING)
def test_what_a_query_can_not_mean_is_refused(method: str, route: str, world: World) -> None:
    path = world.path(route)
    described = openapi.description()["paths"]["/" + openapi_path(route)]["get"]
    known = [one["name"] for one in described.get("parameters", []) if one["in"] == "query"]
    refused(world.api("GET", f"{path}?nonsense=1"), 400)
    refused(world.api("GET", f"{path}?a=%00"), 400)
    if "cursor" in known:
        for cursor in ("", "x", "%F0%9F%98%80", "A" * 5_000, "..%2F..", "%FF"):
            refused(world.api("GET", f"{path}?cursor={cursor}"), 400)
        for limit in ("0", "201", "-1", "9" * 30, "1e2", "", "%D9%A3"):
            if limit:
                refused(world.api("GET", f"{path}?limit={limit}"), 400)


@pytest.mark.parametrize(("method", "route"), FILES)
def test_a_file_that_is_none_is_refused_or_its_lines_are(method: str, route: str) -> None:
    world = make_world()  # of its own: that a file came is on record
    path = world.path(route)
    refused(world.api(method, path, b"", content_type="text/csv"), 400, 415)
    refused(world.api(method, path, b"a,b\n1,2\n", content_type="application/json"), 415)
    for content_type, body in [
        ("text/csv", b"\xff\xfe\x00\x01,\x00\n\x00"),
        ("text/csv", b"no,such,columns\n1,2,3\n"),
        ("text/csv", b'"never closed\n' * 50),
        ("text/csv", b"external_id\n" + b"x" * 2 * 1024 * 1024),
        ("application/x-ndjson", b"[1, 2]\nnull\n5\n"),
        ("application/x-ndjson", b'{"external_id": NaN}\n{"external_id": "\\ud800"}\n' + DEEP + b"\n"),
        ("application/gzip", b"no gzip"),
    ]:
        answer = world.api(method, path, body, content_type=content_type)
        if answer.status_code == 200:
            counted = answer.json()
            assert (counted["created"], counted["updated"]) == (0, 0)
            assert counted["rejected"] == len(counted["errors"]) > 0
        else:
            refused(answer, 400, 413)


@pytest.mark.parametrize("change", [{"revoked_at": timedelta(0)}, {"expires_at": timedelta(days=-1)}])
def test_a_key_that_is_no_longer_good_opens_nothing(change: dict[str, timedelta]) -> None:
    world = make_world()
    key = api_keys.create(world.tenant.id, name="old", scopes=access.SCOPES)
    with tenant_scope(world.tenant.id):
        ApiKey.objects.filter(prefix=key[:12]).update(**{name: clock.now() + ago for name, ago in change.items()})
    for method, route in OPERATIONS[:: len(OPERATIONS) // 20]:
        refused(ApiClient(key)(method, world.path(route), sample(method, route, world)), 401)
