"""Making and changing campaigns that haven't started."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models.functions import Now

from tulia.campaigns import approval, draft, experiment_fields, window
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import MessageTemplate, Sender
from tulia.core import by_key
from tulia.core.errors import Conflict, Forbidden, Invalid, Missing
from tulia.tenants import queries as tenants

BUDGETED = ("draft", "scheduled", "sending", "paused")
"""States in which the budget, and nothing else, may still be changed: one that stopped at it goes on with more."""


class NotADraft(Conflict):
    code: ClassVar[str] = "not_a_draft"


class OverTierLimit(Forbidden):
    code: ClassVar[str] = "tier_limit"


def create(tenant_id: UUID, fields: Mapping[str, Any], *, created_by_id: UUID | None, now: datetime) -> MessageCampaign:
    """A new campaign: scheduled when `scheduled_at` is given, else a draft. Raises Invalid, OverTierLimit.

    Call in the tenant's scope.
    """
    values = draft.read(fields, now=now, is_new=True).values
    check_against_tenant(tenant_id, values)
    values.setdefault("seed", secrets.randbits(62))
    values.setdefault("message_content", "")
    values.setdefault("target_criteria", {})
    if values.get("scheduled_at"):
        if not values["target_criteria"]:
            raise Invalid(
                "A campaign for every customer is scheduled in a second step, with confirm_everyone: create it without "
                "scheduled_at, then POST …/schedule.",
                details={"scheduled_at": "not together with criteria that mean everybody"},
            )
        approval.check_schedule(tenant_id, None, at=values["scheduled_at"])
        values["status"] = "scheduled"
        values["launch_at"] = window.launch_at(
            values["scheduled_at"],
            tenant_zone=tenants.get(tenant_id).timezone,
            is_local=values.get("local_time", False),
        )
    campaign = MessageCampaign(tenant_id=tenant_id, created_by_id=created_by_id, **values)
    campaign.save(force_insert=True)
    campaign.refresh_from_db()
    return campaign


def update(campaign: MessageCampaign, fields: Mapping[str, Any], *, now: datetime) -> MessageCampaign:
    """Changes a draft; the budget alone also of a campaign that is running. Raises NotADraft, Invalid, OverTierLimit."""
    values = draft.read(fields, now=now, is_new=False).values
    if "scheduled_at" in values:
        raise Invalid(
            "A draft gets its time with POST …/schedule.", details={"scheduled_at": "use POST …/schedule instead"}
        )
    check_against_tenant(campaign.tenant_id, values)
    merged_test = values.get("is_ab_test", campaign.is_ab_test)
    merged_variants = values.get("variants", campaign.variants)
    if merged_test != bool(merged_variants):
        wrong = {"variants": "an A/B test needs 2 to 4 variants, and only an A/B test has any"}
        raise Invalid("is_ab_test and variants don't fit together.", details=wrong)
    experiment_fields.check(values, stored=campaign)
    if not (values.get("message_content", campaign.message_content) or values.get("template_id", campaign.template_id)):
        raise Invalid(
            "Without a template the campaign needs a message.",
            details={"message_content": "is required when there is no template"},
        )
    states = BUDGETED if set(values) == {"budget_micros"} else ("draft",)
    changed = MessageCampaign.objects.filter(pk=campaign.pk, status__in=states).update(**values, updated_at=Now())
    if not changed:
        raise NotADraft(
            "Only a draft can be changed (and the budget, until the end); clone the campaign to make another like it."
        )
    campaign.refresh_from_db()
    return campaign


def delete(campaign: MessageCampaign) -> None:
    """Removes a draft. Raises NotADraft."""
    deleted, _ = MessageCampaign.objects.filter(pk=campaign.pk, status="draft").delete()
    if not deleted:
        raise NotADraft("Only a draft can be deleted; what was sent stays on record.")


def clone(campaign: MessageCampaign, *, name: str | None, created_by_id: UUID | None) -> MessageCampaign:
    """A new draft with the same message, audience and test, and a new seed."""
    copied = (
        "description", "message_content", "template_id", "template_variables", "target_criteria", "as_of",
        "is_ab_test", "variants", "primary_metric", "sender_id", "quiet_hours_rule", "quiet_hours_start", "quiet_hours_end",
        "frequency_cap_exempt_reason", "budget_micros", "local_time", *experiment_fields.COLUMNS,
    )  # fmt: skip
    new_name = name or f"{campaign.name} (copy)"
    twin = MessageCampaign(
        tenant_id=campaign.tenant_id,
        name=new_name[: draft.NAME_LIMIT],
        seed=secrets.randbits(62),
        created_by_id=created_by_id,
        metadata={"cloned_from": str(campaign.pk)},
        **{column: getattr(campaign, column) for column in copied},
    )
    twin.save(force_insert=True)
    twin.refresh_from_db()
    return twin


def check_against_tenant(tenant_id: UUID, values: dict[str, Any]) -> None:
    """What only the database knows: whose sender and templates these are, and how many variants the plan allows.

    Raises Invalid and OverTierLimit.
    """
    wrong: dict[str, str] = {}
    sender_id = values.get("sender_id")
    if sender_id and not Sender.objects.filter(tenant_id=tenant_id, pk=sender_id).exists():
        wrong["sender_id"] = "is not a sender of yours"
    asked = {"template_id": values.get("template_id")}
    for index, variant in enumerate(values.get("variants") or ()):
        asked[f"variants[{index}].template_id"] = variant.get("template_id")
    for path, template_id in asked.items():
        if (
            template_id
            and not MessageTemplate.objects.filter(tenant_id=tenant_id, pk=template_id, deleted_at=None).exists()
        ):
            wrong[path] = "is not a template of yours"
    if wrong:
        raise Invalid("; ".join(f"{path} {reason}" for path, reason in wrong.items()) + ".", details=wrong)
    count = len(values.get("variants") or ())
    tier = tenants.tier_of(tenant_id)
    if count > tier.max_variants:
        lifting = tenants.tier_allowing_variants(count)
        remedy = f"the {lifting.name} tier allows {lifting.max_variants}" if lifting else "no tier allows more"
        raise OverTierLimit(
            f"The {tier.name} tier allows {tier.max_variants} variants, and this test has {count}; {remedy}.",
            details={
                "limit": "variants",
                "allowed": tier.max_variants,
                "asked": count,
                "lifted_by": lifting.name if lifting else None,
            },
        )


def find(tenant_id: UUID, campaign_id: UUID) -> MessageCampaign:
    """Raises Missing when there is no such campaign of this tenant."""
    campaign = by_key.row(MessageCampaign, tenant_id=tenant_id, pk=campaign_id)
    if campaign is None:
        raise Missing("There is no such campaign.")
    return campaign
