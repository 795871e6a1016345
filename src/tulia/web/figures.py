"""A report's numbers as a page shows them: the stacked bar, the balance sheet, the sentences about variants (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tulia.web import words


class Sheet(Protocol):
    """The balance sheet of `reports.balance`."""

    @property
    def audience(self) -> int: ...
    @property
    def skipped_by_reason(self) -> Mapping[str, int]: ...
    @property
    def failed_by_class(self) -> Mapping[str, int]: ...
    @property
    def sent_by_evidence(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of the bar; `start` and `width` in thousandths of it."""

    kind: str
    label: str
    people: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the balance sheet; `reason` is set on the lines that split the one above."""

    state: str
    reason: str
    label: str
    meaning: str
    people: int
    is_part: bool = False


def bar(sheet: Sheet) -> list[Segment]:
    """Everybody of the audience, the furthest first. Pieces without people are left out."""
    evidence = sheet.sent_by_evidence
    unsettled = sum(getattr(sheet, name) for name in ("waiting", "deferred", "sending"))
    counts = [
        ("read", "Read", evidence.get("read", 0)),
        ("delivered", "Delivered, not read yet", evidence.get("delivered", 0)),
        ("sent", "Sent, not delivered yet", evidence.get("accepted", 0) + evidence.get("sent", 0)),
        ("waiting", "Still to send", unsettled),
        ("unknown", "Unknown", getattr(sheet, "unknown", 0)),
        ("failed", "Failed", getattr(sheet, "failed", 0)),
        ("skipped", "Skipped", getattr(sheet, "skipped", 0)),
        ("cancelled", "Canceled", getattr(sheet, "cancelled", 0)),
        ("holdout", "Held out", getattr(sheet, "holdout", 0)),
    ]
    total = max(1, sum(people for _, _, people in counts))
    segments: list[Segment] = []
    start = 0.0
    for kind, label, people in counts:
        if people:
            width = 1_000 * people / total
            segments.append(Segment(kind, label, people, round(start, 2), round(width, 2)))
            start += width
    return segments


_ALWAYS = {"sent"}
_WHILE_RUNNING = {"sent", "failed", "skipped", "sending", "waiting"}


def balance_lines(sheet: Sheet, *, is_running: bool = False) -> list[Line]:
    """The lines that add up to the audience, and what skipped and failed are made of.

    Lines without people are left out, but while it runs the usual ones stay, so that the page keeps still.
    """
    kept = _WHILE_RUNNING if is_running else _ALWAYS
    parts = {"skipped": sheet.skipped_by_reason, "failed": sheet.failed_by_class}
    lines: list[Line] = []
    for state, (label, meaning) in words.LINES.items():
        people = getattr(sheet, state)
        if not people and state not in kept:
            continue
        lines.append(Line(state, "", label, meaning, people))
        for reason, count in sorted(parts.get(state, {}).items(), key=lambda item: -item[1]):
            lines.append(Line(state, reason, words.reason(reason), "", count, is_part=True))
    return lines


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said about the variants, no more than the numbers do. `kind`: winner, open or unanswerable."""

    kind: str
    headline: str
    details: tuple[str, ...] = ()


_KINDS = {"winner": "winner", "leading": "open", "none": "open", "inconclusive": "open", "blocked": "unanswerable"}


def verdict(experiment: Mapping[str, Any]) -> Verdict | None:
    """What the statistics of a test say, the most important sentence first; None without a test."""
    if not experiment:
        return None
    if not any(arm["assigned"] for arm in experiment["arms"]):
        return Verdict("unanswerable", "There is nothing to compare yet.", ("The audience is being put together.",))
    headline, *details = experiment["findings"]
    return Verdict(_KINDS[experiment["verdict"]["kind"]], headline, tuple(details))
