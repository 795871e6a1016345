"""Targeting criteria in plain English, for the people who launch, approve and audit campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tulia.audience.criteria_tree import AttributeCondition, Criteria, Operator, PurchaseHistory, Scalar

_SHOWN = 10


def describe(criteria: Criteria) -> str:
    """One English sentence that says whom these criteria select; long lists are cut short with a count."""
    if criteria == Criteria():
        return "Every customer."
    everyone = " (this is every customer)" if criteria.is_everyone else ""
    return f"Customers {_clauses(criteria)}{everyone}."


def _clauses(criteria: Criteria) -> str:
    parts: list[str] = []
    if criteria.tags:
        parts.append(f"who have {_one_of('the tag', 'any of the tags', criteria.tags)}")
    if criteria.tags_all:
        parts.append(f"who have {_one_of('the tag', 'all of the tags', criteria.tags_all)}")
    if criteria.tags_none:
        parts.append(f"who do not have {_one_of('the tag', 'any of the tags', criteria.tags_none)}")
    if criteria.purchase_history is not None:
        parts.extend(_purchases(criteria.purchase_history))
    if (activity := criteria.conversation_activity) is not None:
        status = f" that is {_or(activity.statuses)}" if activity.statuses else ""
        if activity.active_in_last_days is None:
            parts.append(f"who have a conversation{status}")
        else:
            also = f"{status} and" if status else " that"
            parts.append(f"who have a conversation{also} was active {_last_days(activity.active_in_last_days)}")
    parts.extend(_attribute(condition) for condition in criteria.attributes)
    if criteria.countries:
        parts.append(f"who live in {_or(criteria.countries)}")
    if criteria.languages:
        parts.append(f"who speak {_or(criteria.languages)}")
    if criteria.exclude_campaigns:
        ids = [str(campaign_id) for campaign_id in criteria.exclude_campaigns]
        parts.append(
            f"who were not in the audience of {_one_of('campaign', 'any of the campaigns', ids, quoted=False)}"
        )
    parts.extend(f"({_clauses(group)})" for group in criteria.all_of)
    if criteria.any_of:
        groups = " or ".join(f"({_clauses(group)})" for group in criteria.any_of)
        parts.append(groups if len(criteria.any_of) == 1 else f"either {groups}")
    if criteria.not_ is not None:
        parts.append(f"not ({_clauses(criteria.not_)})")
    return ", and ".join(parts)


def _purchases(history: PurchaseHistory) -> Iterable[str]:
    if history.ordered_in_last_days is not None:
        yield f"who ordered {_last_days(history.ordered_in_last_days)}"
    if history.not_ordered_in_last_days is not None:
        yield f"who did not order {_last_days(history.not_ordered_in_last_days)}"
    least, most = history.min_order_count, history.max_order_count
    if least is not None and least == most:
        yield f"who placed exactly {_orders(least)} in all"
    elif least is not None and most is not None:
        yield f"who placed {least:,} to {_orders(most)} in all"
    elif least is not None:
        yield f"who placed at least {_orders(least)} in all"
    elif most is not None:
        yield f"who placed at most {_orders(most)} in all" if most else "who never ordered"
    if history.min_total_spent is not None:
        yield f"who spent at least {_amount(history.min_total_spent)} in all"


_COMPARED = {
    Operator.EQ: "is",
    Operator.NE: "is known and is not",
    Operator.GT: "is more than",
    Operator.GTE: "is at least",
    Operator.LT: "is less than",
    Operator.LTE: "is at most",
    Operator.CONTAINS: "contains",
}


def _attribute(condition: AttributeCondition) -> str:
    name, value = f"whose “{condition.name}”", condition.value
    if condition.operator is Operator.EXISTS:
        return f"who have the attribute “{condition.name}”" if value else f"who lack the attribute “{condition.name}”"
    if isinstance(value, tuple):
        return f"{name} is {_or(_scalar(item) for item in value)}"
    return f"{name} {_COMPARED[condition.operator]} {_scalar(value)}"


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"“{value}”" if isinstance(value, str) else _amount(Decimal(str(value)))


def _amount(value: Decimal) -> str:
    return f"{value:,f}"


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _last_days(days: int) -> str:
    return "in the last day" if days == 1 else f"in the last {days:,} days"


def _one_of(single: str, several: str, values: Iterable[str], *, quoted: bool = True) -> str:
    shown = [f"“{value}”" if quoted else value for value in values]
    return f"{single} {shown[0]}" if len(shown) == 1 else f"{several} {_cut(shown, ', ')}"


def _or(values: Iterable[str]) -> str:
    shown = list(values)
    if len(shown) > _SHOWN:
        return f"one of {_cut(shown, ', ')}"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _cut(shown: list[str], separator: str) -> str:
    if len(shown) <= _SHOWN:
        return separator.join(shown)
    return f"{separator.join(shown[:_SHOWN])} and {len(shown) - _SHOWN:,} more"
