"""Whether one person matches criteria: the reference that the SQL of segments is tested against.

Not for selecting audiences (that is SQL); slow and plain on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tulia.audience.criteria_tree import (
    COUNTING_ORDER_STATUSES,
    AttributeCondition,
    ConversationActivity,
    Criteria,
    Operator,
    PurchaseHistory,
    Scalar,
)


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """`total` in units of the currency."""

    placed_at: datetime
    total: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class SeenConversation:
    last_activity_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Person:
    """What criteria can ask of a customer.

    `attributes` is decoded JSON. `country` and `language` are empty or None when unknown. `campaign_ids` are those whose
    audience the person was in. All instants carry a time zone.
    """

    tags: frozenset[str] = frozenset()
    orders: tuple[PlacedOrder, ...] = ()
    conversations: tuple[SeenConversation, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    country: str | None = None
    language: str | None = None
    campaign_ids: frozenset[UUID] = frozenset()
    is_deleted: bool = False


def matches(criteria: Criteria, person: Person, *, as_of: datetime) -> bool:
    """Whether the person matches at `as_of` (an aware datetime; `ValueError` if naive). A deleted one never does."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return not person.is_deleted and _holds(criteria, person, as_of)


def _holds(criteria: Criteria, person: Person, as_of: datetime) -> bool:
    return (
        (not criteria.tags or not person.tags.isdisjoint(criteria.tags))
        and person.tags.issuperset(criteria.tags_all)
        and person.tags.isdisjoint(criteria.tags_none)
        and (criteria.purchase_history is None or _bought(criteria.purchase_history, person, as_of))
        and (criteria.conversation_activity is None or _talked(criteria.conversation_activity, person, as_of))
        and all(_compares(condition, person.attributes) for condition in criteria.attributes)
        and (not criteria.countries or person.country in criteria.countries)
        and (not criteria.languages or any(_speaks(person.language, wanted) for wanted in criteria.languages))
        and person.campaign_ids.isdisjoint(criteria.exclude_campaigns)
        and (not criteria.any_of or any(_holds(group, person, as_of) for group in criteria.any_of))
        and all(_holds(group, person, as_of) for group in criteria.all_of)
        and (criteria.not_ is None or not _holds(criteria.not_, person, as_of))
    )


def _bought(history: PurchaseHistory, person: Person, as_of: datetime) -> bool:
    counting = [o for o in person.orders if o.status in COUNTING_ORDER_STATUSES and o.placed_at <= as_of]

    def ordered_within(days: int) -> bool:
        since = _days_before(as_of, days)
        return any(order.placed_at > since for order in counting)

    within, without = history.ordered_in_last_days, history.not_ordered_in_last_days
    spent = sum((order.total for order in counting), Decimal())
    return (
        (within is None or ordered_within(within))
        and (without is None or not ordered_within(without))
        and (history.min_order_count is None or len(counting) >= history.min_order_count)
        and (history.max_order_count is None or len(counting) <= history.max_order_count)
        and (history.min_total_spent is None or spent >= history.min_total_spent)
    )


def _talked(activity: ConversationActivity, person: Person, as_of: datetime) -> bool:
    days = activity.active_in_last_days
    since = None if days is None else _days_before(as_of, days)
    return any(
        (not activity.statuses or conversation.status in activity.statuses)
        and (since is None or since < conversation.last_activity_at <= as_of)
        for conversation in person.conversations
    )


def _compares(condition: AttributeCondition, attributes: Mapping[str, object]) -> bool:
    present = attributes.get(condition.name)
    operator, wanted = condition.operator, condition.value
    if operator is Operator.EXISTS:
        return (present is not None) == wanted
    if present is None:
        return False
    if isinstance(wanted, tuple):
        return any(_is_equal(present, item) for item in wanted)
    if operator is Operator.EQ:
        return _is_equal(present, wanted)
    if operator is Operator.NE:
        return not _is_equal(present, wanted)
    if operator is Operator.CONTAINS:
        if isinstance(present, list | tuple):
            return any(_is_equal(item, wanted) for item in present)
        return isinstance(present, str) and isinstance(wanted, str) and wanted in present
    return _is_ordered(present, operator, wanted)


def _is_ordered(present: object, operator: Operator, wanted: Scalar) -> bool:
    # Python orders str by code point, as COLLATE "C" does in a UTF-8 database.
    if isinstance(present, str) and isinstance(wanted, str):
        order = (present > wanted) - (present < wanted)
    elif (left := _decimal(present)) is not None and (right := _decimal(wanted)) is not None:
        order = (left > right) - (left < right)
    else:
        return False
    if operator is Operator.GT:
        return order > 0
    if operator is Operator.GTE:
        return order >= 0
    return order < 0 if operator is Operator.LT else order <= 0


def _is_equal(present: object, wanted: Scalar) -> bool:
    if isinstance(wanted, bool):
        return present is wanted
    if isinstance(wanted, str):
        return isinstance(present, str) and present == wanted
    number = _decimal(present)
    return number is not None and number == _decimal(wanted)


def _decimal(value: object) -> Decimal | None:
    """The number as JSON wrote it; jsonb keeps it decimal, so comparing floats bit by bit would differ from SQL."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _speaks(language: str | None, wanted: str) -> bool:
    """RFC 4647 §3.3.1, basic filtering."""
    spoken = (language or "").lower().replace("_", "-")
    return spoken == wanted.lower() or spoken.startswith(wanted.lower() + "-")


def _days_before(as_of: datetime, days: int) -> datetime:
    try:
        return as_of.astimezone(UTC) - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
