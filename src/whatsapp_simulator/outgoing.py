"""Reading a send request: what it asks for, or why it is refused. Pure; knows no state but the sender's digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from whatsapp_simulator.graph_errors import Refusal
from whatsapp_simulator.people import is_user_id

TEXT_MAX = 4096
OPAQUE_MAX = 512
TYPES = frozenset(
    ["text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction"]
)  # fmt: skip
_SEPARATORS = str.maketrans("", "", " -().\u00a0")


@dataclass(frozen=True, slots=True)
class Button:
    """Something a person can tap: `payload` comes back, `title` is what they saw (empty when not known yet)."""

    kind: Literal["quick_reply", "interactive"]
    payload: str
    title: str
    index: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A well-formed send request. `person` is the phone number in digits or a user id; `entered` is what was given."""

    person: str
    entered: str
    kind: str
    opaque: str | None
    template: str
    language: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    """For each body/header component, ``(component type, parameter names or "" for positional ones)``."""
    buttons: tuple[Button, ...]
    header_kind: str = ""
    """Type of the header's first parameter ("text", "image"…), empty without one."""
    filled: tuple[tuple[str, int], ...] = ()
    """For each button component with parameters, ``(sub type, index)``."""


def peek(body: Any) -> tuple[str, str, str]:
    """Recipient, opaque data and template name of an unchecked body; empty where there is nothing usable."""
    if not isinstance(body, dict):
        return "", "", ""
    to = body.get("to") or body.get("recipient")
    opaque = body.get("biz_opaque_callback_data")
    template = body.get("template")
    name = template.get("name") if isinstance(template, dict) else None
    return (
        digits(to) if isinstance(to, str) else "",
        opaque if isinstance(opaque, str) else "",
        name if isinstance(name, str) else "",
    )


def digits(phone: str) -> str:
    """A phone number without its plus sign and separators; anything else unchanged."""
    return phone.translate(_SEPARATORS).removeprefix("+")


