"""Recurring campaigns start by themselves: once with two workers, and once around a killed one, late if need be."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.conftest import OpenShop
from flows.shop import Shop
from flows.test_sending import accepts
from live_installation import Installation, eventually

CONFIGURATION = {"message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}


def recur(shop: Shop, at: datetime, **fields: Any) -> str:
    """A recurring campaign whose first occurrence is at that time; its id."""
    given = {"name": "Weekly", "campaign": CONFIGURATION, "rrule": "FREQ=WEEKLY", "starts_at": at.isoformat()}
    answer = shop.call("POST", "/v1/recurring-campaigns", given | fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def soon(seconds: int) -> datetime:
    return datetime.now(tz=UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)


def campaigns_of(shop: Shop, recurrence: str) -> Any:
    return shop.get(f"/v1/recurring-campaigns/{recurrence}/campaigns")["results"]


def sleep_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(tz=UTC)).total_seconds()))


def test_an_occurrence_is_sent_at_its_time_once_with_two_workers(
    open_shop: OpenShop, installation: Installation
) -> None:
    shop = open_shop(customers=20)
    installation.start_worker("second")
    eventually(lambda: "worker_started" in (installation.logs / "second.log").read_text())
    at = soon(2)
    recurrence = recur(shop, at)
    (child,) = eventually(lambda: campaigns_of(shop, recurrence), within=10, every=0.05)
    ended = shop.until(child["id"])
    installation.stop("second")
    assert 0 <= (datetime.fromisoformat(ended["started_at"]) - at).total_seconds() < 5
    assert ended["name"].startswith("Weekly · ")
    assert datetime.fromisoformat(ended["occurrence_at"]) == at
    assert ended["metadata"]["late_seconds"] < 5
    assert (ended["status"], ended["delivery_count"]) == ("completed", 20)
    assert set(accepts(shop, child["id"]).values()) == {1}
    standing = shop.get(f"/v1/recurring-campaigns/{recurrence}")
    assert datetime.fromisoformat(standing["next_at"]) == at + timedelta(days=7)
    assert len(campaigns_of(shop, recurrence)) == 1


def test_kill_9_around_the_time_makes_one_campaign_and_tells_how_late(
    open_shop: OpenShop, installation: Installation
) -> None:
    for after_seconds in (-0.5, 0.05, 0.4):
        shop = open_shop(customers=10)
        at = soon(1)
        recurrence = recur(shop, at)
        sleep_until(at + timedelta(seconds=after_seconds))
        installation.kill("worker")
        was_made = bool(campaigns_of(shop, recurrence))
        time.sleep(2)
        installation.start_worker()
        (child,) = eventually(lambda: campaigns_of(shop, recurrence), within=30)
        ended = shop.until(child["id"], within=60)
        late = (datetime.fromisoformat(ended["started_at"]) - at).total_seconds()
        assert abs(ended["metadata"]["late_seconds"] - late) < 0.2
        assert was_made or ended["metadata"]["late_seconds"] >= 1.5 + after_seconds
        assert set(accepts(shop, child["id"]).values()) == {1}
        time.sleep(1)
        assert len(campaigns_of(shop, recurrence)) == 1
        assert shop.get(f"/v1/recurring-campaigns/{recurrence}")["missed_count"] == 0


def test_what_was_due_while_no_worker_ran_is_missed_when_it_is_too_late(
    open_shop: OpenShop, installation: Installation
) -> None:
    from tulia.campaigns.models import CampaignRecurrence
    from tulia.tenants.scope import tenant_scope

    shop = open_shop(customers=5)
    at = soon(3_600)
    recurrence = recur(shop, at, rrule="FREQ=HOURLY;COUNT=30")
    installation.kill("worker")
    with tenant_scope(shop.tenant_id):  # as if it had been down for 10.5 hours
        then = (at - timedelta(hours=11, minutes=30)).replace(tzinfo=None).isoformat()
        CampaignRecurrence.objects.update(starts_at=then, timezone="UTC", next_at=at - timedelta(hours=11.5))
    installation.start_worker()
    (child,) = eventually(lambda: campaigns_of(shop, recurrence), within=30)
    shop.until(child["id"])
    assert child["metadata"]["late_seconds"] < 3_600
    standing = shop.get(f"/v1/recurring-campaigns/{recurrence}")
    assert standing["missed_count"] == 10
    assert datetime.fromisoformat(standing["last_missed_at"]) == datetime.fromisoformat(
        child["occurrence_at"]
    ) - timedelta(hours=1)
