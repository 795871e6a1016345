"""WhatsApp Cloud API: what its callbacks say of templates, in our words (pure).

Shapes from Meta's pages "message_template_status_update", "message_template_quality_update" and
"template_category_update" (read September 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tulia.channels.types import TemplateChange

FIELDS = ("message_template_status_update", "message_template_quality_update", "template_category_update")
_STATUSES = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "UNARCHIVED": "approved",
    "PENDING": "pending",
    "IN_APPEAL": "pending",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "LOCKED": "paused",
    "LIMIT_EXCEEDED": "paused",
    "DISABLED": "disabled",
    "ARCHIVED": "archived",
    "DELETED": "deleted",
    "PENDING_DELETION": "deleted",
}
"""FLAGGED is left out: such a template can be sent until it is disabled."""
_TITLES = {
    "FIRST_PAUSE": "WhatsApp paused it for three hours because people blocked or reported it",
    "SECOND_PAUSE": "WhatsApp paused it for six hours because people blocked or reported it again",
    "RATE_LIMITING_PAUSE": "WhatsApp paused it because its first messages were badly received; it must be unpaused there",
    "DISABLED": "WhatsApp disabled it because people kept blocking or reporting it",
}
_EVENTS = {
    "PAUSED": "WhatsApp paused it because of its low quality",
    "DISABLED": "WhatsApp disabled it",
    "LOCKED": "WhatsApp locked it",
    "LIMIT_EXCEEDED": "The account has too many templates",
    "ARCHIVED": "WhatsApp archived it because it was not used for a year",
    "DELETED": "It was deleted at WhatsApp",
    "PENDING_DELETION": "It is being deleted at WhatsApp",
    "REJECTED": "WhatsApp rejected it",
    "IN_APPEAL": "WhatsApp is looking at it once more",
}
_QUALITIES = {"GREEN": "green", "YELLOW": "yellow", "RED": "red", "UNKNOWN": "unknown"}
_CATEGORIES = {"MARKETING": "marketing", "UTILITY": "utility", "AUTHENTICATION": "authentication"}
_LONGEST_REASON = 300


def read(field: str, value: Mapping[str, Any], *, at: datetime) -> TemplateChange | None:
    """What one change says; None for what changes nothing now (a category that will change tomorrow, a flag).

    Raises ValueError when it doesn't say which template, or says something unheard of.
    """
    name, language = value.get("message_template_name"), value.get("message_template_language")
    if not isinstance(name, str) or not name or not isinstance(language, str) or not language:
        raise ValueError("no template named")
    provider_id = value.get("message_template_id")
    known = str(provider_id) if isinstance(provider_id, int | str) and not isinstance(provider_id, bool) else ""
    if field == "message_template_status_update":
        event = _word(value, "event")
        if event == "FLAGGED":
            return None
        if event not in _STATUSES:
            raise ValueError("an unknown event")
        status = _STATUSES[event]
        reason = "" if status == "approved" else _reason(event, value)
        return TemplateChange(name, language, at, known, status=status, reason=reason)
    if field == "message_template_quality_update":
        return TemplateChange(name, language, at, known, quality=_known(_QUALITIES, _word(value, "new_quality_score")))
    if value.get("correct_category"):
        return None
    return TemplateChange(name, language, at, known, category=_known(_CATEGORIES, _word(value, "new_category")))


def _reason(event: str, value: Mapping[str, Any]) -> str:
    other = value.get("other_info")
    title = _word(other, "title") if isinstance(other, Mapping) else ""
    words = _TITLES.get(title) or _EVENTS.get(event, "")
    if event == "REJECTED":
        told = value.get("rejection_info")
        more = told.get("reason") if isinstance(told, Mapping) else None
        code = _word(value, "reason")
        said = more if isinstance(more, str) and more else code.replace("_", " ").lower() if code != "NONE" else ""
        words = f"{words}: {' '.join(said.split())}" if said else words
    return words[:_LONGEST_REASON]


def _known(table: Mapping[str, str], word: str) -> str:
    if word not in table:
        raise ValueError(f"{word[:40] or 'nothing'} is not known here")
    return table[word]


def _word(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found.upper() if isinstance(found, str) else ""
