"""The parts of a template: read strictly, each limit of WhatsApp checked, each mistake named by its path (pure).

Limits from Meta's page "Template components" (read September 2026). As JSON the parts are a list like the provider's,
in small letters: ``{"type": "header", "format": "image"}``, ``{"type": "body", "text": …}``, ``{"type": "footer", …}``,
``{"type": "buttons", "buttons": [{"type": "url", "text": …, "url": …}, …]}``. Capital letters are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tulia.channels import placeholders
from tulia.channels.placeholders import Place, PlaceholdersInvalid

MAX_HEADER, MAX_BODY, MAX_FOOTER = 60, 1_024, 60
MAX_BUTTONS, MAX_LABEL = 10, 25
MAX_URLS, MAX_URL, MAX_PHONES, MAX_PHONE, MAX_CODES, MAX_CODE = 2, 2_000, 1, 20, 1, 20
MEDIA = ("image", "video", "document")
FORMATS = ("text", *MEDIA, "location")
PARTS = ("header", "body", "footer", "buttons")
BUTTON_KINDS = ("quick_reply", "url", "phone_number", "copy_code")
_BUTTON_FIELDS = {
    "quick_reply": {"text", "opt_out"}, "url": {"text", "url"}, "phone_number": {"text", "phone_number"},
    "copy_code": {"text", "code"},
}  # fmt: skip
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
COPY_CODE_LABEL = "Copy code"


class ComponentsInvalid(ValueError):
    """What is wrong, by path (``components[2].buttons[0].text``)."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path} {reason}" for path, reason in wrong.items()))
        self.wrong = dict(wrong)


@dataclass(frozen=True, slots=True)
class Header:
    format: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button. `target` is the address, the phone number or the example of a code; `opt_out` None: by its label."""

    kind: str
    text: str
    target: str = ""
    opt_out: bool | None = None


@dataclass(frozen=True, slots=True)
class Components:
    """All parts of a template. What isn't there is None or empty."""

    body: str
    header: Header | None = None
    footer: str = ""
    buttons: tuple[Button, ...] = ()

    @property
    def is_positional(self) -> bool:
        """Whether the body's and the header's placeholders are numbers."""
        texts = [self.body, self.header.text if self.header else ""]
        return all(name.isdigit() for text in texts for name in placeholders.names_in(text))

    def places(self) -> tuple[Place, ...]:
        """Everything a campaign fills, in the order of reading."""
        found: list[Place] = []
        if self.header:
            found += _header_places(self.header)
        found += [Place(name, "body", "text", name) for name in placeholders.names_in(self.body)]
        for index, button in enumerate(self.buttons):
            if button.kind == "url" and placeholders.names_in(button.target):
                found.append(Place(f"buttons[{index}].url", "button", "url_end", button=index))
            elif button.kind == "copy_code":
                found.append(Place(f"buttons[{index}].code", "button", "code", button=index))
            elif button.kind == "quick_reply":
                found.append(Place(f"buttons[{index}].payload", "button", "payload", button=index, is_required=False))
        return tuple(found)

    def to_json(self) -> list[dict[str, Any]]:
        """The list that `read` takes."""
        listed: list[dict[str, Any]] = []
        if self.header:
            text = {"text": self.header.text} if self.header.format == "text" else {}
            listed.append({"type": "header", "format": self.header.format, **text})
        listed.append({"type": "body", "text": self.body})
        if self.footer:
            listed.append({"type": "footer", "text": self.footer})
        if self.buttons:
            listed.append({"type": "buttons", "buttons": [_button_json(button) for button in self.buttons]})
        return listed


def of_body(text: str) -> Components:
    """A template of a body alone, as somebody knows it who had it approved: WhatsApp's rules of style aren't asked for."""
    wrong = _text_problem(text, MAX_BODY) or _placeholder_problem(text, is_styled=False)
    if wrong:
        raise ComponentsInvalid({"body": wrong})
    return Components(body=text)


def stored(listed: Sequence[Mapping[str, Any]], body: str) -> Components:
    """The parts as they were stored, unchecked; `body` alone for templates from before there were parts."""
    header: Header | None = None
    footer = ""
    buttons: tuple[Button, ...] = ()
    for part in listed:
        if part["type"] == "header":
            header = Header(part["format"], part.get("text", ""))
        elif part["type"] == "footer":
            footer = part["text"]
        elif part["type"] == "buttons":
            buttons = tuple(_stored_button(button) for button in part["buttons"])
    return Components(body, header, footer, buttons)


