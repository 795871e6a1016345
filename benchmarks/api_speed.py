"""How long the API takes under 200 requests a second of mixed reads, while a campaign is being sent.

    python benchmarks/api_speed.py [--people 50000] [--rate 200] [--seconds 30] [--sending 100]
        [--web-processes 2] [--json FILE]

A whole installation, as `tulia up` runs it: as many web processes as processors (at most 4), worker, simulator, database;
and this process, which asks. Requests begin when they are due,
whether or not the ones before were answered, and the time of each counts from when it was due: a server that stops for a
second is charged for every request that should have been made meanwhile. Reads are dealt out over all lists and reports.
`--sending` is the rate of the campaign that runs meanwhile, whose callbacks come in through the same web process.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

if TYPE_CHECKING:
    import aiohttp

AT_MOST_MS = 100.0


def addresses(campaign: str, customer: str) -> list[str]:
    """What is asked, in turns: lists as often as reports."""
    one = f"/v1/campaigns/{campaign}"
    return [
        "/v1/campaigns", "/v1/campaigns?status=sending", one, f"{one}/report", "/v1/customers",
        f"{one}/recipients", f"{one}/recipients?state=failed", f"{one}/timeline?interval=minute", f"{one}/funnel",
        "/v1/customers?tag=vip", f"/v1/customers/{customer}", f"{one}/failures", f"{one}/money",
        f"{one}/response-times", "/v1/templates", "/v1/senders", "/v1/usage", "/v1/audit", "/v1/settings",
        "/v1/members", f"/v1/customers/{customer}/preferences", f"/v1/customers/{customer}/consent-history",
    ]  # fmt: skip


class Measured:
    """Milliseconds from when a request was due to its last byte, by address; and what went wrong."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []

    def all(self) -> list[float]:
        return sorted(ms for took in self.took.values() for ms in took)


def share(sorted_values: list[float], part: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]


async def ask(url: str, key: str, paths: list[str], *, rate: int, seconds: float) -> Measured:
    """Open-loop: the n-th request is due n/rate seconds after the beginning."""
    import aiohttp

    measured = Measured()
    headers = {"Authorization": f"Bearer {key}"}
    limits = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers, timeout=limits) as web:
        began = time.perf_counter() + 0.1
        asked = []
        for n in range(int(rate * seconds)):
            due = began + n / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            asked.append(asyncio.create_task(_one(web, url, paths[n % len(paths)], due, measured)))
        await asyncio.gather(*asked)
    return measured


async def _one(web: aiohttp.ClientSession, url: str, path: str, due: float, measured: Measured) -> None:
    try:
        async with web.get(url + path) as answer:
            await answer.read()
            if answer.status != 200:
                measured.wrong.append(f"{path} {answer.status}")
    except (OSError, TimeoutError) as error:
        measured.wrong.append(f"{path} {error!r}")
    measured.took[path].append(1_000 * (time.perf_counter() - due))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sending", type=int, default=100)
    parser.add_argument("--web-processes", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    from django.conf import settings

    import live_installation as installations
    from flows.opening import open_shop

    count = options.web_processes or settings.WEB_PROCESSES
    with tempfile.TemporaryDirectory() as logs, installations.running(Path(logs), web_processes=count) as running:
        shop = open_shop(running, customers=options.people, rate=options.sending)
        campaign = shop.make()
        shop.execute(campaign)
        customer = shop.get("/v1/customers")["results"][0]["id"]
        paths = addresses(campaign, customer)
        asyncio.run(ask(running.web_url, shop.key, paths, rate=20, seconds=len(paths) / 20))  # everything once
        measured = asyncio.run(ask(running.web_url, shop.key, paths, rate=options.rate, seconds=options.seconds))
        state = shop.get(f"/v1/campaigns/{campaign}")
    took = measured.all()
    for path, times in sorted(measured.took.items(), key=lambda one: -share(sorted(one[1]), 0.99)):
        print(f"{share(sorted(times), 0.5):>9.1f}{share(sorted(times), 0.99):>9.1f} ms  {path}")
    print(f"{len(took):,} requests; {len(measured.wrong)} went wrong {measured.wrong[:3]}; the campaign is "
          f"{state['status']}, {state['delivery_count']:,} sent")  # fmt: skip
    row = Figure(
        f"API, {options.rate} reads/s while a campaign is sent, p99", share(took, 0.99), "ms", at_most=AT_MOST_MS
    )
    print(
        f"p50 {share(took, 0.5):.1f} ms, p90 {share(took, 0.9):.1f} ms, p99 {row.figure:.1f} ms, most {took[-1]:.1f} ms"
    )
    print(figures.table([row]))
    figures.write(options.json, [row], wrong=measured.wrong[:20])
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
