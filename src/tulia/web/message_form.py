"""What one message of the composer says: free text, or an approved template with what fills its places (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TEXT, TEMPLATE = "text", "template"


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """One place of a template to fill: `suggested` stands there until somebody types something else."""

    key: str
    label: str
    suggested: str = ""
    hint: str = ""
    is_required: bool = True
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """A template to choose."""

    id: str
    name: str
    language: str
    status: str
    first_words: str
    lines: tuple[str, ...]
    places: tuple[PlaceChoice, ...]

    @property
    def is_approved(self) -> bool:
        return self.status == "approved"


@dataclass(frozen=True, slots=True)
class MessageForm:
    """One message. `values` fill the template `values_of`: of another one than is chosen, they are not meant."""

    name: str = ""
    kind: str = TEXT
    content: str = ""
    template_id: str = ""
    values_of: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_template(self) -> bool:
        return self.kind == TEMPLATE

    @property
    def is_empty(self) -> bool:
        return not (self.template_id if self.is_template else self.content.strip())

    def value_of(self, place: PlaceChoice) -> str:
        return self.values.get(place.key, "") if self.values_of == self.template_id else place.suggested

    def variables(self, chosen: TemplateChoice | None) -> dict[str, str]:
        """What fills the template; blank ones are left to its defaults."""
        if chosen is None:
            return {}
        filled = {place.key: self.value_of(place) for place in chosen.places}
        return {key: text for key, text in filled.items() if text.strip()}

    def said(self, templates: Mapping[str, TemplateChoice]) -> dict[str, Any]:
        """The message fields of a campaign that says this alone."""
        if self.is_template:
            variables = self.variables(templates.get(self.template_id))
            return {"template_id": self.template_id or None, "template_variables": variables}
        return {"message_content": self.content, "template_id": None, "template_variables": {}}

    def problems(self, prefix: str, templates: Mapping[str, TemplateChoice]) -> dict[str, str]:
        """What is missing, by the form's fields."""
        if not self.is_template:
            return {}
        chosen = templates.get(self.template_id)
        if chosen is None:
            return {f"{prefix}_template": "Choose a template."}
        return {
            f"{prefix}_value.{place.key}": "Say what stands here."
            for place in chosen.places
            if place.is_shown and place.is_required and not self.value_of(place).strip()
        }


def of_post(posted: Mapping[str, Sequence[object]], prefix: str, *, content_field: str) -> MessageForm:
    """The message that was sent under this prefix."""

    def text(name: str) -> str:
        return str((posted.get(name) or ("",))[-1]).replace("\r\n", "\n")

    start = f"{prefix}_value."
    return MessageForm(
        name=text(f"{prefix}_name").strip(),
        kind=TEMPLATE if text(f"{prefix}_kind") == TEMPLATE else TEXT,
        content=text(content_field),
        template_id=text(f"{prefix}_template"),
        values_of=text(f"{prefix}_values_of"),
        values={name.removeprefix(start): text(name) for name in posted if name.startswith(start)},
    )


def of_stored(
    *, name: str, content: str, template_id: object, variables: Mapping[str, str], template: TemplateChoice | None
) -> MessageForm:
    """A message as it is stored. A named value that fills header and body alike is shown at each of them."""
    if not template_id:
        return MessageForm(name=name, content=content)
    values = dict(variables)
    for place in template.places if template else ():
        short = place.key.removeprefix("header.")
        values.setdefault(place.key, variables.get(short, place.suggested))
    return MessageForm(
        name=name,
        kind=TEMPLATE,
        content=content,
        template_id=str(template_id),
        values_of=str(template_id),
        values=values,
    )
