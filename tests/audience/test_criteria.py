import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audience.criteria_strategies import criteria_json
from tulia.audience import criteria
from tulia.audience.criteria import CriteriaInvalid, Operator


def errors_of(value: object) -> list[tuple[str, str]]:
    with pytest.raises(CriteriaInvalid) as refusal:
        criteria.parse(value)
    return [(error.path, error.message) for error in refusal.value.errors]


def test_every_key_is_read_into_the_tree() -> None:
    tree = criteria.parse(
        {
            "tags": ["vip", "gold", "vip"],
            "tags_all": ["a"],
            "tags_none": ["b"],
            "purchase_history": {
                "ordered_in_last_days": 30.0,
                "not_ordered_in_last_days": 7,
                "min_order_count": 2,
                "max_order_count": 9,
                "min_total_spent": 19.99,
            },
            "conversation_activity": {"active_in_last_days": 7, "status": ["open", "bot"]},
            "attributes": {"city": "Nairobi", "age": {"gte": 18, "lt": 65}},
            "countries": ["UG", "KE"],
            "languages": ["pt_br", "SW", "zh-hant-tw"],
            "exclude_campaigns": ["7D9C0C1E-3f0b-4a57-9d3c-0a8a4f5b6c7d"],
            "any_of": [{"tags": ["x"]}, {"tags": ["y"]}],
            "all_of": [{"tags": ["z"]}],
            "not": {"tags": ["q"]},
        }
    )
    assert tree.tags == ("gold", "vip")
    assert tree.purchase_history == criteria.PurchaseHistory(30, 7, 2, 9, Decimal("19.99"))
    assert isinstance(tree.purchase_history.ordered_in_last_days, int)
    assert tree.conversation_activity == criteria.ConversationActivity(7, ("bot", "open"))
    assert tree.attributes == (
        criteria.AttributeCondition("age", Operator.GTE, 18),
        criteria.AttributeCondition("age", Operator.LT, 65),
        criteria.AttributeCondition("city", Operator.EQ, "Nairobi"),
    )
    assert tree.countries == ("KE", "UG")
    assert tree.languages == ("pt-BR", "sw", "zh-Hant-TW")
    assert tree.exclude_campaigns == (UUID("7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d"),)
    assert [group.tags for group in tree.any_of] == [("x",), ("y",)]
    assert tree.all_of[0].tags == ("z",)
    assert tree.not_ is not None
    assert tree.not_.tags == ("q",)
    assert not tree.is_everyone


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        (None, "", "must be an object, not null"),
        ([], "", "must be an object, not a list"),
        ("vip", "", "must be an object, not a text"),
        ({"tag": ["x"]}, "tag", "did you mean 'tags'"),
        ({"Tags": ["x"]}, "Tags", "did you mean 'tags'"),
        ({"tags ": ["x"]}, "['tags ']", "did you mean 'tags'"),
        ({"zzz": 1}, "zzz", "unknown key"),
        ({"tags": []}, "tags", "leave the key out"),
        ({"tags": None}, "tags", "must be a list, not null"),
        ({"tags": "vip"}, "tags", "must be a list, not a text"),
        ({"tags": [1]}, "tags[0]", "must be a text"),
        ({"tags": ["ok", " "]}, "tags[1]", "blank"),
        ({"tags": ["vip "]}, "tags[0]", "space"),
        ({"tags": ["a\x00b"]}, "tags[0]", "NUL"),
        ({"tags": ["\ud800"]}, "tags[0]", "surrogate"),
        ({"tags": ["x" * 101]}, "tags[0]", "longer than 100"),
        ({"tags": ["x"] * 1_001}, "tags", "at most 1,000"),
        ({"purchase_history": {}}, "purchase_history", "is empty"),
        ({"purchase_history": None}, "purchase_history", "must be an object"),
        ({"purchase_history": {"min_oder_count": 1}}, "purchase_history.min_oder_count", "'min_order_count'"),
        ({"purchase_history": {"min_order_count": True}}, "purchase_history.min_order_count", "not true or false"),
        ({"purchase_history": {"min_order_count": "2"}}, "purchase_history.min_order_count", "not a text"),
        ({"purchase_history": {"min_order_count": None}}, "purchase_history.min_order_count", "not null"),
        ({"purchase_history": {"min_order_count": -1}}, "purchase_history.min_order_count", "negative"),
        ({"purchase_history": {"min_order_count": 1.5}}, "purchase_history.min_order_count", "whole"),
        (
            {"purchase_history": {"min_order_count": 10**9 + 1}},
            "purchase_history.min_order_count",
            "1,000,000,000 or less",
        ),
        ({"purchase_history": {"min_order_count": 10**400}}, "purchase_history.min_order_count", "or less"),
        ({"purchase_history": {"min_total_spent": -0.01}}, "purchase_history.min_total_spent", "negative"),
        ({"purchase_history": {"min_total_spent": float("nan")}}, "purchase_history.min_total_spent", "finite"),
        ({"purchase_history": {"max_order_count": float("inf")}}, "purchase_history.max_order_count", "finite"),
        ({"purchase_history": {"ordered_in_last_days": 0}}, "purchase_history.ordered_in_last_days", "1 or more"),
        (
            {"purchase_history": {"not_ordered_in_last_days": -5}},
            "purchase_history.not_ordered_in_last_days",
            "1 or more",
        ),
        (
            {"purchase_history": {"ordered_in_last_days": 36_501}},
            "purchase_history.ordered_in_last_days",
            "36,500 or less",
        ),
        ({"purchase_history": {"min_order_count": 3, "max_order_count": 2}}, "purchase_history", "nobody"),
        (
            {"purchase_history": {"ordered_in_last_days": 7, "not_ordered_in_last_days": 7}},
            "purchase_history",
            "nobody",
        ),
        ({"conversation_activity": {}}, "conversation_activity", "is empty"),
        ({"conversation_activity": {"status": []}}, "conversation_activity.status", "leave the key out"),
        ({"conversation_activity": {"status": ["Open"]}}, "conversation_activity.status[0]", "did you mean 'open'"),
        ({"conversation_activity": {"status": [None]}}, "conversation_activity.status[0]", "null is no"),
        ({"countries": ["UK"]}, "countries[0]", "did you mean 'GB'"),
        ({"countries": ["ke"]}, "countries[0]", "did you mean 'KE'"),
        ({"countries": ["ZZ"]}, "countries[0]", "is no ISO"),
        ({"languages": ["english"]}, "languages[0]", "no language code"),
        ({"languages": ["en\n"]}, "languages[0]", "no language code"),
        ({"exclude_campaigns": ["x"]}, "exclude_campaigns[0]", "campaign's id"),
        ({"attributes": {}}, "attributes", "is empty"),
        ({"attributes": {"": 1}}, "attributes['']", "blank"),
        ({"attributes": {"a": {}}}, "attributes.a", "is empty"),
        ({"attributes": {"a": [1]}}, "attributes.a", '{"in": […]}'),
        ({"attributes": {"a": None}}, "attributes.a", '{"exists": false}'),
        ({"attributes": {"a": {"eqq": 1}}}, "attributes.a.eqq", "did you mean 'eq'"),
        ({"attributes": {"a": {"gt": True}}}, "attributes.a.gt", "no order"),
        ({"attributes": {"a": {"exists": 1}}}, "attributes.a.exists", "true or false"),
        ({"attributes": {"a": {"in": []}}}, "attributes.a.in", "empty list"),
        ({"attributes": {"a": {"in": [1, {}]}}}, "attributes.a.in[1]", "not an object"),
        ({"attributes": {"a": {"contains": ""}}}, "attributes.a.contains", "contained in everything"),
        ({"attributes": {"a": 10**16}}, "attributes.a", "or less"),
        ({"attributes": {"my key": {"eq": None}}}, "attributes['my key'].eq", "not null"),
        ({"any_of": []}, "any_of", "empty list"),
        ({"any_of": {}}, "any_of", "must be a list"),
        ({"any_of": [{}]}, "any_of[0]", "is empty"),
        ({"any_of": [{"tags": ["a"]}, {"tags": [""]}]}, "any_of[1].tags[0]", "blank"),
        ({"not": {}}, "not", "is empty"),
        ({"not": None}, "not", "must be an object"),
        ({"not": {"any_of": [{"not": {"zzz": 1}}]}}, "not.any_of[0].not.zzz", "unknown key"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_path(value: object, path: str, words: str) -> None:
    ((got_path, message),) = errors_of(value)
    assert got_path == path
    assert words in message


def test_all_errors_are_told_at_once() -> None:
    wrong = {"tag": 1, "tags": [], "any_of": [{"tags": [""]}, {"nope": 1}], "purchase_history": {"min_order_count": -1}}
    assert {path for path, _ in errors_of(wrong)} == {
        "tag",
        "tags",
        "any_of[0].tags[0]",
        "any_of[1].nope",
        "purchase_history.min_order_count",
    }


def test_the_refusal_reads_as_one_sentence_a_path_each() -> None:
    with pytest.raises(CriteriaInvalid, match=r"^tag: unknown key; did you mean 'tags'\?$"):
        criteria.parse({"tag": ["x"]})


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"tags": ["x"]}
    for _ in range(depth - 1):
        value = {"not": value}
    return value


