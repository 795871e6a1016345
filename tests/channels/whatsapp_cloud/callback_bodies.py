"""Callbacks of WhatsApp as tests write them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from tulia.channels.types import CallbackContent, InboundMessage
from tulia.channels.whatsapp_cloud import callback

OURS = "1065"
AT = 1_763_800_123
INSTANT = datetime.fromtimestamp(AT, UTC)
CONTACT = {"profile": {"name": "Amina"}, "wa_id": "254700000001", "user_id": "KE.13491208655302741918"}


def envelope(*values: dict[str, Any], field: str = "messages", number: str = OURS) -> dict[str, Any]:
    metadata = {"display_phone_number": "254711000000", "phone_number_id": number}
    changes = [{"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **v}} for v in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "WABA", "changes": changes}]}


def status(**fields: Any) -> dict[str, Any]:
    return {
        "id": "wamid.1",
        "status": "delivered",
        "timestamp": str(AT),
        "recipient_id": "254700000001",
        "biz_opaque_callback_data": "r1",
        **fields,
    }


def message(**fields: Any) -> dict[str, Any]:
    return {"from": "254700000001", "id": "wamid.IN1", "timestamp": str(AT), **fields}


def parse(body: object) -> CallbackContent:
    return callback.parse(body if isinstance(body, bytes) else json.dumps(body).encode(), phone_number_id=OURS)


def one_message(**fields: Any) -> InboundMessage:
    content = parse(envelope({"contacts": [CONTACT], "messages": [message(**fields)]}))
    assert content.errors == ()
    (only,) = content.messages
    return only


def preference(**fields: Any) -> dict[str, Any]:
    return {
        "wa_id": "254700000001",
        "detail": "d",
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": AT,
        **fields,
    }


def sign(raw: bytes, secret: str = "s3cret") -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
