"""A tenant that uses the product from outside: over HTTP, with a provider of its own at the simulator."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from live_installation import Installation, eventually, fetch

APP_SECRET = "app-secret-of-the-shop"
VERIFY_TOKEN = "verify-token"
ENDED = ("completed", "canceled")
_http = httpx.Client(timeout=70, verify=False)  # one for all: making one reads every certificate of the machine


@dataclass
class Shop:
    """One tenant with an API key and a sender."""

    installation: Installation
    tenant_id: uuid.UUID
    slug: str
    key: str
    sender_id: str
    phone_number_id: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        content = body if isinstance(body, bytes) else None
        return _http.request(
            method, self.installation.web_url + path, json=None if content is not None else body, content=content,
            headers=sent,
        )  # fmt: skip

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, **fields: Any) -> str:
        """A campaign from these fields; its id."""
        defaults = {"name": "Spring", "message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}
        answer = self.call("POST", "/v1/campaigns", defaults | {"sender_id": self.sender_id} | fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def execute(self, campaign_id: str, *, wait: float = 0, **body: Any) -> httpx.Response:
        return self.call(
            "POST", f"/v1/campaigns/{campaign_id}/execute", {"confirm": True} | body, Prefer=f"wait={wait:g}"
        )

    def report(self, campaign_id: str) -> Any:
        return self.get(f"/v1/campaigns/{campaign_id}/report")

    def until(self, campaign_id: str, *statuses: str, within: float = 60) -> Any:
        """The campaign once it is in one of these states (ended, if none is named)."""

        def look() -> Any:
            campaign = self.get(f"/v1/campaigns/{campaign_id}")
            return campaign if campaign["status"] in (statuses or ENDED) else None

        return eventually(look, within=within)

    def people(self, campaign_id: str, **filters: str) -> list[Any]:
        """Everyone of a campaign behind a line, over all pages."""
        query = "&".join(f"{name}={value}" for name, value in ({"limit": "200"} | filters).items())
        address: str | None = f"/v1/campaigns/{campaign_id}/recipients?{query}"
        found: list[Any] = []
        while address:
            page = self.get(address.removeprefix(self.installation.web_url))
            found += page["results"]
            address = page["next"]
        return found

    def callback(
        self, *values: dict[str, Any], secret: str = APP_SECRET, sender_id: str | None = None
    ) -> httpx.Response:
        """Posts a provider's callback with these values, signed."""
        metadata = {"display_phone_number": "254711000000", "phone_number_id": self.phone_number_id}
        changes = [
            {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata} | value}
            for value in values
        ]
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return _http.post(
            f"{self.installation.web_url}/v1/webhooks/whatsapp/{sender_id or self.sender_id}",
            content=body,
            headers={"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"},
        )

    def statuses(self, *updates: dict[str, Any], **options: Any) -> httpx.Response:
        return self.callback({"statuses": list(updates)}, **options)

    def ledger_of_provider(self) -> Any:
        """What the provider accepted, by our references."""
        return fetch(f"{self.installation.simulator_url}/_sim/ledger")

    def drain_provider(self) -> None:
        """Lets the simulated people live on until nothing more happens to them."""
        fetch(f"{self.installation.simulator_url}/_sim/drain", {"fast_forward": True}, method="POST")


def status(
    message_id: str, what: str, *, reference: str | None = None, at: float | None = None, code: int | None = None
) -> dict[str, Any]:
    """One entry of `statuses`."""
    update: dict[str, Any] = {"id": message_id, "status": what, "timestamp": str(int(at or time.time()))}
    if reference:
        update["biz_opaque_callback_data"] = reference
    if code:
        update["errors"] = [{"code": code, "title": "Failed", "message": "Failed"}]
    return update


def text_reply(phone: str, text: str, *, quoted: str | None = None, at: float | None = None) -> dict[str, Any]:
    """A value with one inbound text."""
    message: dict[str, Any] = {
        "from": phone.lstrip("+"), "id": f"wamid.IN{uuid.uuid4().hex}", "timestamp": str(int(at or time.time())),
        "type": "text", "text": {"body": text},
    }  # fmt: skip
    if quoted:
        message["context"] = {"from": "254711000000", "id": quoted}
    return {"contacts": [{"profile": {"name": "A"}, "wa_id": phone.lstrip("+")}], "messages": [message]}