def read(given: Any, *, path: str = "components", is_styled: bool = True) -> Components:
    """The parts that a list describes. Raises ComponentsInvalid naming every mistake.

    Without `is_styled` the order of words and placeholders isn't asked for: the provider took them as they are.
    """
    if not isinstance(given, list) or not all(isinstance(part, Mapping) for part in given):
        raise ComponentsInvalid({path: "must be a list of objects with a type: header, body, footer, buttons"})
    return _Reader(path, is_styled=is_styled).read(given)


class _Reader:
    def __init__(self, path: str, *, is_styled: bool) -> None:
        self._path = path
        self._is_styled = is_styled
        self._wrong: dict[str, str] = {}

    def read(self, given: list[Mapping[str, Any]]) -> Components:
        places: dict[str, int] = {}
        for index, part in enumerate(given):
            kind = _word(part.get("type"))
            if kind not in PARTS:
                self._wrong[f"{self._path}[{index}].type"] = f"must be one of {', '.join(PARTS)}"
            elif kind in places:
                self._wrong[f"{self._path}[{index}].type"] = f"is a second {kind}; there can be one"
            else:
                places[kind] = index
        if "body" not in places and not self._wrong:
            self._wrong[self._path] = "needs a body"
        body = self._body(given[places["body"]], self._at(places["body"])) if "body" in places else ""
        header = self._header(given[places["header"]], self._at(places["header"])) if "header" in places else None
        footer = self._footer(given[places["footer"]], self._at(places["footer"])) if "footer" in places else ""
        buttons = self._buttons(given[places["buttons"]], self._at(places["buttons"])) if "buttons" in places else ()
        if not self._wrong and header and header.text and "body" in places:
            kinds = {name.isdigit() for text in (header.text, body) for name in placeholders.names_in(text)}
            if len(kinds) > 1:
                self._wrong[f"{self._at(places['header'])}.text"] = (
                    "mixes numbered and named placeholders with the body"
                )
        if self._wrong:
            raise ComponentsInvalid(self._wrong)
        return Components(body, header, footer, buttons)

    def _at(self, index: int) -> str:
        return f"{self._path}[{index}]"

    def _body(self, part: Mapping[str, Any], path: str) -> str:
        self._only(part, {"type", "text"}, path)
        return self._text(part, path, MAX_BODY, is_styled=self._is_styled)

    def _footer(self, part: Mapping[str, Any], path: str) -> str:
        self._only(part, {"type", "text"}, path)
        text = self._text(part, path, MAX_FOOTER, is_styled=False)
        if "{{" in text:
            self._wrong.setdefault(f"{path}.text", "can't have placeholders in a footer")
        return text

    def _header(self, part: Mapping[str, Any], path: str) -> Header | None:
        self._only(part, {"type", "format", "text"}, path)
        kind = _word(part.get("format", "text"))
        if kind not in FORMATS:
            self._wrong[f"{path}.format"] = f"must be one of {', '.join(FORMATS)}"
            return None
        if kind != "text":
            if part.get("text"):
                self._wrong[f"{path}.text"] = f"has no place in a header with {kind}"
            return Header(kind)
        text = self._text(part, path, MAX_HEADER, is_styled=False)
        if "\n" in text:
            self._wrong.setdefault(f"{path}.text", "must be one line")
        if len(placeholders.PLACEHOLDER.findall(text)) > 1:
            self._wrong.setdefault(f"{path}.text", "can have one placeholder at most")
        return Header("text", text)

    def _buttons(self, part: Mapping[str, Any], path: str) -> tuple[Button, ...]:
        self._only(part, {"type", "buttons"}, path)
        listed = part.get("buttons")
        path += ".buttons"
        if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
            self._wrong[path] = "must be a list of objects with type and text"
            return ()
        if not 1 <= len(listed) <= MAX_BUTTONS:
            self._wrong[path] = f"must be 1 to {MAX_BUTTONS} buttons; there are {len(listed)}"
            return ()
        buttons = tuple(self._button(one, f"{path}[{index}]") for index, one in enumerate(listed))
        for kind, most in (("url", MAX_URLS), ("phone_number", MAX_PHONES), ("copy_code", MAX_CODES)):
            if sum(button.kind == kind for button in buttons) > most:
                self._wrong.setdefault(path, f"can have {most} of the type {kind} at most")
        replies = [index for index, button in enumerate(buttons) if button.kind == "quick_reply"]
        if replies and replies[-1] - replies[0] >= len(replies):
            self._wrong.setdefault(path, "must have its quick replies together, before or after the others")
        return buttons

    def _button(self, one: Mapping[str, Any], path: str) -> Button:
        kind = _word(one.get("type"))
        if kind not in BUTTON_KINDS:
            self._wrong[f"{path}.type"] = f"must be one of {', '.join(BUTTON_KINDS)}"
            return Button("", "")
        self._only(one, {"type", *_BUTTON_FIELDS[kind]}, path)
        # WhatsApp writes the label of a code in the person's own language.
        has_own_label = kind != "copy_code" or "text" in one
        text = self._text(one, path, MAX_LABEL, is_styled=False) if has_own_label else COPY_CODE_LABEL
        if "{{" in text:
            self._wrong.setdefault(f"{path}.text", "can't have placeholders on a button")
        opt_out = one.get("opt_out")
        if opt_out is not None and not isinstance(opt_out, bool):
            self._wrong[f"{path}.opt_out"] = "must be true or false"
        return Button(kind, text, self._target(kind, one, path), opt_out)

    def _target(self, kind: str, one: Mapping[str, Any], path: str) -> str:
        if kind == "quick_reply":
            return ""
        name = {"url": "url", "phone_number": "phone_number", "copy_code": "code"}[kind]
        value = one.get(name, "" if kind == "copy_code" else None)
        problem = _target_problem(kind, value)
        if problem:
            self._wrong[f"{path}.{name}"] = problem
            return ""
        return str(value)

    def _text(self, part: Mapping[str, Any], path: str, longest: int, *, is_styled: bool) -> str:
        text = part.get("text")
        problem = _text_problem(text, longest) or _placeholder_problem(str(text), is_styled=is_styled)
        if problem:
            self._wrong[f"{path}.text"] = problem
            return ""
        return str(text)

    def _only(self, part: Mapping[str, Any], known: set[str], path: str) -> None:
        for unknown in sorted(str(name) for name in set(part) - known):
            self._wrong[f"{path}.{unknown}"] = f"is not known here; the fields are {', '.join(sorted(known))}"


