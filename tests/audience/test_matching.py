from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audience.criteria_strategies import AS_OF, CAMPAIGNS, criteria_json, people
from tulia.audience import criteria
from tulia.audience.matching import Person, PlacedOrder, SeenConversation, matches


def holds(value: object, person: Person, as_of: datetime = AS_OF) -> bool:
    return matches(criteria.parse(value), person, as_of=as_of)


def order(days_ago: float = 1, *, total: str = "10", status: str = "paid", seconds: int = 0) -> PlacedOrder:
    return PlacedOrder(AS_OF - timedelta(days=days_ago, seconds=seconds), Decimal(total), status)


def test_everyone_is_everyone_but_the_deleted() -> None:
    assert holds({}, Person())
    assert not holds({}, Person(is_deleted=True))
    assert not holds({"not": {"tags": ["x"]}}, Person(is_deleted=True))


def test_tags_are_any_all_and_none() -> None:
    person = Person(tags=frozenset({"vip", "new"}))
    assert holds({"tags": ["vip", "absent"]}, person)
    assert not holds({"tags": ["VIP"]}, person)
    assert holds({"tags_all": ["vip", "new"]}, person)
    assert not holds({"tags_all": ["vip", "absent"]}, person)
    assert holds({"tags_none": ["absent"]}, person)
    assert not holds({"tags_none": ["absent", "new"]}, person)


@pytest.mark.parametrize(("status", "counts"), [("paid", True), ("fulfilled", True), ("completed", True), ("draft", False),
                                               ("pending", False), ("canceled", False), ("refunded", False)])  # fmt: skip
def test_only_paid_fulfilled_and_completed_orders_count(status: str, counts: bool) -> None:
    assert holds({"purchase_history": {"min_order_count": 1}}, Person(orders=(order(status=status),))) is counts
    assert holds({"purchase_history": {"max_order_count": 0}}, Person(orders=(order(status=status),))) is not counts


def test_the_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    within = {"purchase_history": {"ordered_in_last_days": 30}}
    assert not holds(within, Person(orders=(order(30),)))
    assert holds(within, Person(orders=(order(30, seconds=-1),)))
    assert holds(within, Person(orders=(order(0),)))
    assert not holds(within, Person(orders=(order(0, seconds=-1),)))


def test_orders_after_the_instant_looked_from_do_not_exist_yet() -> None:
    later = Person(orders=(order(-1),))
    assert not holds({"purchase_history": {"min_order_count": 1}}, later)
    assert holds({"purchase_history": {"not_ordered_in_last_days": 5}}, later)
    assert holds({"purchase_history": {"min_order_count": 1}}, later, AS_OF + timedelta(days=1))


def test_counts_look_at_all_time_even_beside_a_window() -> None:
    both = {"purchase_history": {"ordered_in_last_days": 30, "min_order_count": 2}}
    assert holds(both, Person(orders=(order(1), order(400))))
    assert not holds(both, Person(orders=(order(1),)))
    assert not holds(both, Person(orders=(order(399), order(400))))


def test_money_is_summed_exactly_over_counting_orders() -> None:
    person = Person(orders=(order(total="0.1"), order(total="0.2"), order(total="9", status="refunded")))
    assert holds({"purchase_history": {"min_total_spent": 0.3}}, person)
    assert not holds({"purchase_history": {"min_total_spent": 0.31}}, person)


def test_one_and_the_same_conversation_is_both_recent_and_in_the_status() -> None:
    old_open = SeenConversation(AS_OF - timedelta(days=40), "open")
    new_closed = SeenConversation(AS_OF - timedelta(days=1), "closed")
    person = Person(conversations=(old_open, new_closed))
    assert holds({"conversation_activity": {"status": ["open"]}}, person)
    assert holds({"conversation_activity": {"active_in_last_days": 7}}, person)
    assert holds({"conversation_activity": {"active_in_last_days": 7, "status": ["closed"]}}, person)
    assert not holds({"conversation_activity": {"active_in_last_days": 7, "status": ["open"]}}, person)


