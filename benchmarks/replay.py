"""A past experiment with a holdout, replayed: what the report says of it, beside plain formulas on the file itself.

    python benchmarks/replay.py FILE.csv [--holdout "No E-Mail"] [--window-minutes 10] [--json FILE]

FILE has one line for each person with the columns segment, visit (0 or 1), conversion (0 or 1) and spend (US dollars), as
Kevin Hillstrom's E-Mail Analytics Challenge has them; others are left alone. Everything goes over HTTP, as anybody would
do it: people with their group in `attributes.segment`, a campaign with a variant for each group that was written to,
visits as bookings and conversions as orders, a moment after everybody's turn, and after the window the report. Phone
numbers are invented, and nobody at the simulator answers by themselves. Exits with 1 when a figure differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

Z = NormalDist().inv_cdf(0.975)
MICROS = 1_000_000
TOLERANCE = 1e-9
KINDS = {"booking": "visits", "order": "conversions"}
PLAIN = {
    "not_on_whatsapp_p": 0, "capped_p": 0, "us_blocked_p": 0, "opted_out_p": 0, "experiment_p": 0, "online_p": 1, "later_p": 0,
    "read_p": 0, "stop_p": 0, "native_stop_p": 0, "block_p": 0,
}  # fmt: skip
"""People at the simulator who get everything and never answer."""


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    segment: str
    visit: bool
    conversion: bool
    spend_micros: int


@dataclass(frozen=True, slots=True)
class Group:
    """What one segment did; money in micros, and its squares added up."""

    people: int
    visits: int
    conversions: int
    spend: int
    squares: int

    def __add__(self, other: Group) -> Group:
        return Group(*(getattr(self, name) + getattr(other, name) for name in Group.__slots__))


def read(path: Path) -> list[Person]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Person(number, line["segment"], line["visit"] == "1", line["conversion"] == "1",
                   round(float(line["spend"]) * 100) * (MICROS // 100))
            for number, line in enumerate(csv.DictReader(file))
        ]  # fmt: skip


def group(people: Iterable[Person]) -> Group:
    found = list(people)
    spends = [one.spend_micros for one in found]
    return Group(
        len(found), sum(one.visit for one in found), sum(one.conversion for one in found), sum(spends),
        sum(spend * spend for spend in spends),
    )  # fmt: skip


def z_of(xa: int, na: int, xb: int, nb: int) -> float:
    pooled = (xa + xb) / (na + nb)
    return (xb / nb - xa / na) / math.sqrt(pooled * (1 - pooled) * (1 / na + 1 / nb))


def difference_interval(xa: int, na: int, xb: int, nb: int) -> tuple[float, float]:
    """Mee's, the slow way: the likeliest rates by bisection of the slope of the likelihood, no formula for the cubic."""

    def excess(delta: float) -> float:
        def slope(q: float) -> float:
            return xa / q - (na - xa) / (1 - q) + xb / (q + delta) - (nb - xb) / (1 - q - delta)

        q = _root(slope, max(0.0, -delta) + 1e-15, min(1.0, 1.0 - delta) - 1e-15)
        variance = q * (1 - q) / na + (q + delta) * (1 - q - delta) / nb
        return (xb / nb - xa / na - delta) / math.sqrt(variance)

    seen = xb / nb - xa / na
    return (
        _root(lambda delta: excess(delta) - Z, -1 + 1e-9, seen),
        _root(lambda delta: excess(delta) + Z, seen, 1 - 1e-9),
    )


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def money_interval(held: Group, treated: Group) -> tuple[float, float, float]:
    """Micros a person more than in the holdout, with Welch's variance."""
    more = treated.spend / treated.people - held.spend / held.people
    parts = [(one.squares - one.spend**2 / one.people) / (one.people - 1) / one.people for one in (held, treated)]
    half = Z * math.sqrt(sum(parts))
    return more, more - half, more + half


def holm(values: list[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - place)))
        adjusted[index] = highest
    return adjusted


@dataclass(slots=True)
class Check:
    """Every figure of the report beside ours; the largest relative deviation so far."""

    worst: float = 0.0
    compared: int = 0

    def __call__(self, said: Any, expected: float, *, what: str) -> None:
        self.compared += 1
        off = abs(said - expected) / max(abs(expected), 1e-300) if said != expected else 0.0
        self.worst = max(self.worst, off)
        if off > TOLERANCE:
            print(f"DIFFERS: {what}: {said!r} in the report, {expected!r} by the plain formula", file=sys.stderr)

    @property
    def is_alike(self) -> bool:
        return self.worst <= TOLERANCE


