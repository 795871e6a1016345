"""How fast messages go out, ledger written: a whole installation against the simulator, beside the bare HTTP client.

    python benchmarks/dispatch.py [--people 30000] [--json FILE]

Prints messages a second from launch to completion, the same for one aiohttp client without any ledger against the same
simulator, their ratio, and the worker's largest memory at two sizes of campaign.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

IN_FLIGHT = 512


async def bare_client(url: str, phone_number_id: str, token: str, count: int) -> float:
    """Messages a second of one aiohttp client that writes nothing down."""
    import aiohttp

    body = json.dumps(
        {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+254799000000", "type": "text",
         "text": {"body": "Fresh mangoes!"}}
    ).encode()  # fmt: skip
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    slots = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> None:
            async with (
                slots,
                session.post(f"{url}/v25.0/{phone_number_id}/messages", data=body, headers=headers) as answer,
            ):
                await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(count)))
        return count / (time.perf_counter() - began)


def memory_of(pid: int) -> float:
    """The largest resident memory of a process so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quiet-people", action="store_true", help="nobody reads or replies: no callbacks at all")
    options = parser.parse_args()
    tests_conftest._start_database()
    import live_installation as installations
    from flows.opening import open_shop

    with tempfile.TemporaryDirectory() as logs, installations.running(Path(logs)) as running:
        figures: dict[str, float] = {}
        for size in (max(1_000, options.people // 10), options.people):
            shop = open_shop(running, customers=size, rate=100_000)
            campaign = shop.make()
            shop.execute(campaign)
            ended = shop.until(campaign, within=600)
            seconds = _seconds(ended["started_at"], ended["completed_at"])
            figures[f"messages_per_second_{size}"] = ended["delivery_count"] / seconds
            figures[f"worker_memory_mb_{size}"] = memory_of(running.processes["worker"].pid)
        figures["bare_client_per_second"] = asyncio.run(
            bare_client(running.simulator_url, shop.phone_number_id, f"token-{shop.phone_number_id}", 10_000)
        )
    figures["ratio"] = figures[f"messages_per_second_{options.people}"] / figures["bare_client_per_second"]
    for name, figure in figures.items():
        print(f"{name:<40} {figure:>12,.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    tests_conftest._held.close()
    return 0


def _seconds(start: str, end: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


if __name__ == "__main__":
    sys.exit(main())
