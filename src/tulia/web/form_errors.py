"""Mistakes that the services name by their own paths, beside the fields of the composer (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tulia.web.composer_form import NUMBERS

_OF_CAMPAIGN = {
    "message_content": "message", "template_id": "message_template", "template_variables": "message_template",
    "budget_micros": "budget", "quiet_hours": "quiet", "frequency_cap_exempt_reason": "exempt_reason",
    "holdout_percent": "holdout", "auto_winner": "test_percent", "auto_winner.test_percent": "test_percent",
    "auto_winner.decide_after_minutes": "decide_after",
}  # fmt: skip
_OF_VARIANT = {
    "name": "name",
    "content": "content",
    "template_id": "template",
    "template_variables": "template",
    "weight": "weight",
}
_IN_VALUE = re.compile(r"has a mistake in '(?P<key>.*?)': (?P<reason>.*)", re.DOTALL)


def by_field(details: Mapping[str, object] | None, *, is_ab_test: bool) -> dict[str, str]:
    """Mistakes by the form's fields; `form` has those that belong to none of them."""
    errors: dict[str, str] = {}
    general: list[str] = []
    for path, reason in (details or {}).items():
        name = _field_of(path)
        if name == "message" and is_ab_test:
            continue  # it repeats the first variant's text, whose own mistake is shown there
        found = _IN_VALUE.fullmatch(str(reason))
        if found and name.endswith("_template"):
            name, reason = f"{name.removesuffix('_template')}_value.{found['key']}", found["reason"]
        sentence = _sentence(str(reason))
        if name:
            errors.setdefault(name, sentence)
        else:
            general.append(f"{path}: {reason}.")
    if general:
        errors["form"] = " ".join(general)
    return errors


def _field_of(path: str) -> str:
    if path in ("name", "variants"):
        return path
    if path in _OF_CAMPAIGN:
        return _OF_CAMPAIGN[path]
    if path.startswith("variants["):
        index, _, part = path.removeprefix("variants[").partition("].")
        return f"variant_{index}_{_OF_VARIANT[part]}" if part in _OF_VARIANT else ""
    inner = path.removeprefix("target_criteria.")
    if inner.startswith("tags"):
        return "tags"
    if inner.startswith("conversation_activity.status"):
        return "statuses"
    return next((name for name, (group, key) in NUMBERS.items() if inner == f"{group}.{key}"), "")


def _sentence(reason: str) -> str:
    text = reason.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
