"""Why messages failed, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tulia.channels import registry
from tulia.ledger.status import State
from tulia.reports import failure_words, tally
from tulia.reports.tally import Tally

MOST_CAUSES = 20


@dataclass(frozen=True, slots=True)
class FailureLine:
    """One cause: its class, the provider's code, how many people, a sentence about the code, and what to do."""

    failure_class: str
    code: str
    people: int
    sentence: str
    meaning: str
    advice: str


def of_campaign(tenant_id: UUID, campaign_id: UUID) -> tuple[FailureLine, ...]:
    """The most frequent causes. Call in the tenant's scope."""
    return of(tally.of_campaign(tenant_id, campaign_id))


def of(counted: Tally, *, most: int | None = MOST_CAUSES) -> tuple[FailureLine, ...]:
    """The causes among people who were counted, the most frequent first, at most so many (None: all)."""
    causes: Counter[tuple[str, str]] = Counter()
    for cell in counted.cells:
        if cell.state is State.FAILED:
            causes[cell.failure_class, cell.failure_code] += cell.people
    ranked = sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))
    return tuple(_line(kind, code, people) for (kind, code), people in ranked[:most])


def in_words(lines: Iterable[FailureLine]) -> tuple[str, ...]:
    """One sentence for each cause, with its number of people."""
    return tuple(f"{line.people:,} × {line.sentence} ({line.code})" for line in lines)


def _line(kind: str, code: str, people: int) -> FailureLine:
    words = failure_words.of_class(kind)
    return FailureLine(kind, code, people, registry.explain(code), words.meaning, words.advice)
