"""The campaigns that one sender is sending, as its dispatcher sees them: which there are, and whose turn it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tulia.campaigns import lifecycle, template_use, wordings
from tulia.campaigns.message import Wording
from tulia.campaigns.models import MessageCampaign
from tulia.channels import standing
from tulia.core import clock, failpoints
from tulia.core.errors import Invalid
from tulia.core.threads import DatabaseThreads
from tulia.dispatch.in_flight import InFlight
from tulia.ledger import claim as ledger_claim
from tulia.ledger import reconcile
from tulia.ledger import rules as sending_rules
from tulia.ledger.claim import Claim
from tulia.ledger.rules import SendingRules
from tulia.tenants.scope import tenant_scope

SHORTEST_IDLE_SECONDS = 0.2
LONGEST_IDLE_SECONDS = 2.0
RULES_SECONDS = 2.0
BUDGET_USED_UP = "The budget is used up: raise budget_micros, then resume."


@dataclass(slots=True)
class Course:
    """One campaign on its way."""

    campaign: MessageCampaign
    wordings: tuple[Wording, ...]
    rules: SendingRules
    rules_read_at: float
    refused_in_a_row: int = 0
    idle_until: float = 0.0
    is_drained: bool = False
    had: int = 0
    """How many people of it had their turn, counted from where the others were when it joined them."""
    tracked_addresses: tuple[tuple[str, ...], ...] = field(init=False)
    names: tuple[frozenset[str] | None, ...] = field(init=False)
    """As of each wording; worked out once, for they are asked for with every message."""

    def __post_init__(self) -> None:
        self.tracked_addresses = tuple(one.tracked_addresses for one in self.wordings)
        self.names = tuple(one.names for one in self.wordings)


class Courses:
    """All campaigns of one sender that are to be sent now."""

    def __init__(self, tenant_id: UUID, sender_id: UUID, database: DatabaseThreads, in_flight: InFlight) -> None:
        self._tenant_id, self._sender_id = tenant_id, sender_id
        self._database = database
        self._in_flight = in_flight
        self._courses: dict[UUID, Course] = {}
        self._being_paused: set[UUID] = set()
        self._level = 0

    def __bool__(self) -> bool:
        return bool(self._courses)

    def __contains__(self, course: Course) -> bool:
        return course.campaign.pk in self._courses

    def __iter__(self) -> Iterator[Course]:
        return iter(list(self._courses.values()))

    async def take_over(self, sending: Sequence[MessageCampaign]) -> None:
        """These are to be sent now, and no others."""
        for campaign in sending:
            if campaign.pk not in self._courses and campaign.pk not in self._being_paused:
                try:
                    said, rules = await self._database.insist(_read, campaign)
                except Invalid as refusal:
                    await self._pause(campaign.pk, refusal.message)
                    continue
                self._courses[campaign.pk] = Course(campaign, said, rules, time.monotonic(), had=self._level)
        for campaign_id in set(self._courses) - {campaign.pk for campaign in sending}:
            del self._courses[campaign_id]

    def whose_turn(self, now: float) -> Course | None:
        """The campaign to claim for next, which is the one that had least so far; None when none has anybody due.

        Whoever had nobody due for a while doesn't get it back at the others' cost: it joins them where they are.
        """
        ready = [course for course in self._courses.values() if course.idle_until < now]
        if not ready:
            return None
        for course in ready:
            if course.is_drained:
                course.had = max(course.had, self._level)
        chosen = min(ready, key=lambda course: course.had)
        self._level = chosen.had
        return chosen

    async def claim(self, course: Course, *, room: int, worker_id: UUID | None) -> Claim:
        """The next people of the campaign, at most `room`, to be sent to at once."""
        claimed = await self._database.insist(_claim, course, room=room, worker_id=worker_id)
        course.had += max(1, claimed.turn_count)
        failpoints.reached("claimed")
        course.is_drained = claimed.is_empty
        if claimed.is_empty:
            await self._rest_until_due(course)
        return claimed

    async def _rest_until_due(self, course: Course) -> None:
        """Nobody of the campaign is due: looks again when somebody is, and every other second for whoever comes back."""
        due_at = await self._database.insist(ledger_claim.next_due, self._tenant_id, course.campaign.pk)
        seconds = (due_at - clock.now()).total_seconds() if due_at else SHORTEST_IDLE_SECONDS
        course.idle_until = time.monotonic() + min(max(seconds, SHORTEST_IDLE_SECONDS), LONGEST_IDLE_SECONDS)

    @property
    def are_some_drained(self) -> bool:
        """Whether a campaign's last claim brought nobody."""
        return any(course.is_drained for course in self)

    async def complete_drained(self) -> None:
        """Completes the campaigns that have nobody left; call when all that was sent is in the ledger."""
        await self._complete([course for course in self if course.is_drained])

    async def complete(self) -> None:
        """Likewise, for all of them and not only those whose last claim brought nobody."""
        await self._complete(list(self))

    async def _complete(self, courses: list[Course]) -> None:
        for course in courses:
            campaign_id = course.campaign.pk
            if await self._database.insist(_complete_if_over, self._tenant_id, self._sender_id, campaign_id):
                failpoints.reached("completed")
                self._courses.pop(campaign_id, None)

    async def stop_at_budget(self, course: Course) -> None:
        """What is left of the budget doesn't pay for the next message: only a person can change that.

        The course stays, for those claimed along with the last of the money are still to be sent to.
        """
        course.idle_until = float("inf")
        self._being_paused.add(course.campaign.pk)
        await self._pause(course.campaign.pk, BUDGET_USED_UP)

    def pause(self, course: Course, reason: str) -> None:
        """Sends no more of it from now on, and says why; asking again changes nothing."""
        if self._courses.pop(course.campaign.pk, None) is not None:
            self._being_paused.add(course.campaign.pk)
            self._in_flight.begin(self._pause(course.campaign.pk, reason))

    async def _pause(self, campaign_id: UUID, reason: str) -> None:
        failpoints.reached("to_be_paused")
        await self._database.insist(lifecycle.pause_by_id, self._tenant_id, campaign_id, reason=reason, now=clock.now())
        failpoints.reached("paused")
        self._being_paused.discard(campaign_id)

    def pause_template(self, course: Course, arm: int, reason: str) -> None:
        """The template of this arm can be sent to nobody: pauses whatever this sender's account sends with it."""
        templates = template_use.templates_of(course.campaign)
        template_id = templates[arm if arm < len(templates) else 0]
        if template_id is None:
            self.pause(course, reason)
        elif course in self:
            stopped = {one.campaign.pk for one in self if template_id in template_use.templates_of(one.campaign)}
            for campaign_id in stopped:
                del self._courses[campaign_id]
            self._being_paused |= stopped
            self._in_flight.begin(self._pause_template(template_id, stopped, reason))

    async def _pause_template(self, template_id: UUID, stopped: set[UUID], reason: str) -> None:
        await self._database.insist(_pause_at_account, self._tenant_id, self._sender_id, template_id, reason)
        self._being_paused -= stopped

    async def refuse(self, reason: str, code: str, *, is_of_account: bool) -> None:
        """The provider lets this sender, or its whole account, send nothing until a person has mended something."""
        await self._database.insist(
            _refuse, self._tenant_id, self._sender_id, reason=reason, code=code, is_of_account=is_of_account
        )
        self._courses.clear()

    async def remark(self, words: str) -> None:
        """Says of each campaign what holds it up; "" when nothing does."""
        await self._database.insist(lifecycle.remark, self._tenant_id, self._sender_id, words, now=clock.now())