def read(body: Any) -> Outgoing | Refusal:
    """Check the shape of a send request (not its recipient, see `recipient`)."""
    if not isinstance(body, dict):
        return Refusal(100, "The body must be a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        return Refusal(100, "The parameter messaging_product is required and must be whatsapp.")
    kind = body.get("type")
    if kind is None:
        return Refusal(131008, "The parameter type is required.")
    if not isinstance(kind, str) or kind not in TYPES:
        return Refusal(131051, f"Message type {kind!r} is not supported.")
    content = body.get(kind)
    if content is None or (kind != "contacts" and not isinstance(content, dict)):
        return Refusal(131008, f"The parameter {kind} is required.")
    entered = body.get("to") or body.get("recipient")
    if not isinstance(entered, str):
        return Refusal(100, "The parameter to is required and must be a text.")
    opaque = body.get("biz_opaque_callback_data")
    if opaque is not None and (not isinstance(opaque, str) or len(opaque) > OPAQUE_MAX):
        return Refusal(100, f"biz_opaque_callback_data must be a text of at most {OPAQUE_MAX} characters.")
    name = language = ""
    parameters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buttons: tuple[Button, ...] = ()
    header_kind = ""
    filled: tuple[tuple[str, int], ...] = ()
    if kind == "template":
        checked = _template(content)
        if isinstance(checked, Refusal):
            return checked
        name, language, parameters, buttons, header_kind, filled = checked
    elif kind == "text":
        text = content.get("body")
        if not isinstance(text, str) or not text:
            return Refusal(131008, "The parameter text.body is required.")
        if len(text) > TEXT_MAX:
            return Refusal(100, f"text.body must be at most {TEXT_MAX} characters long.")
    elif kind == "interactive":
        buttons = _reply_buttons(content)
    person = entered if not body.get("to") and is_user_id(entered) else digits(entered)
    return Outgoing(person, entered, kind, opaque, name, language, parameters, buttons, header_kind, filled)


def recipient(outgoing: Outgoing, sender: str) -> Refusal | None:
    """Why this recipient can't be written to, if so; `sender` is the sending number in digits."""
    person = outgoing.person
    if is_user_id(person):
        return None
    if not (person.isascii() and person.isdigit() and 7 <= len(person) <= 15 and person[0] != "0"):
        return Refusal(131009, f"{outgoing.entered!r} is not a valid phone number.")
    if person == sender:
        return Refusal(131021)
    return None


_Template = tuple[
    str, str, tuple[tuple[str, tuple[str, ...]], ...], tuple[Button, ...], str, tuple[tuple[str, int], ...]
]
_MEDIA = ("image", "video", "document")


def _template(content: dict[str, Any]) -> _Template | Refusal:
    name = content.get("name")
    language = content.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not isinstance(name, str) or not name or not isinstance(code, str) or not code:
        return Refusal(131008, "The parameters template.name and template.language.code are required.")
    components = content.get("components")
    if components is None:
        return name, code, (), (), "", ()
    if not isinstance(components, list):
        return Refusal(100, "template.components must be a list.")
    parameters: list[tuple[str, tuple[str, ...]]] = []
    buttons: list[Button] = []
    header_kind = ""
    filled: list[tuple[str, int]] = []
    for component in components:
        if not isinstance(component, dict) or not isinstance(component.get("type"), str):
            return Refusal(100, "Each of template.components must have a type.")
        given = component.get("parameters") or []
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            return Refusal(100, "The parameters of a component must be a list of objects.")
        where = component["type"].lower()
        if where == "button":
            _collect_quick_reply(component, given, buttons)
            index = str(component.get("index", ""))
            if not index.isdigit():
                return Refusal(131008, "A button needs its index.")
            if given:
                filled.append((str(component.get("sub_type", "")).lower(), int(index)))
            continue
        if where == "header" and given:
            header_kind = str(given[0].get("type", "")).lower()
            if header_kind in _MEDIA and (problem := _medium(header_kind, given[0])):
                return problem
        for item in given:
            text = item.get("text")
            if item.get("type") == "text" and (not isinstance(text, str) or not text):
                return Refusal(131008, f"A text parameter of the {where} is empty.")
            if isinstance(text, str) and ("\n" in text or "\t" in text or "     " in text):
                return Refusal(132012, "A parameter may not have new lines, tabs or more than four spaces in a row.")
        parameters.append((where, tuple([str(item.get("parameter_name") or "") for item in given])))
    return name, code, tuple(parameters), tuple(buttons), header_kind, tuple(filled)


def _medium(kind: str, parameter: dict[str, Any]) -> Refusal | None:
    """A picture, video or document is named by exactly one of its id and its link."""
    medium = parameter.get(kind)
    if not isinstance(medium, dict) or bool(medium.get("id")) == bool(medium.get("link")):
        return Refusal(131008, f"The {kind} of the header needs either an id or a link.")
    if medium.get("link") and not str(medium["link"]).startswith(("http://", "https://")):
        return Refusal(131053, f"The link of the {kind} is not valid.")
    return None


def _collect_quick_reply(component: dict[str, Any], given: list[Any], buttons: list[Button]) -> None:
    if str(component.get("sub_type", "")).lower() != "quick_reply":
        return
    index = str(component.get("index", "0"))
    payload = given[0].get("payload") if given else None
    if isinstance(payload, str) and index.isdigit():
        buttons.append(Button("quick_reply", payload, "", int(index)))


def _reply_buttons(content: dict[str, Any]) -> tuple[Button, ...]:
    action = content.get("action")
    listed = action.get("buttons") if isinstance(action, dict) else None
    found: list[Button] = []
    for index, button in enumerate(listed if isinstance(listed, list) else []):
        reply = button.get("reply") if isinstance(button, dict) else None
        if isinstance(reply, dict):
            found.append(Button("interactive", str(reply.get("id", "")), str(reply.get("title", "")), index))
    return tuple(found)