def compare(report: Any, groups: dict[str, Group], variants: list[str], holdout: str) -> Check:
    """Counts, rates, differences, limits, p-values and money, each by the plain formula."""
    check, held = Check(), groups[holdout]
    arms = [groups[name] for name in variants]
    together = arms[0]
    for arm in arms[1:]:
        together += arm
    shown = {(line["kind"], line["variant"]): line for line in report["incremental"]["people"]}
    for kind, name in KINDS.items():
        did = {one: getattr(one, name) for one in (*arms, together, held)}
        ps = [math.erfc(abs(z_of(did[held], held.people, did[one], one.people)) / math.sqrt(2)) for one in arms]
        lines = list(zip((0, 1), arms, holm(ps), strict=True))
        whole = math.erfc(abs(z_of(did[held], held.people, did[together], together.people)) / math.sqrt(2))
        for variant, one, p_value in [*lines, (None, together, whole)]:
            line, what = shown[kind, variant], f"{name} of {variant}"
            low, high = difference_interval(did[held], held.people, did[one], one.people)
            more = did[one] / one.people - did[held] / held.people
            for field, expected in (
                ("dealt", one.people), ("did", did[one]), ("held_out", held.people), ("held_out_did", did[held]),
                ("rate", 100 * did[one] / one.people), ("held_out_rate", 100 * did[held] / held.people),
                ("difference_points", 100 * more), ("incremental", more * one.people), ("p_value", p_value),
            ):  # fmt: skip
                check(line[field], expected, what=f"{field}, {what}")
            for place, limit in enumerate((low, high)):
                check(line["difference_interval"][place], 100 * limit, what=f"limit {place}, {what}")
                check(line["incremental_interval"][place], limit * one.people, what=f"people, limit {place}, {what}")
    _compare_money(check, report, arms, together, held)
    tested = report["ab_test"]["analysis"]["statistical_comparison"]
    z = z_of(arms[0].visits, arms[0].people, arms[1].visits, arms[1].people)
    check(abs(tested["z_score"]), abs(z), what="z of the variants")
    check(tested["p_value"], math.erfc(abs(z) / math.sqrt(2)), what="p of the variants")
    for arm, one in zip(report["ab_test"]["variants"], arms, strict=True):
        check(arm["customer_count"], one.people, what="people")
        check(arm["conversion_count"], one.visits, what="people converted")
        check(arm["revenue_micros"], one.spend, what="revenue")
    return check


def _compare_money(check: Check, report: Any, arms: list[Group], together: Group, held: Group) -> None:
    for line in report["incremental"]["revenue"]:
        variant = line["variant"]
        one = together if variant is None else arms[variant]
        for field, group_ in (("dealt_per_person_micros", one), ("held_out_per_person_micros", held)):
            check(line[field], round(group_.spend / group_.people), what=f"{field}, {variant}")
        figures = [one.people * figure for figure in money_interval(held, one)]
        said = [line["revenue_micros"], *line["interval_micros"]]
        for field, told, expected in zip(("revenue", "low", "high"), said, figures, strict=True):
            check(told, round(expected), what=f"{field} in micros, {variant}")


def as_csv(header: str, lines: Iterable[str]) -> bytes:
    return "\n".join((header, *lines)).encode() + b"\n"


def replay(shop: Any, people: list[Person], variants: list[str], holdout: str, minutes: int) -> Any:
    """The campaign's report after the window of everybody is over."""
    from flows.opening import plain_number

    now = datetime.now(tz=UTC).isoformat()
    _import(shop, "customers", as_csv(
        "external_id,phone,consent_promotional,attributes.segment",
        (f"H{one.number},+25470{plain_number(one.number):07d},true,{one.segment}" for one in people),
    ))  # fmt: skip
    _import(shop, "messages", as_csv(
        "customer_external_id,direction,sent_at,text", (f"H{one.number},inbound,{now},Hello" for one in people)
    ))  # fmt: skip
    campaign = shop.make(
        name="A past experiment",
        target_criteria={},
        is_ab_test=True,
        variants=[{"name": name, "content": f"Our {name} offers"} for name in variants],
        assignment={"attribute": "segment", "holdout": holdout},
        primary_metric="converted",
        outcome_window_minutes=minutes,
    )
    answer = shop.execute(campaign, confirm_everyone=True)
    assert answer.status_code in (200, 202), answer.text
    ended = shop.until(campaign, within=600)
    print(f"{ended['delivery_count']:,} messages from {ended['started_at']} to {ended['completed_at']}", flush=True)
    over = datetime.fromisoformat(ended["completed_at"])
    assert over - datetime.fromisoformat(ended["started_at"]) < timedelta(minutes=minutes - 1), "take a longer window"
    _outcomes(shop, people, at=over + timedelta(seconds=2))
    while True:
        report = shop.report(campaign)
        if report["ab_test"]["analysis"]["is_final"] and report["incremental"]["share_matured"] == 1:
            return report
        time.sleep(10)


