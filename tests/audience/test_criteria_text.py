import pytest
from hypothesis import given, settings

from audience.criteria_strategies import criteria_json
from tulia.audience import criteria
from tulia.audience.criteria_text import describe


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "Every customer."),
        ({"tags": ["vip"]}, "Customers who have the tag “vip”."),
        ({"tags": ["vip", "new"]}, "Customers who have any of the tags “new”, “vip”."),
        ({"tags_none": ["a", "b"]}, "Customers who do not have any of the tags “a”, “b”."),
        (
            {"purchase_history": {"ordered_in_last_days": 30, "min_order_count": 2}},
            "Customers who ordered in the last 30 days, and who placed at least 2 orders in all.",
        ),
        ({"purchase_history": {"max_order_count": 0}}, "Customers who never ordered."),
        (
            {"purchase_history": {"min_order_count": 1, "max_order_count": 1}},
            "Customers who placed exactly 1 order in all.",
        ),
        (
            {"purchase_history": {"min_order_count": 2, "max_order_count": 1000, "min_total_spent": 2500.5}},
            "Customers who placed 2 to 1,000 orders in all, and who spent at least 2,500.5 in all.",
        ),
        (
            {"purchase_history": {"min_order_count": 0}},
            "Customers who placed at least 0 orders in all (this is every customer).",
        ),
        (
            {"purchase_history": {"not_ordered_in_last_days": 1}},
            "Customers who did not order in the last day.",
        ),
        (
            {"conversation_activity": {"active_in_last_days": 7, "status": ["open", "bot"]}},
            "Customers who have a conversation that is bot or open and was active in the last 7 days.",
        ),
        (
            {"conversation_activity": {"active_in_last_days": 7}},
            "Customers who have a conversation that was active in the last 7 days.",
        ),
        ({"conversation_activity": {"status": ["closed"]}}, "Customers who have a conversation that is closed."),
        (
            {"attributes": {"city": "Nairobi", "age": {"gte": 18}, "pet": {"exists": False}}},
            "Customers whose “age” is at least 18, and whose “city” is “Nairobi”, and who lack the attribute “pet”.",
        ),
        (
            {"attributes": {"a": {"in": [True, 5, "x"]}, "b": {"ne": 2}}},
            "Customers whose “a” is true, 5 or “x”, and whose “b” is known and is not 2.",
        ),
        (
            {"any_of": [{"countries": ["KE"]}, {"languages": ["sw", "en"]}], "not": {"tags": ["x"]}},
            "Customers either (who live in KE) or (who speak en or sw), and not (who have the tag “x”).",
        ),
        (
            {"exclude_campaigns": ["7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d"]},
            "Customers who were not in the audience of campaign 7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d.",
        ),
    ],
)
def test_criteria_read_as_a_sentence(value: object, sentence: str) -> None:
    assert describe(criteria.parse(value)) == sentence


def test_long_lists_are_cut_with_a_count() -> None:
    sentence = describe(criteria.parse({"tags": [f"t{n:04}" for n in range(1_000)]}))
    assert sentence.endswith("“t0009” and 990 more.")


@settings(max_examples=80, deadline=None)
@given(criteria_json())
def test_everything_that_parses_can_be_described(value: dict[str, object]) -> None:
    sentence = describe(criteria.parse(value))
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert sentence.count("(") == sentence.count(")")
