"""Running a simulator: one listener with all surfaces behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from whatsapp_simulator.config import Config, merged
from whatsapp_simulator.control import Control
from whatsapp_simulator.counting import exposition
from whatsapp_simulator.exchange import Reply, Request, answer
from whatsapp_simulator.fast_http import FastServer
from whatsapp_simulator.graph import VERSION, Graph
from whatsapp_simulator.world import World


class RunningSimulator:
    """A simulator that listens at `url`. `world` is open to tests that want to look inside."""

    def __init__(self, world: World, control: Control, server: FastServer, host: str, port: int) -> None:
        self.world = world
        self.host = host
        self.port = port
        self._control = control
        self._server = server

    @property
    def url(self) -> str:
        """``http://host:port``, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def close(self) -> None:
        """Stop listening, delivering and living; what was still to happen is forgotten."""
        await self._server.close()
        await self._control.close()
        self.world.timeline.clear()
        await self.world.delivering.close()


async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    seed: int = 1,
    scale: float = 1.0,
    config: Mapping[str, Any] | Config | None = None,
    control_token: str = "",
) -> RunningSimulator:
    """Start a simulator in the running loop; port 0 takes a free one. OSError when the port is in use."""
    settings = config if isinstance(config, Config) else merged(Config(), config or {})
    world = World(seed, scale, settings)
    control = Control(world, control_token)
    graph = Graph(world)

    def handle(request: Request) -> Reply | Awaitable[Reply]:
        path = request.path
        segments = path.strip("/").split("/")
        if len(segments) >= 2 and VERSION.fullmatch(segments[0]):
            return graph.handle(request, segments)
        if path.startswith("/_sim/"):
            return control.handle(request)
        if path == "/healthz":
            return answer({"status": "ok", "accepted": len(world.ledger), "scheduled": len(world.timeline)})
        if path == "/metrics":
            return Reply(200, exposition(world), "text/plain; version=0.0.4")
        return answer({"error": "there is nothing here"}, 404)

    def refuses(path: str) -> bool:
        if not world.faults:
            return False
        segments = path.strip("/").split("/")
        if len(segments) < 2 or VERSION.fullmatch(segments[0]) is None:
            return False
        is_refused = world.faults.refuses(segments[1], segments[2] if len(segments) > 2 else "")
        if is_refused and world.config.watch:
            world.watching.refused(segments[1])
        return is_refused

    await world.delivering.start()
    server = FastServer(handle, refuses, lambda: world.config.watch)
    try:
        bound = await server.start(host, port)
    except BaseException:
        await world.delivering.close()
        raise
    return RunningSimulator(world, control, server, host, bound)