def _outcomes(shop: Any, people: list[Person], *, at: datetime) -> None:
    """What everybody did, alike for those who were written to and those who weren't."""
    when = at.isoformat()
    _import(shop, "bookings", as_csv(
        "external_id,customer_external_id,booked_at,starts_at,status",
        (f"V{one.number},H{one.number},{when},{when},confirmed" for one in people if one.visit),
    ))  # fmt: skip
    _import(shop, "orders", as_csv(
        "external_id,customer_external_id,placed_at,total,currency,status",
        (f"O{one.number},H{one.number},{when},{one.spend_micros / MICROS:.2f},USD,paid" for one in people if one.conversion),
    ))  # fmt: skip


def _import(shop: Any, kind: str, content: bytes) -> None:
    answer = shop.call("POST", f"/v1/{kind}/import", content, Content_Type="text/csv")
    assert answer.status_code == 200, answer.text
    assert answer.json()["rejected"] == 0, answer.text


def table(report: Any, groups: dict[str, Group], variants: list[str], holdout: str) -> Iterator[str]:
    """As it stands in the documentation."""
    yield "| group | people | visits | conversions | spent a head |"
    yield "|---|---|---|---|---|"
    for name in (*variants, holdout):
        one = groups[name]
        yield (
            f"| {name} | {one.people:,} | {one.visits:,} ({100 * one.visits / one.people:.2f} %) | {one.conversions:,} "
            f"({100 * one.conversions / one.people:.3f} %) | {one.spend / one.people / MICROS:.4f} USD |"
        )
    yield ""
    yield f"| against {holdout} | of | points more | 95 % interval | caused | 95 % interval | p |"
    yield "|---|---|---|---|---|---|---|"
    for line in report["incremental"]["people"]:
        if line["kind"] in KINDS:
            name = "together" if line["variant"] is None else variants[line["variant"]]
            low, high = line["difference_interval"]
            least, most = line["incremental_interval"]
            yield (
                f"| {name} | {KINDS[line['kind']]} | {line['difference_points']:.3f} | {low:.3f} to {high:.3f} | "
                f"{line['incremental']:,.1f} | {least:,.1f} to {most:,.1f} | {line['p_value']:.2g} |"
            )
    yield ""
    yield f"| against {holdout} | revenue caused | 95 % interval | more a head |"
    yield "|---|---|---|---|"
    for line in report["incremental"]["revenue"]:
        name = "together" if line["variant"] is None else variants[line["variant"]]
        low, high = (limit / MICROS for limit in line["interval_micros"])
        yield (
            f"| {name} | {line['revenue_micros'] / MICROS:,.2f} USD | {low:,.2f} to {high:,.2f} | "
            f"{line['per_person_micros'] / MICROS:.4f} USD |"
        )
    yield ""
    yield from report["ab_test"]["analysis"]["findings"]
    yield from report["incremental"]["findings"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--holdout", default="No E-Mail", help="the segment that got nothing")
    parser.add_argument("--window-minutes", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where to write the report")
    options = parser.parse_args()
    people = read(options.file)
    segments = sorted({one.segment for one in people})
    if options.holdout not in segments or len(segments) != 3:
        parser.error(f"needs two variants and the holdout {options.holdout!r}; the file has {', '.join(segments)}")
    groups = {name: group(one for one in people if one.segment == name) for name in segments}
    variants = [name for name in segments if name != options.holdout]
    tests_conftest._start_database()
    import live_installation as installations
    from flows.opening import open_shop
    from tulia.reports.verify import verify

    with tempfile.TemporaryDirectory() as logs, installations.running(Path(logs)) as running:
        plain = {"behaviour": dict.fromkeys(("marketing", "utility", "authentication", "service"), PLAIN)}
        installations.fetch(f"{running.simulator_url}/_sim/config", plain, method="PUT")
        shop = open_shop(running, rate=100_000)
        report = replay(shop, people, variants, options.holdout, options.window_minutes)
        differences = len(verify([shop.tenant_id]).differences)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))
    print("\n".join(table(report, groups, variants, options.holdout)))
    check = compare(report, groups, variants, options.holdout)
    print(
        f"{check.compared} figures compared; largest relative deviation {check.worst:.1e}; tulia verify: {differences}"
    )
    tests_conftest._held.close()
    return 0 if check.is_alike and not differences else 1


if __name__ == "__main__":
    sys.exit(main())
