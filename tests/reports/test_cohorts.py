"""Cohorts agree with a count by hand: weeks of the tenant's own calendar, tags, countries, and what each brought."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from invented_ledger import Ledger, counts_of, invent

from cast import NOW, add_people, add_sender
from tulia.analytics_service import AnalyticsService
from tulia.audience.models import Customer, CustomerTag
from tulia.core.errors import Invalid
from tulia.ledger.models import Recipient
from tulia.reports.cohorts import MOST_TAGS, Cohort
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def cohorts_of(tenant: Tenant, ledger: Ledger, by: str) -> tuple[Cohort, ...]:
    return AnalyticsService(api_keys.operator(tenant.id)).cohorts(ledger.campaign.pk, by=by).cohorts


def check(cohort: Cohort, ledger: Ledger, rows: Iterable[Recipient]) -> None:
    rows = list(rows)
    counts = counts_of(rows)
    told = {name: getattr(cohort, name) for name in counts if name != "eligible"}
    assert told == {name: count for name, count in counts.items() if name != "eligible"}
    assert {amount.currency: amount.revenue_micros for amount in cohort.revenue} == ledger.revenue(rows)
    pairs = (("delivery", "delivered", "sent"), ("read", "read", "delivered"), ("engagement", "replied", "delivered"))
    for name, part, whole in pairs:
        rate = getattr(cohort, f"{name}_rate")
        assert rate == (pytest.approx(100 * counts[part] / counts[whole]) if counts[whole] else None)


def test_countries(tenant: Tenant) -> None:
    people = add_people(tenant, 300)
    countries = {person.id: random.Random(i).choice(["KE", "UG", ""]) for i, person in enumerate(people)}
    with tenant_scope(tenant.id):
        for country in set(countries.values()):
            mine = [key for key, value in countries.items() if value == country]
            Customer.objects.filter(pk__in=mine).update(country=country)
    ledger = invent(tenant, 0, people=[person.id for person in people])
    found = cohorts_of(tenant, ledger, "country")
    assert [cohort.key for cohort in found] == ["KE", "UG", None]
    for cohort in found:
        check(cohort, ledger, (row for row in ledger.rows if countries[row.customer_id] == (cohort.key or "")))


def test_the_week_of_the_first_message_is_that_of_the_tenants_calendar(tenant: Tenant) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    Tenant.objects.filter(pk=tenant.pk).update(timezone=str(zone))
    sender, people = add_sender(tenant), [person.id for person in add_people(tenant, 240)]
    # The first campaigns run over the night in which 2025-W52 and 2026-W01 meet, in Auckland and then in UTC.
    turns = [datetime(2025, 12, 28, 10, 30, tzinfo=UTC), datetime(2025, 12, 28, 23, 30, tzinfo=UTC)]
    earlier = [
        invent(tenant, 0, people=people[:80], sender=sender, start=turns[0], seed=2),
        invent(tenant, 0, people=people[40:160], sender=sender, start=turns[1], seed=3),
    ]
    ledger = invent(tenant, 0, people=people, sender=sender, start=NOW)
    first: dict[object, datetime] = {}
    for row in [row for one in (*earlier, ledger) for row in one.rows if row.accepted_at]:
        assert row.accepted_at
        first[row.customer_id] = min(row.accepted_at, first.get(row.customer_id, row.accepted_at))
    weeks: dict[object, str] = {}
    for customer, at in first.items():
        year, week, _ = at.astimezone(zone).isocalendar()
        weeks[customer] = f"{year}-W{week:02}"
    found = cohorts_of(tenant, ledger, "first_message_week")
    assert [cohort.key for cohort in found] == ["2025-W52", "2026-W01", "2026-W21", None]
    for cohort in found:
        check(cohort, ledger, (row for row in ledger.rows if weeks.get(row.customer_id) == cohort.key))


def test_somebody_with_two_tags_stands_in_both_and_the_rare_tags_are_one_line(tenant: Tenant) -> None:
    people = add_people(tenant, 400)
    chance = random.Random(5)
    tags: dict[UUID, set[str]] = {}
    for person in people:
        often = {f"often {chance.randrange(MOST_TAGS)}" for _ in range(chance.randrange(3))}
        tags[person.id] = often | ({f"rare {person.phone}"} if chance.random() < 0.1 else set())
    # Each frequent tag has three people more than any rare one, so that it is among the hundred.
    for number in range(MOST_TAGS):
        for person in people[3 * number : 3 * number + 3]:
            tags[person.id].add(f"often {number}")
    with tenant_scope(tenant.id):
        CustomerTag.objects.filter(tenant=tenant).delete()
        CustomerTag.objects.bulk_create(
            CustomerTag(tenant=tenant, tag=tag, customer_id=key) for key, some in tags.items() for tag in some
        )
    ledger = invent(tenant, 0, people=[person.id for person in people])
    found = cohorts_of(tenant, ledger, "tag")
    assert len(found) == MOST_TAGS + 2
    assert [cohort.targeted for cohort in found[:MOST_TAGS]] == sorted(
        (cohort.targeted for cohort in found[:MOST_TAGS]), reverse=True
    )
    for cohort in found[:MOST_TAGS]:
        assert cohort.key
        check(cohort, ledger, (row for row in ledger.rows if cohort.key in tags[row.customer_id]))
    other, untagged = found[MOST_TAGS:]
    assert (other.key, other.is_other, untagged.key, untagged.is_other) == (None, True, None, False)
    check(other, ledger, (row for row in ledger.rows if any("rare" in tag for tag in tags[row.customer_id])))
    check(untagged, ledger, (row for row in ledger.rows if not tags[row.customer_id]))


def test_an_unknown_grouping_is_refused(tenant: Tenant) -> None:
    with pytest.raises(Invalid, match="by must be one of first_message_week, tag, country"):
        cohorts_of(tenant, invent(tenant, 1), "shoe size")


def test_a_week_is_named_by_its_iso_year(tenant: Tenant) -> None:
    from tulia.reports.cohorts import week_of

    assert [week_of(day) for day in ("2024-12-30", "2026-12-28")] == ["2025-W01", "2026-W53"]
    assert NOW - timedelta(days=2) == datetime(2026, 5, 18, 12, tzinfo=UTC)