@pytest.mark.parametrize(
    ("present", "comparison", "expected"),
    [
        ("Nairobi", "Nairobi", True),
        ("Nairobi", "nairobi", False),
        (5, 5.0, True),
        (0.1, 0.1, True),
        ("5", 5, False),
        (True, 1, False),
        (1, True, False),
        (True, True, True),
        (5, {"ne": 6}, True),
        ("5", {"ne": 5}, True),
        (None, {"ne": 5}, False),
        (None, {"exists": False}, True),
        (0, {"exists": True}, True),
        ("", {"exists": True}, True),
        (18, {"gte": 18, "lt": 65}, True),
        (65, {"gte": 18, "lt": 65}, False),
        ("18", {"gte": 18}, False),
        ("2026-03-01", {"gt": "2026-02-28"}, True),
        ("Z", {"lt": "a"}, True),
        (True, {"gt": 0}, False),
        (2, {"in": ["2", 2]}, True),
        ("2", {"in": [2, True]}, False),
        ("wholesale", {"contains": "sale"}, True),
        ("wholesale", {"contains": "Sale"}, False),
        (["a", 1], {"contains": "a"}, True),
        (["abc"], {"contains": "b"}, False),
        (["a", 1], {"contains": True}, False),
        (123, {"contains": "2"}, False),
        ([], {"exists": True}, True),
        ({"k": 1}, {"eq": "k"}, False),
    ],
)
def test_attributes_are_compared_by_type_and_value(present: object, comparison: object, expected: bool) -> None:
    assert holds({"attributes": {"a": comparison}}, Person(attributes={"a": present})) is expected


def test_an_absent_attribute_matches_nothing_but_its_absence() -> None:
    for comparison in ("x", {"ne": "x"}, {"lt": 9}, {"in": [1]}, {"contains": "x"}, {"exists": True}):
        assert not holds({"attributes": {"a": comparison}}, Person())
    assert holds({"attributes": {"a": {"exists": False}}}, Person())


def test_a_language_takes_its_regional_forms_but_not_the_other_way() -> None:
    assert holds({"languages": ["pt"]}, Person(language="pt-BR"))
    assert holds({"languages": ["pt"]}, Person(language="PT_br"))
    assert not holds({"languages": ["pt-BR"]}, Person(language="pt"))
    assert not holds({"languages": ["en"]}, Person(language="eng"))
    assert not holds({"languages": ["en"]}, Person(language=None))


def test_country_and_earlier_campaigns_are_looked_at() -> None:
    assert holds({"countries": ["KE", "UG"]}, Person(country="UG"))
    assert not holds({"countries": ["KE"]}, Person(country=""))
    assert not holds({"exclude_campaigns": [str(CAMPAIGNS[0])]}, Person(campaign_ids=frozenset(CAMPAIGNS[:1])))
    assert holds({"exclude_campaigns": [str(CAMPAIGNS[1])]}, Person(campaign_ids=frozenset(CAMPAIGNS[:1])))


def test_an_instant_without_zone_is_refused_and_a_very_early_one_is_not() -> None:
    with pytest.raises(ValueError, match="time zone"):
        matches(criteria.Criteria(), Person(), as_of=datetime(2026, 1, 1))  # noqa: DTZ001 - naive is what is refused
    assert not holds({"purchase_history": {"ordered_in_last_days": 36_500}}, Person(), datetime(50, 1, 1, tzinfo=UTC))


@settings(max_examples=150, deadline=None)
@given(criteria_json(least=1), people)
def test_not_is_the_opposite_and_groups_of_one_are_the_group(value: dict[str, object], person: Person) -> None:
    living = replace(person, is_deleted=False)
    plain = holds(value, living)
    assert holds({"not": value}, living) is not plain
    assert holds({"any_of": [value]}, living) is plain
    assert holds({"all_of": [value, value]}, living) is plain
    assert not holds(value, replace(person, is_deleted=True))


@settings(max_examples=150, deadline=None)
@given(criteria_json(depth=1, least=1), criteria_json(depth=1, least=1), people)
def test_groups_follow_de_morgan(one: dict[str, object], other: dict[str, object], person: Person) -> None:
    living = replace(person, is_deleted=False)
    assert holds({"not": {"any_of": [one, other]}}, living) is holds({"all_of": [{"not": one}, {"not": other}]}, living)


@settings(max_examples=100, deadline=None)
@given(criteria_json(), people)
def test_criteria_called_everyone_hold_for_every_living_person(value: dict[str, object], person: Person) -> None:
    tree = criteria.parse(value)
    if tree.is_everyone:
        assert matches(tree, replace(person, is_deleted=False), as_of=AS_OF)


@settings(max_examples=100, deadline=None)
@given(criteria_json(least=1), people, st.sampled_from([-11, 0, 3, 14]))
def test_the_zone_an_instant_is_written_in_makes_no_difference(
    value: dict[str, object], person: Person, hours: int
) -> None:
    elsewhere = AS_OF.astimezone(timezone(timedelta(hours=hours)))
    assert holds(value, person, elsewhere) is holds(value, person)
