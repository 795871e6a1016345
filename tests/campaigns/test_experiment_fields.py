"""What is asked of an experiment: every field, and everything that doesn't go together, refused by its name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast import NOW, add_campaign
from tulia.campaigns import draft, edit, experiment_fields
from tulia.campaigns.models import MessageCampaign
from tulia.core.errors import Invalid
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ARMS = [{"name": "Mens", "content": "Hello"}, {"name": "Womens", "content": "Hi"}]
TEST = {"name": "Spring", "message_content": "Hello", "is_ab_test": True, "variants": ARMS}
WEIGHED = {"variants": [ARMS[0] | {"weight": 1}, ARMS[1] | {"weight": 3}]}
BY_ATTRIBUTE = {"assignment": {"attribute": "segment"}}
AUTO = {"test_percent": 20, "decide_after_minutes": 1_440, "if_undecided": "control"}


def values(**fields: Any) -> dict[str, Any]:
    return draft.read(fields, now=NOW, is_new=False).values


def refused(*, is_new: bool = False, **fields: Any) -> dict[str, Any]:
    with pytest.raises(Invalid) as caught:
        draft.read(fields, now=NOW, is_new=is_new)
    assert caught.value.details
    assert all(path in caught.value.message for path in caught.value.details)
    return caught.value.details


def test_each_field_is_read_as_it_is_stored() -> None:
    assert values(assignment="random") == {"assignment": {}}
    assert values(assignment={"attribute": "segment", "holdout": None}) == {"assignment": {"attribute": "segment"}}
    both = {"attribute": "segment", "holdout": "No E-Mail"}
    assert values(assignment=both) == {"assignment": both}
    assert [values(holdout_percent=one)["holdout_percent"] for one in (None, 0, 0.0, -0.0, 50, 2.5, 33.33)] == [
        Decimal(one) for one in ("0", "0", "0", "0", "50", "2.5", "33.33")
    ]
    assert values(control_variant=3, outcome_window_minutes=43_200) == {
        "control_variant": 3, "outcome_window_minutes": 43_200,
    }  # fmt: skip
    assert values(expected_rate_percent=2.3) == {"expected_rate": 0.023}
    nothing = values(control_variant=None, expected_rate_percent=None, outcome_window_minutes=None, auto_winner=None)
    assert nothing == dict.fromkeys(("control_variant", "expected_rate", "outcome_window_minutes", "auto_winner"))


def test_what_is_left_out_of_an_automatic_winner_is_what_is_usual() -> None:
    assert values(auto_winner={}) == {"auto_winner": AUTO}
    assert values(auto_winner={"test_percent": 90, "decide_after_minutes": 2, "if_undecided": "wait"}) == {
        "auto_winner": {"test_percent": 90, "decide_after_minutes": 2, "if_undecided": "wait"}
    }


def test_weights_are_stored_where_they_are_given() -> None:
    arms = [ARMS[0] | {"weight": 100}, ARMS[1] | {"weight": None}]
    assert values(variants=arms)["variants"] == [ARMS[0] | {"weight": 100}, ARMS[1]]


@pytest.mark.parametrize("rate", [0.0001, 0.1, 2.3, 5, 17.123456, 33.3, 62.5, 99.9999])
def test_an_expected_rate_comes_back_as_it_was_given(rate: float) -> None:
    assert experiment_fields.percent(values(expected_rate_percent=rate)["expected_rate"]) == rate


@pytest.mark.parametrize(
    ("name", "wrong", "paths"),
    [
        *(("assignment", one, ["assignment"]) for one in (None, "Random", "", 1, True, [], ["attribute"])),
        ("assignment", {}, ["assignment.attribute"]),
        ("assignment", {"holdout": "x"}, ["assignment.attribute"]),
        ("assignment", {"attribute": "a", "seed": 1}, ["assignment.seed"]),
        *(("assignment", {"attribute": one}, ["assignment.attribute"]) for one in ("", " a", 1, True, [], "x" * 101, "\x00")),
        *(("assignment", {"attribute": "a", "holdout": one}, ["assignment.holdout"]) for one in ("", 1, "x" * 101, "\ud800")),
        *(("holdout_percent", one, ["holdout_percent"]) for one in (
            -0.01, 50.01, 51, 1.001, 1e-300, 0.1 + 0.2, 10**400, float("nan"), float("inf"), True, "5", [], {},
        )),
        *(("control_variant", one, ["control_variant"]) for one in (-1, 4, 0.0, True, "0", [], {})),
        *(("expected_rate_percent", one, ["expected_rate_percent"]) for one in (
            0, 100, -1, 1e-300, 100.5, 10**400, float("nan"), True, "5", [], {},
        )),
        *(("outcome_window_minutes", one, ["outcome_window_minutes"]) for one in (0, -1, 43_201, 1.5, True, "5", [], {})),
        *(("auto_winner", one, ["auto_winner"]) for one in (True, False, 20, "20", [])),
        *(("auto_winner", {"test_percent": one}, ["auto_winner.test_percent"]) for one in (0, 91, 20.0, True, None, "20")),
        *(("auto_winner", {"decide_after_minutes": one}, ["auto_winner.decide_after_minutes"]) for one in (
            1, 43_201, 60.0, True, None, "60",
        )),
        *(("auto_winner", {"if_undecided": one}, ["auto_winner.if_undecided"]) for one in ("", "Control", None, 1, [], {})),
        ("auto_winner", {"percent": 20, "test_percent": 0}, ["auto_winner.percent", "auto_winner.test_percent"]),
        *(("variants", [ARMS[0], ARMS[1] | {"weight": one}], ["variants[1].weight"]) for one in (
            0, -1, 101, 1.0, True, "1", [], {},
        )),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_beside_its_field(name: str, wrong: Any, paths: list[str]) -> None:
    assert list(refused(**{name: wrong})) == paths


CONTRADICTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"control_variant": 2}, ["control_variant"]),
    (BY_ATTRIBUTE | {"holdout_percent": 5}, ["holdout_percent"]),
    (BY_ATTRIBUTE | WEIGHED, ["variants[0].weight", "variants[1].weight"]),
    (BY_ATTRIBUTE | {"auto_winner": {}}, ["auto_winner"]),
    ({"assignment": {"attribute": "segment", "holdout": "mens"}}, ["assignment.holdout"]),
    ({"auto_winner": {}, "local_time": True}, ["auto_winner"]),
    ({"auto_winner": {}, "outcome_window_minutes": 1_440}, ["outcome_window_minutes"]),
    ({"auto_winner": {"decide_after_minutes": 60}, "outcome_window_minutes": 90}, ["outcome_window_minutes"]),
]
WITHOUT_TEST: list[tuple[dict[str, Any], list[str]]] = [
    ({"control_variant": 0}, ["control_variant"]),
    (BY_ATTRIBUTE, ["assignment"]),
    ({"auto_winner": {}}, ["auto_winner"]),
    (BY_ATTRIBUTE | {"control_variant": 1, "auto_winner": {}}, ["assignment", "control_variant", "auto_winner"]),
]


@pytest.mark.parametrize(("fields", "paths"), CONTRADICTIONS)
def test_what_does_not_go_together_is_refused_by_its_field(fields: dict[str, Any], paths: list[str]) -> None:
    assert list(refused(is_new=True, **TEST | fields)) == paths


@pytest.mark.parametrize(("fields", "paths"), WITHOUT_TEST)
def test_what_needs_a_test_is_refused_without_one(fields: dict[str, Any], paths: list[str]) -> None:
    assert list(refused(is_new=True, name="x", message_content="x", **fields)) == paths


@pytest.mark.parametrize(
    "fields",
    [
        {
            "name": "x",
            "message_content": "x",
            "holdout_percent": 10,
            "expected_rate_percent": 3,
            "outcome_window_minutes": 5,
        },
        TEST
        | WEIGHED
        | {"holdout_percent": 10, "auto_winner": {}, "control_variant": 1, "outcome_window_minutes": 1_439},
        TEST
        | {"assignment": {"attribute": "segment", "holdout": "No E-Mail"}, "control_variant": 0, "local_time": True},
        {"name": "x", "message_content": "x", "assignment": "random", "control_variant": None, "auto_winner": None},
    ],
)
def test_what_goes_together_is_taken(fields: dict[str, Any]) -> None:
    assert draft.read(fields, now=NOW, is_new=True)


def patched(campaign: MessageCampaign, **fields: Any) -> MessageCampaign:
    with tenant_scope(campaign.tenant_id):
        return edit.update(edit.find(campaign.tenant_id, campaign.pk), fields, now=NOW)


@pytest.mark.parametrize(("fields", "paths"), CONTRADICTIONS)
def test_a_change_is_looked_at_with_the_rest_as_it_is_stored(
    tenant: Tenant, fields: dict[str, Any], paths: list[str]
) -> None:
    """Each of the fields by itself, after the others."""
    for last in fields:
        others = {name: value for name, value in fields.items() if name != last}
        campaign = add_campaign(tenant, **TEST | others)
        with pytest.raises(Invalid) as caught:
            patched(campaign, **{last: fields[last]})
        assert list(caught.value.details or ()) == paths


@pytest.mark.parametrize(("fields", "paths"), WITHOUT_TEST)
def test_a_test_that_is_taken_away_takes_what_needs_it_along(
    tenant: Tenant, fields: dict[str, Any], paths: list[str]
) -> None:
    plain = {"is_ab_test": False, "variants": []}
    with pytest.raises(Invalid) as caught:
        patched(add_campaign(tenant), **fields)
    assert list(caught.value.details or ()) == paths
    if len(fields) == 1:
        campaign = add_campaign(tenant, **TEST | fields)
        with pytest.raises(Invalid) as caught:
            patched(campaign, **plain)
        assert list(caught.value.details or ()) == paths
        cleared = patched(campaign, **plain, assignment="random", control_variant=None, auto_winner=None)
        assert (cleared.assignment, cleared.control_variant, cleared.auto_winner) == ({}, None, None)


def test_what_was_asked_for_is_said_as_it_was_posted(tenant: Tenant) -> None:
    fields: dict[str, Any] = {
        "holdout_percent": 0.25, "control_variant": 0, "expected_rate_percent": 0.7, "outcome_window_minutes": 60,
        "auto_winner": AUTO,
    }  # fmt: skip
    assert experiment_fields.as_posted(add_campaign(tenant, **TEST | fields)) == fields
    assert experiment_fields.as_posted(add_campaign(tenant, **TEST | BY_ATTRIBUTE)) == BY_ATTRIBUTE
    assert experiment_fields.as_posted(add_campaign(tenant)) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
INNER = st.dictionaries(
    st.sampled_from(["attribute", "holdout", "test_percent", "decide_after_minutes", "if_undecided"]), JSON, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(fields=st.dictionaries(st.sampled_from(sorted(experiment_fields.READERS)), JSON | INNER))
def test_anything_is_read_or_refused_by_its_name(fields: dict[str, Any]) -> None:
    read, details = read_or_refused(TEST | fields)
    assert {path.partition(".")[0].partition("[")[0] for path in details} <= {*fields, "variants"}
    MessageCampaign(**{name: read[name] for name in experiment_fields.COLUMNS if name in read})


def read_or_refused(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return draft.read(fields, now=NOW, is_new=True).values, {}
    except Invalid as refusal:
        return {}, refusal.details or {"nothing": ""}
