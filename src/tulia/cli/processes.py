"""`tulia web`, `worker`, `simulator`, `introduce`: each runs in the foreground until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tulia.cli.installation import add_data_dir, database, ready
from tulia.cli.listening import listen

_KEEP_ALIVE_SECONDS = 75
_GRACEFUL_SECONDS = 15


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    web = commands.add_parser("web", help="serve the API and the pages")
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=int, default=8000)
    web.add_argument("--socket", type=int, default=-1, help=argparse.SUPPRESS)
    add_data_dir(web)
    web.set_defaults(run=_web)
    worker = commands.add_parser("worker", help="send messages and apply callbacks; run as many as you like")
    worker.add_argument("--host", default="127.0.0.1", help="address for --port (default: %(default)s)")
    worker.add_argument("--port", type=int, help="answer /healthz and /metrics of this worker here (default: nowhere)")
    add_data_dir(worker)
    worker.set_defaults(run=_worker)
    commands.add_parser("simulator", help="a WhatsApp of our own with people behind it", add_help=False)
    introduce = commands.add_parser("introduce")  # no help: for `tulia up`
    introduce.add_argument("--demo", action="store_true")
    introduce.add_argument("--callback-url", required=True)
    introduce.add_argument("--wait", type=float, default=0.0, metavar="SECONDS")
    add_data_dir(introduce)
    introduce.set_defaults(run=_introduce)


def _web(arguments: argparse.Namespace) -> int:
    if arguments.socket >= 0:  # inherited from `tulia up`, which holds the port over restarts
        return _serve(socket.socket(fileno=arguments.socket))
    listener = listen(arguments.host, arguments.port)
    with ready():
        return _serve(listener)


def _serve(listener: socket.socket) -> int:
    import uvicorn

    from tulia.core import threads

    config = uvicorn.Config(
        "tulia.config.asgi:application",
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    if counts := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Path(counts).mkdir(mode=0o700, exist_ok=True)  # somebody may have tidied it away
    config.load()  # all that is imported, which `hand_over_often` then leaves alone
    threads.hand_over_often()
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    listener = listen(arguments.host, arguments.port) if arguments.port is not None else None
    with ready():
        from django.conf import settings

        from tulia.core import logs
        from tulia.dispatch import health_port, worker
        from tulia.ingest import retention
        from tulia.webhooks import deliverer

        logs.configure(settings.LOG_LEVEL)
        pulse = health_port.Pulse()
        companions: list[worker.Companion] = [deliverer.deliver, retention.keep]
        if listener is not None:
            companions.append(health_port.serving(listener, pulse))
        return worker.run_worker(companions, pulse=pulse)


def simulator(rest: list[str]) -> int:
    """`tulia simulator …` takes the simulator's own options."""
    from whatsapp_simulator.__main__ import main

    return main(rest)


def _introduce(arguments: argparse.Namespace) -> int:
    """Makes the demo tenant if asked to, and registers every simulated sender with the simulator; prints the access."""
    with database():
        import django

        django.setup()
        from django.conf import settings

        from tulia.channels import simulated
        from tulia.tenants.scope import tenant_scope

        access: dict[str, object] = {}
        if arguments.demo and importlib.util.find_spec("tulia.demo"):
            from tulia.demo import shop

            found = shop.ensure()
            access = asdict(found)
            with tenant_scope(found.tenant_id):
                simulated.ensure(found.tenant_id)
        if settings.SIMULATOR_URL:
            _introduce_everyone(settings.SIMULATOR_URL, arguments)
    sys.stdout.write(json.dumps(access, default=str) + os.linesep)
    return 0


def _introduce_everyone(simulator_url: str, arguments: argparse.Namespace) -> None:
    """A simulator that stays away is a warning: real senders don't need it."""
    from tulia.channels import simulated

    deadline = time.monotonic() + arguments.wait
    waiting = simulated.everyone()
    while waiting:
        try:
            simulated.introduce(waiting[0], simulator_url=simulator_url, public_url=arguments.callback_url)
            waiting.pop(0)
        except simulated.SimulatorUnavailable as error:
            if time.monotonic() > deadline:
                print(f"tulia: {error}", file=sys.stderr)
                return
            time.sleep(0.2)
