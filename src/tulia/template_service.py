"""The Python API of templates: one method for each thing a person can do with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from tulia.campaigns import template_use
from tulia.channels import senders, template_sync, templates
from tulia.channels.models import MessageTemplate
from tulia.channels.template_sync import Synced
from tulia.core import clock
from tulia.core.errors import Conflict
from tulia.core.keyset import Page, PageRequest
from tulia.reports import template_uses
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

SEES = "analytics:view"
MANAGES = "integrations:manage"


class TemplateInUse(Conflict):
    code = "template_in_use"


class TemplateService:
    """What `caller` may do with the templates of their tenant."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create_template(
        self,
        *,
        name: str,
        language: str,
        category: str,
        body: str | None = None,
        components: Any = None,
        examples: Mapping[str, str] | None = None,
        defaults: Mapping[str, str] | None = None,
        status: str = "approved",
        provider_id: str = "",
    ) -> MessageTemplate:
        """A template as the provider has it: of a body alone, or of all its components."""
        require(self._caller, MANAGES)
        with act(self._caller, "template.create") as entry:
            return entry.made(
                templates.create(
                    self._tenant_id,
                    name=name,
                    language=language,
                    category=category,
                    body=body,
                    parts=components,
                    examples=examples,
                    defaults=defaults,
                    status=status,
                    provider_id=provider_id,
                )
            )

    def change_template(
        self,
        template_id: UUID,
        *,
        components: Any = None,
        body: str | None = None,
        status: str | None = None,
        **changes: Any,
    ) -> MessageTemplate:
        """Changes what is given. What it says can't be changed under a campaign that is scheduled, sending or paused.

        A status other than approved pauses what is being sent with it. Raises TemplateInUse, Invalid.
        """
        require(self._caller, MANAGES)
        now = clock.now()
        with act(self._caller, "template.update") as entry:
            template = entry.about(templates.get(self._tenant_id, template_id))
            if components is not None or body is not None:
                self._refuse_if_live(template, "Its text can't be changed under them")
            changed = templates.change(template, parts=components, body=body, status=status, now=now, **changes)
            if status is not None and status != "approved":
                reason = f"set by {self._caller.label}"
                template_use.pause_campaigns(self._tenant_id, changed, reason=reason, now=now)
            return changed

    def delete_template(self, template_id: UUID) -> None:
        """Takes it out of the lists; reports of what was sent with it stay. Raises TemplateInUse."""
        require(self._caller, MANAGES)
        with act(self._caller, "template.delete") as entry:
            template = entry.about(templates.get(self._tenant_id, template_id))
            self._refuse_if_live(template, "End or change them first")
            templates.delete(template)

    def sync_templates(self, sender_id: UUID) -> Synced:
        """Takes over the templates of the sender's account as the provider has them; what can't be sent now is paused.

        Raises Missing, Invalid when the sender's account isn't known, ProviderUnavailable.
        """
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            sender = senders.get(self._tenant_id, sender_id)
        listed = template_sync.fetch(sender)
        now = clock.now()
        with act(self._caller, "template.sync") as entry:
            entry.target(sender.pk, name=sender.name, kind="sender")
            synced = template_sync.store(self._tenant_id, listed, now=now)
            template_use.pause_unsendable(self._tenant_id, now=now)
            entry.say(created=synced.created, updated=synced.updated, skipped=len(synced.skipped))
            return synced

    def templates(self, wanted: PageRequest, *, status: str | None = None) -> Page[MessageTemplate]:
        """Newest first, one page."""
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return templates.page(self._tenant_id, wanted, status=status)

    def template(self, template_id: UUID) -> MessageTemplate:
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return templates.get(self._tenant_id, template_id)

    def uses(self, template_ids: Iterable[UUID]) -> Mapping[UUID, int]:
        """How many people each of these templates was sent to, in all campaigns."""
        require(self._caller, SEES)
        with tenant_scope(self._tenant_id):
            return template_uses.count(self._tenant_id, template_ids)

    def _refuse_if_live(self, template: MessageTemplate, remedy: str) -> None:
        live = template_use.live_campaigns(self._tenant_id, template.pk)
        if live:
            named = ", ".join(repr(campaign.name) for campaign in live[:3]) + (" and others" if len(live) > 3 else "")
            raise TemplateInUse(
                f"Campaigns that are scheduled, sending or paused use this template: {named}. {remedy}.",
                details={"campaigns": [str(campaign.pk) for campaign in live[:20]]},
            )
