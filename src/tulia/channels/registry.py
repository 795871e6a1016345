"""Every channel there is: a new one is a directory and one line here."""

from __future__ import annotations

from uuid import UUID

import aiohttp
from django.conf import settings

from tulia.channels.adapter import Adapter, CallbackReader, Connection, Redaction, TemplateReader
from tulia.channels.models import Sender
from tulia.channels.whatsapp_cloud import callback as whatsapp_callback
from tulia.channels.whatsapp_cloud import failures as whatsapp_failures
from tulia.channels.whatsapp_cloud import listed_templates as whatsapp_templates
from tulia.channels.whatsapp_cloud import redaction as whatsapp_redaction
from tulia.channels.whatsapp_cloud.adapter import WhatsAppCloud
from tulia.channels.whatsapp_cloud.adapter import graph_address as whatsapp_address
from tulia.core import by_key, crypto
from tulia.tenants.scope import tenant_scope

ADAPTERS = {"whatsapp_cloud": WhatsAppCloud}
TEMPLATES: dict[str, TemplateReader] = {"whatsapp_cloud": whatsapp_templates}
CALLBACKS: dict[str, CallbackReader] = {"whatsapp_cloud": whatsapp_callback}
REDACTIONS: dict[str, Redaction] = {"whatsapp_cloud": whatsapp_redaction}


def connection_of(tenant_id: UUID, sender_id: UUID) -> Connection | None:
    """How to send with this sender; None when it is gone."""
    with tenant_scope(tenant_id):
        sender = by_key.row(Sender, tenant_id=tenant_id, pk=sender_id)
    if sender is None:
        return None
    return Connection(
        tenant_id=tenant_id,
        sender_id=sender_id,
        kind=sender.kind,
        external_id=sender.external_id,
        base_url=settings.SIMULATOR_URL if sender.is_simulated else sender.base_url,
        rate_per_second=sender.rate_per_second,
        access_token=crypto.decrypt(sender.access_token_encrypted),
    )


def connect(connection: Connection, session: aiohttp.ClientSession) -> Adapter:
    """The adapter of this sender's kind, on the worker's one HTTP session."""
    return ADAPTERS[connection.kind](connection, session)


def address_of(connection: Connection) -> str:
    """Where the provider answers questions about this sender and its account."""
    return whatsapp_address(connection)


_OWN_CODES = {
    "connect": "The provider could not be reached, however often it was tried.",
    "payload_invalid": "The message is longer than the provider takes, or lacks a value.",
    "bad_url": "The sender's base URL is not a web address.",
}


def explain(code: str) -> str:
    """What a failure code means and what to do, in a sentence or two."""
    if code in _OWN_CODES:
        return _OWN_CODES[code]
    known = whatsapp_failures.failure_of({"code": int(code)}) if code.isascii() and code.isdigit() else None
    return known.message if known else f"The provider answered with {code or 'a failure without a code'}."
