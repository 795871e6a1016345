"""Taking events that are due for delivery, and writing down what became of each try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db.models import QuerySet

from tulia.core import crypto, logs, sql
from tulia.tenants.scope import system_scope, tenant_scope
from tulia.webhooks import tries
from tulia.webhooks.models import WebhookDelivery, WebhookSubscription
from tulia.webhooks.tries import Answer

_log = logs.get(__name__)
LEASE = timedelta(seconds=20)
"""How long a claim stands: the longest try and as much again. What a dead worker had claimed waits for this."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a subscription is posted to, and the secrets that sign, the newest first. They never appear in a repr."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is posted: the same id and the same body at every try."""

    id: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """One event on its way; `tries` that failed before this one."""

    delivery_id: UUID
    tries: int
    message: Message


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed for one subscription, until `claimed_until`; whether its endpoint was failing until now."""

    tenant_id: UUID
    subscription_id: UUID
    endpoint: Endpoint
    deliveries: tuple[ClaimedDelivery, ...]
    claimed_until: datetime
    was_failing: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """One try: begun `at`, the answer, and when to try again (None: never)."""

    delivery: ClaimedDelivery
    at: datetime
    answer: Answer
    next_at: datetime | None


def due(*, now: datetime) -> list[tuple[UUID, UUID]]:
    """(tenant, subscription) of all for whom something is due."""
    with system_scope():
        return [(tenant_id, id_) for tenant_id, id_ in sql.fetch_all(sql.load("webhooks", "due"), {"now": now})]


def claim(tenant_id: UUID, subscription_id: UUID, *, now: datetime, batch: int) -> Batch | None:
    """Up to `batch` deliveries of one subscription, ours for `LEASE`; None when nothing is due or it is switched off."""
    until = now + LEASE
    with tenant_scope(tenant_id):
        subscription = WebhookSubscription.objects.filter(
            tenant_id=tenant_id, pk=subscription_id, is_enabled=True
        ).first()
        if subscription is None:
            return None
        rows = sql.fetch_all(
            sql.load("webhooks", "claim"),
            {"tenant_id": tenant_id, "subscription_id": subscription_id, "now": now, "until": until, "batch": batch},
        )
    if not rows:
        return None
    return Batch(
        tenant_id,
        subscription_id,
        endpoint_of(subscription, now=now),
        tuple(
            ClaimedDelivery(id_, attempts, message_of(event_id, type_, at, orjson.loads(data)))
            for id_, attempts, event_id, type_, at, data in rows
        ),
        until,
        was_failing=subscription.failing_since is not None,
    )


def finish(batch: Batch, tried: Sequence[Tried], *, now: datetime) -> str:
    """Writes down what became of a batch; why the subscription was switched off by it, or empty."""
    with tenant_scope(batch.tenant_id):
        sql.execute(
            sql.load("webhooks", "finish"),
            {
                "tenant_id": batch.tenant_id,
                "ids": [one.delivery.delivery_id for one in tried],
                "ats": [one.at for one in tried],
                "statuses": [one.answer.status for one in tried],
                "errors": [one.answer.error for one in tried],
                "responses": [one.answer.excerpt for one in tried],
                "durations": [one.answer.duration_ms for one in tried],
                "next_ats": [one.next_at for one in tried],
                "claimed_until": batch.claimed_until,
            },
        )
        answers = [one.answer for one in tried]
        if not batch.was_failing and all(answer.is_success for answer in answers):
            return ""  # nearly always, and then the subscription is not touched
        return _judge(batch.tenant_id, batch.subscription_id, answers, now=now)


def _judge(tenant_id: UUID, subscription_id: UUID, answers: Sequence[Answer], *, now: datetime) -> str:
    """Keeps since when the endpoint fails, and switches a subscription off that is gone or has failed too long."""
    mine = WebhookSubscription.objects.filter(tenant_id=tenant_id, pk=subscription_id, is_enabled=True)
    if any(answer.is_success for answer in answers):
        mine.filter(failing_since__isnull=False).update(failing_since=None)
    else:
        mine.filter(failing_since=None).update(failing_since=now)
    failing_since = mine.values_list("failing_since", flat=True).first()
    if failing_since is not None and now - failing_since >= tries.GIVE_UP_AFTER and _was_reached(mine, failing_since):
        failing_since = now  # another worker got through meanwhile
        mine.update(failing_since=failing_since)
    reasons = (tries.reason_to_switch_off(answer, failing_since=failing_since, now=now) for answer in answers)
    reason = next(filter(None, reasons), "")
    if reason and mine.update(is_enabled=False, disabled_reason=reason[:500]):
        _log.warning("webhook_subscription_disabled", subscription_id=str(subscription_id))
        return reason
    return ""


def _was_reached(mine: QuerySet[WebhookSubscription], since: datetime) -> bool:
    return WebhookDelivery.objects.filter(subscription__in=mine, state="delivered", delivered_at__gt=since).exists()


def endpoint_of(subscription: WebhookSubscription, *, now: datetime) -> Endpoint:
    secrets = [crypto.decrypt(subscription.secret_encrypted)]
    if subscription.previous_secret_until and subscription.previous_secret_until > now:
        secrets.append(crypto.decrypt(subscription.previous_secret_encrypted))
    return Endpoint(subscription.url, tuple(secrets))


def message_of(event_id: UUID, type_: str, occurred_at: datetime, data: object) -> Message:
    """`{"type", "timestamp", "data"}`: keys in a fixed order, so that the body is the same each time."""
    payload = {"type": type_, "timestamp": occurred_at, "data": data}
    return Message(str(event_id), orjson.dumps(payload, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z))
