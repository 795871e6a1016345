"""Each check finds the violation that is forged for it, and nothing in orderly facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from torture.forging import (
    CAMPAIGN,
    MIDNIGHT,
    NOON,
    asked,
    orderly,
    reference,
    report,
    row,
    spoiled,
    with_campaign,
    with_messages,
    with_row,
)
from torture.forging import message as accepted
from tulia_torture import checking, checking_books, checking_limits, telling
from tulia_torture.checking import Check
from tulia_torture.facts import (
    ACCEPTED,
    DEFERRED,
    FAILED,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
    WAITING,
    Act,
    ClockSet,
    Facts,
    Held,
    Kill,
    Message,
    Told,
)
from tulia_torture.running import audit
from tulia_torture.scene import DAWN, NIGHT

Checking = Callable[[Facts], Check]


def test_orderly_facts_pass_every_check() -> None:
    assert [check for check in audit(orderly()) if not check.holds] == []


def test_what_never_came_to_its_end_is_a_broken_promise() -> None:
    assert [check.promise for check in audit(orderly(), stuck=("a campaign",)) if not check.holds] == [
        "undisturbed, everything comes to its end"
    ]


_REFUSED = orderly().asked[0]._replace(to="", reference="", doubt="refused")
_CLEAR = orderly().asked[0]._replace(status=429, doubt="")
_INTERRUPTED = row(6, state=UNKNOWN, reason="interrupted")
_TOLD = orderly().told[0]
_PAUSED = (Act(CAMPAIGN, "pause", NOON - 9, NOON - 8, 200),)
_RESUMED = Act(CAMPAIGN, "resume", NOON - 1, NOON - 0.5, 200)


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        (checking.nobody_twice, with_messages(accepted(2, NOON + 3))),
        (checking.nobody_twice, with_messages(accepted(2, NOON + 3)._replace(reference=f"t1:{CAMPAIGN}:77"))),
        (checking.nobody_forgotten, with_row(row(3, state=WAITING))),
        (checking.nobody_forgotten, with_row(row(3, state=DEFERRED, reason="retry"))),
        (checking.nobody_forgotten, with_row(row(3, state=SENDING))),
        (checking.nobody_forgotten, with_campaign(status="sending")),
        (checking.nobody_forgotten, spoiled(replies_left=1)),
        (checking.every_audience_whole, with_campaign(people=7)),
        (checking.every_audience_whole, spoiled(rows=())),
        (checking.nothing_sent_unknown_to_the_ledger, with_row(row(3, state=UNKNOWN))),
        (checking.nothing_sent_unknown_to_the_ledger, with_row(row(3, state=SKIPPED, reason="opted_out"))),
        (checking.nothing_sent_unknown_to_the_ledger, spoiled(rows=orderly().rows[1:])),
        (checking.nothing_invented, with_row(row(6, state=ACCEPTED))),
        (checking.nobody_after_a_stop, spoiled(told=(_TOLD._replace(at=NOON - 1.2),))),
        (checking.nobody_after_a_stop, spoiled(told=(_TOLD._replace(at=NOON - 1.2, text="preference: stop"),))),
        (checking.nothing_while_paused, spoiled(acts=_PAUSED)),
        (checking.nothing_while_paused, spoiled(acts=(dataclasses.replace(_PAUSED[0], what="cancel"),))),
        (checking.nobody_held_out_is_written_to, with_messages(accepted(5, NOON))),
        (checking.states_agree, with_row(row(2, state=SENT))),
        (checking.states_agree, with_row(row(3, state=FAILED))),
        (checking.states_agree, spoiled(messages=(accepted(3, NOON, state="failed"),))),
        (checking_limits.rates, with_messages(accepted(7, NOON + 0.6), accepted(8, NOON + 0.99))),
        (checking_limits.quiet_hours, with_row(row(2, zone=DAWN))),
        (checking_limits.quiet_hours, with_row(row(2, zone=NIGHT))),
        (checking_limits.quiet_hours, with_row(row(1))),  # noon where it is day
        (checking_limits.caps, with_messages(accepted(2, NOON + 3)._replace(reference="t1:another:9"))),
        (checking_limits.budgets, with_campaign(budget_micros=4 * 22_500 - 1)),
        (checking_limits.tiers, with_messages(*(accepted(n, NOON + n) for n in (7, 8, 9)))),
        (checking_limits.messaging_limits, with_messages(*(accepted(n, NOON + n) for n in (7, 8, 9)))),
        (checking_books.unknown_were_in_flight, spoiled(asked=())),
        (checking_books.unknown_were_in_flight, spoiled(asked=(_REFUSED, _REFUSED), rows=(_INTERRUPTED,))),
        (
            checking_books.unknown_were_in_flight,
            spoiled(asked=(), rows=(_INTERRUPTED,), kills=(Kill(NOON + 1, "database", "everything"),)),
        ),
        (checking_books.unknown_are_shown, with_campaign(shown_unknown=frozenset())),
        (checking_books.unknown_are_shown, with_campaign(shown_unknown=frozenset({"customer-6", "customer-1"}))),
        (checking_books.balances, with_campaign(report=report(sent=5, holdout=1))),
        (checking_books.balances, with_campaign(report=report(sent=4, holdout=1, unknown=2))),
        (checking_books.counters, with_campaign(report=report(sent=3, holdout=2, unknown=1))),
        (checking_books.counters, spoiled(differences=("read_count is 1, and 2 recounted",))),
        (checking_books.counters, spoiled(recounted=0)),
        (checking_books.forged_callbacks, spoiled(forged=(401, 200))),
        (checking_books.credits_once, spoiled(credits=(("order-1", 2),))),
        (checking_books.callbacks_arrived, spoiled(dead_callbacks=1)),
        (checking_books.callbacks_arrived, spoiled(unapplied_callbacks=1)),
        (checking_books.nobody_else_died, spoiled(crashes=("worker-1 ended by itself",))),
    ],
)
def test_a_forged_violation_is_found(check: Checking, facts: Facts) -> None:
    assert check(orderly()).holds
    assert not check(facts).holds


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        # In flight when the STOP came, or held back by us at that moment.
        (checking.nobody_after_a_stop, spoiled(told=(_TOLD._replace(at=NOON - 0.9),))),
        (
            checking.nobody_after_a_stop,
            spoiled(told=(_TOLD._replace(at=NOON - 3),), held=(Held("worker-1", NOON - 2.9, NOON - 0.1),)),
        ),
        # Said to another number, or no STOP at all.
        (checking.nobody_after_a_stop, spoiled(told=(Told(NOON - 9, "1066", "k", _TOLD.person, "STOP"),))),
        (checking.nobody_after_a_stop, spoiled(told=(_TOLD._replace(at=NOON - 9, text="Stop it, I love these!"),))),
        # Resumed meanwhile; refused, so it goes on.
        (checking.nothing_while_paused, spoiled(acts=(*_PAUSED, _RESUMED))),
        (checking.nothing_while_paused, spoiled(acts=(dataclasses.replace(_PAUSED[0], status=409),))),
        (checking_limits.quiet_hours, with_row(row(1, zone=NIGHT))),  # at midnight it is nine in the evening there
        (checking_limits.quiet_hours, spoiled(quiet_seconds=21_600.0)),  # just over at noon
        (checking_limits.caps, with_messages(accepted(2, NOON + 3, state="failed")._replace(reference="t1:other:9"))),
        (checking_books.unknown_were_in_flight, spoiled(asked=(), on_the_wire=frozenset({6}))),
        (checking_books.unknown_were_in_flight, spoiled(asked=(_REFUSED,))),
        (
            checking_books.unknown_were_in_flight,
            spoiled(asked=(_CLEAR,), held=(Held("worker-1", NOON - 4, NOON + 0.5),)),
        ),
        (checking.every_audience_whole, dataclasses.replace(with_campaign(status="canceled"), rows=())),
    ],
)
def test_what_is_allowed_is_no_violation(check: Checking, facts: Facts) -> None:
    assert check(facts).violations == ()


def test_what_came_in_one_second_is_too_much_however_late_it_was_taken() -> None:
    more = (accepted(7, NOON + 3.1), accepted(8, NOON + 4.2))
    facts = with_messages(*more)
    assert checking_limits.rates(facts).holds
    facts = dataclasses.replace(facts, asked=(asked(more[0], NOON + 0.6), asked(more[1], NOON + 0.99)))
    ((number_id, told),) = checking_limits.rates(facts).violations
    assert number_id == more[0].number_id
    assert told.startswith(f"4 messages in the second before {NOON + 0.99:.3f}; the limit is 3. ")
    assert told.endswith("They came 990, 490, 390, 0 ms before; the provider took them 0, 0, 2500, 3210 ms after that")


def test_what_the_provider_took_late_and_all_at_once_is_not_too_much() -> None:
    late = tuple(accepted(person, NOON + 9) for person in (7, 8, 9, 10))
    assert not checking_limits.rates(with_messages(*late)).holds
    in_time = tuple(asked(one, NOON + 8 + index * 0.34) for index, one in enumerate(late))
    assert checking_limits.rates(dataclasses.replace(with_messages(*late), asked=in_time)).holds
    refused = tuple(one._replace(is_accepted=False) for one in in_time)
    assert not checking_limits.rates(dataclasses.replace(with_messages(*late), asked=refused)).holds


def test_of_one_person_s_messages_each_has_its_own_request() -> None:
    twice = tuple(accepted(7, NOON + 20 + after) for after in (0.0, 0.1, 0.2, 0.3))
    facts = dataclasses.replace(with_messages(*twice), asked=tuple(asked(one, one.at - 0.05) for one in twice))
    assert not checking_limits.rates(facts).holds
    facts = dataclasses.replace(facts, asked=tuple(asked(one, NOON + 19 + i) for i, one in enumerate(twice)))
    assert checking_limits.rates(facts).holds
    one_request = (asked(twice[0], NOON + 18),)
    assert checking_limits.rates(dataclasses.replace(facts, asked=one_request)).counted == "all 3 of 3"


def test_the_fullest_second_is_half_open() -> None:
    assert checking_limits.fullest_second([0.0, 0.5, 0.999, 1.0, 1.2])[0] == 4
    assert checking_limits.fullest_second([0.0, 1.0, 2.0])[0] == 1
    assert checking_limits.fullest_second([]) == (0, 0.0)


def test_a_broken_promise_is_told_with_the_whole_history_of_a_person() -> None:
    facts = spoiled(
        messages=(*orderly().messages, accepted(2, NOON + 3, state="read")),
        asked=(*orderly().asked, orderly().asked[0]._replace(reference=reference(2), is_accepted=True, doubt="hang")),
        held=(Held("worker-1", NOON - 2, NOON - 1),),
        clocks=(ClockSet(NOON + 1, "worker-2", -600.0),),
    )
    checks = audit(facts)
    said = telling.failures(facts, checks)
    assert f"{reference(2)}: accepted 2 times" in said
    history = said[said.index("The history of") :]
    for words in ("in doubt (hang)", "at last read", "said 'STOP'", "stood still for 1.0 s", "set wrong by -600 s"):
        assert words in history
    assert f"nobody is written to twice{'':<24}       2" not in telling.table(checks)
    assert "nobody is written to twice" in telling.table(checks)


def test_a_history_says_when_somebody_was_claimed() -> None:
    rows = tuple(row._replace(claimed_at=NOON + 1.5) for row in orderly().rows)
    assert f", claimed at {telling._clock(NOON + 1.5)})" in telling.history(spoiled(rows=rows), reference(2))


def test_somebody_whom_the_ledger_does_not_know_has_a_history_too() -> None:
    unknown = Message(MIDNIGHT, "1065", "254", "t1:none:1", "sent", None, "wamid")
    assert "nobody in the ledger" in telling.history(spoiled(messages=(unknown,)), "t1:none:1")
