"""Saved configurations with a name, to start campaigns from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from tulia.campaigns import configuration, draft, edit
from tulia.campaigns.models import CampaignTemplate, MessageCampaign
from tulia.core import keyset
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import Page, PageRequest


def create(
    tenant_id: UUID,
    *,
    name: str,
    description: str | None = None,
    campaign: Any = None,
    from_campaign_id: UUID | None = None,
    created_by_id: UUID | None,
    now: datetime,
) -> CampaignTemplate:
    """A campaign template from fields, or from what a campaign was made from. Raises Invalid, Missing, OverTierLimit.

    Call in the tenant's scope, like everything here.
    """
    if (campaign is None) == (from_campaign_id is None):
        either = "give either campaign or from_campaign_id"
        raise Invalid(f"There must be one thing to save: {either}.", details={"campaign": either})
    _check_words(name=name, description=description, now=now)
    if from_campaign_id is not None:
        campaign = configuration.of_campaign(edit.find(tenant_id, from_campaign_id))
    stored = configuration.read(tenant_id, campaign, now=now)
    made = CampaignTemplate(
        tenant_id=tenant_id, name=name, description=description, campaign=stored, created_by_id=created_by_id
    )
    made.save(force_insert=True)
    made.refresh_from_db()
    return made


def update(template: CampaignTemplate, changes: Mapping[str, Any], *, now: datetime) -> CampaignTemplate:
    """Changes the name, the description, or the configuration as a whole. Raises Invalid, OverTierLimit."""
    values = {name: changes[name] for name in ("name", "description", "campaign") if name in changes}
    _check_words(**{name: values[name] for name in ("name", "description") if name in values}, now=now)
    if "campaign" in values:
        values["campaign"] = configuration.read(template.tenant_id, values["campaign"], now=now)
    CampaignTemplate.objects.filter(tenant_id=template.tenant_id, pk=template.pk).update(**values, updated_at=Now())
    return find(template.tenant_id, template.pk)


def start(
    template: CampaignTemplate, *, overrides: Mapping[str, Any], created_by_id: UUID | None, now: datetime
) -> MessageCampaign:
    """A new campaign from the configuration, each field of `overrides` in the place of the one saved.

    Raises Invalid, naming each field that is wrong or not right any more, and OverTierLimit.
    """
    fields = {"name": template.name, **template.campaign, **overrides}
    return edit.create(template.tenant_id, fields, created_by_id=created_by_id, now=now)


def page(tenant_id: UUID, wanted: PageRequest) -> Page[CampaignTemplate]:
    """Newest first."""
    return keyset.page_of(CampaignTemplate, {"tenant_id": tenant_id}, wanted)


def find(tenant_id: UUID, template_id: UUID) -> CampaignTemplate:
    """Raises Missing."""
    found = CampaignTemplate.objects.filter(tenant_id=tenant_id, pk=template_id).first()
    if found is None:
        raise Missing("There is no such campaign template.")
    return found


def delete(template: CampaignTemplate) -> None:
    """The campaigns that were started from it stay."""
    CampaignTemplate.objects.filter(tenant_id=template.tenant_id, pk=template.pk).delete()


def _check_words(*, now: datetime, **words: str | None) -> None:
    """Name and description keep to what a campaign's may be."""
    draft.read(words, now=now, is_new=False)
