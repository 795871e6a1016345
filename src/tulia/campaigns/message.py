"""The message one person gets: the campaign's text or template, their arm's if it is a test, with their own fields (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tulia.campaigns import links, render
from tulia.channels import placeholders
from tulia.channels.components import MAX_BODY, MAX_CODE, MAX_HEADER, MAX_URL, Components
from tulia.channels.placeholders import Place
from tulia.channels.types import (
    ButtonValue,
    HeaderLocation,
    HeaderMedia,
    HeaderText,
    OutgoingMessage,
    TemplateCall,
)

TEXT_LIMIT = 4_096
PAYLOAD_LIMIT = 256
_LINK = re.compile(r"https?://[!-~]+")
_KEPT_IN_ADDRESSES = "/?=&%#+~:,;@!$'()*"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a template: a Liquid text, and the plain text that stands there when it can't be made for somebody."""

    place: Place
    value: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class TemplateWording:
    """An approved template with what fills it."""

    name: str
    language: str
    parts: Components
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """What one arm says: a text, or (`template`) an approved template."""

    text: str
    template: TemplateWording | None = None

    @property
    def texts(self) -> list[str]:
        """The Liquid texts in it, in order."""
        return [slot.value for slot in self.template.slots] if self.template else [self.text]

    @property
    def is_the_same_for_all(self) -> bool:
        """Whether nothing in it depends on who gets it, so that it can be made for everybody or for nobody."""
        return not any("{{" in text or "{%" in text for text in self.texts)

    @property
    def names(self) -> frozenset[str] | None:
        """The names of `render.context_of` that decide what it says; None when any of them may."""
        names: frozenset[str] = frozenset()
        for text in self.texts:
            if (more := render.names_in(text)) is None:
                return None
            names |= more
        return names

    @property
    def tracked_addresses(self) -> tuple[str, ...]:
        """The addresses of which is counted who followed them, in order."""
        return links.addresses_in(self.texts)


def compose(wording: Wording, person: Mapping[str, Any], *, to: str, reference: str) -> OutgoingMessage:
    """The message for this person (their fields as of `render.context_of`). Raises render.Unrenderable."""
    if wording.template is None:
        text = render.render(wording.text, person)
        if len(text) > TEXT_LIMIT:
            raise render.Unrenderable(f"the message would have more than {TEXT_LIMIT:,} characters")
        return OutgoingMessage(to=to, reference=reference, text=text)
    return OutgoingMessage(to=to, reference=reference, template=_call(wording.template, person, reference))


def _call(wording: TemplateWording, person: Mapping[str, Any], reference: str) -> TemplateCall:
    body: list[tuple[str, str]] = []
    header: dict[str, str] = {}
    buttons: list[ButtonValue] = []
    for slot in wording.slots:
        made = _fill(slot, person)
        place = slot.place
        if place.part == "body":
            body.append((place.name, made))
        elif place.part == "header":
            header[place.kind if place.kind == "text" and place.name else place.key.removeprefix("header.")] = made
        else:
            if place.kind == "payload":
                made = _payload(made, reference)
            buttons.append(ButtonValue(place.button, _BUTTON_KINDS[place.kind], made))
    values = dict(body)
    _check_length(placeholders.filled(wording.parts.body, values), MAX_BODY, "the body")
    is_positional = all(name.isdigit() for name in values)
    return TemplateCall(
        name=wording.name,
        language=wording.language,
        positional=tuple(values.values()) if is_positional else (),
        named=() if is_positional else tuple(values.items()),
        header=_header(wording.parts, header),
        buttons=tuple(buttons),
    )


_BUTTON_KINDS = {"url_end": "url", "code": "copy_code", "payload": "quick_reply"}


def _fill(slot: Slot, person: Mapping[str, Any]) -> str:
    """What stands in this place; a template's own default helps out where the value can't be made."""
    try:
        # WhatsApp refuses a whole message for a line break, tab or run of spaces in a value.
        return _suited(slot.place, " ".join(render.render(slot.value, person).split()))
    except render.Unrenderable as error:
        if not slot.default:
            raise render.Unrenderable(f"{slot.place.key}: {error}") from error
    try:
        return _suited(slot.place, " ".join(slot.default.split()))
    except render.Unrenderable as error:
        raise render.Unrenderable(f"{slot.place.key}: {error}") from error


def _suited(place: Place, made: str) -> str:
    """The value as its place wants it. Raises render.Unrenderable for one that WhatsApp would refuse."""
    if place.kind == "link":
        if not _LINK.fullmatch(made) or len(made) > MAX_URL:
            raise render.Unrenderable("it is not a web address")
    elif place.kind == "number":
        limit = 90 if place.key.endswith("latitude") else 180
        try:
            is_on_the_map = abs(float(made)) <= limit
        except ValueError:
            is_on_the_map = False
        if not is_on_the_map:
            raise render.Unrenderable(f"it is not a number from -{limit} to {limit}")
    elif place.kind == "url_end":
        return quote(made, safe=_KEPT_IN_ADDRESSES)
    elif place.kind == "code":
        _check_length(made, MAX_CODE, "the code")
    return made


