"""The Python API of campaign templates: saving a configuration, and starting campaigns from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tulia.campaigns import campaign_templates
from tulia.campaigns.models import CampaignTemplate, MessageCampaign
from tulia.core import clock
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

CREATE, READ = "conversations:view", "analytics:view"


class CampaignTemplatesService:
    """What `caller` may do with the campaign templates of their tenant."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create(
        self,
        *,
        name: str,
        description: str | None = None,
        campaign: Any = None,
        from_campaign_id: UUID | None = None,
    ) -> CampaignTemplate:
        """Saves the fields of `campaign`, or what an existing campaign was made from."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign_template.create") as entry:
            made = campaign_templates.create(
                self._tenant_id, name=name, description=description, campaign=campaign,
                from_campaign_id=from_campaign_id, created_by_id=self._caller.user_id, now=clock.now(),
            )  # fmt: skip
            return entry.made(made)

    def update(self, template_id: UUID, changes: Mapping[str, Any]) -> CampaignTemplate:
        require(self._caller, CREATE)
        with act(self._caller, "campaign_template.update") as entry:
            found = entry.about(campaign_templates.find(self._tenant_id, template_id))
            return campaign_templates.update(found, changes, now=clock.now())

    def delete(self, template_id: UUID) -> None:
        require(self._caller, CREATE)
        with act(self._caller, "campaign_template.delete") as entry:
            campaign_templates.delete(entry.about(campaign_templates.find(self._tenant_id, template_id)))

    def start(self, template_id: UUID, *, overrides: Mapping[str, Any] | None = None) -> MessageCampaign:
        """A new campaign with the configuration; a draft, unless an override gives it a time."""
        require(self._caller, CREATE)
        with act(self._caller, "campaign.create") as entry:
            found = campaign_templates.find(self._tenant_id, template_id)
            entry.say(campaign_template_id=found.pk)
            made = campaign_templates.start(
                found, overrides=overrides or {}, created_by_id=self._caller.user_id, now=clock.now()
            )
            return entry.made(made)

    def get(self, template_id: UUID) -> CampaignTemplate:
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return campaign_templates.find(self._tenant_id, template_id)

    def page(self, wanted: PageRequest) -> Page[CampaignTemplate]:
        """Newest first."""
        require(self._caller, READ)
        with tenant_scope(self._tenant_id):
            return campaign_templates.page(self._tenant_id, wanted)
