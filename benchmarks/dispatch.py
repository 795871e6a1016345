"""How fast messages go out, ledger written: one worker against a provider that accepts at once, beside its bare client.

    python benchmarks/dispatch.py [--people 100000] [--json FILE]

Counted is from launch to completion: freezing the audience, claiming, making the messages, sending, recording, counting.
The limit is the worker's own client (the adapter, its session, the same loop) sending as many ready-made messages without
any ledger, with as many under way as suits it best. Said too is the rate in the middle of the run, and the worker's
largest memory after a tenth of the people and after all.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402
from ingestion import use_provider  # noqa: E402
from instant_provider import running as instant_provider  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too
from flows.opening import open_crowded_shop  # noqa: E402

UNDER_WAY = (64, 128, 256, 512)


async def bare_client(address: str, count: int, under_way: int) -> float:
    """Messages a second of the worker's client, when nothing is written down."""
    from tulia.channels import http, registry
    from tulia.channels.adapter import Connection
    from tulia.channels.types import OutgoingMessage

    connection = Connection(uuid.uuid4(), uuid.uuid4(), "whatsapp_cloud", "1", address, 1, "token")
    left = iter(range(count))
    async with http.session(timeout_seconds=30) as session:
        adapter = registry.connect(connection, session)

        async def lane() -> None:
            for n in left:
                await adapter.send(
                    OutgoingMessage(to="+254700000000", reference=f"t1:{n}", text="Hello, fresh mangoes!")
                )

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(under_way)))
        return count / (time.perf_counter() - began)


def memory_of(pid: int) -> float:
    """The largest resident memory of a process so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    import uvloop

    import live_installation as installations

    memory: list[float] = []
    with (
        tempfile.TemporaryDirectory() as logs,
        installations.running(Path(logs)) as running,
        instant_provider(installations.free_port()) as provider,
    ):
        for size in (options.people // 10, options.people):
            shop = open_crowded_shop(running, people=size, rate=100_000)
            use_provider(shop, provider)
            campaign = shop.make(message_content="Hello {{ name }}, fresh mangoes!")
            shop.execute(campaign)
            marks: list[tuple[float, int]] = []
            while (seen := shop.get(f"/v1/campaigns/{campaign}"))["status"] != "completed":
                marks.append((time.perf_counter(), seen["delivery_count"]))
                time.sleep(0.25)
            assert seen["delivery_count"] == size
            whole = size / _seconds(seen["started_at"], seen["completed_at"])
            memory.append(memory_of(running.processes["worker"].pid))
        limit = max(uvloop.run(bare_client(provider, 10_000, under_way)) for under_way in UNDER_WAY)
    middle = [mark for mark in marks if 0.2 * size <= mark[1] <= 0.9 * size]
    steady = (middle[-1][1] - middle[0][1]) / (middle[-1][0] - middle[0][0])
    rows = [
        Figure("dispatch, from launch to completion", whole, "messages/s", at_least=4_000),
        Figure("dispatch, in the middle of the run", steady, "messages/s", at_least=4_000, limit=limit,
               limit_is="the worker's client without a ledger", ratio_at_least=0.6),
        Figure(f"memory of the worker after {options.people:,} people", memory[1], "MB", at_most=200, limit=memory[0],
               limit_is=f"after {options.people // 10:,}", ratio_at_most=1.1),
    ]  # fmt: skip
    print(figures.table(rows))
    figures.write(options.json, rows)
    tests_conftest._held.close()
    return 0


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


if __name__ == "__main__":
    sys.exit(main())
