"""The checks of what was sent to whom: the provider's record against the ledger (pure).

Each check is a function of the facts alone, and finds the forged violation that its test feeds it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tulia_torture.facts import (
    ACCEPTED,
    CANCELLED,
    DEFERRED,
    FAILED,
    HOLDOUT,
    SENDING,
    SKIPPED,
    UNKNOWN,
    WAITING,
    Act,
    Facts,
    Row,
)

IN_FLIGHT_SECONDS = 1.0
"""How long before a message went out its person may have been claimed: a STOP that comes later can't call it back."""
PAUSE_SECONDS = 2.0
HELD_OUT = 2
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Check:
    """What was promised, what was counted, and each violation as (whom it is about, what is wrong)."""

    promise: str
    counted: str
    violations: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        return not self.violations


def check_sending(facts: Facts) -> list[Check]:
    """All checks of this module, in the order of the table."""
    return [
        nobody_twice(facts),
        nobody_forgotten(facts),
        every_audience_whole(facts),
        nothing_sent_unknown_to_the_ledger(facts),
        nothing_invented(facts),
        nobody_after_a_stop(facts),
        nothing_while_paused(facts),
        nobody_held_out_is_written_to(facts),
        states_agree(facts),
    ]


def _check(promise: str, counted: str, violations: Iterable[tuple[str, str]]) -> Check:
    return Check(promise, counted, tuple(violations))


def _ours(reference: str) -> bool:
    """Whether a message is of a campaign; answers to STOP and tests are not."""
    return reference.startswith("t1:")


def nobody_twice(facts: Facts) -> Check:
    """Accepted twice: 0, by the reference of the person and campaign, and by the person's phone within a campaign."""
    counts = Counter(message.reference for message in facts.messages)
    by_phone = Counter(
        (message.reference.split(":")[1], message.to) for message in facts.messages if _ours(message.reference)
    )
    twice = [(reference, f"accepted {count} times") for reference, count in counts.items() if count > 1]
    twice += [
        (campaign_id, f"one phone was written to {count} times")
        for (campaign_id, _), count in by_phone.items()
        if count > 1
    ]
    return _check("nobody is written to twice", f"{len(facts.messages):,} messages accepted", twice)


def nobody_forgotten(facts: Facts) -> Check:
    """Everybody is at an end; who still waits is held back by a limit, and only in a campaign that isn't over. So are the
    answers to STOP."""
    over = {campaign.id for campaign in facts.campaigns if campaign.status in ("completed", "canceled")}
    left = [
        (
            row.reference,
            f"still {('waiting' if row.state == WAITING else 'deferred' if row.state == DEFERRED else 'sending')}",
        )
        for row in facts.rows
        if row.state == SENDING or (row.state in (WAITING, DEFERRED) and row.campaign_id in over)
    ]
    left += [
        (campaign.id, f"{campaign.status} after everything came to rest: {campaign.status_reason}")
        for campaign in facts.campaigns
        if campaign.id not in over
    ]
    if facts.replies_left:
        left.append(("answers to STOP", f"{facts.replies_left} stay being sent, though nobody sends them"))
    return _check("nobody is forgotten", f"{len(facts.rows):,} people in {len(facts.campaigns):,} campaigns", left)


def every_audience_whole(facts: Facts) -> Check:
    """A launched campaign's audience is everybody it was meant for, or nobody where it was canceled before."""
    sizes = Counter(row.campaign_id for row in facts.rows)
    wrong = [
        (campaign.id, f"{sizes[campaign.id]} people instead of {campaign.people}")
        for campaign in facts.campaigns
        if sizes[campaign.id] != campaign.people and not (campaign.status == "canceled" and not sizes[campaign.id])
    ]
    return _check("every audience is whole", f"{len(facts.campaigns):,} audiences", wrong)


def nothing_sent_unknown_to_the_ledger(facts: Facts) -> Check:
    """Whoever the provider accepted a message for is, by the ledger, somebody who was sent to."""
    rows = {row.reference: row for row in facts.rows}
    wrong = []
    for message in facts.messages:
        if not _ours(message.reference):
            continue
        row = rows.get(message.reference)
        if row is None:
            wrong.append((message.reference, "accepted, and not in the ledger"))
        elif not row.was_accepted or row.state in (WAITING, DEFERRED, SENDING, UNKNOWN, HOLDOUT, SKIPPED, CANCELLED):
            wrong.append((message.reference, f"accepted, and {row.state} ({row.reason}) in the ledger"))
    return _check("everything that was accepted is in the ledger", f"{len(facts.messages):,} messages", wrong)