def _header_places(header: Header) -> list[Place]:
    if header.format == "text":
        return [Place(f"header.{name}", "header", "text", name) for name in placeholders.names_in(header.text)]
    if header.format == "location":
        return [
            Place("header.latitude", "header", "number"),
            Place("header.longitude", "header", "number"),
            Place("header.name", "header", "text"),
            Place("header.address", "header", "text"),
        ]
    places = [Place("header.link", "header", "link"), Place("header.id", "header", "id", is_required=False)]
    if header.format == "document":
        places.append(Place("header.filename", "header", "filename", is_required=False))
    return places


def _word(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""


def _text_problem(text: object, longest: int) -> str:
    if not isinstance(text, str):
        return "must be a text" if text is not None else "is required"
    if "\x00" in text or _SURROGATE.search(text):
        return "has a character that can't be stored"
    if not text.strip() or len(text) > longest:
        return f"must have 1 to {longest} characters"
    return ""


def _placeholder_problem(text: str, *, is_styled: bool) -> str:
    try:
        names = placeholders.names_in(text)
        if names and is_styled:
            placeholders.check_order(text)
    except PlaceholdersInvalid as error:
        return str(error)
    return ""


def _target_problem(kind: str, value: object) -> str:
    if not isinstance(value, str):
        return "is required" if value is None else "must be a text"
    if kind == "phone_number":
        if not _PHONE.fullmatch(value) or len(value) > MAX_PHONE:
            return f"must be a phone number of at most {MAX_PHONE} characters"
        return ""
    if kind == "copy_code":
        return f"must have at most {MAX_CODE} characters" if len(value) > MAX_CODE or "\x00" in value else ""
    return _url_problem(value)


def _url_problem(url: str) -> str:
    if len(url) > MAX_URL:
        return f"must have at most {MAX_URL} characters"
    fixed, brace, rest = url.partition("{{")
    try:
        placeholders.names_in(url)
        parts = urlsplit(fixed)
        host = parts.hostname
    except (PlaceholdersInvalid, ValueError):
        host = None
    if not host or parts.scheme not in ("http", "https") or not all("!" <= char <= "~" for char in fixed):
        return "must be an address like https://shop.example/{{1}}"
    if brace and (rest.find("}}") != len(rest) - 2 or not (parts.path or parts.query)):
        return "can have one placeholder, at its end and behind the host"
    return ""


def _button_json(button: Button) -> dict[str, Any]:
    named: dict[str, Any] = {"type": button.kind, "text": button.text}
    if button.kind == "quick_reply":
        return named | ({"opt_out": button.opt_out} if button.opt_out is not None else {})
    field = {"url": "url", "phone_number": "phone_number", "copy_code": "code"}[button.kind]
    return named | ({field: button.target} if button.target else {})


def _stored_button(button: Mapping[str, Any]) -> Button:
    target = button.get("url") or button.get("phone_number") or button.get("code") or ""
    return Button(button["type"], button["text"], target, button.get("opt_out"))
