"""Sending at a steady rate while three callbacks for each message come in at once: does anything pile up, or grow?

    python benchmarks/sustained.py [--per-second 1000] [--seconds 60] [--json FILE]      the row of the table
    python benchmarks/sustained.py --per-second 500 --seconds 1800                       a soak

Web processes (as many as under `tulia up`), worker, database and simulator share this machine. Everybody gets sent,
delivered and read within a second or two. Each second it looks how long the oldest callback has been waiting to be applied,
and at the memory of each process; said is the median of these in the first and in the last third.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too
from flows.opening import open_crowded_shop  # noqa: E402

if TYPE_CHECKING:
    from flows.shop import Shop
    from live_installation import Installation

_NEVER = dict.fromkeys(
    (
        "not_on_whatsapp_p",
        "capped_p",
        "us_blocked_p",
        "opted_out_p",
        "experiment_p",
        "later_p",
        "read_only_p",
        "reply_text_p",
        "reply_button_p",
        "stop_p",
        "native_stop_p",
        "block_p",
    ),
    0.0,
)
_SOON = {"median": 12.0, "sigma": 0.3}  # virtual seconds, sixty to a real one
KEEN = _NEVER | {"online_p": 1.0, "read_p": 1.0, "sent": _SOON, "delivered_now": _SOON, "read": _SOON}
"""People to whom everything is delivered, who read it, and say nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to see at one moment."""

    at: float
    sent: int
    delivered: int
    read: int
    lag_seconds: float
    memory_mb: dict[str, float]


def resident(pid: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def look(running: Installation, shop: Shop, campaign: str, began: float) -> tuple[Look, Any]:
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        row = sql.fetch_one(
            "SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(received_at)), 0) FROM ingest_callbacks"
            " WHERE tenant_id = %(tenant_id)s::uuid AND applied_at IS NULL",
            {"tenant_id": shop.tenant_id},
        )
    seen = shop.get(f"/v1/campaigns/{campaign}")
    memory = {name: resident(process.pid) for name, process in running.processes.items()}
    lag = float(row[0]) if row else 0.0
    counts = (seen["delivery_count"], seen["delivered_count"], seen["read_count"])
    return Look(time.monotonic() - began, *counts, lag, memory), seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    from django.conf import settings

    import live_installation as installations

    with (
        tempfile.TemporaryDirectory() as logs,
        installations.running(Path(logs), web_processes=settings.WEB_PROCESSES) as running,
    ):
        installations.fetch(
            f"{running.simulator_url}/_sim/config",
            {"behaviour": {"service": KEEN, "marketing": KEEN}, "noise": {"dup_rate": 0.0, "reorder_rate": 0.0}},
            method="PUT",
        )
        people = options.per_second * options.seconds
        # Evenly is a little below the limit, so that no second is above it.
        shop = open_crowded_shop(running, people=people, rate=round(options.per_second * 1.09))
        campaign = shop.make()
        shop.execute(campaign)
        looks: list[Look] = []
        began = time.monotonic()
        while True:
            last, seen = look(running, shop, campaign, began)
            if last.sent:
                looks.append(last)
            if seen["status"] == "completed" and last.read >= people:
                break
            if last.at > 2 * options.seconds + 120:
                print("it doesn't keep up: given up")
                break
            if len(looks) % 60 == 1:
                print(
                    f"{last.at:6.0f} s  sent {last.sent:,}  read {last.read:,}  lag {last.lag_seconds:.2f} s",
                    flush=True,
                )
            time.sleep(max(0.0, began + len(looks) + 1 - time.monotonic()) if looks else 0.1)
        ended = time.monotonic() - began
    sending = [one for one in looks if one.sent < people] or looks
    rate = (sending[-1].sent - sending[0].sent) / (sending[-1].at - sending[0].at)
    callbacks = 3 * people / (ended - looks[0].at)
    third = max(1, len(sending) // 3)
    lags = [statistics.median(one.lag_seconds for one in part) for part in (sending[:third], sending[-third:])]
    rows = [
        Figure("messages while three callbacks for each come in", rate, "messages/s", at_least=0.97 * options.per_second),
        Figure("callbacks applied, to the last one", callbacks, "updates/s", at_least=2.8 * options.per_second),
        Figure("oldest callback waiting, last third of the time", lags[1], "s", at_most=1.0, limit=max(lags[0], 0.1),
               limit_is="first third (or 0.1)", ratio_at_most=2.0),
        Figure("longest that any callback waited", max(one.lag_seconds for one in sending), "s", at_most=5.0),
    ]  # fmt: skip
    for name in looks[0].memory_mb:
        if name == "simulator":
            continue
        early, late = (
            statistics.median(one.memory_mb[name] for one in part)
            for part in (sending[third : 2 * third], sending[-third:])
        )
        rows.append(
            Figure(f"memory of the {name}, last third", late, "MB", at_most=200, limit=early,
                   limit_is="second third", ratio_at_most=1.1)
        )  # fmt: skip
    print(figures.table(rows))
    figures.write(options.json, rows, people=people, seconds=ended)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
