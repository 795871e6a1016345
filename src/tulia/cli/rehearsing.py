"""`tulia rehearse`: what a campaign would do if it were launched now, played against a simulator of its own."""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tulia.cli.failing import CommandFailed
from tulia.cli.installation import add_data_dir, ready
from tulia.cli.listening import free_port

if TYPE_CHECKING:
    from tulia.dispatch.rehearsal import Problem, Rehearsal

_START_SECONDS = 30.0
# Nothing is held back, because the rehearsal isn't about the time it takes; that is told by the sender's rate.
_SETTINGS = {"limits": {"pair_burst": 0, "number_per_s": 0}}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rehearsing = commands.add_parser(
        "rehearse", help="run a campaign against the simulator, sending nothing; exit 1 if anything would go wrong"
    )
    rehearsing.add_argument("campaign_id", type=_campaign_id, metavar="CAMPAIGN_ID")
    rehearsing.add_argument(
        "--people",
        type=_people,
        default=1_000,
        help="how many messages to make and send, at most (default: %(default)s)",
    )
    rehearsing.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(rehearsing)
    rehearsing.set_defaults(run=_rehearse)


def _campaign_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a campaign") from None


def _people(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError("must be from 1 to 10000")
    return int(text)


def _rehearse(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.core import clock
        from tulia.dispatch import rehearsal

        tenant_id = rehearsal.tenant_of(arguments.campaign_id)
        number, token = rehearsal.sender_of(tenant_id, arguments.campaign_id).external_id, secrets.token_urlsafe(24)
        with _simulator(number, token) as url:
            done = rehearsal.rehearse(
                tenant_id, arguments.campaign_id, provider_url=url, access_token=token, most=arguments.people,
                now=clock.now(),
            )  # fmt: skip
    print(json.dumps(_as_json(done)) if arguments.json else _as_text(done))
    return 0 if done.is_flawless else 1


@contextlib.contextmanager
def _simulator(number: str, token: str) -> Iterator[str]:
    """A simulator for the time of the `with` that knows this number."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "whatsapp_simulator", "--host", "127.0.0.1", "--port", str(port), "--quiet"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _tell(f"{url}/_sim/config", _SETTINGS, method="PUT", process=process)
        registration = {
            "phone_number_id": number, "display_phone_number": f"1555{number[-7:]}", "access_token": token,
            "app_secret": secrets.token_hex(16), "verify_token": secrets.token_hex(8), "rate": 0,
        }  # fmt: skip
        _tell(f"{url}/_sim/numbers", registration, method="POST", process=process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _tell(address: str, body: dict[str, Any], *, method: str, process: subprocess.Popen[bytes]) -> None:
    """Raises CommandFailed when the simulator doesn't take it."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(  # noqa: S310 - on loopback
        address, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method=method
    )
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with direct.open(request, timeout=10) as response:
                response.read()
                return
        except urllib.error.HTTPError as error:
            with error:
                raise CommandFailed(f"the simulator refused: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed("the simulator doesn't start") from error
        time.sleep(0.05)


def _as_json(done: Rehearsal) -> dict[str, Any]:
    told = asdict(done) | {
        "standing": [{"state": state, "reason": reason, "people": people} for state, reason, people in done.standing],
        "is_flawless": done.is_flawless,
    }
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


def _as_text(done: Rehearsal) -> str:
    lines = [
        f"{done.name}: {done.audience:,} people in the audience. Nothing was sent, and nothing is kept of this.",
        *(f"  {people:>9,}  {_standing(state, reason)}" for state, reason, people in done.standing),
        f"{done.accepted:,} of {done.tried:,} messages tried were taken by the simulator.",
        *_problems("can't be made", done.unmakeable),
        *_problems("were refused", done.refused),
        f"At {done.rate_per_second:,} a second, everybody takes {_duration(done.seconds)}.",
    ]
    return "\n".join(lines)


def _standing(state: str, reason: str) -> str:
    if state == "sending":
        return "tried in this rehearsal"
    named = reason.replace("_", " ")
    if state == "waiting":
        return f"would follow{f': {named}' if named else ''}"
    return f"{state}{f': {named}' if named else ''}"


def _problems(what: str, problems: tuple[Problem, ...]) -> Iterator[str]:
    for one in problems:
        examples = ", ".join(map(str, one.example_customer_ids))
        yield f"  {one.people:>9,}  {what}: {one.reason.rstrip('.')} (customers {examples})"


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    hours, minutes, left = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
