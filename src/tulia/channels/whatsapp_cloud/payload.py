"""The body of a send request to the WhatsApp Cloud API.

Shapes from Meta's pages "Send messages" and "Template components" (read September 2026). What the provider is certain
to refuse is refused here, before it costs a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import orjson

from tulia.channels.types import (
    ButtonValue,
    HeaderLocation,
    HeaderMedia,
    HeaderText,
    OutgoingMessage,
    TemplateCall,
)

MAX_TEXT_LENGTH = 4_096
MAX_REFERENCE_LENGTH = 512
MAX_PARAMETER_LENGTH = 1_024
"""A template's body is at most this long with its values filled in, so no single value can be longer."""

MAX_CODE_LENGTH = 20
MAX_PAYLOAD_LENGTH = 256
MAX_LINK_LENGTH = 2_000

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Za-z0-9]{2,4}){0,2}")
_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REFUSED_IN_PARAMETER = re.compile(r"[\n\r\t]| {5,}")
_LINK = re.compile(r"https?://[!-~]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class PayloadInvalid(ValueError):
    """The message can't be sent as it is; the text says why, in plain words."""


def to_body(message: OutgoingMessage) -> bytes:
    """The UTF-8 JSON to POST to ``/{phone_number_id}/messages``.

    The number keeps its plus sign: without it the provider would put the sender's own country code in front. Raises
    `PayloadInvalid` for what the provider would refuse: neither or both of text and template, a text that is blank or
    longer than 4,096 characters, a reference that is empty or longer than 512, template values that are empty or hold
    line breaks, tabs or more than four spaces in a row, links that are none, codes and payloads that are too long.
    """
    if not _E164.fullmatch(message.to):
        raise PayloadInvalid("The recipient is not a phone number with its plus sign and country code.")
    if not 1 <= len(message.reference) <= MAX_REFERENCE_LENGTH:
        raise PayloadInvalid(f"The reference must have 1 to {MAX_REFERENCE_LENGTH} characters.")
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": _whole(message.reference),
    }
    if message.text is not None and message.template is None:
        body["type"] = "text"
        body["text"] = {"preview_url": False, "body": _checked_text(message.text)}
    elif message.template is not None and message.text is None:
        body["type"] = "template"
        body["template"] = _template(message.template)
    else:
        raise PayloadInvalid("A message needs either a text or a template, and not both.")
    return orjson.dumps(body)


def _checked_text(text: str) -> str:
    if not text.strip():
        raise PayloadInvalid("The text is empty.")
    if len(text) > MAX_TEXT_LENGTH:
        raise PayloadInvalid(f"The text has {len(text):,} characters; WhatsApp takes {MAX_TEXT_LENGTH:,} at most.")
    return _whole(text)


def _template(call: TemplateCall) -> dict[str, object]:
    if not _TEMPLATE_NAME.fullmatch(call.name):
        raise PayloadInvalid("The template's name may only have lower-case letters, digits and underscores.")
    if not _LANGUAGE.fullmatch(call.language):
        raise PayloadInvalid(
            f"The template's language must be a code like 'en' or 'pt_BR', not {call.language[:40]!r}."
        )
    if call.positional and call.named:
        raise PayloadInvalid("A template has either numbered or named values, not both.")
    template: dict[str, object] = {"name": call.name, "language": {"code": call.language}}
    components: list[dict[str, object]] = []
    if call.header is not None:
        components.append({"type": "header", "parameters": [_header(call.header)]})
    if parameters := _positional(call.positional) if call.positional else _named(call.named):
        components.append({"type": "body", "parameters": parameters})
    components += [_button(button) for button in sorted(call.buttons, key=lambda one: one.index)]
    if components:
        template["components"] = components
    return template


def _header(value: HeaderText | HeaderMedia | HeaderLocation) -> dict[str, object]:
    if isinstance(value, HeaderText):
        named = {"parameter_name": value.name} if value.name else {}
        return {"type": "text", **named, "text": _parameter(value.text, "of the header")}
    if isinstance(value, HeaderLocation):
        place = {"latitude": value.latitude, "longitude": value.longitude, "name": value.name, "address": value.address}
        return {"type": "location", "location": {key: _parameter(text, f"{key!r}") for key, text in place.items()}}
    if value.kind not in ("image", "video", "document"):
        raise PayloadInvalid(f"A header can't show {value.kind[:40]!r}.")
    if bool(value.link) == bool(value.id):
        raise PayloadInvalid(f"The header's {value.kind} needs either a link or an id.")
    if value.link and (not _LINK.fullmatch(value.link) or len(value.link) > MAX_LINK_LENGTH):
        raise PayloadInvalid(f"The link of the header's {value.kind} is not a web address.")
    found = {"link": value.link} if value.link else {"id": _parameter(value.id, "of the header's id")}
    named = {"filename": _parameter(value.filename, "of the file's name")} if value.filename else {}
    return {"type": value.kind, value.kind: found | (named if value.kind == "document" else {})}


def _button(button: ButtonValue) -> dict[str, object]:
    if button.kind == "url":
        if re.search(r"\s", button.text):
            raise PayloadInvalid("The end of a button's address has a space.")
        parameter = {"type": "text", "text": _parameter(button.text, "of a button")}
    elif button.kind == "quick_reply":
        if not 1 <= len(button.text) <= MAX_PAYLOAD_LENGTH:
            raise PayloadInvalid(f"A button's payload must have 1 to {MAX_PAYLOAD_LENGTH} characters.")
        parameter = {"type": "payload", "payload": _whole(button.text)}
    elif button.kind == "copy_code":
        if len(button.text) > MAX_CODE_LENGTH:
            raise PayloadInvalid(f"The code to copy is longer than {MAX_CODE_LENGTH} characters.")
        parameter = {"type": "coupon_code", "coupon_code": _parameter(button.text, "of the code to copy")}
    else:
        raise PayloadInvalid(f"A button can't be filled as {button.kind[:40]!r}.")
    return {"type": "button", "sub_type": button.kind, "index": str(button.index), "parameters": [parameter]}


def _positional(values: Iterable[str]) -> list[dict[str, str]]:
    return [{"type": "text", "text": _parameter(text, f"number {n}")} for n, text in enumerate(values, start=1)]


def _named(values: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    names = [name for name, _ in values]
    if len(set(names)) < len(names):
        raise PayloadInvalid("A template value is given twice.")
    for name in names:
        if not _PARAMETER_NAME.fullmatch(name):
            raise PayloadInvalid(f"{name[:40]!r} can't be the name of a template value.")
    return [{"type": "text", "parameter_name": name, "text": _parameter(text, f"{name!r}")} for name, text in values]


def _parameter(text: str, which: str) -> str:
    if not text.strip():
        raise PayloadInvalid(f"The template value {which} is empty.")
    if len(text) > MAX_PARAMETER_LENGTH:
        raise PayloadInvalid(f"The template value {which} is longer than {MAX_PARAMETER_LENGTH:,} characters.")
    if _REFUSED_IN_PARAMETER.search(text):
        raise PayloadInvalid(f"The template value {which} has a line break, a tab or more than four spaces in a row.")
    return _whole(text)


def _whole(text: str) -> str:
    if _SURROGATE.search(text):
        raise PayloadInvalid("The text holds half of a character (a lone surrogate) and can't be sent.")
    return text
