"""All messages by type and day agree with a count by hand."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from invented_ledger import invent, is_delivered

from cast import add_people
from tulia.analytics_service import AnalyticsService
from tulia.audience.models import Conversation, Message
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.ledger.status import State
from tulia.reports.messaging import CAMPAIGNS, TYPES, Line
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

BERLIN = ZoneInfo("Europe/Berlin")
SPAN = (datetime(2026, 3, 26, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
SPOKEN = tuple(name for name in TYPES if name != CAMPAIGNS)


def service(tenant: Tenant) -> AnalyticsService:
    return AnalyticsService(api_keys.operator(tenant.id))


def test_messages_of_every_type_are_counted_by_day_and_by_person(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(timezone=str(BERLIN))
    chance = random.Random(9)
    people = [person.id for person in add_people(tenant, 215, last_wrote_at=None)]
    ledger = invent(tenant, 0, people=people[:200], start=datetime(2026, 3, 28, 22, 30, tzinfo=UTC))
    talkers = people[180:]
    with tenant_scope(tenant.id):
        talks = {
            key: Conversation(tenant=tenant, customer_id=key, last_activity_at=SPAN[1], id=uuid.uuid4())
            for key in talkers
        }
        Conversation.objects.bulk_create(talks.values())
        said = [
            (
                chance.choice(talkers),
                chance.choice(SPOKEN),
                SPAN[0] - timedelta(hours=20) + timedelta(minutes=chance.randrange(9_000)),
            )
            for _ in range(600)
        ]
        Message.objects.bulk_create(
            Message(tenant=tenant, conversation=talks[key], direction="inbound", message_type=name, sent_at=at)
            for key, name, at in said
        )
    found = service(tenant).messaging(since=SPAN[0] + timedelta(hours=2), until=SPAN[1] - timedelta(minutes=1))
    assert (found.since, found.until) == SPAN
    inside = [(key, name, at) for key, name, at in said if SPAN[0] <= at < SPAN[1]]
    assert len(inside) < len(said)
    sends = [row for row in ledger.rows if row.accepted_at and row.claimed_at and SPAN[0] <= row.claimed_at < SPAN[1]]
    lines = {line.message_type: line for line in found.types}
    assert tuple(lines) == TYPES
    for name in SPOKEN:
        mine = [key for key, what, _ in inside if what == name]
        assert lines[name] == Line(name, len(mine), len(set(mine)))
    assert lines[CAMPAIGNS] == Line(
        CAMPAIGNS,
        len(sends),
        len({row.customer_id for row in sends}),
        delivered=sum(is_delivered(row) for row in sends),
        read=sum(row.read_at is not None for row in sends),
        replied=sum(row.replied_at is not None for row in sends),
        failed=sum(
            row.state == State.FAILED and row.failed_at is not None and SPAN[0] <= row.failed_at < SPAN[1]
            for row in ledger.rows
        ),
    )
    assert found.messages == len(inside) + len(sends)
    assert found.unique_customers == len({key for key, _, _ in inside} | {row.customer_id for row in sends})
    by_day = Counter((at.astimezone(BERLIN).date(), name) for _, name, at in inside)
    by_day.update((row.claimed_at.astimezone(BERLIN).date(), CAMPAIGNS) for row in sends if row.claimed_at)
    assert [day.date for day in found.days] == [date(2026, 3, 27) + timedelta(days=number) for number in range(5)]
    for day in found.days:
        assert day.messages == {name: by_day[day.date, name] for name in TYPES}
        assert day.total == sum(day.messages.values())


def test_without_dates_it_is_the_last_thirty_days_with_today(tenant: Tenant) -> None:
    found = service(tenant).messaging()
    today = clock.now().astimezone(ZoneInfo(tenant.timezone)).date()
    assert [found.days[0].date, found.days[-1].date, len(found.days)] == [today - timedelta(days=29), today, 30]
    assert (found.messages, found.unique_customers) == (0, 0)
    nothing = Line(CAMPAIGNS, delivered=0, read=0, replied=0, failed=0)
    assert found.types == tuple(nothing if name == CAMPAIGNS else Line(name) for name in TYPES)


@pytest.mark.parametrize("since", [SPAN[1], SPAN[1] - timedelta(days=2_100)])
def test_a_span_that_makes_no_sense_is_refused(tenant: Tenant, since: datetime) -> None:
    with pytest.raises(Invalid):
        service(tenant).messaging(since=since, until=SPAN[1])
