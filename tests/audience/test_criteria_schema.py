import copy
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from audience.criteria_strategies import criteria_json
from tulia.audience import criteria
from tulia.audience.countries import COUNTRY_CODES
from tulia.audience.criteria import CriteriaInvalid
from tulia.audience.criteria_schema import JSON_SCHEMA

VALIDATOR = Draft202012Validator(JSON_SCHEMA)

# What a schema can't say; `parse` alone refuses these.
PARSER_ONLY = ("nobody can match", "deep", "more than 1000 groups", "surrogate")


def agree(value: object) -> bool:
    """Whether both accept; fails when they differ beyond what is allowed."""
    is_valid = VALIDATOR.is_valid(value)
    try:
        criteria.parse(value)
        errors = []
    except CriteriaInvalid as refusal:
        errors = [error.message for error in refusal.errors if not any(words in error.message for words in PARSER_ONLY)]
        if not errors:
            return False
    assert is_valid == (not errors), value
    return is_valid


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(JSON_SCHEMA)


def test_the_country_codes_are_those_of_iso_3166_and_kosovo() -> None:
    table = (resources.files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8")
    iso = {line.split("\t")[0] for line in table.splitlines() if line and not line.startswith("#")}
    assert iso | {"XK"} == COUNTRY_CODES


@settings(max_examples=120, deadline=None)
@given(criteria_json())
def test_what_the_parser_takes_the_schema_takes(value: dict[str, object]) -> None:
    assert agree(value)


ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 30.0, 10**16, "", " ", "x", "x ", "x\n", "\n", "a\x00", "é", "\u00a0x"),
    *([], {}, [[]], [{}], ["x"], ["x\n"], ["x" * 101], [1], [None], {"x": 1}, {"tags": ["a"]}, {"eq": 1}, {"in": [1]}),
    *(["KE"], ["ke"], ["en"], ["en\n"], ["EN-gb-x1"], ["7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d\n"], ["open"], ["Open"]),
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside, itself included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, item in items for spot in spots(item, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(criteria_json(least=1), st.data())
def test_one_odd_value_anywhere_is_judged_alike_by_both(value: dict[str, object], data: st.DataObject) -> None:
    broken: Any = {"root": copy.deepcopy(value)}
    path = ("root", *data.draw(st.sampled_from(spots(value))))
    holder = broken
    for key in path[:-1]:
        holder = holder[key]
    if isinstance(holder, dict) and len(path) > 1 and data.draw(st.booleans()):
        new_key = data.draw(st.sampled_from(["tag", "Tags", "eq", "tags", " a", "a\n", "", "status", "x" * 101]))
        holder[new_key] = holder.pop(path[-1])
    else:
        holder[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    agree(broken["root"])


@pytest.mark.parametrize("key", list(JSON_SCHEMA["$defs"]["conditions"]["properties"]))  # type: ignore[index]
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_every_key_with_every_odd_value_is_judged_alike_by_both(key: str, odd: object) -> None:
    agree({key: odd})
    for inner in (
        "min_order_count",
        "ordered_in_last_days",
        "min_total_spent",
        "status",
        "contains",
        "gt",
        "exists",
        "in",
    ):
        agree({key: {inner: odd}})
        agree({key: {"x": {inner: odd}}})
