"""Message templates of each business account: their review, their parameters, their quality, their pacing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from whatsapp_simulator.config import Templates as Settings
from whatsapp_simulator.graph_errors import Refusal
from whatsapp_simulator.outgoing import Outgoing

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
STATUSES = ("APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "ARCHIVED", "DELETED")
QUALITIES = ("GREEN", "YELLOW", "RED", "UNKNOWN")
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")


@dataclass(slots=True)
class Template:
    """One template in one language. `annoyance` is the moving share of blocks and stops among deliveries."""

    id: str
    name: str
    language: str
    category: str
    components: list[dict[str, Any]]
    status: str
    quality: str = "UNKNOWN"
    annoyance: float = 0.0
    delivered: int = 0
    pauses: int = 0
    accepted: int = 0
    release_at: float | None = None
    expected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Component → placeholder names in order of appearance."""

    def describe(self) -> dict[str, Any]:
        """``{id, name, language, category, status, components, quality_score}``."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "status": self.status,
            "components": self.components,
            "quality_score": {"score": self.quality},
            "parameter_format": "POSITIONAL" if _positional(self.expected.get("body", ())) else "NAMED",
        }

    def button_titles(self) -> dict[int, str]:
        """Index → text of its quick replies."""
        titles: dict[int, str] = {}
        for component in self.components:
            if str(component.get("type", "")).upper() == "BUTTONS":
                for index, button in enumerate(component.get("buttons") or []):
                    if isinstance(button, dict) and str(button.get("type", "")).upper() == "QUICK_REPLY":
                        titles[index] = str(button.get("text", ""))
        return titles


def read(wanted: Any, identity: str) -> Template | Refusal:
    """A template as a create request describes it, still pending."""
    if not isinstance(wanted, dict):
        return Refusal(100, "The body must be a JSON object.")
    name, language, category = wanted.get("name"), wanted.get("language"), wanted.get("category")
    components = wanted.get("components")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return Refusal(100, "name must consist of lower-case letters, digits and underscores.")
    if not isinstance(language, str) or not language:
        return Refusal(100, "The parameter language is required.")
    if not isinstance(category, str) or category.upper() not in CATEGORIES:
        return Refusal(100, f"category must be one of {', '.join(CATEGORIES)}.")
    if not isinstance(components, list) or not all(isinstance(component, dict) for component in components):
        return Refusal(100, "The parameter components is required and must be a list of objects.")
    template = Template(identity, name, language, category.upper(), components, "PENDING")
    for component in components:
        kind = str(component.get("type", "")).lower()
        text = component.get("text")
        if kind in ("body", "header") and isinstance(text, str):
            template.expected[kind] = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
    if "body" not in template.expected:
        return Refusal(100, "A template needs a BODY component with a text.")
    return template


def fits(template: Template, outgoing: Outgoing) -> Refusal | None:
    """Why a send doesn't fit its template, if so: its status, then the number and names of its parameters."""
    if template.status in ("PAUSED", "DISABLED"):
        return Refusal(132015 if template.status == "PAUSED" else 132016)
    if template.status != "APPROVED":
        return Refusal(132001, f"template {template.name} is {template.status} in {template.language}")
    if problem := _header_problem(template, outgoing) or _button_problem(template, outgoing):
        return problem
    given = dict(outgoing.parameters)
    for component, names in template.expected.items():
        got = given.get(component, ())
        if len(got) != len(names):
            return Refusal(
                132000, f"{component}: number of localizable_params ({len(got)}) does not match ({len(names)})"
            )
        if not _positional(names) and any(got) and set(got) != set(names):
            return Refusal(132000, f"{component}: parameter names do not match: expected {', '.join(names)}")
        if not _positional(names) and not any(got):
            return Refusal(132000, f"{component}: parameter_name is required for {', '.join(names)}")
    return None


def _header_problem(template: Template, outgoing: Outgoing) -> Refusal | None:
    """A header with a medium or a place needs a parameter of its own kind; one without takes none but texts."""
    expected = "text"
    for component in template.components:
        if str(component.get("type", "")).upper() == "HEADER":
            expected = str(component.get("format", "TEXT")).lower()
    received = outgoing.header_kind
    if (expected != "text" or received) and received != expected:
        return Refusal(
            132012, f"header: Format mismatch, expected {expected.upper()}, received {received.upper() or 'UNKNOWN'}"
        )
    return None


