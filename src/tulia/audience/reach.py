"""Reach: how many people criteria select, and who they are; what is counted here is what a campaign is frozen from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tulia.audience import reachability, segments
from tulia.audience.criteria_tree import Criteria
from tulia.core import planning, sql

_WORK_MEMORY = "SELECT set_config('work_mem', '64MB', true)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One further thing that must hold of a customer `c`: a step of the waterfall.

    `sql` is a boolean expression over the alias `c`, built from constants and named parameters, and never NULL.
    Parameter names begin with the rule's own name, so that rules don't get into one another's way; `tenant` and
    `as_of` are there already. `reason` is what is said of whoever it doesn't hold of.
    """

    name: str
    sql: str
    params: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""


CONSENTED = Rule("consented", "c.consents_promotional", reason="no_consent")
"""Agreed to promotional messages."""


def reachable(*, now: datetime) -> Rule:
    """The provider hasn't said lately that the number has no WhatsApp."""
    return Rule(
        "reachable",
        "coalesce(c.unreachable_at <= %(reachable_since)s::timestamptz, true)",
        {"reachable_since": now - reachability.LASTS},
        reason="unreachable",
    )


def in_window(*, now: datetime) -> Rule:
    """Wrote to the business in the last 24 hours, so that free text may be sent to them."""
    return Rule(
        "in_window",
        "EXISTS (SELECT FROM conversations w WHERE w.tenant_id = %(tenant)s AND w.customer_id = c.id"
        " AND w.last_inbound_at > %(in_window_since)s::timestamptz)",
        {"in_window_since": now - WINDOW},
        reason="outside_window",
    )


WINDOW = timedelta(hours=24)
"""How long after a person's last message free text may be sent to them (WhatsApp's customer service window)."""


@dataclass(frozen=True, slots=True)
class Step:
    """How many people are left after this step and all before it."""

    name: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people match, agree, and are left after each step; whoever is left after the last one also by the first
    digits of their numbers (a plus sign and three digits), which tell the country."""

    total_matching: int
    with_consent: int
    steps: tuple[Step, ...]
    remaining_by_prefix: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """A SELECT of one row for each person, in no order.

    Its columns: customer_id uuid, refusal text (the reason of the first rule that doesn't hold, empty when all do),
    timezone text (the customer's own, empty when not given), calling_code text.
    """

    sql: str
    params: Mapping[str, object]


def selection(criteria: Criteria, *, tenant_id: UUID, as_of: datetime, rules: Sequence[Rule] = ()) -> Selection:
    """Everybody who matches, with what the rules say of each.

    To be read in the tenant's scope, as a subquery (`FROM ({selection.sql}) AS chosen`) or by itself.
    """
    segment = segments.to_sql(criteria, tenant_id=tenant_id, as_of=as_of)
    verdicts = " ".join(f"WHEN NOT ({rule.sql}) THEN '{rule.reason}'" for rule in rules)
    refusal = f"CASE {verdicts} ELSE '' END" if rules else "''"
    statement = (
        f"SELECT c.id AS customer_id, {refusal} AS refusal, c.timezone, calling_code(c.phone) AS calling_code\n"
        f"FROM customers c\nWHERE {segment.sql}"
    )
    return Selection(statement, _with_rules(segment.params, rules))


def calculate(tenant_id: UUID, criteria: Criteria, *, as_of: datetime, rules: Sequence[Rule] = (CONSENTED,)) -> Reach:
    """Counts in one statement who matches, and who is left after each rule in turn. To be called in the tenant's scope.

    The first step is `matches`; then one for each rule, in the order given. `with_consent` never depends on the rules.
    """
    segment = segments.to_sql(criteria, tenant_id=tenant_id, as_of=as_of)
    counts = ["count(*)", "count(*) FILTER (WHERE c.consents_promotional)"]
    for last in range(len(rules)):
        kept = " AND ".join(f"({rule.sql})" for rule in rules[: last + 1])
        counts.append(f"count(*) FILTER (WHERE {kept})")
    planning.refresh_statistics(TABLES)
    grant_memory()
    statement = f"SELECT left(c.phone, 4), {', '.join(counts)}\nFROM customers c\nWHERE {segment.sql}\nGROUP BY 1"
    rows = sql.fetch_all(statement, _with_rules(segment.params, rules))
    total, with_consent, *remaining = (sum(int(row[i]) for row in rows) for i in range(1, len(rules) + 3))
    steps = (Step("matches", total), *(Step(rule.name, left) for rule, left in zip(rules, remaining, strict=True)))
    return Reach(total, with_consent, steps, {row[0]: int(row[-1]) for row in rows if row[-1]})


TABLES = ("customers", "customer_tags", "orders", "bookings", "conversations")
"""What criteria ask about."""


def grant_memory() -> None:
    """Lets this transaction hash sets of a million people; with less, nested groups fall back to slow lookups."""
    sql.execute(_WORK_MEMORY)


def _with_rules(params: Mapping[str, object], rules: Sequence[Rule]) -> dict[str, object]:
    merged = dict(params)
    for rule in rules:
        if taken := merged.keys() & rule.params.keys():
            raise ValueError(f"The rule {rule.name} gives the parameters {sorted(taken)} another value")
        merged |= rule.params
    return merged
