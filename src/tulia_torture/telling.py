"""Telling what came of a run: the table of promises, and the whole history of those it failed (pure)."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence

from tulia_torture.checking import Check
from tulia_torture.facts import STATE_NAMES, Facts, Row

_HISTORIES = 3
_VIOLATIONS = 10
_REFERENCE = re.compile(r"t1:([0-9a-f-]{36}):(\d+)")


def table(checks: Sequence[Check]) -> str:
    """One line for each promise: held or broken, how often, and of how many."""
    wide = max(len(check.promise) for check in checks)
    lines = [f"{'promise':<{wide}}  broken  of"]
    lines += [f"{check.promise:<{wide}}  {len(check.violations):>6,}  {check.counted}" for check in checks]
    return "\n".join(lines)


def deaths(counted: Counter[str]) -> str:
    """Who was killed where, the most frequent first."""
    return ", ".join(f"{where} {count}" for where, count in counted.most_common())


def failures(facts: Facts, checks: Sequence[Check]) -> str:
    """Every broken promise with whom it is about, and the whole history of the first of them."""
    lines: list[str] = []
    histories = 0
    for check in checks:
        if check.holds:
            continue
        lines.append(f"\nBROKEN: {check.promise}")
        for about, what in check.violations[:_VIOLATIONS]:
            lines.append(f"  {about}: {what}")
        if len(check.violations) > _VIOLATIONS:
            lines.append(f"  … and {len(check.violations) - _VIOLATIONS:,} more")
        for about, _ in check.violations:
            if histories < _HISTORIES and _REFERENCE.fullmatch(about):
                histories += 1
                lines.append(history(facts, about))
                break
    return "\n".join(lines)


def history(facts: Facts, reference: str) -> str:
    """Everything that is known of one person of one campaign, in the order it happened."""
    row = next((row for row in facts.rows if row.reference == reference), None)
    campaign_id = reference.split(":")[1]
    phone = row.phone.removeprefix("+") if row else ""
    happened: list[tuple[float, str]] = []
    for asked in facts.asked:
        if asked.reference == reference:
            answer = f"answered {asked.status}" + (f", in doubt ({asked.doubt})" if asked.doubt else "")
            happened.append((asked.at, f"asked of the provider: {'accepted, ' if asked.is_accepted else ''}{answer}"))
    happened += [
        (message.at, f"accepted as {message.message_id}; at last {message.state}")
        for message in facts.messages
        if message.reference == reference
    ]
    happened += [(told.at, f"acknowledged that they said {told.text!r}") for told in facts.told if told.person == phone]
    happened += [
        (act.answered_at, f"the user's {act.what} was answered {act.status}")
        for act in facts.acts
        if act.campaign_id == campaign_id
    ]
    if happened:
        first, last = min(happened)[0] - 10, max(happened)[0] + 10
        happened += [
            (kill.at, f"({kill.process} was killed: {kill.how})") for kill in facts.kills if first < kill.at < last
        ]
        happened += [
            (held.since, f"({held.process} stood still for {held.until - held.since:.1f} s)")
            for held in facts.held
            if first < held.since < last
        ]
        happened += [
            (one.at, f"(the clock of {one.process} was set wrong by {one.seconds:+.0f} s)")
            for one in facts.clocks
            if first < one.at < last
        ]
    lines = [f"  The history of {reference} ({_place(row)}):"]
    lines += [f"    {_clock(at)}  {what}" for at, what in sorted(happened)]
    return "\n".join(lines)


def _place(row: Row | None) -> str:
    if row is None:
        return "nobody in the ledger"
    reason = f", {row.reason}" if row.reason else ""
    claimed = f", claimed at {_clock(row.claimed_at)}" if row.claimed_at else ""
    return f"{row.phone}, {STATE_NAMES[row.state]}{reason}, {row.attempts} attempts{claimed}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}"