def test_groups_nest_twenty_deep_and_no_deeper() -> None:
    criteria.parse(nested(20))
    ((path, message),) = errors_of(nested(21))
    assert path == ".".join(["not"] * 20)
    assert "20 deep" in message
    assert len(errors_of(nested(5_000))) == 1


def test_a_tree_has_at_most_a_thousand_groups() -> None:
    criteria.parse({"any_of": [{"tags": ["x"]}] * 999})
    too_many = {"any_of": [{"any_of": [{"tags": ["x"]}] * 999}] * 999}
    assert errors_of(too_many) == [("", "more than 1000 groups; use fewer")]


@pytest.mark.parametrize(
    ("value", "is_everyone"),
    [
        ({}, True),
        ({"purchase_history": {"min_order_count": 0}}, True),
        ({"purchase_history": {"min_order_count": 0, "min_total_spent": 0}}, True),
        ({"any_of": [{"tags": ["x"]}, {"purchase_history": {"min_order_count": 0}}]}, True),
        ({"all_of": [{"purchase_history": {"min_order_count": 0}}]}, True),
        ({"all_of": [{"purchase_history": {"min_order_count": 0}}, {"tags": ["x"]}]}, False),
        ({"purchase_history": {"max_order_count": 0}}, False),
        ({"not": {"purchase_history": {"min_order_count": 0}}}, False),
        ({"tags_none": ["x"]}, False),
        ({"exclude_campaigns": ["7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d"]}, False),
    ],
)
def test_criteria_that_nobody_can_fail_are_known_as_everyone(value: object, is_everyone: bool) -> None:
    assert criteria.parse(value).is_everyone is is_everyone


def test_equal_numbers_and_repeated_values_have_one_canonical_form() -> None:
    one = criteria.parse({"attributes": {"a": {"in": [1, 1.0, True, "1", 1]}}, "tags": ["b", "a", "b"]})
    other = criteria.parse({"tags": ["a", "b"], "attributes": {"a": {"in": ["1", True, 1]}}})
    assert (
        criteria.to_json(one)
        == criteria.to_json(other)
        == {
            "tags": ["a", "b"],
            "attributes": {"a": {"in": [True, 1, "1"]}},
        }
    )


@settings(max_examples=150, deadline=None)
@given(criteria_json())
def test_the_canonical_form_is_json_and_reads_back_as_the_same_tree(value: dict[str, object]) -> None:
    tree = criteria.parse(value)
    text = json.dumps(criteria.to_json(tree), allow_nan=False)
    again = criteria.parse(json.loads(text))
    assert again == tree
    assert json.dumps(criteria.to_json(again)) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_any_json_is_read_or_refused_and_only_the_empty_object_is_everyone(value: object) -> None:
    try:
        tree = criteria.parse(value)
    except CriteriaInvalid:
        assert value != {}
    else:
        assert value == {}
        assert tree == criteria.Criteria()
