"""What somebody typed into the composer: from the form to the fields of a campaign, and back (pure).

Everything is kept as it was typed, so that a form that comes back with a mistake has lost nothing. Criteria that the
form can't show (groups, attributes…) are kept from the stored campaign and go along unchanged.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_VARIANTS = 4
CONVERSATION_STATUSES = {
    "open": "Open", "bot": "With the bot", "handoff": "With a person", "closed": "Closed", "dormant": "Dormant",
}  # fmt: skip
_NUMBERS = {
    "ordered_in_last_days": ("purchase_history", "ordered_in_last_days"),
    "min_order_count": ("purchase_history", "min_order_count"),
    "active_in_last_days": ("conversation_activity", "active_in_last_days"),
}
_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class VariantText:
    name: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class ComposerForm:
    """The form's texts. `kept` are stored criteria that it doesn't show."""

    name: str = ""
    message: str = ""
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(_NUMBERS, ""))
    is_ab_test: bool = False
    variants: tuple[VariantText, ...] = (VariantText("A"), VariantText("B"))
    kept: Mapping[str, Any] = field(default_factory=dict)
    has_template: bool = False

    @property
    def criteria(self) -> dict[str, Any]:
        """Target criteria as the form says them; numbers that are none stay texts, for the reader to refuse."""
        wanted: dict[str, Any] = copy.deepcopy(dict(self.kept))
        if self.tags:
            wanted["tags"] = list(self.tags)
        for name, (group, key) in _NUMBERS.items():
            if text := self.numbers[name].strip():
                is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
                wanted.setdefault(group, {})[key] = int(text) if is_number else text
        if self.statuses:
            wanted.setdefault("conversation_activity", {})["status"] = list(self.statuses)
        return wanted

    @property
    def texts(self) -> list[str]:
        """What the campaign says, one text for each arm."""
        return [variant.content for variant in self.variants] if self.is_ab_test else [self.message]

    def fields(self) -> dict[str, Any]:
        """The fields of a campaign, for `create_campaign` and `update_campaign`."""
        given: dict[str, Any] = {
            "name": self.name,
            "target_criteria": self.criteria,
            "is_ab_test": self.is_ab_test,
            "variants": [{"name": one.name, "content": one.content} for one in self.variants]
            if self.is_ab_test
            else [],
        }
        message = self.variants[0].content if self.is_ab_test else self.message
        if message or not self.has_template:
            given["message_content"] = message
        return given


def of_post(
    posted: Mapping[str, Sequence[object]], *, stored: Mapping[str, Any] | None = None, has_template: bool = False
) -> ComposerForm:
    """The form that was sent, all values of each field; `stored` are the criteria of the draft that it is about."""

    def text(name: str) -> str:
        return str((posted.get(name) or ("",))[-1]).replace("\r\n", "\n")

    count = max(2, sum(f"variant_{index}_name" in posted for index in range(MOST_VARIANTS)))
    return ComposerForm(
        name=text("name").strip(),
        message=text("message"),
        tags=tuple(dict.fromkeys(str(tag) for tag in posted.get("tags", ()) if str(tag).strip())),
        statuses=tuple(str(status) for status in posted.get("statuses", ())),
        numbers={name: text(name).strip() for name in _NUMBERS},
        is_ab_test=bool(text("is_ab_test")),
        variants=tuple(
            VariantText(text(f"variant_{index}_name").strip(), text(f"variant_{index}_content"))
            for index in range(count)
        ),
        kept=_unshown(stored or {}),
        has_template=has_template,
    )


def of_campaign(
    *,
    name: str,
    message: str,
    target_criteria: Mapping[str, Any],
    is_ab_test: bool,
    variants: Sequence[Mapping[str, Any]],
    has_template: bool,
) -> ComposerForm:
    """The form of a stored draft."""
    numbers = {
        field_name: str(target_criteria.get(group, {}).get(key, "")) for field_name, (group, key) in _NUMBERS.items()
    }
    texts = tuple(VariantText(str(one.get("name", "")), str(one.get("content", ""))) for one in variants)
    return ComposerForm(
        name=name,
        message="" if is_ab_test else message,
        tags=tuple(target_criteria.get("tags", ())),
        statuses=tuple(target_criteria.get("conversation_activity", {}).get("status", ())),
        numbers=numbers,
        is_ab_test=is_ab_test,
        variants=texts if is_ab_test else (VariantText("A"), VariantText("B")),
        kept=_unshown(target_criteria),
        has_template=has_template,
    )


def _unshown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria without what the form shows."""
    rest: dict[str, Any] = copy.deepcopy(dict(stored))
    rest.pop("tags", None)
    for group, key in (*_NUMBERS.values(), ("conversation_activity", "status")):
        inner = rest.get(group)
        if isinstance(inner, dict):
            inner.pop(key, None)
            if not inner:
                del rest[group]
    return rest


def errors_by_field(details: Mapping[str, object] | None, *, is_ab_test: bool) -> dict[str, str]:
    """Mistakes beside the form's fields; `form` has those that belong to none of them."""
    errors: dict[str, str] = {}
    general: list[str] = []
    for path, reason in (details or {}).items():
        name = _field_of(path)
        if name == "message" and is_ab_test:
            continue  # it repeats the first variant's text, whose own mistake is shown there
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
    if path == "message_content":
        return "message"
    if path.startswith("variants["):
        index, _, part = path.removeprefix("variants[").partition("].")
        return f"variant_{index}_{part}" if part in ("name", "content") else ""
    inner = path.removeprefix("target_criteria.")
    if inner.startswith("tags"):
        return "tags"
    if inner.startswith("conversation_activity.status"):
        return "statuses"
    return next((name for name, (group, key) in _NUMBERS.items() if inner == f"{group}.{key}"), "")


def _sentence(reason: str) -> str:
    text = reason.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
