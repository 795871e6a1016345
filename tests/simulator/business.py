"""A business that sends through a simulator over real HTTP, and steers it."""

from __future__ import annotations

from typing import Any

import aiohttp

from whatsapp_simulator import RunningSimulator

NUMBER = {
    "phone_number_id": "1065",
    "display_phone_number": "+254 711 000000",
    "access_token": "token",
    "app_secret": "secret",
    "waba_id": "777",
    "rate": 0,
}


class Business:
    """One session; `send` returns HTTP status and JSON, `control` the JSON of a control request."""

    def __init__(self, simulator: RunningSimulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.token = "token"

    async def graph(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        url = f"{self.simulator.url}/v25.0/{path}"
        async with self.session.request(method, url, headers=headers, **kwargs) as answer:
            body = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return answer.status, body

    async def post(self, body: Any, number: str = "1065", edge: str = "messages") -> tuple[int, Any]:
        return await self.graph("POST", f"{number}/{edge}", json=body)

    async def send(
        self, to: str, opaque: str | None = None, *, edge: str = "messages", **changes: Any
    ) -> tuple[int, Any]:
        return await self.post({**template(to, opaque), **changes}, edge=edge)

    async def say(self, to: str, words: str = "Hello", opaque: str | None = None) -> tuple[int, Any]:
        body: dict[str, Any] = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": words}}
        if opaque is not None:
            body["biz_opaque_callback_data"] = opaque
        return await self.post(body)

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self.session.request(method, f"{self.simulator.url}/_sim/{path}", json=body) as answer:
            content = await answer.json()
            assert answer.status == status, content
            return content

    async def drain(self) -> Any:
        drained = await self.control("POST", "drain", {"fast_forward": True, "timeout_s": 20})
        assert drained["drained"], drained
        return drained

    async def ledger(self, query: str = "") -> Any:
        return await self.control("GET", f"ledger{query}")


def template(to: str, opaque: str | None = None, name: str = "harvest_offer") -> dict[str, Any]:
    """A template message with one body parameter and two quick replies."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": name,
            "language": {"code": "en"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "Amina"}]},
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "YES|c1"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "STOP|c1"}],
                },
            ],
        },
    }
    if opaque is not None:
        body["biz_opaque_callback_data"] = opaque
    return body


def wamid(answer: tuple[int, Any]) -> str:
    """The message id of an accepting answer."""
    assert answer[0] == 200, answer
    return str(answer[1]["messages"][0]["id"])
