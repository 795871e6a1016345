"""What the web pages show beside campaigns: the tags to choose from, messages tried on real people, senders, causes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tulia.audience import browse, criteria, criteria_text
from tulia.audience.browse import SamplePerson, TagCount
from tulia.audience.criteria import CriteriaInvalid
from tulia.campaigns import render
from tulia.channels import senders
from tulia.core import clock
from tulia.reports import failures
from tulia.reports.failures import FailureLine
from tulia.tenants import queries
from tulia.tenants.api_keys import Caller
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

COMPOSES, READS = "conversations:view", "analytics:view"
TAGS_SHOWN = 60
PEOPLE_TRIED = 200


@dataclass(frozen=True, slots=True)
class Workplace:
    """The tenant somebody works for, as the top bar shows it."""

    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class SenderCard:
    """The number a campaign would go out from. `problem` says why it can't, empty when it can."""

    name: str
    is_simulated: bool
    rate_per_second: int
    problem: str


@dataclass(frozen=True, slots=True)
class Try:
    """A text made for one person; `problem` says why it can't be, and then that person would be skipped."""

    text: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """Texts tried on people: on up to three worth looking at, and how many of `tried` people would be skipped."""

    people: tuple[tuple[str, SamplePerson], ...]
    tried: int
    skipped: int
    example_problem: str


class PageService:
    """One method for each thing a page shows; each checks the permission and opens the tenant's scope."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def workplace(self) -> Workplace:
        tenant = queries.get(self._tenant_id)
        return Workplace(tenant.name, tenant.timezone)

    def tags(self) -> tuple[TagCount, ...]:
        """The tags to choose from, the most frequent first."""
        require(self._caller, COMPOSES)
        with tenant_scope(self._tenant_id):
            return browse.tags(self._tenant_id, most=TAGS_SHOWN)

    def sender(self, sender_id: UUID | None) -> SenderCard | None:
        """The sender that was chosen, else the default; None when there is none."""
        require(self._caller, READS)
        with tenant_scope(self._tenant_id):
            found = senders.for_campaign(self._tenant_id, sender_id)
        if found is None:
            return None
        problem = f"This sender is paused: {found.paused_reason}" if found.paused_reason else ""
        return SenderCard(found.name, found.is_simulated, found.rate_per_second, problem)

    def try_texts(self, texts: Sequence[str], target_criteria: Any) -> Trial:
        """Tries the texts on people who match and agree; on nobody when the criteria make no sense yet."""
        require(self._caller, COMPOSES)
        try:
            tree = criteria.parse(target_criteria)
        except CriteriaInvalid:
            return Trial((), 0, 0, "")
        with tenant_scope(self._tenant_id):
            people = browse.consenting(self._tenant_id, tree, as_of=clock.now(), most=PEOPLE_TRIED)
        problems = [problem for person in people if (problem := _first_problem(texts, person))]
        return Trial(_worth_looking_at(texts, people), len(people), len(problems), problems[0] if problems else "")

    def try_text(self, text: str, person: SamplePerson) -> Try:
        """The text for this person."""
        try:
            return Try(render.render(text, _context(person)))
        except render.Unrenderable as error:
            return Try("", _plain(error))

    def failures(self, campaign_id: UUID) -> tuple[FailureLine, ...]:
        """Why messages of this campaign failed, the most frequent cause first."""
        require(self._caller, READS)
        with tenant_scope(self._tenant_id):
            return failures.of_campaign(self._tenant_id, campaign_id)


def in_words(target_criteria: Any) -> str:
    """One sentence that says whom stored criteria select."""
    return criteria_text.describe(criteria.parse(target_criteria))


def is_everyone(target_criteria: Any) -> bool:
    """Whether stored criteria mean every customer."""
    return criteria.parse(target_criteria).is_everyone


def _context(person: SamplePerson) -> dict[str, Any]:
    return render.context_of(
        name=person.name, phone=person.phone, external_id=person.external_id, language=person.language,
        country=person.country, attributes=person.attributes, now=clock.now(),
    )  # fmt: skip


def _first_problem(texts: Sequence[str], person: SamplePerson) -> str:
    context = _context(person)
    for text in texts:
        try:
            render.render(text, context)
        except render.Unrenderable as error:
            return _plain(error)
    return ""


def _plain(error: render.Unrenderable) -> str:
    """The first sentence of what the template language says, in our words; the rest points into the text."""
    said = str(error).split("->")[0].splitlines()[0].strip().rstrip(".")
    return re.sub(r"^(\S+) is undefined$", r"\1 is not known", said)


def _worth_looking_at(texts: Sequence[str], people: Sequence[SamplePerson]) -> tuple[tuple[str, SamplePerson], ...]:
    """An ordinary person, the one with the longest name, and one for whom the message can't be made."""
    named = [person for person in people if person.name]
    chosen: dict[UUID, tuple[str, SamplePerson]] = {}
    for label, found in (
        ("", named[:1]),
        ("longest name", sorted(named, key=lambda person: -len(person.name))[:1]),
        ("would be skipped", [person for person in people if _first_problem(texts, person)][:1]),
    ):
        for person in found:
            chosen.setdefault(person.id, (label, person))
    return tuple(chosen.values())
