"""Timelines agree with a count by hand, in every zone and on the days when clocks change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from invented_ledger import Ledger, invent, is_delivered

from cast import NOW, add_campaign
from tulia.analytics_service import AnalyticsService
from tulia.core.errors import Invalid
from tulia.ledger.status import State
from tulia.reports.timeline import KINDS
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant


def service(tenant: Tenant) -> AnalyticsService:
    return AnalyticsService(api_keys.operator(tenant.id))


def in_zone(tenant: Tenant, zone: str) -> Tenant:
    Tenant.objects.filter(pk=tenant.pk).update(timezone=zone)
    return tenant


def evidence(ledger: Ledger, kind: str) -> list[datetime]:
    """The instants of one kind of evidence, each person once."""
    found: list[datetime | None] = []
    for row in ledger.rows:
        first = [at for at in (row.delivered_at, row.read_at, row.replied_at) if at]
        found.append(
            {
                "sent": row.accepted_at,
                "delivered": min(first) if is_delivered(row) else None,
                "read": row.read_at,
                "replied": row.replied_at,
                "converted": row.converted_at,
                "failed": row.failed_at if row.state == State.FAILED else None,
            }[kind]
        )
    return [at for at in found if at]


def local_start(at: datetime, interval: str, zone: ZoneInfo) -> str:
    """The wall clock at the start of this instant's hour or day; the offset tells the hour that comes twice apart."""
    local = at.astimezone(zone)
    if interval == "day":
        return local.date().isoformat()
    return local.replace(minute=0 if interval == "hour" else local.minute, second=0, microsecond=0).isoformat()


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Africa/Nairobi", NOW),
        ("Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 20, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", NOW),
    ],
)
@pytest.mark.parametrize("interval", ["hour", "day"])
def test_a_timeline_is_what_one_counts_by_hand(tenant: Tenant, zone: str, start: datetime, interval: str) -> None:
    ledger = invent(in_zone(tenant, zone), 300, start=start)
    said = service(tenant).timeline(ledger.campaign.pk, interval=interval)
    assert (said.interval, said.timezone) == (interval, zone)
    for kind in KINDS:
        by_hand = Counter(local_start(at, interval, ZoneInfo(zone)) for at in evidence(ledger, kind))
        told = {
            bucket.local_time[: 10 if interval == "day" else None]: getattr(bucket.counts, kind)
            for bucket in said.buckets
        }
        assert {key: count for key, count in told.items() if count} == dict(by_hand)
    edges = [bucket.starts_at for bucket in said.buckets]
    assert edges[1:] == [bucket.ends_at for bucket in said.buckets[:-1]]
    assert set(said.outside) == {0}


def test_a_span_is_widened_to_whole_buckets_and_what_lies_outside_is_told(tenant: Tenant) -> None:
    ledger = invent(tenant, 200)
    since, until = NOW + timedelta(minutes=10, seconds=20), NOW + timedelta(minutes=29, seconds=1)
    said = service(tenant).timeline(ledger.campaign.pk, interval="minute", since=since, until=until)
    assert (said.buckets[0].starts_at, said.buckets[-1].ends_at) == (
        NOW + timedelta(minutes=10),
        NOW + timedelta(minutes=30),
    )
    assert len(said.buckets) == 20
    for kind in KINDS:
        instants = evidence(ledger, kind)
        inside = [at for at in instants if NOW + timedelta(minutes=10) <= at < NOW + timedelta(minutes=30)]
        assert sum(getattr(bucket.counts, kind) for bucket in said.buckets) == len(inside)
        assert getattr(said.outside, kind) == len(instants) - len(inside)


def test_the_minutes_of_a_long_campaign_end_where_there_would_be_too_many(tenant: Tenant) -> None:
    ledger = invent(tenant, 100)
    said = service(tenant).timeline(ledger.campaign.pk, interval="minute")
    assert 120 <= len(said.buckets) <= 2_000
    total = sum(bucket.counts.converted for bucket in said.buckets) + said.outside.converted
    assert total == ledger.campaign.conversion_count


def test_a_campaign_that_has_not_started_has_no_buckets(tenant: Tenant) -> None:
    draft = add_campaign(tenant)
    assert service(tenant).timeline(draft.pk).buckets == ()
    asked = service(tenant).timeline(draft.pk, since=NOW, until=NOW + timedelta(hours=3))
    assert [bucket.counts._asdict() for bucket in asked.buckets] == [dict.fromkeys(KINDS, 0)] * 3


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"interval": "week"}, "interval"),
        ({"interval": "minute", "since": NOW, "until": NOW + timedelta(days=3)}, "interval"),
        ({"since": NOW, "until": NOW}, "to"),
        ({"until": NOW}, "from"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_with_its_field(
    tenant: Tenant, asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        service(tenant).timeline(add_campaign(tenant).pk, **asked)
    assert refused.value.details is not None
    assert set(refused.value.details) == {field}
