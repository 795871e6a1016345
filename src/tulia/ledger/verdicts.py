"""Why a person is where they are: each rule with its verdict and its time (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Verdict = Literal["passed", "failed", "waiting", "not_applied"]

ORDER = (
    "matched", "consent", "reachable", "window", "quiet_hours", "frequency_cap", "daily_limit", "messaging_limit",
    "budget", "message",
)  # fmt: skip
"""The rules in the order in which they are applied."""

_OF_REASON = {
    "deleted": "matched", "erased": "matched", "no_consent": "consent", "opted_out": "consent",
    "unreachable": "reachable", "outside_window": "window", "render_failed": "message", "quiet_hours": "quiet_hours",
    "frequency_cap": "frequency_cap", "daily_limit": "daily_limit", "messaging_limit": "messaging_limit",
}  # fmt: skip
"""The rule behind each reason of the ledger."""


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule says of a person; `at` is when it was decided, `until` when somebody who waits is due again."""

    rule: str
    verdict: Verdict
    at: datetime | None
    detail: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules ask about one person now; None of a limit means that there is none.

    `is_deleted`, `consents`, `unreachable_at`, `last_wrote_at` are the customer's; `quiet_until` and `capped_until` are
    set while those hold somebody back; `daily_room`, `messaging_room` and `money_left` are what is left for the next.
    """

    matches: bool
    is_deleted: bool
    consents: bool
    unreachable_at: datetime | None
    needs_window: bool
    last_wrote_at: datetime | None
    time_zone: str
    quiet_until: datetime | None
    capped_until: datetime | None
    daily_room: int | None
    messaging_room: int | None
    money_left: int | None
    price: int


def now_of(facts: Facts, *, now: datetime) -> tuple[RuleVerdict, ...]:
    """What the rules say now, one after the other; after the first that fails none is applied."""
    told: list[RuleVerdict] = []
    for rule, verdict, detail, until in _judged(facts, now):
        if any(one.verdict == "failed" for one in told):
            told.append(RuleVerdict(rule, "not_applied", None))
        else:
            told.append(RuleVerdict(rule, verdict, now, detail, until))
    return tuple(told)


def _judged(facts: Facts, now: datetime) -> list[tuple[str, Verdict, str, datetime | None]]:
    day = timedelta(hours=24)
    in_window = facts.last_wrote_at is not None and facts.last_wrote_at > now - day
    wrote = f"last wrote at {_clock(facts.last_wrote_at)}" if facts.last_wrote_at else "has never written"
    no_room = "as many messages as allowed went out in the last 24 hours"
    return [
        ("matched", _if(facts.matches and not facts.is_deleted), "deleted" if facts.is_deleted else "", None),
        ("consent", _if(facts.consents), "agrees" if facts.consents else "does not agree to promotional messages", None),
        ("reachable", _if(facts.unreachable_at is None), "" if facts.unreachable_at is None else
         f"no WhatsApp on this number, WhatsApp said at {_clock(facts.unreachable_at)}", None),
        ("window", _if(in_window) if facts.needs_window else "not_applied",
         wrote if facts.needs_window else "an approved template needs no open window", None),
        ("quiet_hours", "waiting" if facts.quiet_until else "passed", f"by the clock in {facts.time_zone}",
         facts.quiet_until),
        ("frequency_cap", "waiting" if facts.capped_until else "passed", "", facts.capped_until),
        ("daily_limit", *_room(facts.daily_room, no_room), None),
        ("messaging_limit", *_room(facts.messaging_room, no_room), None),
        ("budget", *_money(facts), None),
        ("message", "not_applied", "made when it is sent", None),
    ]  # fmt: skip


def _if(holds: bool) -> Verdict:
    return "passed" if holds else "failed"


def _room(room: int | None, words: str) -> tuple[Verdict, str]:
    if room is None:
        return "not_applied", "no limit"
    return ("passed", f"{room:,} left") if room > 0 else ("waiting", words)


def _money(facts: Facts) -> tuple[Verdict, str]:
    if facts.money_left is None:
        return "not_applied", "no budget"
    if facts.money_left >= facts.price:
        return "passed", ""
    return "waiting", "what is left of the budget doesn't pay for the message"


def _clock(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def of_decision(
    present: tuple[RuleVerdict, ...],
    *,
    reason: str,
    is_sent: bool,
    decided_at: datetime | None,
    due_at: datetime | None,
) -> tuple[RuleVerdict, ...]:
    """What the rules said when it was decided what becomes of a person of a launched campaign.

    `present` is what they say now: it stands for whoever is still waiting, and is history for everybody else. `reason`
    is the ledger's; `is_sent` whoever's message went out, or may have.
    """
    rule = _OF_REASON.get(reason)
    if is_sent:
        return tuple(RuleVerdict(name, "passed", decided_at) for name in ORDER)
    if rule is None:
        return present
    if due_at is not None:
        return tuple(
            RuleVerdict(one.rule, "waiting", decided_at, one.detail, due_at) if one.rule == rule else one
            for one in present
        )
    at = ORDER.index(rule)
    return tuple(
        RuleVerdict(
            name,
            "passed" if i < at else "failed" if i == at else "not_applied",
            decided_at if i <= at else None,
            reason if i == at else "",
        )
        for i, name in enumerate(ORDER)
    )


def matches_all(parts: Mapping[str, bool]) -> bool:
    """Whether every part of the criteria holds."""
    return all(parts.values())
