"""Recording evidence: late, twice, in any order and in any parts, it comes to the same; counters are the ledger's."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cast import NOW, add_campaign, add_people, add_sender, all_at_once, recipients, reloaded, start
from tulia.channels.types import Failure, FailureKind
from tulia.core import sql
from tulia.ledger import record
from tulia.ledger.claim import claim
from tulia.ledger.models import Recipient
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import State
from tulia.reports.verify import COUNTERS, verify
from tulia.tenants import accounts
from tulia.tenants.scope import tenant_scope

PEOPLE = 4
STATES_AT_FIRST = (State.WAITING, State.SENDING, State.UNKNOWN, State.CANCELLED)
KEPT = [field.attname for field in Recipient._meta.fields if field.attname not in ("id", "campaign_id", "customer_id")]
FAILURES = [
    None,
    *(Failure(kind, code, "…") for kind in (FailureKind.RECIPIENT, FailureKind.CONTENT) for code in ("1", "2")),
]


def at(seconds: float) -> Any:
    return NOW + timedelta(seconds=seconds)


OF_PEOPLE = [name for name in COUNTERS if name.endswith("_count")]


class Books:
    """Two campaigns of one tenant with four people each, whose ledger can be set back to the beginning."""

    def __init__(self) -> None:
        tenant = accounts.create_tenant(f"b-{uuid.uuid4().hex[:10]}", name="Books", tier="enterprise")
        self.tenant_id, self.sender_id = tenant.id, add_sender(tenant).id
        add_people(tenant, PEOPLE)
        self.campaigns = [start(add_campaign(tenant)) for _ in range(2)]
        self.ids = [row.id for campaign in self.campaigns for row in recipients(campaign)]

    def set_back(self) -> None:
        nothing: dict[str, Any] = {
            field: None
            for field in KEPT
            if field.endswith("_at") or field in ("message_id", "failure_kind", "failure_code")
        }
        with tenant_scope(self.tenant_id):
            for state, id_ in zip(itertools.cycle(STATES_AT_FIRST), self.ids, strict=False):
                Recipient.objects.filter(pk=id_).update(
                    **nothing
                    | {"state": state, "reason": "canceled" if state is State.CANCELLED else ""}
                    | {"due_at": NOW if state is State.WAITING else None}
                    | {"sending_at": NOW if state is State.SENDING else None}
                )

    def record(self, evidence: Sequence[Evidence]) -> None:
        record.record(self.tenant_id, self.sender_id, evidence)

    def rows(self) -> list[tuple[Any, ...]]:
        return [tuple(getattr(row, field) for field in KEPT) for one in self.campaigns for row in recipients(one)]

    def states(self) -> list[int]:
        return [row.state for one in self.campaigns for row in recipients(one)]

    def counters(self) -> list[tuple[int, ...]]:
        return [tuple(getattr(one, name) for name in OF_PEOPLE) for one in map(reloaded, self.campaigns)]

    def assert_sound(self) -> None:
        assert verify([self.tenant_id]).differences == ()


@pytest.fixture(scope="module")
def books() -> Books:
    return Books()


def evidence_about(index: int, kind: Kind, seconds: float, message: int | None, failure: int) -> tuple[Any, ...]:
    return index, kind, seconds, message, failure


PIECES = st.lists(
    st.builds(
        evidence_about,
        st.integers(0, 2 * PEOPLE - 1),
        st.sampled_from(Kind),
        st.sampled_from([0, 0.25, 0.5, 1, 1.75, 2, 60, 86_400]),
        st.none() | st.integers(0, 3),
        st.integers(0, len(FAILURES) - 1),
    ),
    max_size=16,
)


def made(books: Books, pieces: Sequence[tuple[Any, ...]]) -> list[Evidence]:
    return [
        Evidence(
            books.ids[index], kind, at(seconds), message_id=None if message is None else f"wamid.{index}.{message}",
            failure=FAILURES[failure] if kind in (Kind.FAILED, Kind.REJECTED) else None,
        )
        for index, kind, seconds, message, failure in pieces
    ]  # fmt: skip


@settings(
    max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(pieces=PIECES, seed=st.integers(0, 10**6))
def test_evidence_comes_to_the_same_in_any_order_and_any_parts(books: Books, pieces: list[Any], seed: int) -> None:
    evidence = made(books, pieces)
    books.set_back()
    books.record(evidence)
    expected, counted = books.rows(), books.counters()
    books.assert_sound()

    chance = random.Random(seed)
    told = [*evidence, *chance.choices(evidence, k=len(evidence) // 2)] if evidence else []
    chance.shuffle(told)
    books.set_back()
    states = books.states()
    while told:
        size = chance.randint(1, 6)
        books.record(told[:size])
        told = told[size:]
        reached = books.states()
        assert all(after >= before for before, after in zip(states, reached, strict=True))
        states = reached
    assert books.rows() == expected
    assert books.counters() == counted
    books.assert_sound()


@pytest.mark.parametrize("order", list(itertools.permutations([Kind.REJECTED, Kind.ACCEPTED, Kind.FAILED])))
def test_a_refusal_and_an_acceptance_are_a_failure_that_was_sent_in_any_order(books: Books, order: Any) -> None:
    books.set_back()
    for kind in order:
        books.record([Evidence(books.ids[0], kind, at(1), failure=FAILURES[1])])
    row = recipients(books.campaigns[0])[0]
    assert (row.state, row.accepted_at, row.failed_at) == (State.FAILED, at(1), at(1))
    assert books.counters()[0] == (1, 0, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("kinds", "counted"),
    [
        ([Kind.REJECTED], (0, 0, 1, 0, 0, 0)),
        ([Kind.ACCEPTED], (1, 0, 0, 0, 0, 0)),
        ([Kind.FAILED], (1, 0, 1, 0, 0, 0)),
        ([Kind.FAILED, Kind.DELIVERED], (1, 1, 0, 0, 0, 0)),
        ([Kind.REJECTED, Kind.DELIVERED], (1, 1, 0, 0, 0, 0)),
        ([Kind.READ], (1, 1, 0, 1, 0, 0)),
        ([Kind.REPLIED], (1, 1, 0, 0, 1, 0)),
        ([Kind.READ, Kind.REPLIED, Kind.READ, Kind.FAILED], (1, 1, 0, 1, 1, 0)),
    ],
)
def test_each_kind_of_evidence_counts_what_it_proves(books: Books, kinds: list[Kind], counted: tuple[int, ...]) -> None:
    books.set_back()
    books.record([Evidence(books.ids[0], kind, at(1)) for kind in kinds])
    assert books.counters()[0] == counted
    assert books.counters()[1] == (0,) * 6
    books.assert_sound()


def test_the_failure_kept_is_the_earliest_one(books: Books) -> None:
    books.set_back()
    for seconds, failure in ((9, FAILURES[1]), (1, FAILURES[4]), (5, FAILURES[2])):
        books.record([Evidence(books.ids[0], Kind.FAILED, at(seconds), failure=failure)])
    row = recipients(books.campaigns[0])[0]
    assert (row.failed_at, row.failure_kind, row.failure_code) == (at(1), "content", "2")


def test_evidence_takes_a_person_out_of_the_queue_and_out_of_flight(books: Books) -> None:
    books.set_back()
    books.record([Evidence(id_, Kind.SENT, at(0)) for id_ in books.ids])
    for row in itertools.chain.from_iterable(map(recipients, books.campaigns)):
        assert (row.state, row.due_at, row.sending_at) == (State.SENT, None, None)
    assert claim(books.tenant_id, books.campaigns[0].pk, now=at(99), batch=9).is_empty


def test_evidence_of_another_tenant_sender_or_campaign_or_about_nobody_is_ignored(books: Books) -> None:
    books.set_back()
    other = accounts.create_tenant(f"o-{uuid.uuid4().hex[:8]}", name="Other", tier="starter")
    piece = Evidence(books.ids[0], Kind.READ, at(0))
    record.record(other.id, books.sender_id, [piece])
    record.record(books.tenant_id, uuid.uuid4(), [piece])
    books.record([Evidence(books.ids[0], Kind.READ, at(0), campaign_id=books.campaigns[1].pk)])
    books.record([Evidence(10**15, Kind.READ, at(0))])
    books.record([])
    assert books.counters() == [(0,) * 6] * 2
    books.record([Evidence(books.ids[0], Kind.READ, at(0), campaign_id=books.campaigns[0].pk)])
    assert books.counters()[0] == (1, 1, 0, 1, 0, 0)


def test_what_is_known_already_writes_nothing(books: Books) -> None:
    books.set_back()
    evidence = [Evidence(id_, kind, at(2), message_id=f"wamid.{id_}") for id_ in books.ids for kind in Kind]
    books.record(evidence)

    def versions() -> list[Any]:
        with tenant_scope(books.tenant_id):
            return sql.fetch_all("SELECT id, xmin::text FROM ledger_recipients ORDER BY id") + sql.fetch_all(
                "SELECT id, xmin::text FROM message_campaigns ORDER BY id"
            )

    before = versions()
    books.record(evidence)
    books.record(evidence[::-1])
    assert versions() == before


def test_a_callback_that_follows_an_acceptance_moves_no_indexed_value(books: Books) -> None:
    books.set_back()
    books.record([Evidence(books.ids[0], Kind.ACCEPTED, at(0.7), message_id="wamid.1")])
    before = recipients(books.campaigns[0])[0]
    books.record([Evidence(books.ids[0], Kind.SENT, at(0), message_id="wamid.1")])
    after = recipients(books.campaigns[0])[0]
    assert (after.accepted_at, after.message_id) == (before.accepted_at, before.message_id) == (at(0), "wamid.1")


def test_the_same_evidence_recorded_by_many_at_once_counts_once(books: Books) -> None:
    books.set_back()
    evidence = [Evidence(id_, kind, at(1)) for id_ in books.ids for kind in (Kind.ACCEPTED, Kind.DELIVERED, Kind.READ)]
    chance = random.Random(5)

    def recorder() -> Any:
        mine = chance.sample(evidence, len(evidence))

        def run() -> None:
            for i in range(0, len(mine), 5):
                while True:
                    try:
                        books.record(mine[i : i + 5])
                        break
                    except Exception as error:
                        if not sql.is_worth_repeating(error):
                            raise

        return run

    assert all_at_once(*[recorder() for _ in range(6)]) == [None] * 6
    assert books.counters() == [(PEOPLE, PEOPLE, 0, PEOPLE, 0, 0)] * 2
    books.assert_sound()


def test_recording_is_one_statement_whatever_the_size(books: Books, django_queries: Any) -> None:
    books.set_back()
    with django_queries() as few:
        books.record([Evidence(books.ids[0], Kind.SENT, at(0))])
    with django_queries() as many:
        books.record([Evidence(id_, kind, at(0)) for id_ in books.ids for kind in Kind])
    assert len(few) == len(many)


@pytest.fixture
def django_queries() -> Any:
    from django.test.utils import CaptureQueriesContext

    return lambda: CaptureQueriesContext(connection)
