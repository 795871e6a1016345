"""What each arm of a campaign says, ready for sending."""

from __future__ import annotations

from typing import Any

from tulia.campaigns.message import Wording
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import MessageTemplate
from tulia.core.errors import Invalid


def of_campaign(campaign: MessageCampaign) -> tuple[Wording, ...]:
    """One wording for each arm, in order; one in all when it is no test. Two queries at most.

    Raises Invalid when a template has a placeholder that the campaign gives no value for.
    """
    arms: list[dict[str, Any]] = campaign.variants if campaign.is_ab_test else []
    template_ids = [_template_of(arm, campaign) for arm in arms] or [campaign.template_id]
    texts = [arm.get("content") or campaign.message_content for arm in arms] or [campaign.message_content]
    templates = {
        str(template.pk): template
        for template in MessageTemplate.objects.filter(
            tenant_id=campaign.tenant_id, pk__in=[template_id for template_id in template_ids if template_id]
        )
    }
    return tuple(
        _wording(text, templates.get(str(template_id)) if template_id else None, campaign.template_variables)
        for text, template_id in zip(texts, template_ids, strict=True)
    )


def _template_of(arm: dict[str, Any], campaign: MessageCampaign) -> Any:
    """What an arm says itself, template or text, goes before the campaign's: else all arms would say the same."""
    return arm.get("template_id") or (None if arm.get("content") else campaign.template_id)


def _wording(text: str, template: MessageTemplate | None, values: dict[str, str]) -> Wording:
    if template is None:
        return Wording(text)
    missing = [name for name in template.variables if name not in values]
    if missing:
        wrong = {
            f"template_variables.{name}": f"the template {template.name!r} needs a value for it" for name in missing
        }
        raise Invalid(f"The template {template.name!r} needs values for {', '.join(missing)}.", details=wrong)
    return Wording(
        text=template.body,
        template_name=template.name,
        template_language=template.language,
        placeholders=tuple(template.variables),
        values=tuple(values[name] for name in template.variables),
    )