def nothing_invented(facts: Facts) -> Check:
    """Whoever was sent to by the ledger is somebody whose message the provider accepted."""
    accepted = {message.reference for message in facts.messages}
    sent = [row for row in facts.rows if row.was_accepted]
    wrong = [(row.reference, "sent by the ledger, and never accepted") for row in sent if row.reference not in accepted]
    return _check("nothing is in the ledger that wasn't accepted", f"{len(sent):,} people sent to", wrong)


def _stood_still(facts: Facts, since: float, until: float) -> float:
    """For how many seconds between two moments some worker stood still, by our doing."""
    return sum(max(0.0, min(until, held.until) - max(since, held.since)) for held in facts.held)


def nobody_after_a_stop(facts: Facts) -> Check:
    """No message of a campaign is accepted after the person's STOP was acknowledged, but for what was in flight then."""
    stopped: dict[tuple[str, str], float] = {}
    for told in facts.told:
        key = (told.number_id, told.person)
        if told.is_stop and told.at < stopped.get(key, float("inf")):
            stopped[key] = told.at
    wrong = []
    for message in facts.messages:
        since = stopped.get((message.number_id, message.to))
        if since is None or not _ours(message.reference) or message.at <= since + IN_FLIGHT_SECONDS:
            continue
        late = message.at - since
        if late > IN_FLIGHT_SECONDS + _stood_still(facts, since, message.at):
            wrong.append((message.reference, f"accepted {late:.2f} s after the STOP was acknowledged"))
    return _check("nobody is written to after an acknowledged STOP", f"{len(stopped):,} people said STOP", wrong)


def _still(acts: list[Act]) -> list[tuple[float, float]]:
    """From when to when a campaign was to send nothing: from the acknowledged pause or cancel to the next resume."""
    found = []
    since: float | None = None
    for act in sorted(acts, key=lambda act: act.asked_at):
        if act.what in ("pause", "cancel") and act.is_done and since is None:
            since = act.answered_at
        elif act.what == "resume" and since is not None:
            found.append((since, act.asked_at))
            since = None
    if since is not None:
        found.append((since, float("inf")))
    return found


def nothing_while_paused(facts: Facts) -> Check:
    """Two seconds after a pause or cancel was acknowledged nothing of the campaign is accepted until it is resumed."""
    by_campaign: dict[str, list[Act]] = defaultdict(list)
    for act in facts.acts:
        by_campaign[act.campaign_id].append(act)
    spans = {campaign_id: _still(acts) for campaign_id, acts in by_campaign.items()}
    wrong = []
    for message in facts.messages:
        if not _ours(message.reference):
            continue
        for since, until in spans.get(message.reference.split(":")[1], ()):
            late = message.at - since
            if since < message.at < until and late > PAUSE_SECONDS + _stood_still(facts, since, message.at):
                wrong.append((message.reference, f"accepted {late:.2f} s after its campaign was stopped"))
    count = sum(len(one) for one in spans.values())
    return _check("nothing goes out 2 s after a pause or cancel", f"{count:,} pauses and cancels", wrong)


def nobody_held_out_is_written_to(facts: Facts) -> Check:
    held = {row.reference: row for row in facts.rows if row.role == HELD_OUT}
    wrong = [
        (message.reference, "is held out and got a message") for message in facts.messages if message.reference in held
    ]
    return _check("nobody who is held out gets a message", f"{len(held):,} people held out", wrong)


_AT_LEAST = {"accepted": 20, "sent": 25, "delivered": 40, "read": 50}


def states_agree(facts: Facts) -> Check:
    """With every callback acknowledged, the ledger says what the provider says. An answer proves delivery to us alone."""
    rows = {row.reference: row for row in facts.rows}
    wrong = []
    for message in facts.messages:
        row = rows.get(message.reference)
        if row is not None and _ours(message.reference) and not _agrees(row, message.state):
            wrong.append((message.reference, f"{message.state} at the provider, {row.state} in the ledger"))
    return _check("the ledger and the provider agree on every state", f"{len(facts.messages):,} messages", wrong)


def _agrees(row: Row, state: str) -> bool:
    if state == "failed":
        return row.state == FAILED
    return row.state >= max(_AT_LEAST[state], ACCEPTED) and row.state != FAILED
