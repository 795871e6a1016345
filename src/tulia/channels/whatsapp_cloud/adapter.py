"""WhatsApp Cloud API: posts one message and reads the answer."""

from __future__ import annotations

import re

import aiohttp

from tulia.channels.adapter import Connection, OnWire, Withheld, go_out
from tulia.channels.http import NotedBody
from tulia.channels.types import Failure, FailureKind, OutgoingMessage, Rejected, SendOutcome, Uncertain
from tulia.channels.whatsapp_cloud import failures, payload
from tulia.core import clock

DEFAULT_BASE_URL = "https://graph.facebook.com"
API_VERSION = "v25.0"
_HAS_VERSION = re.compile(r"/v\d+(\.\d+)?$")


def graph_address(connection: Connection) -> str:
    """Where the provider answers, with the version."""
    base = (connection.base_url or DEFAULT_BASE_URL).rstrip("/")
    return base if _HAS_VERSION.search(base) else f"{base}/{API_VERSION}"


class WhatsAppCloud:
    """Sends with one phone number. There is no idempotency key: what isn't answered stays uncertain."""

    def __init__(self, connection: Connection, session: aiohttp.ClientSession) -> None:
        self._url = f"{graph_address(connection)}/{connection.external_id}/messages"
        self._headers = {"Authorization": f"Bearer {connection.access_token}", "Content-Type": "application/json"}
        self._session = session

    async def send(self, message: OutgoingMessage, *, on_wire: OnWire = go_out) -> SendOutcome:
        """Posts the message once. What ended before its first byte counts as certainly not sent. Raises Withheld."""
        try:
            body = payload.to_body(message)
        except payload.PayloadInvalid as error:
            return Rejected(Failure(FailureKind.CONTENT, "payload_invalid", str(error)))
        noted = NotedBody(body, on_wire)
        try:
            async with self._session.post(
                self._url, data=noted, headers=self._headers, allow_redirects=False
            ) as response:
                answer = await response.read()
                return failures.classify_response(
                    response.status, answer, retry_after=response.headers.get("Retry-After"), now=clock.now()
                )
        except aiohttp.InvalidURL:
            return Rejected(Failure(FailureKind.ACCOUNT, "bad_url", "The sender's base URL is not a web address."))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if noted.is_withheld:
                raise Withheld from None
            if not noted.has_left:
                return Rejected(Failure(FailureKind.TRANSIENT, "connect", "The provider could not be reached."))
            is_late = isinstance(error, TimeoutError)
            return Uncertain("no answer in time" if is_late else "the connection broke before the answer")
