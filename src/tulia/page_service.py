"""What the web pages show beside campaigns: the tags to choose from, senders, causes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from tulia.audience import browse, criteria, criteria_text
from tulia.audience.browse import TagCount
from tulia.campaigns import template_use
from tulia.channels import senders, standing
from tulia.reports import failures
from tulia.reports.failures import FailureLine
from tulia.tenants import queries, quiet_hours
from tulia.tenants.api_keys import Caller
from tulia.tenants.permission import require
from tulia.tenants.quiet_hours import QuietHours
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import Sender

COMPOSES, READS = "conversations:view", "analytics:view"
TAGS_SHOWN = 60
_OVER = ("completed", "canceled")


@dataclass(frozen=True, slots=True)
class Workplace:
    """The tenant somebody works for, as the top bar shows it."""

    name: str
    timezone: str
    quiet_hours: QuietHours | None
    frequency_cap: tuple[int, int] | None
    """(messages, days) of the cap; None without one."""


@dataclass(frozen=True, slots=True)
class SenderCard:
    """The number a campaign would go out from. `problem` says why it can't, empty when it can."""

    name: str
    is_simulated: bool
    rate_per_second: int
    problem: str


@dataclass(frozen=True, slots=True)
class HeldUp:
    """What keeps messages from going out at the moment, and why; `mends_itself` when nobody need do anything."""

    what: Literal["sender", "account", "template"]
    name: str
    why: str
    since: datetime | None
    mends_itself: bool
    is_being_tried: bool


class PageService:
    """One method for each thing a page shows; each checks the permission and opens the tenant's scope."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def workplace(self) -> Workplace:
        tenant = queries.get(self._tenant_id)
        quiet = quiet_hours.of_columns(tenant.quiet_hours_start, tenant.quiet_hours_end)
        most, days = tenant.frequency_cap_messages, tenant.frequency_cap_days
        return Workplace(tenant.name, tenant.timezone, quiet, (most, days) if most and days else None)

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

    def held_up(self, campaign: MessageCampaign) -> tuple[HeldUp, ...]:
        """What this campaign's messages wait for, or would wait for if it were launched now."""
        require(self._caller, READS)
        if campaign.status in _OVER:
            return ()
        with tenant_scope(self._tenant_id):
            sender = senders.for_campaign(self._tenant_id, campaign.sender_id)
            template = template_use.not_approved(campaign)
        found = [_of_breaker(sender)] if sender and sender.breaker_state != standing.CLOSED else []
        if template:
            why = template.status_reason or f"It is {template.status}, and only an approved one can be sent."
            name = f"{template.name} ({template.language})"
            found.append(
                HeldUp("template", name, why, template.status_told_at, mends_itself=False, is_being_tried=False)
            )
        return tuple(found)

    def failures(self, campaign_id: UUID) -> tuple[FailureLine, ...]:
        """Why messages of this campaign failed, the most frequent cause first."""
        require(self._caller, READS)
        with tenant_scope(self._tenant_id):
            return failures.of_campaign(self._tenant_id, campaign_id)


def _of_breaker(sender: Sender) -> HeldUp:
    return HeldUp(
        "account" if sender.breaker_scope == "account" else "sender",
        sender.name,
        sender.breaker_reason,
        sender.breaker_since,
        mends_itself=sender.breaker_retry_at is not None,
        is_being_tried=sender.breaker_state == standing.HALF_OPEN,
    )


def in_words(target_criteria: Any) -> str:
    """One sentence that says whom stored criteria select."""
    return criteria_text.describe(criteria.parse(target_criteria))


def is_everyone(target_criteria: Any) -> bool:
    """Whether stored criteria mean every customer."""
    return criteria.parse(target_criteria).is_everyone
