"""WhatsApp Cloud API callbacks: whether Meta signed them, and what they say.

Shapes from Meta's pages "Messages webhook" and "User preferences webhook" (read September 2026). One body holds up to
1,000 updates of several phone numbers, unordered and sometimes repeated; one bad update must not lose the others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from tulia.channels.types import (
    CallbackContent,
    CallbackInvalid,
    Failure,
    FailureKind,
    InboundMessage,
    PreferenceChange,
    Price,
    Status,
    StatusUpdate,
    TemplateChange,
)
from tulia.channels.whatsapp_cloud import template_changes
from tulia.channels.whatsapp_cloud.failures import failure_of

_SIGNATURE = re.compile(rb"sha256=([0-9a-f]{64})")
_EPOCH_SECONDS = re.compile(r"[0-9]{1,12}")
_WA_ID = re.compile(r"\+?([1-9][0-9]{6,14})")
_UNSTORABLE = re.compile("[\ud800-\udfff]")
_LONGEST_PROFILE_NAME = 200
# WhatsApp began in 2009; beyond 2100 it is milliseconds or nonsense.
_EARLIEST, _LATEST = 1_230_768_000, 4_102_444_800
_STATUSES = {status.value: status for status in Status}
# Notices about a person, not words of one: they must not count as a reply.
_NOTICES = frozenset({"system", "request_welcome", "ephemeral", "revoke"})
_UPDATES = ("statuses", "messages", "user_preferences")
_STOP_OR_RESUME = {"stop": True, "resume": False}
_UNEXPLAINED = Failure(FailureKind.RECIPIENT, "unknown", "WhatsApp could not deliver the message and did not say why.")


class _Malformed(Exception):
    """One update can't be used; the text says why."""


def verify_signature(raw: bytes, header: str | None, *, app_secret: str) -> bool:
    """Whether `header` (``X-Hub-Signature-256``) is the app's signature of exactly these bytes.

    Only the documented form counts: ``sha256=`` and 64 lower-case hex digits. Takes the same time wherever the digits
    differ. An empty `app_secret` signs nothing: anybody could compute that.
    """
    if not header or not app_secret:
        return False
    given = _SIGNATURE.fullmatch(header.encode("utf-8", "replace"))
    if given is None:
        return False
    expected = hmac.new(app_secret.encode(), raw, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given[1], expected.encode())


def parse(raw: bytes, *, phone_number_id: str) -> CallbackContent:
    """Everything in a callback body that concerns our phone number, in the order it stands there.

    `ignored_count` counts updates of other numbers, of kinds we have no use for (``played``, system notices, other
    preference categories), and changes of other fields (one each). `errors` notes each malformed update with its place,
    and errors the provider itself reports. Text is made storable: NUL removed, lone surrogates replaced by U+FFFD.

    Raises `CallbackInvalid` when the body is not JSON or not a WhatsApp callback.
    """
    return _Reader(phone_number_id).read(_decoded(raw))


@dataclass(frozen=True, slots=True)
class _People:
    """The contacts beside a list of updates: profile names by E.164 number and by user id, and the only one if so."""

    names: dict[str, str]
    only: dict[str, Any]

    @classmethod
    def of(cls, value: object) -> _People:
        contacts = list(_objects(value))
        names: dict[str, str] = {}
        for contact in contacts:
            profile = contact.get("profile")
            if isinstance(profile, dict) and (name := _text(profile.get("name"))[:_LONGEST_PROFILE_NAME]):
                names["+" + _text(contact.get("wa_id")).removeprefix("+")] = name
                names[_text(contact.get("user_id"))] = name
        return cls(names, contacts[0] if len(contacts) == 1 else {})

    def identify(self, wa_id: object, user_id: object) -> tuple[str | None, str | None]:
        """Phone and user id of who an update is from; when it doesn't say, the only contact beside it is the one."""
        if not wa_id and not user_id:
            wa_id, user_id = self.only.get("wa_id"), self.only.get("user_id")
        phone, known_as = _phone(wa_id), _text(user_id) or None
        if phone is None and known_as is None:
            raise _Malformed("nobody it is from")
        return phone, known_as


_NOBODY = _People({}, {})


