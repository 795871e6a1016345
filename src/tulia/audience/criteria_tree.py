"""Targeting criteria as a typed tree: what it may hold, what each condition means, and its canonical JSON.

All conditions of one `Criteria` are combined with AND; an absent one (empty tuple, None) asks nothing. Text is compared
exactly, code point by code point, upper and lower case differing; only languages are matched by the rules of RFC 4647.

"The last N days" is N times 24 hours back from `as_of`: ``as_of - N days < instant <= as_of``. Calendar days and clock
changes play no part, so the answer does not depend on anybody's time zone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

MAX_DAYS = 36_500
MAX_COUNT = 1_000_000_000
MAX_SPENT = 1_000_000_000_000
MAX_NUMBER = 1_000_000_000_000_000
"""Largest magnitude of a number an attribute is compared with; beyond it JSON numbers stop being exact everywhere."""
MAX_VALUES = 1_000
"""Most values in one list."""
MAX_TAG_LENGTH = 100
MAX_NAME_LENGTH = 100
MAX_TEXT_LENGTH = 1_000
MAX_DEPTH = 20
"""Deepest nesting of groups; the outermost object is at depth 1."""
MAX_NODES = 1_000
"""Most criteria objects in one tree, the outermost included."""

COUNTING_ORDER_STATUSES = frozenset({"paid", "fulfilled", "completed"})
"""Orders that count; drafts, cancelled and refunded ones don't."""
CONVERSATION_STATUSES = ("open", "bot", "handoff", "closed", "dormant")

Scalar = str | int | float | bool


class Operator(enum.StrEnum):
    """How an attribute is compared. Every one but `EXISTS` asks for a present value: absent (or null) never matches.

    Numbers compare with numbers by value (5 and 5.0 are the same), strings with strings, booleans with booleans; nothing
    is converted, so the string "5" is not the number 5. `GT`, `GTE`, `LT` and `LTE` order strings by code point, which
    is right for ISO dates. `CONTAINS` finds a piece of a string, or one equal element of a list.
    """

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    EXISTS = "exists"
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    """One comparison of one attribute; `value` is a tuple for `IN`, a bool for `EXISTS`, else one scalar."""

    name: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """Conditions on the counting orders placed up to `as_of`. They are independent of one another.

    `ordered_in_last_days`: at least one order in the window. `not_ordered_in_last_days`: none in the window (people who
    never ordered match). `min_order_count`, `max_order_count`, `min_total_spent` look at all time up to `as_of`, also
    when a window is given; totals are summed as they are stored, whatever their currency.
    """

    ordered_in_last_days: int | None = None
    not_ordered_in_last_days: int | None = None
    min_order_count: int | None = None
    max_order_count: int | None = None
    min_total_spent: Decimal | None = None

    @property
    def is_everyone(self) -> bool:
        """Whether nobody can fail these conditions, as with a minimum of 0 and nothing else."""
        return (
            self.ordered_in_last_days is None
            and self.not_ordered_in_last_days is None
            and self.max_order_count is None
            and not self.min_order_count
            and not self.min_total_spent
        )


@dataclass(frozen=True, slots=True)
class ConversationActivity:
    """Some one conversation satisfies all that is given: active within the window, and in one of the statuses.

    `statuses` alone looks at the present status, whenever the last activity was.
    """

    active_in_last_days: int | None = None
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criteria:
    """One object of conditions, all of which must hold; made by `tulia.audience.criteria.parse`, which checks it.

    Tuples of values are sorted and free of duplicates; groups keep their order. `tags`: has any of them; `tags_all`: has
    every one; `tags_none`: has none. `countries`: lives in one of them. `languages`: speaks one of them, where ``pt``
    also takes ``pt-BR`` (RFC 4647 basic filtering, ``_`` read as ``-``). `exclude_campaigns`: was in the audience of
    none of them. `any_of` / `all_of`: at least one / every one of the groups; `not_`: the group does not hold.
    """

    tags: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    purchase_history: PurchaseHistory | None = None
    conversation_activity: ConversationActivity | None = None
    attributes: tuple[AttributeCondition, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    exclude_campaigns: tuple[UUID, ...] = ()
    any_of: tuple[Criteria, ...] = ()
    all_of: tuple[Criteria, ...] = ()
    not_: Criteria | None = None

    @property
    def is_everyone(self) -> bool:
        """Whether these criteria plainly select every customer: no condition, or only ones that nobody can fail.

        Such a campaign needs an explicit confirmation. Clever tautologies (a group or its opposite) are not seen.
        """
        return (
            not (self.tags or self.tags_all or self.tags_none or self.attributes)
            and not (self.countries or self.languages or self.exclude_campaigns)
            and self.conversation_activity is None
            and self.not_ is None
            and (self.purchase_history is None or self.purchase_history.is_everyone)
            and (not self.any_of or any(group.is_everyone for group in self.any_of))
            and all(group.is_everyone for group in self.all_of)
        )


def to_json(criteria: Criteria) -> dict[str, object]:
    """The canonical JSON form: fixed key order, sorted values, no absent keys; `parse` of it gives the same tree."""
    result: dict[str, object] = {}
    for key in ("tags", "tags_all", "tags_none", "countries", "languages"):
        if values := getattr(criteria, key):
            result[key] = list(values)
    if (purchases := criteria.purchase_history) is not None:
        history: dict[str, object] = {
            key: value
            for key in ("ordered_in_last_days", "not_ordered_in_last_days", "min_order_count", "max_order_count")
            if (value := getattr(purchases, key)) is not None
        }
        if (spent := purchases.min_total_spent) is not None:
            history["min_total_spent"] = int(spent) if spent == spent.to_integral_value() else float(spent)
        result["purchase_history"] = history
    if (activity := criteria.conversation_activity) is not None:
        result["conversation_activity"] = {
            **({} if activity.active_in_last_days is None else {"active_in_last_days": activity.active_in_last_days}),
            **({"status": list(activity.statuses)} if activity.statuses else {}),
        }
    if criteria.attributes:
        attributes: dict[str, dict[str, object]] = {}
        for condition in criteria.attributes:
            value = condition.value
            attributes.setdefault(condition.name, {})[condition.operator.value] = (
                list(value) if isinstance(value, tuple) else value
            )
        result["attributes"] = attributes
    if criteria.exclude_campaigns:
        result["exclude_campaigns"] = [str(campaign_id) for campaign_id in criteria.exclude_campaigns]
    for key in ("any_of", "all_of"):
        if groups := getattr(criteria, key):
            result[key] = [to_json(group) for group in groups]
    if criteria.not_ is not None:
        result["not"] = to_json(criteria.not_)
    return result
