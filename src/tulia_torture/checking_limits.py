"""The checks of what limits how much goes out and when: rate, quiet hours, cap, budget, tier (pure).

Everything is recomputed from the provider's record; no rule of the product's code is used.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import NamedTuple

from tulia_torture.checking import Check
from tulia_torture.facts import Facts, Message
from tulia_torture.scene import DAWN, NIGHT, ZONE_SECONDS

_JUST_SECONDS = 1.0
_WINDOW_SECONDS = 1.0


def check_limits(facts: Facts) -> list[Check]:
    """All checks of this module, in the order of the table."""
    return [rates(facts), quiet_hours(facts), caps(facts), budgets(facts), tiers(facts), messaging_limits(facts)]


def _of_campaigns(facts: Facts) -> list[Message]:
    return [message for message in facts.messages if message.reference.startswith("t1:")]


class _Arrival(NamedTuple):
    """When a message came into the provider's socket, and when the provider took it from there."""

    came_at: float
    taken_at: float


def fullest_second(moments: list[float]) -> tuple[int, float]:
    """The most of these (sorted) moments in any one second, half-open, and the last moment of that second."""
    most, at, low = 0, 0.0, 0
    for high, moment in enumerate(moments):
        while moment - moments[low] >= _WINDOW_SECONDS:
            low += 1
        if high - low + 1 > most:
            most, at = high - low + 1, moment
    return most, at


def rates(facts: Facts) -> Check:
    """In no window of one second does more of a number come to the provider than it may send.

    What counts is when a message came into the provider's socket: a busy provider takes late, and many at once.
    """
    by_number = _arrivals(facts)
    wrong, counted = [], []
    for shop in facts.shops:
        arrivals = by_number[shop.number_id]
        most, at = fullest_second([arrival.came_at for arrival in arrivals])
        counted.append(f"{shop.name} {most} of {shop.rate}")
        if most > shop.rate:
            what = f"{most} messages in the second before {at:.3f}; the limit is {shop.rate}"
            wrong.append((shop.number_id, f"{what}. {_around(arrivals, at)}"))
    return Check("no more in any one second than the limit", ", ".join(counted), tuple(wrong))


def _arrivals(facts: Facts) -> dict[str, list[_Arrival]]:
    """Of each number, the arrivals of all messages that the provider accepted, the earliest first.

    A message without a request of its own counts from when it was taken, so that none is left out.
    """
    came: dict[tuple[str, str, str], deque[float]] = defaultdict(deque)
    for asked in sorted(facts.asked):
        if asked.is_accepted:
            came[asked.number_id, asked.to, asked.reference].append(asked.came_at)
    found: dict[str, list[_Arrival]] = defaultdict(list)
    for message in sorted(facts.messages, key=lambda message: message.at):
        requests = came[message.number_id, message.to, message.reference]
        found[message.number_id].append(_Arrival(requests.popleft() if requests else message.at, message.at))
    for arrivals in found.values():
        arrivals.sort()
    return found


def _around(arrivals: list[_Arrival], at: float) -> str:
    """When each message of that second came, in milliseconds before its end, and how much later each was taken."""
    first = at - _WINDOW_SECONDS - 0.1
    shown = [arrival for arrival in arrivals if first < arrival.came_at <= at]
    came = ", ".join(f"{1_000 * (at - arrival.came_at):.0f}" for arrival in shown)
    late = ", ".join(f"{1_000 * (arrival.taken_at - arrival.came_at):.0f}" for arrival in shown)
    return f"They came {came} ms before; the provider took them {late} ms after that"


def quiet_hours(facts: Facts) -> Check:
    """Nobody gets a message while it is quiet where they live, by the true time."""
    night = {shop.number_id for shop in facts.shops if shop.has_night}
    zones = {row.phone.removeprefix("+"): row.zone for row in facts.rows}
    wrong, woken = [], 0
    for message in _of_campaigns(facts):
        ahead = ZONE_SECONDS.get(zones.get(message.to, ""))
        if message.number_id not in night or ahead is None:
            continue
        woken += zones[message.to] == DAWN
        into = (message.at + ahead - facts.quiet_from) % 86_400
        if into < facts.quiet_seconds - _JUST_SECONDS:
            wrong.append((message.reference, f"written to {into / 3_600:.2f} h into the quiet hours"))
    asleep = sum(row.zone == NIGHT for row in facts.rows)
    return Check("nobody is written to in quiet hours", f"{woken:,} woken at dawn, {asleep:,} asleep", tuple(wrong))


def caps(facts: Facts) -> Check:
    """Nobody got more messages that didn't fail than the cap allows in the days of which the run is a part."""
    cap_of = {shop.number_id: shop.cap for shop in facts.shops if shop.cap is not None}
    counts = Counter(
        (message.number_id, message.to)
        for message in _of_campaigns(facts)
        if message.number_id in cap_of and message.state != "failed"
    )
    wrong = [
        (f"+{person}", f"{count} messages; the cap is {cap_of[number_id]}")
        for (number_id, person), count in counts.items()
        if count > (cap_of[number_id] or 0)
    ]
    full = sum(1 for (number_id, _), count in counts.items() if count == cap_of[number_id])
    return Check("nobody gets more than the frequency cap", f"{full:,} people at the cap", tuple(wrong))


def budgets(facts: Facts) -> Check:
    """What a campaign's messages cost that didn't fail, at list price, is within its budget."""
    spent = Counter(message.reference.split(":")[1] for message in _of_campaigns(facts) if message.state != "failed")
    limited = [campaign for campaign in facts.campaigns if campaign.budget_micros is not None]
    wrong = [
        (
            campaign.id,
            f"{spent[campaign.id] * campaign.price_micros:,} micros; the budget is {campaign.budget_micros:,}",
        )
        for campaign in limited
        if spent[campaign.id] * campaign.price_micros > (campaign.budget_micros or 0)
    ]
    return Check("no campaign costs more than its budget", f"{len(limited):,} budgets", tuple(wrong))


def tiers(facts: Facts) -> Check:
    """A tenant whose tier has a limit for 24 hours sent no more; a run is shorter than that, however its clocks jump."""
    counts = Counter(message.number_id for message in _of_campaigns(facts))
    limited = [shop for shop in facts.shops if shop.messages_a_day is not None]
    wrong = [
        (shop.number_id, f"{counts[shop.number_id]} messages; the tier allows {shop.messages_a_day}")
        for shop in limited
        if counts[shop.number_id] > (shop.messages_a_day or 0)
    ]
    counted = ", ".join(f"{counts[shop.number_id]:,} of {shop.messages_a_day:,}" for shop in limited)
    return Check("no tenant sends more than its tier allows", counted, tuple(wrong))


def messaging_limits(facts: Facts) -> Check:
    """No number writes to more different people in 24 hours than its messaging limit."""
    people: dict[str, set[str]] = defaultdict(set)
    for message in _of_campaigns(facts):
        if message.state != "failed":
            people[message.number_id].add(message.to)
    limited = [shop for shop in facts.shops if shop.people_a_day is not None]
    wrong = [
        (shop.number_id, f"{len(people[shop.number_id])} people; the limit is {shop.people_a_day}")
        for shop in limited
        if len(people[shop.number_id]) > (shop.people_a_day or 0)
    ]
    counted = ", ".join(f"{len(people[shop.number_id]):,} of {shop.people_a_day:,}" for shop in limited)
    return Check("no number reaches more people than its limit", counted, tuple(wrong))
