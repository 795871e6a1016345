"""How long reports, analyses and lists take on a large ledger, beside counting the same campaign's rows.

    python benchmarks/report_speed.py [--people 1000000] [--rows 10000000] [--only WORD] [--explain] [--json FILE]

Makes a shop of that many customers and that many rows of the ledger, in one campaign to everybody and others to a tenth
of them each, and prints for each method of the Python API the quickest and the slowest of some turns in milliseconds, its
limit, and how many times `count(*)` over the campaign's rows the quickest took. `--explain` prints the plans of each
statement.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures as table_of_figures  # noqa: E402
import large_shop  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

if TYPE_CHECKING:
    from large_shop import LargeShop

PAGE, REPORT = 100.0, 300.0
_COUNT = "SELECT count(*) FROM ledger_recipients WHERE tenant_id = %(tenant)s AND campaign_id = %(campaign)s"


def acts_of(shop: LargeShop) -> dict[str, tuple[float, Callable[[], Any]]]:
    """Each method with its limit in milliseconds."""
    from tulia.analytics_service import AnalyticsService
    from tulia.audience_service import AudienceService
    from tulia.campaign_service import CampaignService
    from tulia.core.keyset import PageRequest
    from tulia.reach_service import ReachService
    from tulia.tenants import api_keys

    caller = api_keys.operator(shop.tenant_id)
    campaigns, audience, analytics = CampaignService(caller), AudienceService(caller), AnalyticsService(caller)
    people = ReachService(caller)
    page, one = PageRequest(), shop.campaign_id
    middle = people.people(one, PageRequest(limit=200)).next
    deep = PageRequest(position=middle)
    month = {"since": large_shop.NOW - large_shop.MONTH, "until": large_shop.NOW}
    return {
        "list campaigns": (PAGE, lambda: campaigns.list_campaigns(page)),
        "list campaigns by status": (PAGE, lambda: campaigns.list_campaigns(page, status="completed")),
        "list recipients": (PAGE, lambda: people.people(one, page)),
        "list recipients, further on": (PAGE, lambda: people.people(one, deep)),
        "list recipients, failed": (PAGE, lambda: people.people(one, page, state="failed")),
        "list recipients, by code": (PAGE, lambda: people.people(one, page, reason="131026")),
        "list recipients, none such": (PAGE, lambda: people.people(one, page, state="unknown")),
        "list customers": (PAGE, lambda: audience.customers(page)),
        "list customers by tag": (PAGE, lambda: audience.customers(page, tag="tag 3")),
        "find customers": (PAGE, lambda: audience.customers(page, q="Person 4711")),
        "campaign": (PAGE, lambda: campaigns.get_campaign(one)),
        "execution": (REPORT, lambda: campaigns.execution(one)),
        "report": (REPORT, lambda: campaigns.generate_report(one).to_json()),
        "timeline, hours": (REPORT, lambda: analytics.timeline(one, interval="hour")),
        "timeline, days": (REPORT, lambda: analytics.timeline(one, interval="day")),
        "timeline, minutes": (REPORT, lambda: analytics.timeline(one, interval="minute")),
        "funnel": (REPORT, lambda: analytics.funnel(one)),
        "cohorts by first week": (REPORT, lambda: analytics.cohorts(one, by="first_message_week")),
        "cohorts by tag": (REPORT, lambda: analytics.cohorts(one, by="tag")),
        "cohorts by country": (REPORT, lambda: analytics.cohorts(one, by="country")),
        "response times": (REPORT, lambda: analytics.response_times(one)),
        "failures": (REPORT, lambda: analytics.failures(one)),
        "money": (REPORT, lambda: analytics.money(one)),
        "messaging, a month": (REPORT, lambda: analytics.messaging(**month)),
        "results.csv": (REPORT, lambda: list(analytics.export_results(one).blocks)),
    }


def quickest_and_slowest(act: Callable[[], Any], *, turns: int) -> tuple[float, float]:
    """In milliseconds."""
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        act()
        times.append(1_000 * (time.perf_counter() - began))
    return min(times), max(times)


def count_rows(shop: LargeShop) -> None:
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        sql.fetch_one(_COUNT, {"tenant": shop.tenant_id, "campaign": shop.campaign_id})


def export_everybody(shop: LargeShop) -> dict[str, float]:
    """People a second of the file of everybody, and by how many MB it makes this process larger."""
    from tulia.analytics_service import AnalyticsService
    from tulia.tenants import api_keys

    before, began, size = _resident_mb(), time.perf_counter(), 0
    most = before
    for block in AnalyticsService(api_keys.operator(shop.tenant_id)).export_recipients(shop.campaign_id).blocks:
        size += len(block)
        most = max(most, _resident_mb())
    seconds = time.perf_counter() - began
    return {
        "people_per_second": shop.people / seconds,
        "seconds": seconds,
        "file_mb": size / 1e6,
        "grown_by_mb": most - before,
    }


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def explained(*, wanted: bool) -> Iterator[None]:
    """Prints the plan of each statement that is run meanwhile, as it was carried out."""
    from django.db import connection

    def explain(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "--")):
            with context["cursor"].connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + statement, params)
                print("\n".join(f"    {line}" for (line,) in cursor.fetchall()))
        return execute(statement, params, many, context)

    if not wanted:
        yield
        return
    with connection.execute_wrapper(explain):
        yield


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", default="", help="methods with this word in their name")
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    began = time.perf_counter()
    tenths = max(0, options.rows - options.people) * 10 // options.people
    shop = large_shop.open_shop(options.people, campaigns=1 + tenths)
    print(
        f"{options.people:,} customers and {options.rows:,} rows of the ledger in {1 + tenths} campaigns, made in"
        f" {time.perf_counter() - began:.0f} s"
    )
    acts = {name: act for name, act in acts_of(shop).items() if options.only in name}
    limit, slowest = quickest_and_slowest(lambda: count_rows(shop), turns=2 * options.turns)
    figures: dict[str, Any] = {"people": options.people, "count_ms": limit}
    print(f"{'':<30}{'ms':>10}{'slowest':>10}{'limit':>8}{'× count(*)':>12}")
    print(f"{'count(*) of the campaign':<30}{limit:>10.1f}{slowest:>10.1f}")
    missed = 0
    for name, (target, act) in acts.items():
        quickest, slowest = quickest_and_slowest(act, turns=options.turns)
        figures[name] = {"ms": quickest, "slowest_ms": slowest, "limit_ms": target, "ratio": quickest / limit}
        over = "" if quickest <= target else "  over"
        missed += bool(over)
        print(f"{name:<30}{quickest:>10.1f}{slowest:>10.1f}{target:>8.0f}{quickest / limit:>12.2f}{over}")
        with explained(wanted=options.explain):
            if options.explain:
                act()
    if options.only in "recipients.csv":
        figures["recipients.csv"] = export_everybody(shop)
        print(
            "recipients.csv: " + ", ".join(f"{name} {value:,.1f}" for name, value in figures["recipients.csv"].items())
        )
    print(f"{missed} of {len(acts)} over their limit")
    rows = [
        table_of_figures.Figure(
            f"{name}, {options.rows:,} rows", figures[name]["ms"], "ms", at_most=target,
            limit=limit, limit_is="count(*) of the campaign",
        )
        for name, (target, _) in acts.items()
    ]  # fmt: skip
    table_of_figures.write(options.json, rows, measured=figures)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
