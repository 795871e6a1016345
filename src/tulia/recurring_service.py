"""The Python API of recurring campaigns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.campaigns import recurrence_approval, recurring
from tulia.campaigns.models import CampaignRecurrence, MessageCampaign
from tulia.campaigns.recurrence_approval import Standing
from tulia.core import clock
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

CREATE, READ = "conversations:view", "analytics:view"


@dataclass(frozen=True, slots=True)
class Recurring:
    """A recurring campaign, its next few occurrences in UTC, and how it stands with those who approve."""

    recurrence: CampaignRecurrence
    next_occurrences: Sequence[datetime]
    approval: Standing


class RecurringService:
    """What `caller` may do with the recurring campaigns of their tenant."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create(self, fields: Mapping[str, Any]) -> Recurring:
        """See `campaigns.recurring.create` for the fields."""
        require(self._caller, CREATE)
        now = clock.now()
        with act(self._caller, "recurring_campaign.create") as entry:
            made = recurring.create(self._tenant_id, fields, created_by_id=self._caller.user_id, now=now)
            return _with_occurrences(entry.made(made), now=now)

    def update(self, recurrence_id: UUID, fields: Mapping[str, Any]) -> Recurring:
        return self._change("update", recurrence_id, lambda held, now: recurring.update(held, fields, now=now))

    def pause(self, recurrence_id: UUID) -> Recurring:
        """Nothing starts until it is resumed; what would have is not made up for."""
        return self._change("pause", recurrence_id, lambda held, now: recurring.pause(held, now=now))

    def resume(self, recurrence_id: UUID) -> Recurring:
        return self._change("resume", recurrence_id, lambda held, now: recurring.resume(held, now=now))

    def skip_next(self, recurrence_id: UUID) -> Recurring:
        return self._change("skip_next", recurrence_id, lambda held, now: recurring.skip_next(held, now=now))

    def delete(self, recurrence_id: UUID) -> None:
        """The campaigns it made stay."""
        require(self._caller, CREATE)
        with act(self._caller, "recurring_campaign.delete") as entry:
            recurring.delete(entry.about(recurring.hold(self._tenant_id, recurrence_id)))

    def get(self, recurrence_id: UUID) -> Recurring:
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return _with_occurrences(recurring.find(self._tenant_id, recurrence_id), now=clock.now())

    def page(self, wanted: PageRequest) -> Page[CampaignRecurrence]:
        """Newest first."""
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return recurring.page(self._tenant_id, wanted)

    def campaigns(self, recurrence_id: UUID, wanted: PageRequest) -> Page[MessageCampaign]:
        """The campaigns of its occurrences, latest first."""
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return recurring.campaigns_of(recurring.find(self._tenant_id, recurrence_id), wanted)

    def _change(
        self, verb: str, recurrence_id: UUID, change: Callable[[CampaignRecurrence, datetime], CampaignRecurrence]
    ) -> Recurring:
        require(self._caller, CREATE)
        with act(self._caller, f"recurring_campaign.{verb}") as entry:
            held = entry.about(recurring.hold(self._tenant_id, recurrence_id))
            now = clock.now()  # once it is ours: a worker may have had it till now
            return _with_occurrences(change(held, now), now=now)


def _with_occurrences(held: CampaignRecurrence, *, now: datetime) -> Recurring:
    return Recurring(held, recurring.next_occurrences(held, now=now), recurrence_approval.standing(held, now=now))
