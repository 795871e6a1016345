"""Callbacks as somebody else's client reads them."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywa.types import CallbackButton, CallbackSelection, Message, MessageStatus
from pywa.types.user import User
from pywa.types.user_preferences import UserMarketingPreferences
from pywa.utils import webhook_updates_validator

from channels.whatsapp_cloud.callback_bodies import CONTACT, OURS, envelope, message, parse, preference, sign, status
from tulia.channels.whatsapp_cloud import callback


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.text(min_size=1, max_size=30))
def test_an_independent_client_agrees_on_signatures(raw: bytes, secret: str) -> None:
    header = sign(raw, secret)
    assert webhook_updates_validator(app_secret=secret, request_body=raw, x_hub_signature=header)
    assert callback.verify_signature(raw, header, app_secret=secret)
    assert not callback.verify_signature(raw + b"x", header, app_secret=secret)


CLIENT: Any = SimpleNamespace(_usr_cls=User, phone_id=OURS, _resolve_user_identifier=lambda user: iter([user.wa_id]))


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "failed"])
def test_an_independent_client_reads_the_same_status(name: str) -> None:
    errors = {"errors": [{"code": 131026, "message": "m", "title": "t"}]} if name == "failed" else {}
    body = envelope({"contacts": [CONTACT], "statuses": [status(status=name, **errors)]})
    theirs = MessageStatus.from_update(CLIENT, body)
    (ours,) = parse(body).statuses
    assert ours.message_id == theirs.id
    assert ours.status.value == theirs.status.value
    assert ours.at == theirs.timestamp
    assert ours.reference == theirs.tracker
    assert (ours.failure.code if ours.failure else None) == (str(theirs.error.code) if theirs.error else None)


@pytest.mark.parametrize(
    ("reader", "fields", "said", "payload"),
    [
        (Message, {"type": "text", "text": {"body": "How much?"}}, "text", None),
        (CallbackButton, {"type": "button", "button": {"payload": "STOP|c1", "text": "Stop"}}, "title", "data"),
        (
            CallbackButton,
            {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "A"}}},
            "title",
            "data",
        ),
        (
            CallbackSelection,
            {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "s", "title": "S"}}},
            "title",
            "data",
        ),
    ],
)
def test_an_independent_client_reads_the_same_message(
    reader: Any, fields: dict[str, Any], said: str, payload: str
) -> None:
    context = {"from": "254711000000", "id": "wamid.OUT"}
    body = envelope({"contacts": [CONTACT], "messages": [message(**fields, context=context)]})
    theirs = reader.from_update(CLIENT, body)
    (ours,) = parse(body).messages
    assert (ours.message_id, ours.kind, ours.at) == (theirs.id, theirs.type.value, theirs.timestamp)
    assert ours.text == getattr(theirs, said)
    assert ours.payload == (getattr(theirs, payload) if payload else None)
    assert ours.quoted_message_id == theirs.reply_to_message.id
    assert ours.phone == "+" + theirs.from_user.wa_id
    assert ours.profile_name == theirs.from_user.name


def test_an_independent_client_reads_the_same_preference() -> None:
    body = envelope({"contacts": [CONTACT], "user_preferences": [preference()]}, field="user_preferences")
    theirs = UserMarketingPreferences.from_update(CLIENT, body)
    (ours,) = parse(body).preferences
    assert ours.is_stop is not bool(theirs)
    assert ours.at == theirs.timestamp