def _read(campaign: MessageCampaign) -> tuple[tuple[Wording, ...], SendingRules]:
    with tenant_scope(campaign.tenant_id):
        return wordings.of_campaign(campaign), sending_rules.of_campaign(campaign, now=clock.now())


def _complete_if_over(tenant_id: UUID, sender_id: UUID, campaign_id: UUID) -> bool:
    """Completes a campaign that has nobody left. It is held meanwhile, so that whoever a former worker puts back comes
    wholly before, or finds it completed."""
    with tenant_scope(tenant_id):
        MessageCampaign.objects.select_for_update(no_key=True).filter(tenant_id=tenant_id, pk=campaign_id).first()
        if reconcile.has_open(tenant_id, sender_id, campaign_id):
            return False
        failpoints.reached("drained")
        lifecycle.complete(tenant_id, campaign_id, now=clock.now())
        return True


def _claim(course: Course, *, room: int, worker_id: UUID | None) -> Claim:
    """By the time and the rules of this try: the database may have been away for hours since the last one."""
    campaign = course.campaign
    if time.monotonic() - course.rules_read_at >= RULES_SECONDS:
        with tenant_scope(campaign.tenant_id):
            course.rules = sending_rules.of_campaign(campaign, now=clock.now())
        course.rules_read_at = time.monotonic()
    return ledger_claim.claim(
        campaign.tenant_id, campaign.pk, now=clock.now(), batch=room, worker_id=worker_id, rules=course.rules
    )


def _pause_at_account(tenant_id: UUID, sender_id: UUID, template_id: UUID, reason: str) -> None:
    sender_ids = standing.of_account(tenant_id, sender_id)
    with tenant_scope(tenant_id):
        template_use.pause_at_senders(tenant_id, template_id, sender_ids, reason=reason, now=clock.now())


def _refuse(tenant_id: UUID, sender_id: UUID, *, reason: str, code: str, is_of_account: bool) -> None:
    now = clock.now()
    sender_ids = standing.opened(
        tenant_id, sender_id, reason=reason, code=code, retry_at=None, now=now, is_of_account=is_of_account
    )
    lifecycle.pause_all_of(tenant_id, sender_ids, reason=reason, now=now)
