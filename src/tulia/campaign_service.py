"""The Python API of campaigns: one method for each thing a person can do with one.

Each method checks the caller's scope, opens the tenant's scope (`audit.act` when it changes something, so that it is on
record) and calls one act. The HTTP API and the web pages call these methods and nothing below them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from tulia.audience import consent_refusals, criteria, reach
from tulia.audience.reach import Reach
from tulia.campaigns import draft, edit, lifecycle, message, queries, render, wordings
from tulia.campaigns.models import MessageCampaign
from tulia.channels import http, registry, senders
from tulia.channels.types import Accepted, Rejected, SendOutcome
from tulia.core import clock, failpoints, jobs
from tulia.core.errors import Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.dispatch import names, scheduler
from tulia.ledger import queries as ledger_queries
from tulia.ledger import record, reference
from tulia.ledger.record import Conversion, Evidence, Kind
from tulia.reports import balance, campaign_report, failures, tally
from tulia.reports.campaign_report import CampaignReport
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope, tenant_view

CREATE, READ = "conversations:view", "analytics:view"
POLL_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How far a run is: people targeted, sent (accepted at any time), failed, and skipped by reason."""

    campaign_id: UUID
    status: str
    targeted: int
    sent: int
    failed: int
    skipped_no_consent: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        return self.status in ("completed", "canceled")


@dataclass(frozen=True, slots=True)
class TestSend:
    """What became of a test message; `text` is what was sent."""

    is_accepted: bool
    message_id: str | None
    text: str
    problem: str = ""


