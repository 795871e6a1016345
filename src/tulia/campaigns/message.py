"""The message one person gets: the campaign's text or template, their arm's if it is a test, with their own fields (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tulia.campaigns import render
from tulia.channels.types import OutgoingMessage, TemplateCall

TEXT_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Wording:
    """What one arm says: a text, or an approved template with a Liquid text for each of its placeholders in order."""

    text: str
    template_name: str = ""
    template_language: str = ""
    placeholders: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        return bool(self.template_name)


def compose(wording: Wording, person: Mapping[str, Any], *, to: str, reference: str) -> OutgoingMessage:
    """The message for this person (their fields as of `render.context_of`). Raises render.Unrenderable."""
    if not wording.is_template:
        text = render.render(wording.text, person)
        if len(text) > TEXT_LIMIT:
            raise render.Unrenderable(f"the message would have more than {TEXT_LIMIT} characters")
        return OutgoingMessage(to=to, reference=reference, text=text)
    # A template's value may hold no line break, tab or run of spaces: WhatsApp refuses the whole message.
    filled = tuple(" ".join(render.render(value, person).split()) for value in wording.values)
    is_positional = all(name.isdigit() for name in wording.placeholders)
    call = TemplateCall(
        name=wording.template_name,
        language=wording.template_language,
        positional=filled if is_positional else (),
        named=() if is_positional else tuple(zip(wording.placeholders, filled, strict=True)),
    )
    return OutgoingMessage(to=to, reference=reference, template=call)
