"""The description at /v1/openapi.json is true: schemathesis tries every operation and holds us to every word.

`pytest tests/api/test_schema_is_true.py --hypothesis-profile=thorough` tries far more, and each limit on its own.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Iterator
from typing import Any

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from hypothesis import HealthCheck, Phase
from schemathesis.checks import CHECKS

from tulia.api import openapi
from world import METHODS, OPERATIONS, World, make_world, sample, send

IS_THOROUGH = hypothesis.settings.get_current_profile_name() == "thorough"
EXAMPLES = 100 if IS_THOROUGH else 4
ABOUT_RULES = "positive_data_acceptance"
"""Left out: a schema can't say that a time is to come, that a text is good Liquid, or that a cursor is of our making."""
TEXT_FILES = "negative_data_rejection"
"""Left out for files: every text is one, and bad lines are counted in the answer."""


def _document(described: dict[str, Any]) -> dict[str, Any]:
    """The description with criteria of no depth: the tool doesn't come to an end with groups in groups."""
    found = copy.deepcopy(described)
    shapes = found["components"]["schemas"]
    conditions = shapes["TargetCriteria.conditions"]["properties"]
    kept = conditions if IS_THOROUGH else ("tags", "countries", "conversation_activity")
    flat = {name: conditions[name] for name in kept if name not in ("any_of", "all_of", "not")}
    shapes["TargetCriteria.conditions"] = shapes["TargetCriteria.conditions"] | {"properties": flat}
    return found


DESCRIBED = openapi.description()
DESCRIPTION = schemathesis.openapi.from_dict(_document(DESCRIBED))
DESCRIPTION.app = get_wsgi_application()
DESCRIPTION.config.phases.coverage.enabled = IS_THOROUGH
_checks = [
    check for check in (CHECKS.get_one(name) for name in CHECKS.get_all_names()) if check.__name__ != ABOUT_RULES
]
_current: list[World] = []


@pytest.fixture(scope="module", autouse=True)
def _world() -> Iterator[None]:
    _current[:] = [_new_world()]
    with override_settings(API_RATE_PER_SECOND=0, API_FAILURES_PER_MINUTE=0):
        yield


def _new_world() -> World:
    """A world whose sender reaches nobody."""
    from tulia.channels.models import Sender
    from tulia.tenants.scope import tenant_scope

    world = make_world()
    with tenant_scope(world.tenant.id):
        Sender.objects.filter(tenant=world.tenant).update(base_url="http://127.0.0.1:9")
    return world


@DESCRIPTION.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Most of the ids are of what there is, so that the tries come further than 404."""
    return {name: _mostly_real(name, value) for name, value in (path_parameters or {}).items()}


def _mostly_real(name: str, value: Any) -> Any:
    try:
        return value if uuid.UUID(str(value)).int % 8 == 1 else _current[0].ids[name]
    except ValueError:
        return value


@DESCRIPTION.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=not IS_THOROUGH,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described_and_what_is_not_described_is_refused(case: schemathesis.Case) -> None:
    world = _current[0]
    headers = {"Authorization": f"Bearer {world.key}", "Prefer": "wait=0"}
    if re.fullmatch(r"[ -~]{1,255}", str((case.headers or {}).get("Idempotency-Key", ""))):  # else it is never done
        headers["Idempotency-Key"] = uuid.uuid4().hex
    answer = case.call(headers=headers)
    left_out = [check for check in _checks if check.__name__ == TEXT_FILES and case.path.endswith("/import")]
    case.validate_response(answer, checks=[one for one in _checks if one not in left_out], headers=headers)
    if answer.status_code < 300 and (case.method == "DELETE" or case.path.endswith("/erase")):
        _current[0] = _new_world()


def _strict() -> dict[str, Any]:
    """All components, with no room for what isn't named in them."""
    shapes = copy.deepcopy(DESCRIBED["components"]["schemas"])
    for shape in shapes.values():
        if "properties" in shape:
            shape.setdefault("additionalProperties", False)
    return {"schemas": shapes}


def _described_as(route: str) -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


@pytest.fixture(scope="module")
def owner() -> World:
    return _new_world()


@pytest.mark.parametrize(
    ("method", "route"), sorted(OPERATIONS, key=lambda one: (one[1].endswith("/erase"), METHODS.index(one[0].lower())))
)
def test_the_answer_to_a_good_request_has_exactly_what_is_described(method: str, route: str, owner: World) -> None:
    answer = send(owner.api, method, owner.path(route), sample(method, route, owner))
    told = DESCRIBED["paths"][_described_as(route)][method.lower()]["responses"]
    assert str(answer.status_code) in told, answer.content
    content = told[str(answer.status_code)].get("content", {})
    if not content:
        assert not answer.content
        return
    media_type = answer.headers["Content-Type"].split(";")[0]
    assert media_type in content
    if media_type == "application/json":
        schema = content[media_type]["schema"] | {"components": _strict()}
        wrong = [
            f"{'.'.join(map(str, error.instance_path))}: {error.message[:300]}"
            for error in jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(answer.json())
        ]
        assert wrong == []


def test_every_address_is_described_and_refuses_methods_that_are_not(owner: World) -> None:
    told = {(method.upper(), path) for path, operations in DESCRIBED["paths"].items() for method in operations}
    assert told == {(method, _described_as(route)) for method, route in OPERATIONS}
    for route in {route for _, route in OPERATIONS}:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            if (method, route) not in OPERATIONS:
                answer = owner.api(method, owner.path(route))
                assert (answer.status_code, "Allow" in answer.headers) == (405, True), f"{method} {route}"


def test_operations_have_names_of_their_own_and_a_summary() -> None:
    operations = [one for operations in DESCRIBED["paths"].values() for one in operations.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert [one["operationId"] for one in operations if not one.get("summary")] == []
