"""The checks of the books: who is unknown and why, balances, counters, forged callbacks, credits, crashes (pure)."""

from __future__ import annotations

from collections import Counter, defaultdict

from tulia_torture.checking import Check
from tulia_torture.facts import STATE_NAMES, UNKNOWN, Facts

_LINES = ("holdout", "skipped", "cancelled", "waiting", "deferred", "sending", "unknown", "failed", "sent")


def check_books(facts: Facts) -> list[Check]:
    """All checks of this module, in the order of the table."""
    return [
        unknown_were_in_flight(facts),
        unknown_are_shown(facts),
        balances(facts),
        counters(facts),
        forged_callbacks(facts),
        credits_once(facts),
        callbacks_arrived(facts),
        nobody_else_died(facts),
    ]


def unknown_were_in_flight(facts: Facts) -> Check:
    """Each who stays unknown was noted on the wire by a worker that was killed, or got an answer that says nothing."""
    doubtful = {asked.reference for asked in facts.asked if asked.doubt or _was_held(facts, asked.at)} - {""}
    # Of a connection that the provider closes before it reads anything nobody knows whom it was about: these are counted.
    refused = sum(asked.doubt == "refused" for asked in facts.asked)
    unknown = [row for row in facts.rows if row.state == UNKNOWN]
    left = [row for row in unknown if row.id not in facts.on_the_wire and row.reference not in doubtful]
    unexplained = [row for row in left if row.reason != "no_answer"]
    if sum(row.reason == "no_answer" for row in left) > refused:
        unexplained = left
    wrong = [(row.reference, f"unknown ({row.reason}), and was not in flight") for row in unexplained]
    counted = (
        f"{len(unknown):,} unknown; {len(facts.on_the_wire):,} in flight at kills, "
        f"{len(doubtful) + refused:,} answers in doubt"
    )
    return Check("unknown: no more than were in flight", counted, tuple(wrong))


def _was_held(facts: Facts, at: float) -> bool:
    """Whether a worker stood still when an answer came, so that it may have missed it."""
    return any(held.since - 1 < at < held.until + 1 for held in facts.held)


def unknown_are_shown(facts: Facts) -> Check:
    """The API shows exactly those who are unknown."""
    unknown: dict[str, set[str]] = defaultdict(set)
    for row in facts.rows:
        if row.state == UNKNOWN:
            unknown[row.campaign_id].add(row.customer_id)
    wrong = [
        (campaign.id, f"{len(unknown[campaign.id])} unknown, {len(campaign.shown_unknown)} shown")
        for campaign in facts.campaigns
        if unknown[campaign.id] != set(campaign.shown_unknown)
        or campaign.report["balance"]["unknown"] != len(unknown[campaign.id])
    ]
    return Check("every unknown is shown to a person", f"{sum(map(len, unknown.values())):,} shown", tuple(wrong))


def balances(facts: Facts) -> Check:
    """Each report's lines add up to its audience, and are what the ledger's rows add up to."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for row in facts.rows:
        rows[row.campaign_id][STATE_NAMES[row.state]] += 1
    wrong = []
    for campaign in facts.campaigns:
        sheet, counted = campaign.report["balance"], rows[campaign.id]
        if sum(sheet[line] for line in _LINES) != sheet["audience"] or sheet["audience"] != counted.total():
            wrong.append(
                (campaign.id, f"its lines add up to {sum(sheet[line] for line in _LINES)} of {counted.total()}")
            )
        sent = sum(counted[name] for name in ("accepted", "sent", "delivered", "read"))
        if (sheet["sent"], sheet["failed"], sheet["holdout"], sheet["unknown"]) != (
            sent, counted["failed"], counted["held out"], counted["unknown"],
        ):  # fmt: skip
            wrong.append((campaign.id, f"the report says {sheet}, the rows {dict(counted)}"))
    return Check("every balance is exact", f"{len(facts.campaigns):,} reports", tuple(wrong))


def counters(facts: Facts) -> Check:
    """Every counter is what a recount says; and `delivery_count` is how many messages the provider accepted."""
    accepted = Counter(
        reference.split(":")[1]
        for reference in {one.reference for one in facts.messages}
        if reference.startswith("t1:")
    )
    wrong = [("tulia verify", difference) for difference in facts.differences]
    wrong += [
        (
            campaign.id,
            f"delivery_count is {campaign.report['delivery']['delivery_count']}, accepted {accepted[campaign.id]}",
        )
        for campaign in facts.campaigns
        if campaign.report["delivery"]["delivery_count"] != accepted[campaign.id]
    ]
    if facts.recounted < len(facts.campaigns):
        wrong.append(("tulia verify", f"recounted {facts.recounted} of {len(facts.campaigns)} campaigns"))
    return Check("every counter is what a recount says", f"{facts.recounted:,} campaigns recounted", tuple(wrong))


def forged_callbacks(facts: Facts) -> Check:
    """No callback with a wrong signature is acknowledged."""
    wrong = [("a forged STOP", f"was answered {status}") for status in facts.forged if status < 400]
    return Check("no forged callback is believed", f"{len(facts.forged):,} forged", tuple(wrong))


def credits_once(facts: Facts) -> Check:
    """No acknowledged order is credited twice."""
    wrong = [(name, f"credited {count} times") for name, count in facts.credits if count > 1]
    credited = sum(1 for _, count in facts.credits if count)
    return Check("no order is credited twice", f"{credited:,} of {len(facts.credits):,} orders credited", tuple(wrong))


def callbacks_arrived(facts: Facts) -> Check:
    """Nothing that the provider told is lost: all acknowledged, and all applied."""
    wrong = []
    if facts.dead_callbacks:
        wrong.append(("callbacks", f"{facts.dead_callbacks} were given up by the provider"))
    if facts.unapplied_callbacks:
        wrong.append(("callbacks", f"{facts.unapplied_callbacks} are stored and were never applied"))
    return Check("every callback is taken in", f"{facts.dead_callbacks} given up", tuple(wrong))


def nobody_else_died(facts: Facts) -> Check:
    """No process ended, failed to end or stayed silent but by our doing."""
    wrong = [("the installation", problem) for problem in facts.crashes]
    return Check("nothing else broke", f"{len(facts.kills):,} kills", tuple(wrong))
