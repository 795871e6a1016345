"""Who may do what here, who did what, and how much is left: keys, members, the record, usage."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from tulia.campaigns import approval, edit, recurrence_approval, recurring
from tulia.campaigns.approval import Approval
from tulia.campaigns.recurrence_approval import Standing
from tulia.core import clock
from tulia.core.errors import Forbidden, Invalid
from tulia.core.keyset import Page, PageRequest
from tulia.ledger import usage
from tulia.ledger.usage import Usage
from tulia.tenants import access, api_keys, audit, members, queries, tiers
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.models import ApiKey, AuditEntry, Membership, Tier
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

MANAGES, SEES, APPROVES = members.MANAGES, "analytics:view", "conversations:view"
# What somebody may have done to a campaign without having a hand in what it says, to whom, or when.
NOT_MAKING = frozenset(
    {
        "campaign.request_approval", "campaign.approve", "campaign.reject", "campaign.test_send", "campaign.execute",
        "campaign.pause", "campaign.resume", "campaign.cancel", "campaign.start", "campaign.unschedule",
        "campaign.export",
        "recurring_campaign.approve", "recurring_campaign.pause", "recurring_campaign.resume",
        "recurring_campaign.skip_next",
    }
)  # fmt: skip


class GovernanceService:
    """One method for each thing a person can do; each checks the permission and opens the tenant's scope."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def audit(self, wanted: PageRequest, chosen: audit.Filter | None = None) -> Page[AuditEntry]:
        """Who did what, newest first; one query."""
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            return audit.page(self._tenant_id, wanted, chosen or audit.Filter())

    def api_keys(self, wanted: PageRequest) -> Page[ApiKey]:
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            return api_keys.page(self._tenant_id, wanted)

    def create_api_key(
        self,
        *,
        name: str,
        scopes: Iterable[str] | None = None,
        role: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, shown for the only time; it can't be given more than its maker may do."""
        require(self._caller, MANAGES)
        if (scopes is None) == (role is None):
            raise Invalid("Give scopes or a role.", details={"scopes": "give these or a role, not both"})
        try:
            wanted = frozenset(scopes) if scopes is not None else access.ROLES[access.role_named(role or "")]
        except ValueError as error:
            raise Invalid(str(error), details={"role": f"must be one of {', '.join(access.ROLES)}"}) from error
        if not wanted:
            raise Invalid("Give at least one permission.", details={"scopes": "must name at least one"})
        members.check_reach(self._caller, wanted & access.SCOPES, what="to give away")
        with act(self._caller, "api_key.create") as entry:
            made, key = api_keys.make(self._tenant_id, name=name, scopes=wanted, by=self._caller, expires_at=expires_at)
            return entry.made(made), key

    def revoke_api_key(self, key_id: UUID) -> None:
        """It opens nothing from now on."""
        require(self._caller, MANAGES)
        with act(self._caller, "api_key.revoke") as entry:
            entry.about(api_keys.get(self._tenant_id, key_id))
            api_keys.revoke(self._tenant_id, key_id, now=clock.now())

    def members(self, wanted: PageRequest) -> Page[Membership]:
        """Who works here, each with their person."""
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            return members.page(self._tenant_id, wanted)

    def add_member(
        self,
        *,
        email: str,
        name: str,
        role: str,
        password: str,
        granted: Iterable[str] = (),
        denied: Iterable[str] = (),
    ) -> Membership:
        """A person with a role here; nobody is given more than whoever adds them may do."""
        require(self._caller, MANAGES)
        with act(self._caller, "member.add") as entry:
            made = entry.made(
                members.add(
                    self._caller, email=email, name=name, role=role, password=password, granted=granted, denied=denied
                )
            )
            entry.target(made.user_id, name=made.user.email)
            return made

    def change_member(
        self,
        user_id: UUID,
        *,
        role: str | None = None,
        granted: Iterable[str] | None = None,
        denied: Iterable[str] | None = None,
    ) -> Membership:
        """Changes what is given (None: as it is); a deny wins over role and grant."""
        require(self._caller, MANAGES)
        with act(self._caller, "member.change") as entry:
            found = entry.about(members.get(self._tenant_id, user_id))
            entry.target(user_id, name=found.user.email)
            return members.change(self._caller, found, role=role, granted=granted, denied=denied)

    def remove_member(self, user_id: UUID) -> None:
        """They work here no longer, from their next request on."""
        require(self._caller, MANAGES)
        with act(self._caller, "member.remove") as entry:
            found = entry.about(members.get(self._tenant_id, user_id))
            entry.target(user_id, name=found.user.email)
            members.remove(self._caller, found)

    def usage(self) -> Usage:
        """What is used of the tier's limits, now."""
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return usage.of_tenant(self._tenant_id, now=clock.now())

    def change_tier(self, name: str) -> Tier:
        """Another tier, in force at once; for the operator alone."""
        if self._caller.kind != "operator":
            raise Forbidden("Only the operator gives a tenant another tier: `tulia tenant change-tier`.")
        with act(self._caller, "tenant.change_tier") as entry:
            entry.about(queries.get(self._tenant_id))
            return tiers.give(self._tenant_id, name)

    def is_approval_required(self) -> bool:
        """Whether a second person approves campaigns here."""
        require(self._caller, SEES)
        return queries.get(self._tenant_id).approval_required

    def approval(self, campaign_id: UUID) -> Approval:
        """How the campaign stands with those who approve."""
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return approval.standing(edit.find(self._tenant_id, campaign_id))

    def request_approval(self, campaign_id: UUID, *, scheduled_at: datetime | None = None, note: str = "") -> Approval:
        """Asks for a second person's yes to the campaign as it is now."""
        require(self._caller, APPROVES)
        with act(self._caller, "campaign.request_approval") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            entry.say(note=note, scheduled_at=scheduled_at)
            approval.request(campaign, by=self._caller, scheduled_at=scheduled_at, note=note, now=clock.now())
            return approval.standing(campaign)

    def approve(self, campaign_id: UUID, *, note: str = "", version: str = "") -> Approval:
        """Says yes, by somebody who had no hand in the campaign; `version` is the content that was looked at."""
        require(self._caller, APPROVES)
        with act(self._caller, "campaign.approve") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            entry.say(note=note)
            makers = audit.people_behind(self._tenant_id, "campaign", campaign_id, but_for=NOT_MAKING)
            if origin := campaign.metadata.get("recurring_campaign_id"):
                makers |= audit.people_behind(self._tenant_id, "recurring_campaign", origin, but_for=NOT_MAKING)
            approval.approve(campaign, by=self._caller, makers=makers, note=note, version=version, now=clock.now())
            return approval.standing(campaign)

    def approve_recurring(self, recurrence_id: UUID, *, version: str = "") -> Standing:
        """Says yes to all that is made from a recurring campaign as it is, by somebody who had no hand in it."""
        require(self._caller, APPROVES)
        with act(self._caller, "recurring_campaign.approve") as entry:
            held = entry.about(recurring.hold(self._tenant_id, recurrence_id))
            makers = audit.people_behind(self._tenant_id, "recurring_campaign", recurrence_id, but_for=NOT_MAKING)
            now = clock.now()
            recurrence_approval.approve(held, by=self._caller, makers=makers, version=version, now=now)
            return recurrence_approval.standing(held, now=now)

    def reject(self, campaign_id: UUID, *, note: str, version: str = "") -> Approval:
        """Says no, and why."""
        require(self._caller, APPROVES)
        with act(self._caller, "campaign.reject") as entry:
            campaign = entry.about(edit.find(self._tenant_id, campaign_id))
            entry.say(note=note)
            approval.reject(campaign, by=self._caller, note=note, version=version, now=clock.now())
            return approval.standing(campaign)
