"""A second person's yes: what was approved is what is sent, or nothing is.

A decision names the content it was made about by a digest. Whatever is changed afterwards has another digest, so that
no decision has to be taken back: it just doesn't speak of this content. Called in the tenant's scope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import orjson

from tulia.campaigns.models import CampaignApproval, MessageCampaign
from tulia.channels import senders
from tulia.channels.models import MessageTemplate
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.tenants import queries as tenants
from tulia.tenants.api_keys import Caller

LONGEST_NOTE = 1_000
# Everything of a campaign is content, but for what the system keeps account of.
NOT_CONTENT = frozenset(
    {
        "id", "tenant_id", "status", "status_reason", "scheduled_at", "launch_at", "started_at", "audience_frozen_at",
        "completed_at", "created_by_id", "metadata", "created_at", "updated_at", "delivery_count", "delivered_count",
        "failed_count", "read_count", "response_count", "conversion_count", "cost_micros", "reserved_sends",
        "recurrence_id", "occurrence_at", "experiment_plan", "winner_decided_at", "winner_variant", "winner_reason",
    }
)  # fmt: skip

_TEMPLATE_CONTENT = ("name", "language", "body", "components", "variables", "defaults")


class ApprovalRequired(Forbidden):
    code: ClassVar[str] = "approval_required"


class SelfApproval(Forbidden):
    code: ClassVar[str] = "self_approval"


class NotRequested(Conflict):
    code: ClassVar[str] = "approval_not_requested"


class WrongState(Conflict):
    code: ClassVar[str] = "wrong_state"


@dataclass(frozen=True, slots=True)
class Approval:
    """How a campaign stands: `state` is not_requested, requested, approved or rejected. `version` names the content as
    it is now; `scheduled_at` the time that was asked or approved for, None for any time."""

    state: str
    version: str
    by: str = ""
    at: datetime | None = None
    note: str = ""
    scheduled_at: datetime | None = None


def standing(campaign: MessageCampaign) -> Approval:
    """What the latest decision says of the campaign as it is now; nothing, when it was about other content."""
    version = digest(campaign)
    latest = _latest(campaign)
    if latest is None or not _speaks_of(latest, campaign, version):
        return Approval("not_requested", version)
    return Approval(latest.state, version, latest.by, latest.at, latest.note, latest.scheduled_at)


def request(campaign: MessageCampaign, *, by: Caller, scheduled_at: datetime | None, note: str, now: datetime) -> None:
    """Asks for a second person's yes to the campaign as it is: at this time, or at any time (None).

    A campaign that is scheduled already is approved for its time. Raises WrongState, Invalid.
    """
    held = _held(campaign)
    if held.status == "scheduled":
        if scheduled_at not in (None, held.scheduled_at):
            raise Invalid(
                "This campaign has another time already: schedule it anew, or leave scheduled_at out.",
                details={"scheduled_at": "isn't the time the campaign has"},
            )
        scheduled_at = held.scheduled_at
    elif scheduled_at is not None and scheduled_at <= now:
        raise Invalid("scheduled_at must be in the future.", details={"scheduled_at": "must be in the future"})
    _decide(held, "requested", by=by, note=note, version=digest(held), scheduled_at=scheduled_at, now=now)


def approve(
    campaign: MessageCampaign, *, by: Caller, makers: Iterable[str], note: str, version: str, now: datetime
) -> None:
    """Says yes to what was asked for. `makers` are all who had a hand in it (`Caller.person`), who may not; `version`,
    when given, must be that of the content as it is.

    Raises SelfApproval, NotRequested, WrongState.
    """
    held = _held(campaign)
    asked = _asked(held, version=version)
    if by.person in {*makers, f"user:{held.created_by_id}"}:
        raise SelfApproval(
            f"{by.label} made or changed this campaign, or answers for a key that did: another person has to approve it."
        )
    _decide(held, "approved", by=by, note=note, version=asked.digest, scheduled_at=asked.scheduled_at, now=now)


def reject(campaign: MessageCampaign, *, by: Caller, note: str, version: str, now: datetime) -> None:
    """Says no, and why. What was approved before is approved no longer. Raises NotRequested, WrongState, Invalid."""
    if not note.strip():
        raise Invalid("Say why.", details={"note": "is required"})
    held = _held(campaign)
    latest = _asked(held, version=version, or_approved=True)
    _decide(held, "rejected", by=by, note=note, version=latest.digest, scheduled_at=latest.scheduled_at, now=now)


def check_schedule(tenant_id: UUID, campaign: MessageCampaign | None, *, at: datetime) -> None:
    """Whether a campaign (None: a new one) may be given this time. Raises ApprovalRequired."""
    if not tenants.get(tenant_id).approval_required:
        return
    if campaign is None:
        raise ApprovalRequired(
            "A second person has to approve campaigns here: create it without scheduled_at, ask for approval, "
            "and schedule it then.",
            details={"scheduled_at": "needs an approval first"},
        )
    found = standing(campaign)
    if found.state == "approved" and found.scheduled_at not in (None, at):
        raise _another_time(found)
    _demand(found)


def check_start(campaign: MessageCampaign, *, now: datetime) -> None:
    """Whether the campaign, held by this transaction and read in it, may be started now. Raises ApprovalRequired."""
    if not tenants.get(campaign.tenant_id).approval_required:
        return
    found = standing(campaign)
    _demand(found)
    if found.scheduled_at is not None:
        starts_at = campaign.launch_at or campaign.scheduled_at
        if campaign.status != "scheduled" or starts_at is None or now < starts_at:
            raise _another_time(found)


def digest(campaign: MessageCampaign) -> str:
    """SHA-256 of all that a campaign would send, to whom, and how: its own columns, the wording of its templates, and
    the sender it would go out from now."""
    names = sorted(field.attname for field in campaign._meta.concrete_fields)
    content = {name: getattr(campaign, name) for name in names if name not in NOT_CONTENT}
    wanted = {campaign.template_id, *(variant.get("template_id") for variant in campaign.variants)}
    templates = MessageTemplate.objects.filter(tenant_id=campaign.tenant_id, pk__in=[one for one in wanted if one])
    said = list(templates.order_by("pk").values_list("pk", *_TEMPLATE_CONTENT))
    sender = senders.for_campaign(campaign.tenant_id, campaign.sender_id)
    whole = [content, said, sender.pk if sender else None]
    return hashlib.sha256(orjson.dumps(whole, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _held(campaign: MessageCampaign) -> MessageCampaign:
    """The campaign as it is now, held so that nobody changes it before this transaction ends. Raises WrongState."""
    held = MessageCampaign.objects.select_for_update().get(pk=campaign.pk)
    if held.status not in ("draft", "scheduled"):
        raise WrongState(f"This campaign is {held.status}; only one that hasn't started is approved.")
    return held


def _latest(campaign: MessageCampaign) -> CampaignApproval | None:
    return (
        CampaignApproval.objects.filter(tenant_id=campaign.tenant_id, campaign_id=campaign.pk).order_by("-id").first()
    )


def _speaks_of(decision: CampaignApproval, campaign: MessageCampaign, version: str) -> bool:
    if decision.digest != version:
        return False
    is_moved = campaign.status == "scheduled" and decision.scheduled_at not in (None, campaign.scheduled_at)
    return not is_moved


def _asked(held: MessageCampaign, *, version: str, or_approved: bool = False) -> CampaignApproval:
    """The request that is still open, and about the content as it is."""
    present = digest(held)
    latest = _latest(held)
    if latest is None or not _speaks_of(latest, held, present):
        raise NotRequested(
            "Nobody asked for approval of this campaign as it is now: it was changed, or never asked for. "
            "Ask with POST …/request-approval."
        )
    if latest.state != "requested" and not (or_approved and latest.state == "approved"):
        raise NotRequested(f"This campaign is {latest.state} already.")
    if version and version != present:
        raise NotRequested("The campaign was changed since you looked at it: look again.")
    return latest


def _decide(
    held: MessageCampaign,
    state: str,
    *,
    by: Caller,
    note: str,
    version: str,
    scheduled_at: datetime | None,
    now: datetime,
) -> None:
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise Invalid("note is too long.", details={"note": f"must have at most {LONGEST_NOTE:,} characters"})
    CampaignApproval.objects.create(
        tenant_id=held.tenant_id,
        campaign=held,
        state=state,
        by=by.label[:300],
        person=by.person,
        at=now,
        note=note.strip(),
        digest=version,
        scheduled_at=scheduled_at,
    )


def _demand(found: Approval) -> None:
    if found.state == "approved":
        return
    what_now = {
        "requested": "It was asked for, and nobody has said yes yet: POST …/approve, by another person than its makers.",
        "rejected": f"It was rejected by {found.by}: {found.note}",
    }.get(found.state, "Ask for it with POST …/request-approval; whatever is changed afterwards needs a new one.")
    raise ApprovalRequired(
        f"A second person has to approve this campaign first. {what_now}", details={"approval": found.state}
    )


def _another_time(found: Approval) -> ApprovalRequired:
    assert found.scheduled_at is not None
    return ApprovalRequired(
        f"This campaign is approved for {found.scheduled_at:%Y-%m-%dT%H:%M:%SZ}: schedule it for that time, "
        "or ask for another approval.",
        details={"approval": "for another time", "scheduled_at": found.scheduled_at.isoformat()},
    )
