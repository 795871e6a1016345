"""The platform's view of templates: approving them, rating them, pausing them, and telling the business."""

from __future__ import annotations

from whatsapp_simulator.callbacks import Json, Lot, Update
from whatsapp_simulator.templates import Template, judge
from whatsapp_simulator.world import World

_PAUSES_S = (3 * 3600.0, 6 * 3600.0)
_TITLES = ("FIRST_PAUSE", "SECOND_PAUSE")


def submit(world: World, waba_id: str, template: Template) -> None:
    """Review a new template: approved after a while, or at once when the review takes no time."""
    wait = world.config.templates.review_s
    if wait == 0.0:
        _approve(world, waba_id, template)
    else:
        world.timeline.at(world.clock.now() + wait, _approve, world, waba_id, template)


def _approve(world: World, waba_id: str, template: Template) -> None:
    if template.status == "PENDING":
        set_status(world, waba_id, template, "APPROVED")


def set_status(world: World, waba_id: str, template: Template, status: str, event: str = "", title: str = "") -> None:
    """Change a template's status and tell every number of the account that has a callback URL of its own."""
    template.status = status
    item: Json = _naming(template)
    item |= {
        "event": event or status,
        "message_template_category": template.category,
        "reason": "NONE" if status != "REJECTED" else "INCORRECT_CATEGORY",
    }
    if title:
        item["other_info"] = {"title": title, "description": "The template's quality is low."}
    _tell(world, waba_id, "message_template_status_update", item, f"{template.id} {status}")


def set_quality(world: World, waba_id: str, template: Template, quality: str) -> None:
    """Change a template's quality and tell; a red one is paused for 3 h, then for 6 h, then disabled."""
    previous, template.quality = template.quality, quality
    item = _naming(template) | {"previous_quality_score": previous, "new_quality_score": quality}
    _tell(world, waba_id, "template_quality", item, f"{template.id} {previous} {quality}")
    if quality != "RED" or template.status != "APPROVED":
        return
    if template.pauses >= len(_PAUSES_S):
        set_status(world, waba_id, template, "DISABLED", title="DISABLED")
        return
    wait, title = _PAUSES_S[template.pauses], _TITLES[template.pauses]
    template.pauses += 1
    set_status(world, waba_id, template, "PAUSED", title=title)
    world.timeline.at(world.clock.now() + wait, _reinstate, world, waba_id, template)


def set_category(world: World, waba_id: str, template: Template, category: str) -> None:
    """Change a template's category, which changes what its messages cost, and tell."""
    previous, template.category = template.category, category
    item = _naming(template) | {"previous_category": previous, "new_category": category}
    _tell(world, waba_id, "template_category", item, f"{template.id} {previous} {category}")


def _reinstate(world: World, waba_id: str, template: Template) -> None:
    if template.status == "PAUSED":
        unpause(world, waba_id, template)


def unpause(world: World, waba_id: str, template: Template) -> None:
    """Let a paused template be used again; its quality starts afresh."""
    template.annoyance, template.delivered, template.quality = 0.0, 0, "UNKNOWN"
    set_status(world, waba_id, template, "APPROVED", event="REINSTATED", title="UNPAUSE")


def delivered(world: World, waba_id: str, template: Template) -> None:
    """One more message of the template reached somebody."""
    _judge(world, waba_id, template, annoyed=False)


def annoyed(world: World, waba_id: str, template: Template) -> None:
    """Somebody blocked the business or stopped its messages because of the template."""
    _judge(world, waba_id, template, annoyed=True)


def _judge(world: World, waba_id: str, template: Template, *, annoyed: bool) -> None:
    settings = world.config.templates
    if not settings.quality:
        return
    quality = judge(template, settings, annoyed=annoyed)
    if quality != template.quality:
        set_quality(world, waba_id, template, quality)


def _naming(template: Template) -> Json:
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def _tell(world: World, waba_id: str, lot: Lot, item: Json, key: str) -> None:
    told: set[str] = set()
    for sender in world.senders.of_account(waba_id):
        if sender.callback_url and sender.callback_url not in told:
            told.add(sender.callback_url)
            world.delivering.enqueue(sender, Update(lot, f"{key} {world.clock.now()}", item, None))