class _Reader:
    def __init__(self, phone_number_id: str) -> None:
        self._phone_number_id = phone_number_id
        self._statuses: list[StatusUpdate] = []
        self._messages: list[InboundMessage] = []
        self._preferences: list[PreferenceChange] = []
        self._templates: list[TemplateChange] = []
        self._errors: list[str] = []
        self._ignored_count = 0

    def read(self, callback: dict[str, Any]) -> CallbackContent:
        for e, entry in enumerate(callback["entry"]):
            changes = entry.get("changes") if isinstance(entry, dict) else None
            if not isinstance(changes, list):
                self._errors.append(f"entry[{e}]: no list of changes")
                continue
            for c, change in enumerate(changes):
                self._change(change, f"entry[{e}].changes[{c}]", told_at=entry.get("time"))
        return CallbackContent(
            statuses=tuple(self._statuses),
            messages=tuple(self._messages),
            preferences=tuple(self._preferences),
            templates=tuple(self._templates),
            ignored_count=self._ignored_count,
            errors=tuple(self._errors),
        )

    def _change(self, change: object, place: str, *, told_at: object) -> None:
        value = change.get("value") if isinstance(change, dict) else None
        if not isinstance(change, dict) or not isinstance(value, dict):
            self._errors.append(f"{place}: no value")
            return
        if change.get("field") in template_changes.FIELDS:
            self._template(change["field"], value, place, told_at)
            return
        metadata = value.get("metadata")
        is_ours = isinstance(metadata, dict) and metadata.get("phone_number_id") == self._phone_number_id
        field = change.get("field")
        if not is_ours or field not in ("messages", "user_preferences"):
            self._ignored_count += max(1, sum(_length(value.get(key)) for key in _UPDATES))
            return
        for key, read in zip(_UPDATES, (self._status, self._message, self._preference), strict=True):
            updates = value.get(key)
            if updates is None:
                continue
            if not isinstance(updates, list):
                self._errors.append(f"{place}.value.{key}: not a list")
                continue
            people = _People.of(value.get("contacts")) if key != "statuses" else _NOBODY
            for i, update in enumerate(updates):
                try:
                    if not isinstance(update, dict):
                        raise _Malformed("not an object")
                    if not read(update, people):
                        self._ignored_count += 1
                except _Malformed as reason:
                    self._errors.append(f"{place}.value.{key}[{i}]: {reason}")
        for error in _objects(value.get("errors")):
            told = failure_of(error)
            self._errors.append(
                f"{place}: the provider reports {f'{told.code}: {told.message}' if told else 'an error'}"
            )

    def _template(self, field: str, value: dict[str, Any], place: str, told_at: object) -> None:
        """Templates belong to the account and name no number: whichever number's address it came to, it concerns us."""
        try:
            read = template_changes.read(field, value, at=_at({"timestamp": told_at}))
        except (_Malformed, ValueError) as reason:
            self._errors.append(f"{place}: {reason}")
            return
        if read is None:
            self._ignored_count += 1
        else:
            self._templates.append(read)

    def _status(self, update: dict[str, Any], _people: _People) -> bool:
        status = _STATUSES.get(update["status"]) if isinstance(update.get("status"), str) else None
        if status is None:
            if not isinstance(update.get("status"), str):
                raise _Malformed("no status")
            return False
        failure = None
        if status is Status.FAILED:
            told = (failure_of(error) for error in _objects(update.get("errors")))
            failure = next((one for one in told if one is not None), _UNEXPLAINED)
        reference = update.get("biz_opaque_callback_data")
        self._statuses.append(
            StatusUpdate(
                message_id=_id(update),
                status=status,
                at=_at(update),
                reference=reference if isinstance(reference, str) and reference else None,
                failure=failure,
                phone=_phone(update.get("recipient_id")),
                price=_price(update.get("pricing")),
            )
        )
        return True

    def _message(self, update: dict[str, Any], people: _People) -> bool:
        kind = update.get("type")
        if not isinstance(kind, str) or not kind:
            raise _Malformed("no type")
        if kind in _NOTICES:
            return False
        phone, user_id = people.identify(update.get("from"), update.get("from_user_id"))
        said, payload, quoted = _said(kind, update)
        context = update.get("context")
        if isinstance(context, dict):
            quoted = _text(context.get("id")) or quoted
        self._messages.append(
            InboundMessage(
                message_id=_id(update),
                at=_at(update),
                phone=phone,
                kind=kind,
                text=said,
                payload=payload,
                quoted_message_id=quoted or None,
                user_id=user_id,
                profile_name=people.names.get(phone or "") or people.names.get(user_id or "") or "",
            )
        )
        return True

    def _preference(self, update: dict[str, Any], people: _People) -> bool:
        value = update.get("value")
        is_stop = _STOP_OR_RESUME.get(value) if isinstance(value, str) else None
        if update.get("category") != "marketing_messages" or is_stop is None:
            return False
        phone, user_id = people.identify(update.get("wa_id"), update.get("user_id"))
        self._preferences.append(PreferenceChange(phone=phone, is_stop=is_stop, at=_at(update), user_id=user_id))
        return True


