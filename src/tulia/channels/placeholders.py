"""The places of a template that a campaign fills: how they are written, and how they are named (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"[a-z][a-z0-9_]*")
_POSITION = re.compile(r"[1-9][0-9]?")
_WORD = re.compile(r"\w+")
_ADJACENT = re.compile(r"\}\}\s*\{\{")


class PlaceholdersInvalid(ValueError):
    """The placeholders of a text make no sense together; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place to fill.

    `key` is how a campaign's `template_variables` name it: a placeholder of the body by its own name (``1``,
    ``first_name``); ``header.1``, ``header.link``, ``header.latitude``… of the header; ``buttons[0].url``,
    ``buttons[0].code`` and ``buttons[0].payload`` of a button. `part` is "header", "body" or "button", `kind` what
    belongs there: "text", "link", "id", "filename", "number", "url_end", "code" or "payload".
    `name` is the placeholder's own name, empty where there is none; `button` is the button's place in the list.
    """

    key: str
    part: str
    kind: str
    name: str = ""
    button: int = 0
    is_required: bool = True


def names_in(text: str) -> list[str]:
    """The placeholders in the order of their numbers, or of their first appearance when they have names.

    Raises PlaceholdersInvalid: {{1}}, {{2}}… without a gap or {{first_name}}…, never both.
    """
    found = list(dict.fromkeys(inner.strip() for inner in PLACEHOLDER.findall(text)))
    if "{{" in PLACEHOLDER.sub("", text) or "}}" in PLACEHOLDER.sub("", text):
        raise PlaceholdersInvalid("has a placeholder that is not closed: write {{1}} or {{first_name}}")
    positions = [name for name in found if _POSITION.fullmatch(name)]
    if positions and len(positions) < len(found):
        raise PlaceholdersInvalid("mixes numbered and named placeholders: use one kind")
    if positions:
        ordered = sorted(positions, key=int)
        if [int(name) for name in ordered] != list(range(1, len(ordered) + 1)):
            raise PlaceholdersInvalid("must number its placeholders from {{1}} without a gap")
        return ordered
    for name in found:
        if not _VARIABLE.fullmatch(name):
            raise PlaceholdersInvalid(
                f"has the placeholder {{{{{name[:40]}}}}}: use a number, or small letters, digits and _"
            )
    return found


def check_order(text: str) -> None:
    """What WhatsApp asks of the words between placeholders. Raises PlaceholdersInvalid."""
    stripped = text.strip()
    if stripped.startswith("{{") or stripped.endswith("}}"):
        raise PlaceholdersInvalid("must not begin or end with a placeholder: put words around it")
    if _ADJACENT.search(text):
        raise PlaceholdersInvalid("has two placeholders next to each other: put words between them")
    count = len(PLACEHOLDER.findall(text))
    if len(_WORD.findall(PLACEHOLDER.sub(" ", text))) < count:
        raise PlaceholdersInvalid("has too many placeholders for so few words: say more")


def filled(text: str, values: dict[str, str]) -> str:
    """The text with its placeholders replaced by these values; one without a value stays as it is written."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1].strip(), found[0]), text)
