"""What a campaign would say to real people: the longest messages, and those that can't be made (pure)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from tulia.audience.addressee import Addressee
from tulia.campaigns import message, render
from tulia.campaigns.message import Seen, Wording

EXAMPLES = 5
_REFERENCE = "t1:00000000-0000-0000-0000-000000000000:000000000"  # as long as a real one
NO_CONSENT = "doesn't agree to promotional messages and would be left out"


@dataclass(frozen=True, slots=True)
class Sight:
    """One arm's message as one person would see it; empty when it can't be made, and then `problems` says why."""

    customer_id: UUID
    name: str
    variant: int
    text: str
    problems: tuple[str, ...] = ()
    seen: Seen | None = None

    @property
    def length(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Problem:
    """What stands in the way. `people_count` counts those examined; None when it concerns the campaign as a whole."""

    reason: str
    variant: int | None = None
    people_count: int | None = None
    example_customer_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """Samples, the most broken and the longest first. `examined` people of `total` were tried with every arm."""

    samples: tuple[Sight, ...] = ()
    problems: tuple[Problem, ...] = ()
    longest: Sight | None = None
    examined: int = 0
    total: int = 0
    failing: int = 0
    """People for whom at least one arm's message can't be made."""


@dataclass(slots=True)
class _Kind:
    """Everybody with the same problem in the same arm."""

    people: int = 0
    examples: list[Sight] = field(default_factory=list)


def of_sample(
    wordings: Sequence[Wording], people: Iterable[Addressee], *, total: int, count: int, now: datetime
) -> Preview:
    """Tries every arm on everybody, and keeps `count` worth looking at: of each problem in turn, then the longest."""
    kinds: dict[tuple[int, str], _Kind] = {}
    longest: list[tuple[int, int, int, Sight]] = []
    examined = failing = 0
    for person in people:
        examined += 1
        is_failing = False
        for sight in sights(wordings, person, now=now):
            if sight.problems:
                is_failing = True
                kind = kinds.setdefault((sight.variant, sight.problems[0]), _Kind())
                kind.people += 1
                if len(kind.examples) < max(count, EXAMPLES):
                    kind.examples.append(sight)
            elif len(longest) < count:
                heapq.heappush(longest, (sight.length, -examined, -sight.variant, sight))
            elif sight.length > longest[0][0]:
                heapq.heapreplace(longest, (sight.length, -examined, -sight.variant, sight))
        failing += is_failing
    ranked = sorted(kinds.items(), key=lambda item: (-item[1].people, item[0]))
    best = [sight for *_, sight in sorted(longest, key=lambda one: one[:3], reverse=True)]
    return Preview(
        samples=_worth_looking_at([kind.examples for _, kind in ranked], best, count),
        problems=tuple(
            Problem(reason, variant, kind.people, tuple(one.customer_id for one in kind.examples[:EXAMPLES]))
            for (variant, reason), kind in ranked
        ),
        longest=best[0] if best else None,
        examined=examined,
        total=total,
        failing=failing,
    )


def of_named(wordings: Sequence[Wording], people: Sequence[Addressee], *, now: datetime) -> Preview:
    """Every arm for each of these people, in their order."""
    whole = of_sample(wordings, people, total=len(people), count=len(people) * len(wordings), now=now)
    samples = []
    for person in people:
        for sight in sights(wordings, person, now=now):
            own = () if person.is_consenting else (NO_CONSENT,)
            samples.append(replace(sight, problems=(*own, *sight.problems)))
    return replace(whole, samples=tuple(samples))


def sights(wordings: Sequence[Wording], person: Addressee, *, now: datetime) -> Iterable[Sight]:
    """What each arm would say to this person."""
    context = render.context_of(
        name=person.name, phone=person.phone, external_id=person.external_id, language=person.language,
        country=person.country, attributes=person.attributes, timezone=person.timezone, now=now,
    )  # fmt: skip
    for variant, wording in enumerate(wordings):
        try:
            made = message.compose(wording, context, to=person.phone, reference=_REFERENCE)
        except render.Unrenderable as error:
            yield Sight(person.customer_id, person.name, variant, "", (render.in_words(error),))
        else:
            seen = message.in_parts(wording, made)
            yield Sight(person.customer_id, person.name, variant, message.in_one(seen), seen=seen)


def _worth_looking_at(broken: Sequence[Sequence[Sight]], longest: Sequence[Sight], count: int) -> tuple[Sight, ...]:
    """One of each problem, then a second of each…, up to half of them while there are whole ones; then the longest."""
    depth = max((len(examples) for examples in broken), default=0)
    in_turn = [examples[i] for i in range(depth) for examples in broken if i < len(examples)]
    room = max(count - len(longest), (count + 1) // 2)
    chosen = in_turn[:room]
    return (*chosen, *longest[: count - len(chosen)])
