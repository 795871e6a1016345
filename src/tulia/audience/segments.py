"""Targeting criteria as SQL: one boolean expression over the table alias `c` (customers), with named parameters.

Everything that came from a person travels as a parameter; the text of the SQL is made of constants only. The meaning is
that of `tulia.audience.matching`, and a test holds the two together. No expression is ever NULL, so NOT is safe.

Related rows are asked for with EXISTS alone. Where a condition must hold, PostgreSQL makes a semi- or anti-join of it;
inside `any_of` and `not` it chooses between a hashed subplan and an index lookup for each person. Joins would multiply
people. Each subquery names the tenant itself, though row-level security does so too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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

_COUNTING = ", ".join(f"'{status}'" for status in sorted(COUNTING_ORDER_STATUSES))
_ORDERING = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}
_MICROS = 1_000_000
# As many as count(*), for the sum is never null; but it stands only in the index that is in the order of customers, so
# that nothing has to be hashed: half the time with two million orders.
_ORDERS = "count(o.total_micros)"
_FEW_TAGS = 8  # one semi-join each: PostgreSQL estimates them well, and a HAVING badly


@dataclass(frozen=True, slots=True)
class Segment:
    """`sql` is true for the customers `c` that match; its parameters are `tenant`, `as_of` and `segment_0`, `segment_1`…"""

    sql: str
    params: Mapping[str, object]


def to_sql(criteria: Criteria, *, tenant_id: UUID, as_of: datetime) -> Segment:
    """The people of this tenant who match at `as_of` (an aware datetime; `ValueError` if naive), deleted ones never."""
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    writer = _Writer(tenant_id, as_of)
    conditions = ["c.tenant_id = %(tenant)s", "c.deleted_at IS NULL", *writer.conditions(criteria)]
    return Segment("\n  AND ".join(conditions), writer.params)


class _Writer:
    """Walks the tree once, giving each value a name of its own."""

    def __init__(self, tenant_id: UUID, as_of: datetime) -> None:
        self.as_of = as_of
        self.params: dict[str, object] = {"tenant": tenant_id, "as_of": as_of}

    def param(self, value: object) -> str:
        name = f"segment_{len(self.params) - 2}"
        self.params[name] = value
        return f"%({name})s"

    def conditions(self, criteria: Criteria) -> list[str]:
        """What all must hold; empty for everybody."""
        wanted: list[str] = []
        if criteria.tags:
            wanted.append(self.has_tag(criteria.tags))
        if len(criteria.tags_all) <= _FEW_TAGS:
            wanted += [self.has_tag((tag,)) for tag in criteria.tags_all]
        else:
            wanted.append(self.has_all_tags(criteria.tags_all))
        if criteria.tags_none:
            wanted.append(f"NOT {self.has_tag(criteria.tags_none)}")
        if criteria.purchase_history is not None:
            wanted += self.purchases(criteria.purchase_history)
        if criteria.conversation_activity is not None:
            wanted.append(self.talked(criteria.conversation_activity))
        wanted += [self.attribute(condition) for condition in criteria.attributes]
        if criteria.countries:
            wanted.append(f"c.country = ANY({self.param(list(criteria.countries))}::text[])")
        if criteria.languages:
            patterns = [_like_prefix(language.lower() + "-") for language in criteria.languages]
            wanted.append(f"lower(replace(c.language, '_', '-')) || '-' LIKE ANY({self.param(patterns)}::text[])")
        if criteria.exclude_campaigns:
            wanted.append(f"NOT {self.was_in_campaign(criteria.exclude_campaigns)}")
        if criteria.any_of:
            wanted.append("(" + " OR ".join(self.group(group) for group in criteria.any_of) + ")")
        wanted += [self.group(group) for group in criteria.all_of]
        if criteria.not_ is not None:
            wanted.append(f"NOT {self.group(criteria.not_)}")
        return wanted

    def group(self, criteria: Criteria) -> str:
        return "(" + (" AND ".join(self.conditions(criteria)) or "true") + ")"

    def has_tag(self, tags: tuple[str, ...]) -> str:
        return (
            "EXISTS (SELECT FROM customer_tags t WHERE t.tenant_id = %(tenant)s AND t.customer_id = c.id"
            f" AND t.tag = ANY({self.param(list(tags))}::text[]))"
        )

    def has_all_tags(self, tags: tuple[str, ...]) -> str:
        return (
            "EXISTS (SELECT FROM (SELECT t.customer_id FROM customer_tags t WHERE t.tenant_id = %(tenant)s"  # noqa: S608
            f" AND t.tag = ANY({self.param(list(tags))}::text[])"
            f" GROUP BY t.customer_id HAVING count(*) = {self.param(len(set(tags)))}) t WHERE t.customer_id = c.id)"
        )

    def was_in_campaign(self, campaign_ids: tuple[UUID, ...]) -> str:
        # The one place where the audience reads a table downstream of it: whom earlier campaigns chose is written in
        # the ledger alone. Only the two columns of its unique key are used, and nothing is imported from there.
        return (
            "EXISTS (SELECT FROM ledger_recipients r WHERE r.tenant_id = %(tenant)s AND r.customer_id = c.id"
            f" AND r.campaign_id = ANY({self.param(list(campaign_ids))}::uuid[]))"
        )

    def purchases(self, history: PurchaseHistory) -> list[str]:
        """Counts and sums look at all orders, so a window beside them rides along in the same aggregate."""
        since = None if history.ordered_in_last_days is None else self.days_before(history.ordered_in_last_days)
        wanted: list[str] = []
        having: list[str] = []
        if (history.min_order_count or 0) > 1:
            having.append(f"{_ORDERS} >= {self.param(history.min_order_count)}")
        if history.min_total_spent:
            having.append(f"sum(o.total_micros) >= {self.param(history.min_total_spent * _MICROS)}::numeric")
        if having:
            if since is not None:
                having.append(f"max(o.placed_at) > {since}")
            wanted.append(self.ordered_in_all(having))
        elif since is not None:
            wanted.append(self.ordered(since))
        elif history.min_order_count:
            wanted.append(self.ordered())
        if history.not_ordered_in_last_days is not None:
            wanted.append(f"NOT {self.ordered(self.days_before(history.not_ordered_in_last_days))}")
        if history.max_order_count == 0:
            wanted.append(f"NOT {self.ordered()}")
        elif history.max_order_count is not None:
            wanted.append(f"NOT {self.ordered_in_all([f'{_ORDERS} > {self.param(history.max_order_count)}'])}")
        return wanted

    def ordered(self, since: str | None = None) -> str:
        window = "" if since is None else f" AND o.placed_at > {since}"
        return f"EXISTS (SELECT FROM {self.counting_orders()}{window} AND o.customer_id = c.id)"

    def ordered_in_all(self, having: list[str]) -> str:
        return (
            f"EXISTS (SELECT FROM (SELECT o.customer_id FROM {self.counting_orders()} GROUP BY o.customer_id"  # noqa: S608
            f" HAVING {' AND '.join(having)}) o WHERE o.customer_id = c.id)"
        )

    def counting_orders(self) -> str:
        return f"orders o WHERE o.tenant_id = %(tenant)s AND o.status IN ({_COUNTING}) AND o.placed_at <= %(as_of)s"

    def talked(self, activity: ConversationActivity) -> str:
        asked = "v.tenant_id = %(tenant)s AND v.customer_id = c.id"
        if activity.statuses:
            asked += f" AND v.status = ANY({self.param(list(activity.statuses))}::text[])"
        if activity.active_in_last_days is not None:
            since = self.days_before(activity.active_in_last_days)
            asked += f" AND v.last_activity_at > {since} AND v.last_activity_at <= %(as_of)s"
        return f"EXISTS (SELECT FROM conversations v WHERE {asked})"

    def days_before(self, days: int) -> str:
        try:
            since = self.as_of.astimezone(UTC) - timedelta(days=days)
        except OverflowError:
            since = datetime.min.replace(tzinfo=UTC)
        return f"{self.param(since)}::timestamptz"

    def attribute(self, condition: AttributeCondition) -> str:
        present = f"(c.attributes -> {self.param(condition.name)}::text)"
        kind = f"jsonb_typeof{present}"
        operator, value = condition.operator, condition.value
        if operator is Operator.EXISTS:
            return f"coalesce({kind} <> 'null', false) = {self.param(value)}"
        if isinstance(value, tuple):
            wanted = [json.dumps(item) for item in value]
            return f"coalesce({present} = ANY({self.param(wanted)}::text[]::jsonb[]), false)"
        if operator in _ORDERING:
            return self.ordering(present, kind, f"{_ORDERING[operator]}", value)
        as_json = f"{self.param(json.dumps(value))}::jsonb"
        if operator is Operator.EQ:
            return f"coalesce({present} = {as_json}, false)"
        if operator is Operator.NE:
            return f"coalesce({kind} <> 'null' AND {present} <> {as_json}, false)"
        inside = f" WHEN 'string' THEN strpos({present} #>> '{{}}', {self.param(value)}) > 0" if _is_text(value) else ""
        return f"CASE {kind} WHEN 'array' THEN {present} @> {as_json}{inside} ELSE false END"

    def ordering(self, present: str, kind: str, sign: str, value: Scalar) -> str:
        # jsonb's own order follows the database's collation; ours is by code point, and only within one type.
        if _is_text(value):
            compared = f"""({present} #>> '{{}}') COLLATE "C" {sign} {self.param(value)}"""
            return f"CASE WHEN {kind} = 'string' THEN {compared} ELSE false END"
        compared = f"{present}::numeric {sign} {self.param(json.dumps(value))}::numeric"
        return f"CASE WHEN {kind} = 'number' THEN {compared} ELSE false END"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _like_prefix(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
