from __future__ import annotations

from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from tulia.demo import invent
from whatsapp_simulator import magic

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> invent.Shop:
    return invent.generate("seed", NOW)


def test_the_same_seed_gives_the_same_shop(made: invent.Shop) -> None:
    assert invent.generate("seed", NOW) == made
    assert invent.generate("another", NOW).customers != made.customers


def test_there_are_as_many_of_each_as_a_shop_of_its_size_has(made: invent.Shop) -> None:
    assert len(made.customers) == 2_000
    assert 5_500 <= len(made.orders) <= 6_500
    assert len(made.bookings) == 400
    assert len(made.conversations) == 700
    agreeing = sum(person.agrees for person in made.customers) / len(made.customers)
    assert 0.77 <= agreeing <= 0.83


def test_every_phone_is_a_kenyan_number_of_its_own_that_the_simulator_treats_as_ordinary(made: invent.Shop) -> None:
    phones = [person.phone for person in made.customers]
    assert len(set(phones)) == len(phones)
    assert all(magic.of(phone) is magic.NOTHING for phone in phones)
    assert set(magic.SUFFIXES) <= invent.SPECIAL_ENDINGS
    for phone in phones:
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_valid_number_for_region(number, "KE"), phone


def test_nothing_happens_in_the_future_or_before_somebody_joined(made: invent.Shop) -> None:
    joined = {person.id: person.joined_at for person in made.customers}
    assert all(joined[order.customer_id] <= order.placed_at < NOW for order in made.orders)
    assert all(NOW - timedelta(days=600) < at < NOW for at in joined.values())
    for person in made.customers:
        for at in (person.agreed_at, person.stopped_at):
            assert at is None or at < NOW
    for talk in made.conversations:
        times = [said.sent_at for said in talk.messages]
        assert times == sorted(times)
        assert times[-1] <= NOW
        assert talk.messages[0].direction == "inbound"


def test_tags_say_what_the_orders_say(made: invent.Shop) -> None:
    spent: dict[object, int] = {}
    last: dict[object, datetime] = {}
    for order in made.orders:
        if order.status in ("completed", "fulfilled", "paid"):
            spent[order.customer_id] = spent.get(order.customer_id, 0) + order.total
            last[order.customer_id] = max(order.placed_at, last.get(order.customer_id, order.placed_at))
    for person in made.customers:
        assert ("vip" in person.tags) == (spent.get(person.id, 0) >= invent.VIP_SPENT)
        is_lapsed = person.id in last and last[person.id] < NOW - timedelta(days=invent.LAPSED_DAYS)
        assert ("lapsed" in person.tags) == is_lapsed
    assert 40 <= sum("vip" in person.tags for person in made.customers) <= 400


def test_a_few_people_have_no_name_so_that_a_greeting_can_fail(made: invent.Shop) -> None:
    assert 5 <= sum(not person.name for person in made.customers) <= 50
