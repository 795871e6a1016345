"""The templates that a page offers or names, with the places to fill."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from tulia.campaigns import wordings
from tulia.channels import templates
from tulia.channels.components import Components
from tulia.core.errors import Missing
from tulia.core.keyset import PageRequest, Position
from tulia.template_service import TemplateService
from tulia.tenants.api_keys import Caller
from tulia.web import words
from tulia.web.message_form import PlaceChoice, TemplateChoice

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import MessageTemplate
    from tulia.channels.placeholders import Place

MOST, AT_ONCE = 500, 100
_FIRST_WORDS = 60


def offered(caller: Caller, *, also: Iterable[str] = ()) -> dict[str, TemplateChoice]:
    """The approved templates by id, in order of their names; `also` those that are chosen already, approved or not."""
    service = TemplateService(caller)
    found: list[MessageTemplate] = []
    position: Position | None = None
    while len(found) < MOST:
        page = service.templates(PageRequest(AT_ONCE, position), status="approved")
        found += page.results
        if (position := page.next) is None:
            break
    listed = {str(one.pk) for one in found}
    for template_id in also:
        if template_id not in listed and (one := _one(service, template_id)) is not None:
            found.append(one)
    ordered = sorted(found, key=lambda one: (one.name, one.language))
    return {str(one.pk): _choice(one) for one in ordered}


def texts_of(caller: Caller, campaign: MessageCampaign) -> list[str]:
    """What each arm says, in one text each; a template by its name and its words."""
    service, texts = TemplateService(caller), []
    arms = campaign.variants if campaign.is_ab_test else [{}]
    for arm in arms:
        content = str(arm.get("content") or "")
        template_id = arm.get("template_id") or (None if content else campaign.template_id)
        if not template_id:
            texts.append(content or campaign.message_content)
        elif (one := _one(service, str(template_id))) is None:
            texts.append("A template that was deleted since")
        else:
            texts.append(f"Template {one.name} ({one.language}): {one.body}")
    return texts


def _one(service: TemplateService, template_id: str) -> MessageTemplate | None:
    try:
        return service.template(UUID(template_id))
    except (Missing, ValueError):
        return None


def _choice(template: MessageTemplate) -> TemplateChoice:
    parts = templates.parts_of(template)
    text = " ".join(template.body.split())
    header = parts.header.text if parts.header else ""
    return TemplateChoice(
        id=str(template.pk),
        name=template.name,
        language=template.language,
        status=template.status,
        first_words=text if len(text) <= _FIRST_WORDS else text[:_FIRST_WORDS].rsplit(" ", 1)[0] + "…",
        lines=tuple(line for line in (header, template.body, parts.footer) if line),
        places=tuple(_place(template, parts, place) for place in parts.places()),
    )


def _place(template: MessageTemplate, parts: Components, place: Place) -> PlaceChoice:
    is_named = bool(place.name) and not place.name.isdigit()
    standard = wordings.STANDARD_VALUES.get(place.name, "") if is_named else ""
    default, example = template.defaults.get(place.key, ""), template.examples.get(place.key, "")
    has_picture = place.kind == "link" and "header.id" in template.defaults
    hints = []
    if place.kind == "url_end":
        hints.append(f"It goes behind {parts.buttons[place.button].target.partition('{{')[0]}")
    if example and example != (standard or default):
        hints.append(f"For example: {example}")
    if default and standard:
        hints.append(f"For whom it can't be made, “{default}” stands there.")
    button = parts.buttons[place.button].text if place.part == "button" else ""
    media = parts.header.format if parts.header else ""
    return PlaceChoice(
        key=place.key,
        label=words.place(place.part, place.kind, place.key, name=place.name, button=button, media=media),
        suggested=standard or default,
        hint=" ".join(hint if hint.endswith((".", "/")) else f"{hint}." for hint in hints),
        is_required=place.is_required and not default and not standard and not has_picture,
        is_shown=place.kind not in ("payload", "id"),
    )