class CampaignService:
    """What `caller` may do with the campaigns of their tenant."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create_campaign(self, fields: Mapping[str, Any]) -> MessageCampaign:
        """A new draft, or a scheduled campaign when `scheduled_at` is given."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.create") as entry:
            return entry.made(edit.create(self._tenant_id, fields, created_by_id=self._caller.user_id, now=clock.now()))

    def update_campaign(self, campaign_id: UUID, fields: Mapping[str, Any]) -> MessageCampaign:
        """Changes a draft."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.update") as entry:
            return edit.update(entry.about(edit.find(self._tenant_id, campaign_id)), fields, now=clock.now())

    def delete_campaign(self, campaign_id: UUID) -> None:
        """Removes a draft."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.delete") as entry:
            edit.delete(entry.about(edit.find(self._tenant_id, campaign_id)))

    def clone_campaign(self, campaign_id: UUID, *, name: str | None = None) -> MessageCampaign:
        """A new draft like this one."""
        require(self._caller, CREATE)
        if name is not None:
            draft.read({"name": name}, now=clock.now(), is_new=False)
        with act(self._caller, "campaign.clone") as entry:
            original = edit.find(self._tenant_id, campaign_id)
            return entry.made(edit.clone(original, name=name, created_by_id=self._caller.user_id))

    def get_campaign(self, campaign_id: UUID) -> MessageCampaign:
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return edit.find(self._tenant_id, campaign_id)

    def list_campaigns(self, wanted: PageRequest, *, status: str | None = None) -> Page[MessageCampaign]:
        """Newest first, one page; one query."""
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return queries.page(self._tenant_id, wanted, status=status)

    def calculate_reach(self, target_criteria: Any, *, as_of: datetime | None = None) -> tuple[int, int]:
        """(total matching, with consent)."""
        counted = self.reach(target_criteria, as_of=as_of)
        return counted.total_matching, counted.with_consent

    def reach(self, target_criteria: Any, *, as_of: datetime | None = None) -> Reach:
        """Reach step by step, from the same statement that freezes an audience. Raises Invalid with the paths."""
        require(self._caller, CREATE)
        try:
            tree = criteria.parse(target_criteria)
        except criteria.CriteriaInvalid as refused:
            wrong = {
                f"target_criteria.{error.path}" if error.path else "target_criteria": error.message
                for error in refused.errors
            }
            raise Invalid("; ".join(f"{path} {why}" for path, why in wrong.items()) + ".", details=wrong) from None
        with tenant_scope(self._tenant_id):
            return reach.calculate(self._tenant_id, tree, as_of=as_of or clock.now())

    def execute_campaign(
        self, campaign_id: UUID, *, confirm_everyone: bool = False, wait_seconds: float = 0.0
    ) -> ExecutionResult:
        """Starts the campaign, and waits up to `wait_seconds` for its end. Of two at once, one is refused."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.execute") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            wordings.of_campaign(campaign)
            scheduler.start(campaign, confirm_everyone=confirm_everyone, now=clock.now())
        failpoints.reached("started")
        deadline = time.monotonic() + min(wait_seconds, LONGEST_WAIT_SECONDS)
        while True:
            with tenant_scope(self._tenant_id):
                status = queries.status_of(self._tenant_id, campaign_id)
            if status not in ("sending",) or time.monotonic() >= deadline:
                return self._result(campaign_id)
            time.sleep(POLL_SECONDS)

    def execution(self, campaign_id: UUID) -> ExecutionResult:
        """How far the run is now."""
        require(self._caller, READ)
        return self._result(campaign_id)

    def _result(self, campaign_id: UUID) -> ExecutionResult:
        with tenant_scope(self._tenant_id):
            campaign = edit.find(self._tenant_id, campaign_id)
            counted = tally.of_campaign(self._tenant_id, campaign_id)
        sheet, problems = balance.of(counted), failures.in_words(failures.of(counted))
        if campaign.status_reason:
            problems = (campaign.status_reason, *problems)
        return ExecutionResult(
            campaign_id=campaign_id,
            status=campaign.status,
            targeted=sheet.audience,
            sent=campaign.delivery_count,
            failed=campaign.failed_count,
            skipped_no_consent=sheet.without_consent,
            skipped=sheet.skipped_by_reason,
            errors=problems,
        )

    def schedule_campaign(
        self, campaign_id: UUID, scheduled_at: Any, *, confirm_everyone: bool = False
    ) -> MessageCampaign:
        """Gives the campaign its time; it starts by itself."""
        require(self._caller, CREATE)
        at = draft.instant(scheduled_at)
        with act(self._caller, "campaign.schedule") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            lifecycle.schedule(campaign, at=at, now=clock.now(), confirm_everyone=confirm_everyone)
            return campaign

    def pause_campaign(self, campaign_id: UUID) -> MessageCampaign:
        """Nothing more goes out; what is in flight is finished and counted."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.pause") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            failpoints.reached("to_pause")
            lifecycle.pause(campaign, reason=f"Paused by {self._caller.label}.", now=clock.now())
            return campaign

    def resume_campaign(self, campaign_id: UUID) -> MessageCampaign:
        require(self._caller, CREATE)
        with act(self._caller, "campaign.resume") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            failpoints.reached("to_resume")
            lifecycle.resume(campaign, now=clock.now())
            return campaign

    def cancel_campaign(self, campaign_id: UUID) -> MessageCampaign:
        """Nothing more goes out, ever; whoever was waiting is cancelled."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.cancel") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            lifecycle.cancel(campaign, now=clock.now())
            failpoints.reached("canceling")
            if campaign.started_at:
                jobs.defer(
                    names.CALL_OFF, queue=names.QUEUE, only_one_waiting=f"call_off:{campaign_id}",
                    tenant_id=str(self._tenant_id), campaign_id=str(campaign_id),
                )  # fmt: skip
            return campaign

    def test_send(self, campaign_id: UUID, *, customer_id: UUID, variant: int = 0) -> TestSend:
        """Sends the message to one customer who agrees to promotional messages, now; not counted anywhere."""
        require(self._caller, CREATE)
        try:
            with act(self._caller, "campaign.test_send") as entry:
                campaign = entry.about(edit.find(self._tenant_id, campaign_id))
                entry.say(customer_id=customer_id, variant=variant)
                said = wordings.of_campaign(campaign)
                if not 0 <= variant < len(said):
                    raise Invalid(
                        "There is no such variant.", details={"variant": f"must be from 0 to {len(said) - 1}"}
                    )
                person = queries.consenting_person(self._tenant_id, customer_id, now=clock.now())
                sender = senders.for_campaign(self._tenant_id, campaign.sender_id)
        except queries.NoConsent as refused:
            with tenant_scope(self._tenant_id):
                consent_refusals.note(
                    self._tenant_id, customer_id, campaign_id=campaign_id, act="test_send", reason=refused.code,
                    actor=self._caller.label, at=clock.now(),
                )  # fmt: skip
            raise
        if sender is None:
            raise lifecycle.NoSender("There is no sender to send with: add one first.")
        try:
            outgoing = message.compose(
                said[variant], person.context, to=person.phone, reference=reference.of_test(campaign_id)
            )
        except render.Unrenderable as error:
            raise Invalid(f"The message can't be made for this customer: {error}.") from error
        connection = registry.connection_of(self._tenant_id, sender.pk)
        assert connection is not None

        async def send_it() -> SendOutcome:
            async with http.session(timeout_seconds=settings.SEND_TIMEOUT_SECONDS) as session:
                return await registry.connect(connection, session).send(outgoing)

        outcome = asyncio.run(send_it())
        text = message.as_seen(said[variant], outgoing)
        if isinstance(outcome, Accepted):
            return TestSend(is_accepted=True, message_id=outcome.message_id, text=text)
        problem = outcome.failure.message if isinstance(outcome, Rejected) else outcome.reason
        return TestSend(is_accepted=False, message_id=None, text=text, problem=problem)

    def track_message_read(self, campaign_id: UUID, customer_id: UUID, *, at: datetime | None = None) -> None:
        """Records that this customer read the campaign's message; telling it twice counts once."""
        self._track(campaign_id, customer_id, Kind.READ, at)

    def track_message_response(self, campaign_id: UUID, customer_id: UUID, *, at: datetime | None = None) -> None:
        """Records that this customer answered the campaign's message; telling it twice counts once."""
        self._track(campaign_id, customer_id, Kind.REPLIED, at)

    def _track(self, campaign_id: UUID, customer_id: UUID, kind: Kind, at: datetime | None) -> None:
        require(self._caller, CREATE)
        with act(self._caller, f"campaign.track_{kind.name.lower()}") as entry:
            entry.target(campaign_id)
            entry.say(customer_id=customer_id, at=at)
            row = ledger_queries.sent_to(self._tenant_id, campaign_id, customer_id)
            record.record(self._tenant_id, row.sender_id, [Evidence(row.recipient_id, kind, at or clock.now())])

    def track_conversion(
        self,
        customer_id: UUID,
        *,
        kind: str,
        source_id: UUID,
        at: datetime,
        revenue_micros: int = 0,
        currency: str = "",
    ) -> None:
        """Credits an order or a booking to the last campaign message before it, within the window; each counts once."""
        require(self._caller, CREATE)
        if kind not in ("order", "booking"):
            raise Invalid("A conversion is an order or a booking.", details={"kind": "must be order or booking"})
        with act(self._caller, "customer.track_conversion") as entry:
            entry.target(customer_id)
            entry.say(kind=kind, source_id=source_id, at=at, revenue_micros=revenue_micros, currency=currency)
            one = Conversion(source_id, customer_id, at, revenue_micros, currency)
            record.credit(self._tenant_id, kind, [one], window=record.CONVERSION_WINDOW)

    def generate_report(self, campaign_id: UUID) -> CampaignReport:
        """The report as of now: all its numbers are of one instant, whatever comes in meanwhile."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            return campaign_report.generate(edit.find(self._tenant_id, campaign_id), now=clock.now())
