"""The shapes of callbacks (Graph v24 and later: no `conversation`), their bodies and signatures. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import orjson

from whatsapp_simulator.graph_errors import failure
from whatsapp_simulator.people import Person

Json = dict[str, Any]
Lot = Literal[
    "statuses",
    "messages",
    "user_preferences",
    "message_template_status_update",
    "template_quality",
    "template_category",
]
_FIELDS: dict[Lot, str] = {
    "statuses": "messages",
    "messages": "messages",
    "user_preferences": "user_preferences",
    "message_template_status_update": "message_template_status_update",
    "template_quality": "message_template_quality_update",
    "template_category": "template_category_update",
}


class Update(NamedTuple):
    """One thing to tell: `item` goes under `lot`; `contact` goes beside it; `key` names it for duplicates.

    `repeat` marks a copy, which must leave in another POST than the original; `odd` asks for an unknown field.
    """

    lot: Lot
    key: str
    item: Json
    contact: Json | None
    repeat: bool = False
    odd: bool = False


def contact(person: Person, hidden: bool) -> Json:
    """``{profile, wa_id, user_id}``; without `wa_id` when the person hides the number behind a user name."""
    if hidden:
        return {"profile": {"name": person.name, "username": person.name.lower()}, "user_id": person.user_id}
    return {"profile": {"name": person.name}, "wa_id": person.wa_id, "user_id": person.user_id}


def pricing(category: str, kind: str) -> Json:
    """``{billable, pricing_model, type, category}``; `kind` is ``regular`` or ``free_customer_service``."""
    return {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}


def status(
    wamid: str,
    state: str,
    timestamp: int,
    person: Person,
    hidden: bool,
    opaque: str | None,
    price: Json | None,
) -> Json:
    """One entry of `statuses`; `timestamp` is a text of epoch seconds."""
    entry: Json = {"id": wamid, "status": state, "timestamp": str(timestamp)}
    if not hidden:
        entry["recipient_id"] = person.wa_id
    if state != "failed" or hidden:
        entry["recipient_user_id"] = person.user_id
    if opaque is not None:
        entry["biz_opaque_callback_data"] = opaque
    if price is not None:
        entry["pricing"] = price
    return entry


def failed(wamid: str, code: int, timestamp: int, person: Person, hidden: bool, opaque: str | None) -> Json:
    """A `failed` status with its `errors`."""
    entry = status(wamid, "failed", timestamp, person, hidden, opaque, None)
    entry["errors"] = [failure(code)]
    return entry


def inbound(
    wamid: str, timestamp: int, person: Person, hidden: bool, content: Json, context: tuple[str, str] | None
) -> Json:
    """One entry of `messages`; `content` is ``{type, <type>: …}``, `context` is (business number, quoted message id)."""
    entry: Json = {} if context is None else {"context": {"from": context[0], "id": context[1]}}
    if not hidden:
        entry["from"] = person.wa_id
    entry["from_user_id"] = person.user_id
    entry["id"] = wamid
    entry["timestamp"] = str(timestamp)
    entry.update(content)
    return entry


def text(body: str) -> Json:
    """Content of an inbound text."""
    return {"type": "text", "text": {"body": body}}


def tap(payload: str, title: str, interactive: bool) -> Json:
    """Content of a tap: a template's quick reply, or a button of an interactive message."""
    if interactive:
        reply = {"type": "button_reply", "button_reply": {"id": payload, "title": title}}
        return {"type": "interactive", "interactive": reply}
    return {"type": "button", "button": {"payload": payload, "text": title}}


def preference(person: Person, hidden: bool, value: Literal["stop", "resume"], timestamp: int) -> Json:
    """One entry of `user_preferences`; here `timestamp` is a number."""
    verb = "stop" if value == "stop" else "resume"
    who = {"user_id": person.user_id} if hidden else {"wa_id": person.wa_id}
    return {
        **who,
        "detail": f"User requested to {verb} marketing messages",
        "category": "marketing_messages",
        "value": value,
        "timestamp": timestamp,
    }


def assemble(waba_id: str, display: str, number_id: str, updates: Iterable[Update], now: int) -> bytes:
    """The body of one POST: statuses with contacts, failures, inbound messages and the rest in changes of their own."""
    metadata = {"display_phone_number": display, "phone_number_id": number_id}
    groups: dict[tuple[Lot, bool], list[Update]] = {}
    for update in updates:
        groups.setdefault((update.lot, update.contact is None), []).append(update)
    changes: list[Json] = []
    for (lot, _), members in groups.items():
        if lot in ("message_template_status_update", "template_quality", "template_category"):
            changes.extend([{"field": _FIELDS[lot], "value": member.item} for member in members])
            continue
        value: Json = {"messaging_product": "whatsapp", "metadata": metadata}
        contacts: dict[str, Json] = {}
        for member in members:
            if member.contact is not None:
                contacts[member.contact["user_id"]] = member.contact
        if contacts:
            value["contacts"] = list(contacts.values())
        value[lot] = [
            {**member.item, "x_unannounced": {"since": "v99.0", "values": [1, None]}} if member.odd else member.item
            for member in members
        ]
        changes.append({"value": value, "field": _FIELDS[lot]})
    body = orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "time": now, "changes": changes}]}
    )
    # The platform escapes slashes and everything beyond ASCII, so whoever verifies re-serialised JSON fails here too.
    if not body.isascii():
        body = json.dumps(orjson.loads(body), separators=(",", ":")).encode()
    return body.replace(b"/", b"\\/")


def signature(app_secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` for exactly these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
