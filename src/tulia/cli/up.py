"""`tulia up`: everything in one command. What can be wrong is checked first; then nothing is left running, ever."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

from tulia.cli import banner, installation, standing, web_processes
from tulia.cli.database_keeper import DatabaseKeeper
from tulia.cli.failing import CommandFailed
from tulia.cli.installation import add_data_dir, check_database_url, data_dir, use_cluster
from tulia.cli.listening import free_port, listen
from tulia.cli.supervisor import Child, Supervisor

# In the simulator a minute passes in a second, so that the people of a demo read and answer while one watches.
_SIMULATOR_SCALE = "60"
_READY_SECONDS = 90.0
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.2


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = commands.add_parser("up", help="run everything: database, web, worker, simulator; Ctrl-C stops all of it")
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    up.add_argument("--port", type=int, default=8000, help="port to listen on, 0 for a free one (default: %(default)s)")
    up.add_argument(
        "--demo", action=argparse.BooleanOptionalAction, default=True, help="make a demo tenant with a believable shop"
    )
    up.add_argument(
        "--simulator", action=argparse.BooleanOptionalAction, default=True, help="run a simulated WhatsApp beside it"
    )
    add_data_dir(up)
    up.set_defaults(run=_up)


def _up(arguments: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_once)
    try:
        with contextlib.ExitStack() as held:
            _run(arguments, held)
    except KeyboardInterrupt:
        pass
    return 0


def _stop_once(*_: object) -> NoReturn:
    """The first signal unwinds everything; later ones must not interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(arguments: argparse.Namespace, held: contextlib.ExitStack) -> NoReturn:
    place = data_dir()
    held.enter_context(standing.alone(place))
    listener = held.enter_context(listen(arguments.host, arguments.port))
    os.environ["TULIA_DATA_DIR"] = str(place)
    port = listener.getsockname()[1]
    url = f"http://{_reachable(arguments.host)}:{port}"
    os.environ.setdefault("TULIA_PUBLIC_URL", url)
    web_count = _checked_web_count()
    keeper = None
    if os.environ.get("DATABASE_URL"):
        check_database_url()
    else:
        from tulia.config import embedded_postgres

        server = held.enter_context(embedded_postgres.serving(place, until_exit=True))
        use_cluster(server.cluster)
        keeper = DatabaseKeeper(server)

    first, *others = web_processes.children(place, listener, held, count=web_count)
    supervisor = Supervisor()
    held.callback(supervisor.stop)  # before what they count together goes
    given_simulator = os.environ.get("TULIA_SIMULATOR_URL", "")
    if arguments.simulator and not given_simulator:
        os.environ["TULIA_SIMULATOR_URL"] = _start_simulator(supervisor, place)
    elif not arguments.simulator:
        os.environ.pop("TULIA_SIMULATOR_URL", None)
    # A web process spends a second on importing; it says it is not ready until the migrations are done.
    supervisor.start(first)
    installation.migrate_if_needed()
    access = _introduce(url, with_demo=arguments.demo, supervisor=supervisor)
    # Late, because its work can wait for the second that its start takes from the others; and so can the other webs'.
    supervisor.start(_child("worker", place, [sys.executable, "-m", "tulia.cli", "worker"]))
    _wait_until_ready(url, supervisor)
    for other in others:
        supervisor.start(other)
    for child in supervisor.children:
        if child.name == "simulator":
            # A new simulator knows no number, and needs a moment before it can be told.
            child.on_restart = lambda: supervisor.send([*_introduction(url), "--wait", "30"])
    standing.announce(place, url=url, simulator_url=os.environ.get("TULIA_SIMULATOR_URL", ""))
    print(banner.text(url, access), flush=True)
    while True:
        supervisor.watch()
        if keeper:
            keeper.watch()
        time.sleep(_WATCH_SECONDS)


def _reachable(host: str) -> str:
    """The host part of an address under which this machine reaches itself."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1" if host != "::" else "[::1]"
    return f"[{host}]" if ":" in host else host


def _checked_web_count() -> int:
    """How many web processes to run. Raises ImproperlyConfigured for a value that no child could understand."""
    from tulia.config import settings

    assert settings.SECRET_KEY
    return settings.WEB_PROCESSES


def _child(name: str, place: Path, command: list[str]) -> Child:
    return Child(name, command, {}, place / "logs" / f"{name}.log")


def _start_simulator(supervisor: Supervisor, place: Path) -> str:
    port = free_port()
    command = [
        sys.executable, "-m", "whatsapp_simulator", "--host", "127.0.0.1", "--port", str(port),
        "--scale", _SIMULATOR_SCALE,
    ]  # fmt: skip
    supervisor.start(_child("simulator", place, command))
    return f"http://127.0.0.1:{port}"


def _introduce(url: str, *, with_demo: bool, supervisor: Supervisor) -> dict[str, Any]:
    """Makes the demo tenant and the simulator's numbers; who may sign in, or nothing."""
    command = [*_introduction(url), *(["--demo"] if with_demo else [])]
    if any(child.name == "simulator" for child in supervisor.children):
        _wait_for(f"{os.environ['TULIA_SIMULATOR_URL']}/_sim/clock", supervisor)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = installation.last_line(done.stderr)
        raise CommandFailed(f"the demo and the simulator can't be prepared: {said}")
    sys.stderr.write(done.stderr)
    access: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return access


def _introduction(url: str) -> list[str]:
    return [sys.executable, "-m", "tulia.cli", "introduce", "--callback-url", url]


def _wait_until_ready(url: str, supervisor: Supervisor) -> None:
    _wait_for(f"{url}/readyz", supervisor)


def _wait_for(address: str, supervisor: Supervisor) -> None:
    """Raises CommandFailed when a child ends before, or after a minute and a half."""
    deadline = time.monotonic() + _READY_SECONDS
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with direct.open(address, timeout=10) as response:
                if response.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(_POLL_SECONDS)
        if child := supervisor.ended():
            raise CommandFailed(f"{child.name} ended at once: {child.last_words()} (see {child.log_path})")
        if time.monotonic() > deadline:
            raise CommandFailed(f"{address} doesn't answer: see the logs in {data_dir() / 'logs'}")