def _button_problem(template: Template, outgoing: Outgoing) -> Refusal | None:
    """Links with an open end and codes need their parameter; nothing else takes one, but quick replies may."""
    kinds: list[str] = []
    needing: set[tuple[str, int]] = set()
    for component in template.components:
        if str(component.get("type", "")).upper() == "BUTTONS":
            for index, button in enumerate(component.get("buttons") or []):
                kind = str(button.get("type", "")).lower()
                kinds.append(kind)
                if kind == "copy_code" or (kind == "url" and _PLACEHOLDER.search(str(button.get("url", "")))):
                    needing.add((kind, index))
    for kind, index in sorted(needing - set(outgoing.filled)):
        return Refusal(131008, f"buttons: Button at index {index} of type {kind} requires a parameter")
    for kind, index in sorted(set(outgoing.filled) - needing):
        if kind != "quick_reply" or index >= len(kinds) or kinds[index] != "quick_reply":
            return Refusal(132018, f"buttons: Button at index {index} takes no parameter of type {kind}")
    return None


def judge(template: Template, settings: Settings, *, annoyed: bool) -> str:
    """Count a delivery (or an annoyed person) and say the quality that follows from it."""
    weight = 2.0 / (settings.quality_span + 1.0)
    if annoyed:
        template.annoyance += weight
    else:
        template.delivered += 1
        template.annoyance *= 1.0 - weight
    if template.delivered < settings.quality_min:
        return template.quality
    if template.annoyance > settings.quality_red:
        return "RED"
    return "YELLOW" if template.annoyance > settings.quality_yellow else "GREEN"


class Registry:
    """All templates, by account, name and language."""

    __slots__ = ("_by_id", "_by_name", "_next")

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], dict[str, Template]] = {}
        self._by_id: dict[str, tuple[str, Template]] = {}
        self._next = 0

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def create(self, waba_id: str, wanted: Any) -> Template | Refusal:
        """Enter a template as pending; the same name and language can't be entered twice."""
        self._next += 1
        made = read(wanted, f"{7_000_000_000_000 + self._next}")
        if isinstance(made, Refusal):
            return made
        languages = self._by_name.setdefault((waba_id, made.name), {})
        if made.language in languages:
            return Refusal(100, f"There is already {made.language} content for the template {made.name}.")
        languages[made.language] = made
        self._by_id[made.id] = (waba_id, made)
        return made

    def check(self, waba_id: str, outgoing: Outgoing, strict: bool) -> Template | Refusal | None:
        """The template of a send; None when the simulator doesn't know it and may let it pass."""
        languages = self._by_name.get((waba_id, outgoing.template))
        if languages is None:
            return Refusal(132001, f"template name ({outgoing.template}) does not exist") if strict else None
        template = languages.get(outgoing.language)
        if template is None:
            return Refusal(132001, f"template name ({outgoing.template}) does not exist in {outgoing.language}")
        return fits(template, outgoing) or template

    def find(self, waba_id: str, name: str, language: str) -> Template | None:
        """The template of an account by name and language."""
        return self._by_name.get((waba_id, name), {}).get(language)

    def named(self, name: str, language: str) -> list[tuple[str, Template]]:
        """Templates of any account by name and language, with the account."""
        return [
            (waba_id, languages[language])
            for (waba_id, known), languages in self._by_name.items()
            if known == name and language in languages
        ]

    def by_id(self, identity: str) -> tuple[str, Template] | None:
        """Account and template behind a template id."""
        return self._by_id.get(identity)

    def of_account(self, waba_id: str, name: str | None = None) -> list[Template]:
        """The templates of an account in the order of their creation."""
        return [made for owner, made in self._by_id.values() if owner == waba_id and name in (None, made.name)]

    def delete(self, waba_id: str, name: str) -> bool:
        """Remove all languages of a template; False when there are none."""
        languages = self._by_name.pop((waba_id, name), {})
        for template in languages.values():
            del self._by_id[template.id]
        return bool(languages)


def _positional(names: Iterable[str]) -> bool:
    return all(name.isdigit() for name in names)
