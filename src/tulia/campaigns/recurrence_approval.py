"""A second person's yes to a recurring campaign holds for every campaign that is made from it as it was then.

Like that of a single campaign (`campaigns.approval`) it names the content by a digest, so that whatever is changed
afterwards is not approved. Called in the tenant's scope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from tulia.campaigns import approval, configuration
from tulia.campaigns.approval import NotRequested, SelfApproval
from tulia.campaigns.models import CampaignApproval, CampaignRecurrence, MessageCampaign
from tulia.core.errors import Invalid
from tulia.tenants.api_keys import Caller


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether it is approved as it is now; `version` names what it is now."""

    is_approved: bool
    version: str
    by: str = ""
    at: datetime | None = None


def standing(held: CampaignRecurrence, *, now: datetime) -> Standing:
    """How the recurring campaign stands with those who approve."""
    version = digest(held, now=now)
    if not version or held.approved_digest != version:
        return Standing(is_approved=False, version=version)
    return Standing(is_approved=True, version=version, by=held.approved_by, at=held.approved_at)


def approve(held: CampaignRecurrence, *, by: Caller, makers: Iterable[str], version: str, now: datetime) -> None:
    """Says yes to the recurring campaign, held by this transaction; `version`, when given, must be that of what it is.

    `makers` are all who had a hand in it (`Caller.person`), who may not. Raises SelfApproval, NotRequested.
    """
    present = digest(held, now=now)
    if not present:
        raise NotRequested("The fields of this recurring campaign aren't right any more: change them first.")
    if version and version != present:
        raise NotRequested("The recurring campaign was changed since you looked at it: look again.")
    if by.person in {*makers, f"user:{held.created_by_id}"}:
        raise SelfApproval(
            f"{by.label} made or changed this recurring campaign, or answers for a key that did: another person has to "
            "approve it."
        )
    CampaignRecurrence.objects.filter(tenant_id=held.tenant_id, pk=held.pk).update(
        approved_digest=present, approved_by=by.label[:300], approved_person=by.person, approved_at=now
    )
    held.refresh_from_db()


def hand_on(held: CampaignRecurrence, made: MessageCampaign, *, now: datetime) -> None:
    """Approves a campaign that was just made from the recurring one, if that is approved as it is."""
    if not standing(held, now=now).is_approved:
        return
    CampaignApproval.objects.create(
        tenant_id=held.tenant_id,
        campaign=made,
        state="approved",
        by=held.approved_by,
        person=held.approved_person,
        at=held.approved_at or now,
        note="As the recurring campaign that made it.",
        digest=approval.digest(made),
    )


def digest(held: CampaignRecurrence, *, now: datetime) -> str:
    """SHA-256 of all that its campaigns would send, to whom, how and when; "" when none can be made from it."""
    try:
        sample = configuration.sample(held.tenant_id, held.campaign, now=now)
    except Invalid:
        return ""
    timing = [held.rrule, held.starts_at, held.timezone, held.catch_up_seconds]
    whole = [approval.digest(sample), held.name, held.everyone_confirmed, *timing]
    return hashlib.sha256(orjson.dumps(whole)).hexdigest()