def _said(kind: str, update: dict[str, Any]) -> tuple[str, str | None, str]:
    """What the person said or tapped, the tapped button's payload, and the message reacted to."""
    content = update.get(kind)
    if kind == "edit" and isinstance(content, dict) and isinstance(content.get("message"), dict):
        # What was written first came earlier; a correction can still say STOP.
        kind, update = _text(content["message"].get("type")), content["message"]
        content = update.get(kind)
    if not isinstance(content, dict):
        return "", None, ""
    if kind == "text":
        return _text(content.get("body")), None, ""
    if kind == "button":
        return _text(content.get("text")), _text(content.get("payload")) or None, ""
    if kind == "reaction":
        return _text(content.get("emoji")), None, _text(content.get("message_id"))
    if kind == "interactive":
        # {"type": "button_reply", "button_reply": {…}}, the same for lists; a sent form has other words for the two.
        reply = content.get(_text(content.get("type")))
        if not isinstance(reply, dict):
            return "", None, ""
        said = _text(reply.get("title")) or _text(reply.get("body"))
        return said, _text(reply.get("id")) or _text(reply.get("response_json")) or None, ""
    return _text(content.get("caption")), None, ""


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        callback = orjson.loads(raw)
        if b"\\u0000" in raw:
            callback = _storable(callback)
    except orjson.JSONDecodeError:
        # orjson refuses lone surrogates and broken UTF-8; one bad emoji must not cost the other 999 updates.
        try:
            callback = _storable(json.loads(raw.decode("utf-8", "replace"), parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            raise CallbackInvalid("The body is not JSON.") from error
    except RecursionError as error:
        raise CallbackInvalid("The body is nested too deeply.") from error
    if not isinstance(callback, dict) or callback.get("object") != "whatsapp_business_account":
        raise CallbackInvalid("The body is not a callback of a WhatsApp business account.")
    if not isinstance(callback.get("entry"), list):
        raise CallbackInvalid("The callback has no list of entries.")
    return callback


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _storable(value: Any) -> Any:
    """The same JSON with texts that PostgreSQL can store; keys are left, nobody stores them."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value.replace("\x00", ""))
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0


_CATEGORIES = {
    "marketing": "marketing", "marketing_lite": "marketing", "utility": "utility", "authentication": "authentication",
    "authentication-international": "authentication", "authentication_international": "authentication",
    "service": "service", "referral_conversion": "service",
}  # fmt: skip


def _price(pricing: object) -> Price | None:
    """`type` says whether it is free; `billable`, which Meta means to drop, where there is no type."""
    if not isinstance(pricing, dict):
        return None
    category, kind = _CATEGORIES.get(_text(pricing.get("category"))), _text(pricing.get("type"))
    if category is None:
        return None
    return Price(category, is_free=kind.startswith("free") if kind else pricing.get("billable") is False)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _id(update: dict[str, Any]) -> str:
    message_id = update.get("id")
    if not isinstance(message_id, str) or not message_id:
        raise _Malformed("no id")
    return message_id


def _phone(wa_id: object) -> str | None:
    if wa_id is None or wa_id == "":
        return None
    digits = _WA_ID.fullmatch(wa_id) if isinstance(wa_id, str) else None
    if digits is None:
        raise _Malformed("the sender is no phone number")
    return "+" + digits[1]


def _at(update: dict[str, Any]) -> datetime:
    """Messages have epoch seconds as text, preferences as a number; either is taken from both."""
    seconds = update.get("timestamp")
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        seconds = str(seconds)
    at = _instant(seconds) if isinstance(seconds, str) else None
    if at is None:
        raise _Malformed("no believable timestamp")
    return at


@lru_cache(maxsize=4_096)
def _instant(seconds: str) -> datetime | None:
    if not _EPOCH_SECONDS.fullmatch(seconds) or not _EARLIEST <= int(seconds) < _LATEST:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
