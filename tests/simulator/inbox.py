"""A business's callback endpoint on loopback that keeps everything it is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from aiohttp import web


class Inbox:
    """Answers the handshake and every POST; `statuses` are HTTP statuses to answer next (then 200)."""

    def __init__(self) -> None:
        self.url = ""
        self.token = "verify me"
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.always: int | None = None
        self.check: Any = None
        self._runner: web.AppRunner | None = None

    async def open(self, port: int = 0) -> None:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_get("/callback", self._verify)
        app.router.add_post("/callback", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/callback"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _verify(self, request: web.Request) -> web.Response:
        if request.query.get("hub.verify_token") != self.token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else self.always or 200
        if self.check is not None and not self.check(dict(request.headers), body):
            status = 401
        if status == 200:
            self.posts.append((dict(request.headers), body))
        return web.Response(status=status)

    def values(self, field: str = "messages") -> list[dict[str, Any]]:
        """All `value` objects of a field, in the order of arrival."""
        return [
            change["value"]
            for _, body in self.posts
            for entry in orjson.loads(body)["entry"]
            for change in entry["changes"]
            if change["field"] == field
        ]

    def statuses(self, wamid: str | None = None) -> list[dict[str, Any]]:
        found = [status for value in self.values() for status in value.get("statuses", [])]
        return [status for status in found if wamid in (None, status["id"])]

    def states(self, wamid: str) -> list[str]:
        return [status["status"] for status in self.statuses(wamid)]

    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values() for message in value.get("messages", [])]

    def preferences(self) -> list[dict[str, Any]]:
        return [item for value in self.values("user_preferences") for item in value["user_preferences"]]

    def fates(self) -> Counter[tuple[str, str, int]]:
        """How often each (opaque data, state, error code) was told."""
        return Counter(
            (status["biz_opaque_callback_data"], status["status"], status.get("errors", [{"code": 0}])[0]["code"])
            for status in self.statuses()
        )
