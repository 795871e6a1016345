"""WhatsApp Cloud API: the templates that an account lists, in our words (pure).

Shape from Meta's page "Message templates" of the management API (read September 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tulia.channels import components
from tulia.channels.components import ComponentsInvalid
from tulia.channels.types import ListedTemplate, UnusableTemplate

FIELDS = "id,name,language,category,status,components,quality_score"
_STATUSES = {
    "APPROVED": "approved", "PENDING": "pending", "IN_APPEAL": "pending", "REJECTED": "rejected", "PAUSED": "paused",
    "LIMIT_EXCEEDED": "paused", "LOCKED": "paused", "DISABLED": "disabled", "ARCHIVED": "archived",
    "DELETED": "deleted", "PENDING_DELETION": "deleted",
}  # fmt: skip
_CATEGORIES = ("marketing", "utility", "authentication")
_QUALITIES = ("green", "yellow", "red", "unknown")
_KEPT = {
    "HEADER": ("type", "format", "text"),
    "BODY": ("type", "text"),
    "FOOTER": ("type", "text"),
    "BUTTONS": ("type", "buttons"),
}
_KEPT_OF_BUTTONS = ("type", "text", "url", "phone_number")


def read(page: Mapping[str, Any]) -> Iterator[ListedTemplate | UnusableTemplate]:
    """Everything on one page of the list; what can't be sent from here comes with the reason."""
    listed = page.get("data")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield _read_one(one)


def next_cursor(page: Mapping[str, Any]) -> str | None:
    """Where the next page begins; None after the last."""
    paging = page.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    after = paging.get("cursors", {}).get("after") if isinstance(paging.get("cursors"), dict) else None
    return after if isinstance(after, str) and after else None


def _read_one(one: Mapping[str, Any]) -> ListedTemplate | UnusableTemplate:
    name, language = _text(one.get("name")), _text(one.get("language"))
    status, category = _STATUSES.get(_text(one.get("status")).upper()), _text(one.get("category")).lower()
    if not name or not language or status is None or category not in _CATEGORIES:
        return UnusableTemplate(name, language, "it is described in a way that isn't known here")
    try:
        parts = components.read([_part(part) for part in one.get("components") or ()], is_styled=False)
    except (ComponentsInvalid, TypeError, AttributeError) as error:
        return UnusableTemplate(name, language, f"it has parts that can't be sent from here: {error}")
    score = one.get("quality_score")
    quality = _text(score.get("score")).lower() if isinstance(score, dict) else ""
    return ListedTemplate(
        provider_id=_text(one.get("id")),
        name=name,
        language=language,
        category=category,
        status=status,
        quality=quality if quality in _QUALITIES else "unknown",
        parts=tuple(parts.to_json()),
        examples=_examples(one.get("components") or ()),
    )


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part without what the provider adds for itself (examples, flags)."""
    kept = _KEPT.get(_text(part.get("type")).upper(), ("type",))
    found = {key: part[key] for key in kept if key in part}
    if "buttons" in found:
        found["buttons"] = [_button(button) for button in found["buttons"]]
    return found


def _button(button: Mapping[str, Any]) -> dict[str, Any]:
    if _text(button.get("type")).upper() == "COPY_CODE":
        return {"type": "copy_code"}
    return {key: button[key] for key in _KEPT_OF_BUTTONS if key in button}


def _examples(parts: Any) -> dict[str, str]:
    """The examples of the body, by placeholder."""
    for part in parts:
        example = part.get("example") if isinstance(part, dict) else None
        if not isinstance(example, dict) or _text(part.get("type")).upper() != "BODY":
            continue
        named = example.get("body_text_named_params")
        if isinstance(named, list):
            return {
                one["param_name"]: one["example"]
                for one in named
                if isinstance(one, dict) and _is_text(one.get("param_name")) and _is_text(one.get("example"))
            }
        rows = example.get("body_text")
        if isinstance(rows, list) and rows and isinstance(rows[0], list):
            return {str(n): text for n, text in enumerate(rows[0], start=1) if _is_text(text)}
    return {}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