def _payload(made: str, reference: str) -> str:
    """What comes back when the button is tapped: a word, and whose message it was."""
    payload = f"{made}|{reference}"
    _check_length(payload, PAYLOAD_LIMIT, "a button's payload")
    return payload


def _header(parts: Components, made: Mapping[str, str]) -> HeaderText | HeaderMedia | HeaderLocation | None:
    if parts.header is None or not made:
        return None
    if parts.header.format == "text":
        (name,) = placeholders.names_in(parts.header.text)
        _check_length(placeholders.filled(parts.header.text, {name: made["text"]}), MAX_HEADER, "the header")
        return HeaderText(made["text"], "" if name.isdigit() else name)
    if parts.header.format == "location":
        return HeaderLocation(made["latitude"], made["longitude"], made["name"], made["address"])
    media_id = made.get("id", "")
    link = "" if media_id else made.get("link", "")
    return HeaderMedia(parts.header.format, link, media_id, made.get("filename", ""))


def _check_length(text: str, longest: int, what: str) -> None:
    if len(text) > longest:
        raise render.Unrenderable(f"{what} would have more than {longest:,} characters")


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as a person reads it, part by part. `header_kind` is "text", "image", "video", "document", "location" or
    empty; each button is its label and where it leads, empty where it doesn't say."""

    body: str
    header_kind: str = ""
    header: str = ""
    footer: str = ""
    buttons: tuple[tuple[str, str], ...] = ()


def in_parts(wording: Wording, message: OutgoingMessage) -> Seen:
    """The message part by part, as a phone shows it."""
    if wording.template is None or message.template is None:
        return Seen(message.text or "")
    parts, call = wording.template.parts, message.template
    values = dict(call.named) or {str(n): text for n, text in enumerate(call.positional, start=1)}
    kind, header = _header_as_seen(parts, call.header)
    buttons = _buttons_as_seen(parts, {value.index: value.text for value in call.buttons})
    return Seen(placeholders.filled(parts.body, values), kind, header, parts.footer, buttons)


def as_written(wording: Wording) -> Seen:
    """The message as it is written, made for nobody: what fills its places stands there unfilled."""
    if wording.template is None:
        return Seen(wording.text)
    parts, slots = wording.template.parts, wording.template.slots
    named = {slot.place.part + slot.place.name: slot.value for slot in slots if slot.place.name}
    body = {key.removeprefix("body"): text for key, text in named.items() if key.startswith("body")}
    kind = parts.header.format if parts.header else ""
    others = [slot.value for slot in slots if slot.place.part == "header" and slot.place.kind != "number"]
    header = ", ".join(others)
    if parts.header and kind == "text":
        inner = {key.removeprefix("header"): text for key, text in named.items() if key.startswith("header")}
        header = placeholders.filled(parts.header.text, inner)
    ends = {slot.place.button: slot.value for slot in slots if slot.place.kind in ("url_end", "code")}
    return Seen(placeholders.filled(parts.body, body), kind, header, parts.footer, _buttons_as_seen(parts, ends))


def as_seen(wording: Wording, message: OutgoingMessage) -> str:
    """The message as a person reads it: header, body, footer, then the buttons in brackets, one a line."""
    return in_one(in_parts(wording, message))


def in_one(seen: Seen) -> str:
    """All parts as one text."""
    header = seen.header if seen.header_kind in ("", "text") else f"[{seen.header_kind}: {seen.header}]"
    lines = [f"[{label}: {target}]" if target else f"[{label}]" for label, target in seen.buttons]
    return "\n\n".join(part for part in (header, seen.body, seen.footer, "\n".join(lines)) if part)


def _header_as_seen(parts: Components, value: HeaderText | HeaderMedia | HeaderLocation | None) -> tuple[str, str]:
    if isinstance(value, HeaderMedia):
        return value.kind, value.filename or value.link or value.id
    if isinstance(value, HeaderLocation):
        return "location", f"{value.name}, {value.address}"
    text = parts.header.text if parts.header else ""
    if value:
        text = placeholders.PLACEHOLDER.sub(lambda _: value.text, text)
    return ("text", text) if text else ("", "")


def _buttons_as_seen(parts: Components, filled: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    seen = []
    for index, button in enumerate(parts.buttons):
        target = button.target if button.kind in ("url", "phone_number") else ""
        if button.kind == "url" and index in filled:
            target = target.partition("{{")[0] + filled[index]
        elif button.kind == "copy_code":
            target = filled.get(index, "")
        seen.append((button.text, target))
    return tuple(seen)
