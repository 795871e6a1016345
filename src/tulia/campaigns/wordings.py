"""What each arm of a campaign says, ready for sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tulia.audience import keywords
from tulia.campaigns import template_use
from tulia.campaigns.message import Slot, TemplateWording, Wording
from tulia.campaigns.models import MessageCampaign
from tulia.channels import templates
from tulia.channels.components import Button, Components
from tulia.channels.models import MessageTemplate
from tulia.channels.placeholders import Place
from tulia.core.errors import Invalid

STANDARD_VALUES = {
    "customer_name": "{{ customer.name }}",
    "name": "{{ customer.name }}",
    "first_name": "{{ customer.first_name }}",
    "phone": "{{ customer.phone }}",
    "external_id": "{{ customer.external_id }}",
    "language": "{{ customer.language }}",
    "country": "{{ customer.country }}",
    "product_name": "{{ customer.attributes.product_name }}",
    "order_id": "{{ customer.attributes.order_id }}",
    "appointment_time": "{{ customer.attributes.appointment_time }}",
}
"""What the usual placeholders mean when a campaign gives them no value."""
_OPT_OUT_LABELS = frozenset(
    {"stop promotions", "stop messages", "stop marketing", "unsubscribe from promos", "unsubscribe from all"}
)


class ValuesMissing(Invalid):
    """Places of a template that nothing fills; `details` names each by its path."""

    code: ClassVar[str] = "values_missing"


def of_campaign(campaign: MessageCampaign) -> tuple[Wording, ...]:
    """One wording for each arm, in order; one in all when it is no test. One query at most; it needn't be stored yet.

    Raises ValuesMissing when a template has a place that nothing fills, and Invalid for a template of nobody's.
    """
    common = dict(campaign.template_variables)
    if not campaign.is_ab_test:
        arms = [(campaign.message_content, campaign.template_id, common, "template_variables")]
    else:
        arms = [
            (
                str(arm.get("content") or campaign.message_content),
                template_use.template_of_arm(arm, campaign.template_id),
                common | (arm.get("template_variables") or {}),
                f"variants[{index}].template_variables",
            )
            for index, arm in enumerate(campaign.variants)
        ]
    known = templates.of_ids(campaign.tenant_id, {template_id for _, template_id, _, _ in arms if template_id})
    wrong: dict[str, str] = {}
    wordings = []
    for text, template_id, values, path in arms:
        template = known.get(template_id) if template_id else None
        if template_id and template is None:
            field = path.replace("template_variables", "template_id")
            raise Invalid(f"{field} is not a template of yours.", details={field: "is not a template of yours"})
        wordings.append(_of_template(template, values, path, wrong) if template else Wording(text))
    if wrong:
        missing = ", ".join(path.rpartition("template_variables.")[2] for path in wrong)
        raise ValuesMissing(f"The template needs values for {missing}.", details=wrong)
    return tuple(wordings)


def _of_template(template: MessageTemplate, values: Mapping[str, str], path: str, wrong: dict[str, str]) -> Wording:
    parts = templates.parts_of(template)
    slots = []
    has_media_id = "header.id" in values or "header.id" in template.defaults
    for place in parts.places():
        if place.kind == "link" and has_media_id:
            continue
        value, default = _value_of(place, values, parts), template.defaults.get(place.key, "")
        if value or default:
            slots.append(Slot(place, value or default, default))
        elif place.is_required:
            wrong[f"{path}.{place.key}"] = f"the template {template.name!r} needs a value for it"
    return Wording(template.body, TemplateWording(template.name, template.language, parts, tuple(slots)))


def _value_of(place: Place, values: Mapping[str, str], parts: Components) -> str:
    """What the campaign says of a place; a named placeholder means the same in header and body."""
    if place.key in values:
        return values[place.key]
    is_named = bool(place.name) and not place.name.isdigit()
    if is_named and place.name in values:
        return values[place.name]
    if place.kind == "payload":
        return "STOP" if is_opt_out(parts.buttons[place.button]) else f"REPLY{place.button + 1}"
    return STANDARD_VALUES.get(place.name, "") if is_named else ""


def is_opt_out(button: Button) -> bool:
    """Whether a tap on it ends promotions: as the template says, else by its label."""
    if button.opt_out is not None:
        return button.opt_out
    label = keywords.normalise_text(button.text)
    return label in _OPT_OUT_LABELS or keywords.read_intent(button.text) is keywords.Intent.STOP
