"""Random criteria as JSON, random people, for the property tests of criteria and of the SQL made from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from tulia.audience.matching import Person, PlacedOrder, SeenConversation

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
CAMPAIGNS = [UUID(int=n) for n in range(1, 4)]
TAGS = ["vip", "VIP", "new", "wholesale", "naïve"]
LANGUAGES = ["en", "en-GB", "pt", "pt_br", "zh-Hant-TW", "SW"]
DAYS = [1, 7, 30, 90, 36_500]

# Values that collide on purpose: 1 and true and "1", 5 and 5.0.
scalars = st.sampled_from([True, False, 0, 1, 5, 5.0, 2.5, -3, "", "1", "Nairobi", "nairobi", "2026-01-01", "é"])
names = st.sampled_from(["city", "age", "with space", "eq"])


def lists_of(values: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    return st.lists(values, min_size=1, max_size=3)


comparisons = st.fixed_dictionaries(
    {},
    optional={
        "eq": scalars,
        "ne": scalars,
        **{key: scalars.filter(lambda value: not isinstance(value, bool)) for key in ("gt", "gte", "lt", "lte")},
        "in": lists_of(scalars),
        "exists": st.booleans(),
        "contains": scalars.filter(lambda value: value != ""),
    },
).filter(bool)


def _is_possible(history: dict[str, float]) -> bool:
    within, without = history.get("ordered_in_last_days"), history.get("not_ordered_in_last_days")
    least, most = history.get("min_order_count"), history.get("max_order_count")
    return (
        bool(history)
        and (not within or not without or within > without)
        and (least is None or most is None or least <= most)
    )


histories = st.fixed_dictionaries(
    {},
    optional={
        "ordered_in_last_days": st.sampled_from(DAYS),
        "not_ordered_in_last_days": st.sampled_from(DAYS),
        "min_order_count": st.integers(0, 3),
        "max_order_count": st.integers(0, 3),
        "min_total_spent": st.sampled_from([0, 10, 19.99, 1000.0]),
    },
).filter(_is_possible)

activities = st.fixed_dictionaries(
    {},
    optional={
        "active_in_last_days": st.sampled_from(DAYS),
        "status": lists_of(st.sampled_from(["open", "bot", "handoff", "closed", "dormant"])),
    },
).filter(bool)

_leaves = {
    "tags": lists_of(st.sampled_from(TAGS)),
    "tags_all": lists_of(st.sampled_from(TAGS)),
    "tags_none": lists_of(st.sampled_from(TAGS)),
    "purchase_history": histories,
    "conversation_activity": activities,
    "attributes": st.dictionaries(names, st.one_of(scalars, comparisons), min_size=1, max_size=2),
    "countries": lists_of(st.sampled_from(["KE", "UG", "TZ"])),
    "languages": lists_of(st.sampled_from(LANGUAGES)),
    "exclude_campaigns": lists_of(st.sampled_from([str(CAMPAIGNS[0]), str(CAMPAIGNS[1]).upper()])),
}


@st.composite
def criteria_json(draw: st.DrawFn, depth: int = 2, least: int = 0) -> dict[str, object]:
    """Valid criteria; `least` conditions in the outermost object, at most three in each."""
    keys = [*_leaves, *(["any_of", "all_of", "not"] if depth else [])]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=least, max_size=3, unique=True))
    value: dict[str, object] = {}
    for key in chosen:
        if key in _leaves:
            value[key] = draw(_leaves[key])
        elif key == "not":
            value[key] = draw(criteria_json(depth=depth - 1, least=1))
        else:
            value[key] = draw(st.lists(criteria_json(depth=depth - 1, least=1), min_size=1, max_size=2))
    return value


# Instants on, just before and just after the borders of every window.
instants = st.builds(
    lambda days, seconds: AS_OF - timedelta(days=days, seconds=seconds),
    st.sampled_from([0, 1, 7, 30, 90, 400]),
    st.sampled_from([-1, 0, 1, 3600]),
)

people = st.builds(
    Person,
    tags=st.frozensets(st.sampled_from(TAGS), max_size=3),
    orders=st.lists(
        st.builds(
            PlacedOrder,
            instants,
            st.sampled_from([Decimal("0"), Decimal("9.99"), Decimal("10"), Decimal("500")]),
            st.sampled_from(["paid", "fulfilled", "completed", "draft", "canceled", "refunded"]),
        ),
        max_size=4,
    ).map(tuple),
    conversations=st.lists(
        st.builds(SeenConversation, instants, st.sampled_from(["open", "bot", "handoff", "closed", "dormant"])),
        max_size=2,
    ).map(tuple),
    attributes=st.dictionaries(names, st.one_of(scalars, st.none(), st.lists(scalars, max_size=2)), max_size=3),
    country=st.sampled_from([None, "", "KE", "UG"]),
    language=st.sampled_from([None, "", "en", "en-GB", "pt-BR", "pt", "sw", "eng"]),
    campaign_ids=st.frozensets(st.sampled_from(CAMPAIGNS), max_size=2),
    is_deleted=st.booleans(),
)
