"""A message tried on a few people while it is being written: one at a time on the phone, and how many would be skipped (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tulia.audience.addressee import Addressee
from tulia.campaigns import message, preview
from tulia.campaigns.message import Seen, Wording


@dataclass(frozen=True, slots=True)
class ArmSight:
    """One arm on the chosen person's phone; `seen` is None when it can't be made, and `problem` says why.

    `is_skipping`: it is this person for whom it can't be made, not everybody.
    """

    seen: Seen | None
    problem: str = ""
    is_skipping: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """`people` are up to three worth looking at, each with what is special; of `tried`, `skipped` would get nothing."""

    people: tuple[tuple[str, Addressee], ...]
    chosen: Addressee | None
    arms: tuple[ArmSight, ...]
    tried: int
    skipped: int
    problem: str = ""


def on_people(
    arms: Sequence[Wording | str], people: Sequence[Addressee], *, customer_id: str = "", now: datetime
) -> Trial:
    """Tries the arms; a text instead of a wording says what is wrong with that arm."""
    said = [arm for arm in arms if isinstance(arm, Wording)]
    problems: dict[UUID, str] = {}
    for person in people:
        for sight in preview.sights(said, person, now=now):
            if sight.problems:
                problems.setdefault(person.customer_id, sight.problems[0])
    shown = _worth_looking_at(people, problems)
    chosen = next((one for _, one in shown if str(one.customer_id) == customer_id), shown[0][1] if shown else None)
    return Trial(
        people=shown,
        chosen=chosen,
        arms=tuple(_sight(arm, chosen, now=now) for arm in arms),
        tried=len(people),
        skipped=len(problems),
        problem=next(iter(problems.values()), ""),
    )


def _sight(arm: Wording | str, person: Addressee | None, *, now: datetime) -> ArmSight:
    if isinstance(arm, str):
        return ArmSight(None, arm)
    if person is None:
        return ArmSight(message.as_written(arm))
    (sight,) = preview.sights([arm], person, now=now)
    return ArmSight(sight.seen, sight.problems[0] if sight.problems else "", is_skipping=bool(sight.problems))


def _worth_looking_at(people: Sequence[Addressee], problems: dict[UUID, str]) -> tuple[tuple[str, Addressee], ...]:
    """An ordinary person, the one with the longest name, and one for whom the message can't be made."""
    named = [person for person in people if person.name]
    chosen: dict[UUID, tuple[str, Addressee]] = {}
    for label, found in (
        ("", named[:1] or people[:1]),
        ("longest name", sorted(named, key=lambda person: -len(person.name))[:1]),
        ("would be skipped", [person for person in people if person.customer_id in problems][:1]),
    ):
        for person in found:
            chosen.setdefault(person.customer_id, (label, person))
    return tuple(chosen.values())
