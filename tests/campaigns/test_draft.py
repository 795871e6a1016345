"""Drafts: every field, every refusal beside its path, and nothing that crashes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.campaigns import draft
from tulia.core.errors import Invalid

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
AN_ID = "00000000-0000-4000-8000-000000000001"  # the same in every process: it names test cases
MINIMAL = {"name": "Spring", "message_content": "Fresh mangoes!"}
ARMS = [{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}]
FIELDS = [
    "name", "description", "message_content", "template_id", "template_variables", "target_criteria", "as_of", "scheduled_at",
    "is_ab_test", "variants", "assignment", "holdout_percent", "control_variant", "expected_rate_percent",
    "outcome_window_minutes", "auto_winner", "seed", "primary_metric", "sender_id",
    "quiet_hours", "budget_micros", "local_time", "frequency_cap_exempt_reason",
]  # fmt: skip


def values(is_new: bool = True, **fields: Any) -> dict[str, Any]:
    return draft.read((MINIMAL if is_new else {}) | fields, now=NOW, is_new=is_new).values


def refused(is_new: bool = False, **fields: Any) -> dict[str, Any]:
    """The wrong paths and what is said of each."""
    with pytest.raises(Invalid) as caught:
        draft.read(fields, now=NOW, is_new=is_new)
    assert caught.value.details
    assert all(path in caught.value.message for path in caught.value.details)
    return caught.value.details


def test_every_field_is_read_into_its_own_type() -> None:
    later = NOW + timedelta(days=1)
    read = values(
        description="", template_id=AN_ID, template_variables={"1": "{{ first_name }}"}, as_of="2026-01-01T00:00:00+03:00",
        target_criteria={"tags": ["vip"]}, scheduled_at=later.isoformat(), is_ab_test=True, variants=ARMS,
        assignment="random", holdout_percent=2.5, control_variant=0, expected_rate_percent=2.3, outcome_window_minutes=90,
        auto_winner=None, seed=-5, primary_metric="read", sender_id=AN_ID, quiet_hours=None,
        budget_micros=25_000_000, local_time=True, frequency_cap_exempt_reason="They all asked for it",
    )  # fmt: skip
    columns = {"quiet_hours_rule", "quiet_hours_start", "quiet_hours_end"}
    assert set(read) == set(FIELDS) - {"quiet_hours", "expected_rate_percent"} | columns | {"expected_rate"}
    assert read["template_id"] == read["sender_id"] == uuid.UUID(AN_ID)
    assert read["as_of"] == datetime(2025, 12, 31, 21, tzinfo=UTC)
    assert read["scheduled_at"] == later
    assert read["scheduled_at"].tzinfo is UTC
    assert read["variants"] == ARMS


def test_what_is_left_out_is_not_there_and_what_may_be_null_is_null() -> None:
    assert values() == MINIMAL
    nothing = dict.fromkeys(("description", "template_id", "as_of", "scheduled_at", "sender_id"))
    assert values(**nothing) == MINIMAL | nothing


@pytest.mark.parametrize("name", ["", "Name", "status", "delivery_count", "tenant_id", "seed ", "__class__", "\x00"])
def test_an_unknown_field_is_refused_by_its_name(name: str) -> None:
    assert "is not a field" in refused(**{name: 1})[name]


def test_quiet_hours_are_the_tenants_unless_the_campaign_has_its_own_or_none() -> None:
    tenants = {"quiet_hours_rule": "tenant", "quiet_hours_start": None, "quiet_hours_end": None}
    assert values(is_new=False, quiet_hours="tenant") == tenants
    assert values(is_new=False, quiet_hours=None) == tenants | {"quiet_hours_rule": "none"}
    own = values(is_new=False, quiet_hours={"start": "21:30", "end": "07:00"})
    assert own == {"quiet_hours_rule": "own", "quiet_hours_start": time(21, 30), "quiet_hours_end": time(7)}


@pytest.mark.parametrize(
    "wrong",
    ["", "none", 22, True, [], {}, {"start": "22:00"}, {"start": "22:00", "end": "08:00", "zone": "x"},
     {"start": "24:00", "end": "08:00"}, {"start": "22:0", "end": "08:00"}, {"start": 22, "end": 8},
     {"start": "08:00", "end": "08:00"}, {"start": "22:00\n", "end": "08:00"}],
)  # fmt: skip
def test_quiet_hours_that_are_none_are_refused(wrong: Any) -> None:
    assert "quiet_hours" in refused(quiet_hours=wrong)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, wrong) for name in ("name", "message_content") for wrong in (None, 1, True, [], {}, "", " \n\t", "a\x00b")),
        *(("budget_micros", wrong) for wrong in (0, -1, 1.5, "1", True, 2**63)),
        *(("local_time", wrong) for wrong in (0, "true", None)),
        *(("frequency_cap_exempt_reason", wrong) for wrong in ("", " ", 1, "x" * 501)),
        ("name", "x" * 256),
        ("name", "\ud83e"),
        ("message_content", "x" * 4_097),
        ("message_content", "\udfff"),
        ("message_content", "Hello {{ name"),
        ("message_content", "{% if %}"),
        ("message_content", "{{ name | shout }}"),
        ("message_content", "{% include 'x' %}"),
        ("message_content", "{% for i in (1..100000000) %}x{% endfor %}"),
        ("description", 7),
        ("description", "x" * 10_001),
        ("description", "\x00"),
        *((name, wrong) for name in ("template_id", "sender_id") for wrong in ("", "x", 1, 1.5, True, [], {}, AN_ID + "0")),
        *((name, wrong) for name in ("as_of", "scheduled_at") for wrong in (
            "", "tomorrow", "2026-12-01", "2026-12-01T09:00:00", "2026-12-01 09:00:00Z", "2026-13-01T00:00:00Z", 1_700_000_000,
            True, [], {}, "T", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-12-01T09:00:00Z\x00", "\ud800T",
        )),
        ("scheduled_at", NOW.isoformat()),
        ("scheduled_at", "1999-01-01T00:00:00Z"),
        *(("is_ab_test", wrong) for wrong in (None, 0, 1, "true", [])),
        *(("seed", wrong) for wrong in (None, True, 1.0, "1", 2**63, -(2**63) - 1, 10**400)),
        *(("primary_metric", wrong) for wrong in (None, "READ", "", 1, [], {})),
        *(("template_variables", wrong) for wrong in (
            None, [], "x", {"1": None}, {"1": 1}, {"1": True}, {"1": "a\x00"}, {"\x00": "a"}, {"1": "{{"}, {"1": ""},
            {"1": "x" * 4_097}, {"": "x"}, {"1": "\ud800"}, {str(i): "x" for i in range(101)},
        )),
        *(("variants", wrong) for wrong in (None, {}, "AB", [1, 2], [None, None], ARMS[:1], [*ARMS, *ARMS, *ARMS])),
        *(("target_criteria", wrong) for wrong in (None, [], "all", 1)),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_beside_its_field(name: str, wrong: Any) -> None:
    assert list(refused(**{name: wrong})) == [name]


@pytest.mark.parametrize(
    ("arms", "paths"),
    [
        ([{}, {}], {f"variants[{i}].{part}" for i in (0, 1) for part in ("name", "content")}),
        ([ARMS[0], {"name": "B", "content": "x", "b": 1, "a": 2}], {"variants[1].a", "variants[1].b"}),
        ([ARMS[0], ARMS[1] | {"template_id": "x"}], {"variants[1].template_id"}),
        ([ARMS[0], ARMS[1] | {"content": "{{"}], {"variants[1].content"}),
        ([ARMS[0], ARMS[1] | {"content": ""}], {"variants[1].content"}),
        ([ARMS[0], ARMS[1] | {"name": "x" * 101}], {"variants[1].name"}),
        ([ARMS[0], {"name": True, "content": True}], {"variants[1].name", "variants[1].content"}),
        ([ARMS[0], {"name": " a ", "content": "x"}], {"variants"}),
    ],
)
def test_a_wrong_variant_is_refused_with_its_place_in_the_list(arms: Any, paths: set[str]) -> None:
    assert set(refused(variants=arms)) == paths


def test_a_variant_may_have_a_template_instead_of_a_text() -> None:
    arms = [ARMS[0], {"name": "B", "template_id": AN_ID}]
    assert values(is_ab_test=True, variants=arms)["variants"][1] == {"name": "B", "content": "", "template_id": AN_ID}


def test_wrong_criteria_are_refused_with_the_path_inside_them() -> None:
    wrong = refused(target_criteria={"tags": [1], "purchase_history": {"min_order_count": -1}, "colour": "red"})
    assert set(wrong) == {
        "target_criteria.tags[0]", "target_criteria.purchase_history.min_order_count", "target_criteria.colour",
    }  # fmt: skip


def test_everything_wrong_is_said_at_once() -> None:
    wrong = refused(is_new=True, seed="x", colour="red", variants=[{}], is_ab_test="yes")
    assert set(wrong) == {"name", "message_content", "seed", "colour", "variants", "is_ab_test"}


def test_a_new_campaign_needs_a_name_and_something_to_say() -> None:
    assert set(refused(is_new=True)) == {"name", "message_content"}
    assert draft.read({"name": "x", "template_id": AN_ID}, now=NOW, is_new=True)
    assert "message_content" in refused(is_new=True, name="x", template_id=None)
    assert values(is_new=False) == {}


def test_a_test_and_its_variants_come_together() -> None:
    assert list(refused(is_new=True, **MINIMAL, is_ab_test=True)) == ["variants"]
    assert list(refused(is_new=True, **MINIMAL, variants=ARMS)) == ["is_ab_test"]
    assert values(variants=[])["variants"] == []


@pytest.mark.parametrize("text", ["🥭" * 255, "مرحبا بك", "\u202eolleh", "a\u0301", "नमस्ते", "x" * 255])
def test_every_writing_is_taken_as_it_is_and_counted_in_characters(text: str) -> None:
    assert values(name=text)["name"] == text


@pytest.mark.parametrize(
    "time", ["2026-12-01T09:00:00Z", "2026-12-01T12:00:00+03:00", "2026-12-01T09:00:00.000000+00:00"]
)
def test_a_time_in_any_zone_is_kept_in_utc(time: str) -> None:
    assert draft.instant(time) == datetime(2026, 12, 1, 9, tzinfo=UTC)
    with pytest.raises(Invalid, match="zone"):
        draft.instant(time[:19])


def read_or_refused(fields: dict[str, Any], *, is_new: bool) -> tuple[dict[str, Any], Invalid | None]:
    try:
        return draft.read(fields, now=NOW, is_new=is_new).values, None
    except Invalid as refusal:
        return {}, refusal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
LIQUID = st.lists(
    st.sampled_from(
        ["{{", "}}", "{%", "%}", "|", "if", "endif", "for", "in", "customer", ".", "name", '"', "default:", "("]
    )
    | st.text(max_size=4),
    max_size=12,
).map(" ".join)
NAMES = st.sampled_from(FIELDS) | st.text(max_size=6)


@settings(max_examples=150, deadline=None)
@given(fields=st.dictionaries(NAMES, JSON | LIQUID, max_size=6), is_new=st.booleans())
def test_any_json_is_read_or_refused_and_never_crashes(fields: dict[str, Any], is_new: bool) -> None:
    read, refusal = read_or_refused(fields, is_new=is_new)
    if refusal:
        assert refusal.details
        assert refusal.message
    else:
        renamed = {"quiet_hours_rule", "quiet_hours_start", "quiet_hours_end", "expected_rate"}
        assert set(read) - renamed <= set(fields) & set(FIELDS)
        assert not set(fields) - set(FIELDS)


@settings(max_examples=100, deadline=None)
@given(arms=st.lists(st.dictionaries(st.sampled_from(["name", "content", "template_id", "weight"]), JSON), max_size=5))
def test_any_variants_are_read_or_refused_and_never_crash(arms: Any) -> None:
    read, refusal = read_or_refused({"variants": arms}, is_new=False)
    if refusal:
        assert refusal.details
    else:
        assert len(read["variants"]) == len(arms)
