"""The Python API of what can be known about people before, while and after a campaign is sent: reach, cost, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tulia.audience import reach
from tulia.campaigns import draft, edit, experiment_fields
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock, planning
from tulia.core.keyset import Page, PageRequest
from tulia.ledger import explain, usage, waterfall
from tulia.ledger import queries as ledger_queries
from tulia.ledger.explain import Explanation
from tulia.ledger.queries import RecipientRow
from tulia.ledger.waterfall import Waterfall
from tulia.tenants.api_keys import Caller
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope, tenant_view

_FRESH_SECONDS = 5.0
CREATE, READ = "conversations:view", "analytics:view"


class ReachService:
    """What `caller` may know."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def of_draft(self, fields: Mapping[str, Any]) -> Waterfall:
        """The waterfall of a campaign that isn't made yet, from the fields it would be made from; unknown ones are refused."""
        require(self._caller, CREATE)
        now = clock.now()
        values = draft.read(fields, now=now, is_new=False).values
        experiment_fields.check(values)
        with tenant_scope(self._tenant_id):
            edit.check_against_tenant(self._tenant_id, values)
            left = usage.sends_left(self._tenant_id, now=now)
            return waterfall.of_campaign(MessageCampaign(tenant_id=self._tenant_id, **values), now=now, sends_left=left)

    def of_campaign(self, campaign_id: UUID) -> Waterfall:
        """The waterfall of a saved campaign, as its launch would find it now."""
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            campaign, now = edit.find(self._tenant_id, campaign_id), clock.now()
            left = usage.sends_left(self._tenant_id, now=now)
            return waterfall.of_campaign(campaign, now=now, sends_left=left)

    def people_of_draft(
        self, fields: Mapping[str, Any], wanted: PageRequest, *, state: str | None = None, reason: str | None = None
    ) -> Page[RecipientRow]:
        """Whom a campaign that isn't made yet would send to, defer and skip."""
        require(self._caller, READ)
        now = clock.now()
        values = draft.read(fields, now=now, is_new=False).values
        experiment_fields.check(values)
        planning.refresh_statistics(reach.TABLES)
        with tenant_view(self._tenant_id):
            edit.check_against_tenant(self._tenant_id, values)
            campaign = MessageCampaign(tenant_id=self._tenant_id, **values)
            return waterfall.page(campaign, wanted, state=state, reason=reason, now=now)

    def people(
        self, campaign_id: UUID, wanted: PageRequest, *, state: str | None = None, reason: str | None = None
    ) -> Page[RecipientRow]:
        """The people behind a line: of the balance sheet, or before the launch of the waterfall."""
        require(self._caller, READ)
        planning.refresh_statistics(reach.TABLES, unless_within=_FRESH_SECONDS)
        with tenant_view(self._tenant_id):
            campaign = edit.find(self._tenant_id, campaign_id)
            if campaign.audience_frozen_at is None:
                return waterfall.page(campaign, wanted, state=state, reason=reason, now=clock.now())
            return ledger_queries.page(self._tenant_id, campaign_id, wanted, state=state, reason=reason)

    def explain(self, campaign_id: UUID, customer_id: UUID) -> Explanation:
        """Why this customer is where they are in this campaign. Raises Missing for either."""
        require(self._caller, READ)
        with tenant_view(self._tenant_id):
            return explain.person(edit.find(self._tenant_id, campaign_id), customer_id, now=clock.now())
