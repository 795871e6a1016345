"""Claims of deliveries: nobody else's while they stand, anybody's afterwards; and what tries leave behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cast import all_at_once
from webhooks.listening import deliveries, events, subscribe

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant
    from tulia.webhooks.claim import Batch, Tried
    from tulia.webhooks.subscriptions import WithSecret
    from tulia.webhooks.tries import Answer


def _tell(tenant: Tenant, count: int) -> None:
    """Lets `count` campaigns begin."""
    from cast import add_campaign
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope

    for _ in range(count):
        campaign = add_campaign(tenant)
        with tenant_scope(tenant.id):
            campaign.mark_sending(at=clock.now())


def _claim(tenant: Tenant, made: WithSecret, *, after: float = 0.0, batch: int = 100) -> Batch | None:
    from tulia.core import clock
    from tulia.webhooks import claim

    return claim.claim(tenant.id, made.subscription.pk, now=clock.now() + timedelta(seconds=after + 0.1), batch=batch)


def _finish(batch: Batch, answer: Answer, *, again_in: float | None = 5.0) -> str:
    from tulia.core import clock
    from tulia.webhooks import claim
    from tulia.webhooks.claim import Tried

    now = clock.now()
    next_at = now + timedelta(seconds=again_in) if again_in is not None and not answer.is_success else None
    tried: list[Tried] = [Tried(one, now, answer, next_at) for one in batch.deliveries]
    return claim.finish(batch, tried, now=now)


def _answer(status: int | None, error: str = "") -> Answer:
    from tulia.webhooks.tries import Answer

    return Answer(status, error, 3, "hey")


def test_what_is_claimed_is_nobody_elses_until_the_claim_lapses(tenant: Tenant) -> None:
    from tulia.webhooks.claim import LEASE

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 3)
    first = _claim(tenant, made)
    assert first
    assert len(first.deliveries) == 3
    assert _claim(tenant, made) is None
    again = _claim(tenant, made, after=LEASE.total_seconds() + 1)
    assert again
    assert {one.message.id for one in again.deliveries} == {one.message.id for one in first.deliveries}
    assert [one.message.body for one in again.deliveries] == [one.message.body for one in first.deliveries]


def test_workers_that_claim_at_once_share_without_overlap(tenant: Tenant) -> None:
    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 12)
    batches = all_at_once(*[lambda: _claim(tenant, made, batch=4)] * 4)
    claimed = [one.delivery_id for batch in batches if batch for one in batch.deliveries]  # type: ignore[union-attr]
    assert len(claimed) == len(set(claimed)) == 12


def test_a_success_is_kept_with_its_log(tenant: Tenant) -> None:
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import deliveries as log

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 1)
    batch = _claim(tenant, made)
    assert batch
    _finish(batch, _answer(None, "No answer within 10 seconds."))
    later = _claim(tenant, made, after=6)
    assert later
    assert later.deliveries[0].tries == 1
    _finish(later, _answer(204))
    (delivery,) = deliveries(tenant)
    assert (delivery.state, delivery.attempt_count, delivery.next_attempt_at) == ("delivered", 2, None)
    assert delivery.delivered_at
    with tenant_scope(tenant.id):
        logged = log.get(tenant.id, made.subscription.pk, delivery.pk)
    assert [one.status for one in logged.attempts] == [204, None]
    assert logged.attempts[1].error == "No answer within 10 seconds."


def test_a_failure_told_after_the_claim_lapsed_changes_nothing_but_a_success_counts(tenant: Tenant) -> None:
    from tulia.webhooks.claim import LEASE

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 1)
    slow = _claim(tenant, made)
    quick = _claim(tenant, made, after=LEASE.total_seconds() + 1)
    assert slow
    assert quick
    _finish(slow, _answer(500, "late"), again_in=None)
    (delivery,) = deliveries(tenant)
    assert (delivery.state, delivery.attempt_count) == ("pending", 0)
    _finish(slow, _answer(200))
    (delivery,) = deliveries(tenant)
    assert delivery.state == "delivered"
    _finish(quick, _answer(500, "after all"))
    (delivery,) = deliveries(tenant)
    assert delivery.state == "delivered"


def test_after_the_last_try_a_delivery_has_failed(tenant: Tenant) -> None:
    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 1)
    batch = _claim(tenant, made)
    assert batch
    assert _finish(batch, _answer(500, "no"), again_in=None) == ""
    (delivery,) = deliveries(tenant)
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("failed", 500, "no")
    assert _claim(tenant, made, after=10**6) is None


@pytest.mark.parametrize("days", [4, 5])
def test_five_days_without_a_success_switch_the_subscription_off(tenant: Tenant, days: int) -> None:
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import subscriptions
    from tulia.webhooks.models import WebhookSubscription

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 1)
    with tenant_scope(tenant.id):
        WebhookSubscription.objects.update(failing_since=clock.now() - timedelta(days=days))
    batch = _claim(tenant, made)
    assert batch
    reason = _finish(batch, _answer(500, "The endpoint answered 500."))
    assert bool(reason) == (days == 5)
    with tenant_scope(tenant.id):
        found = subscriptions.get(tenant.id, made.subscription.pk)
        assert found.is_enabled == (days == 4)
        assert found.disabled_reason == reason
        # What waits is kept, and goes out when the subscription is switched on again.
        assert (_claim(tenant, made, after=60) is None) == (days == 5)
        subscriptions.change(tenant.id, made.subscription.pk, is_enabled=True)
        assert (found := subscriptions.get(tenant.id, made.subscription.pk)).is_enabled
        assert (found.disabled_reason, found.failing_since) == ("", None)
    assert _claim(tenant, made, after=600)


def test_a_success_ends_the_failing(tenant: Tenant) -> None:
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import subscriptions

    made = subscribe(tenant, "campaign.started")
    for answer, is_failing in ((_answer(500, "no"), True), (_answer(200), False)):
        _tell(tenant, 1)
        batch = _claim(tenant, made)
        assert batch
        _finish(batch, answer)
        with tenant_scope(tenant.id):
            found = subscriptions.get(tenant.id, made.subscription.pk)
        assert (found.failing_since is not None) == is_failing


def test_what_is_due_is_found_across_tenants_and_what_is_switched_off_is_not(tenant: Tenant) -> None:
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import claim, subscriptions

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 1)
    mine = (tenant.id, made.subscription.pk)
    assert mine in claim.due(now=clock.now() + timedelta(seconds=1))
    with tenant_scope(tenant.id):
        subscriptions.change(*mine, is_enabled=False)
    assert mine not in claim.due(now=clock.now() + timedelta(seconds=1))


def test_while_a_secret_is_rotated_both_sign(tenant: Tenant) -> None:
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import claim, subscriptions

    made = subscribe(tenant, "campaign.started")
    now = clock.now()
    with tenant_scope(tenant.id):
        new = subscriptions.rotate_secret(tenant.id, made.subscription.pk, overlap=timedelta(hours=1), now=now)
        found = subscriptions.get(tenant.id, made.subscription.pk)
        assert claim.endpoint_of(found, now=now).secrets == (new.secret, made.secret)
        assert claim.endpoint_of(found, now=now + timedelta(hours=2)).secrets == (new.secret,)
        newest = subscriptions.rotate_secret(tenant.id, made.subscription.pk, overlap=timedelta(0), now=now)
        found = subscriptions.get(tenant.id, made.subscription.pk)
        assert claim.endpoint_of(found, now=now).secrets == (newest.secret,)
    assert made.secret not in found.secret_encrypted
    assert newest.secret not in repr(newest)


def test_what_is_older_than_thirty_days_is_forgotten(tenant: Tenant) -> None:
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import forget, subscriptions
    from tulia.webhooks.models import WebhookAttempt, WebhookEvent, WebhookSubscription

    made, other = subscribe(tenant, "campaign.started"), subscribe(tenant, "campaign.started")
    _tell(tenant, 2)
    batch = _claim(tenant, made)
    assert batch
    _finish(batch, _answer(200))
    old = events(tenant)[0]
    now = clock.now()
    with tenant_scope(tenant.id):
        WebhookEvent.objects.filter(pk=old.pk).update(recorded_at=now - timedelta(days=31))
        subscriptions.delete(tenant.id, other.subscription.pk, now=now - timedelta(days=31))
    assert forget.forget_old(now=now) >= 1
    assert [event.pk for event in events(tenant)] != [old.pk]
    assert len(events(tenant)) == 1
    assert {one.event_id for one in deliveries(tenant)} == {events(tenant)[0].pk}
    with tenant_scope(tenant.id):
        assert WebhookAttempt.objects.count() == 1
        assert WebhookSubscription.objects.count() == 2  # the deleted one still has a young line in its log
        WebhookEvent.objects.update(recorded_at=now - timedelta(days=31))
    forget.forget_old(now=now)
    assert events(tenant) == []
    with tenant_scope(tenant.id):
        assert [one.pk for one in WebhookSubscription.objects.all()] == [made.subscription.pk]


def test_looking_for_what_is_due_does_not_read_all_that_waits(tenant: Tenant) -> None:
    from tulia.core import clock, sql
    from tulia.tenants.scope import system_scope

    subscribe(tenant, "campaign.started")
    with system_scope():
        # With a handful of rows any way is as good as another; with many these two are not.
        sql.execute("SET LOCAL enable_seqscan = off")
        sql.execute("SET LOCAL enable_sort = off")
        plan = "\n".join(
            line for (line,) in sql.fetch_all("EXPLAIN " + sql.load("webhooks", "due"), {"now": clock.now()})
        )
    assert "webhook_deliveries_due" in plan
    assert "Limit" in plan
    assert "Semi Join" not in plan


def test_who_was_reached_by_another_worker_since_the_failure_is_not_switched_off(tenant: Tenant) -> None:
    from tulia.core import clock
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import subscriptions
    from tulia.webhooks.models import WebhookDelivery, WebhookSubscription

    made = subscribe(tenant, "campaign.started")
    _tell(tenant, 2)
    first = _claim(tenant, made, batch=1)
    assert first
    _finish(first, _answer(200))
    now = clock.now()
    with tenant_scope(tenant.id):
        WebhookSubscription.objects.update(failing_since=now - timedelta(days=6))
        WebhookDelivery.objects.filter(state="delivered").update(
            delivered_at=now - timedelta(days=6) + timedelta(hours=1)
        )
    second = _claim(tenant, made)
    assert second
    assert _finish(second, _answer(500, "no")) == ""
    with tenant_scope(tenant.id):
        found = subscriptions.get(tenant.id, made.subscription.pk)
    assert found.is_enabled
    assert found.failing_since
    assert found.failing_since > now - timedelta(minutes=1)
