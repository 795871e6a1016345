"""The log of deliveries, and sending again. To be called in the tenant's scope, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from tulia.core import keyset, sql
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.webhooks.claim import message_of
from tulia.webhooks.models import STATES, WebhookAttempt, WebhookDelivery, WebhookEvent, WebhookSubscription

MOST_REPLAYED = 100_000
_ATTEMPTS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the status the endpoint answered, or None and why there is none."""

    attempted_at: datetime
    status: int | None
    error: str
    response: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery, what was sent, and its tries, the newest first."""

    delivery: WebhookDelivery
    payload: dict[str, Any]
    attempts: tuple[Attempt, ...]


def page(tenant_id: UUID, subscription_id: UUID, wanted: PageRequest, *, state: str | None) -> Page[WebhookDelivery]:
    """The newest event first; `state` is one of STATES or None for all. Raises Invalid."""
    if state is not None and state not in STATES:
        raise Invalid(f"state must be one of {', '.join(STATES)}.", details={"state": f"one of {', '.join(STATES)}"})
    rows = WebhookDelivery.objects.filter(tenant_id=tenant_id, subscription_id=subscription_id)
    if state is not None:
        rows = rows.filter(state=state)
    return keyset.page(rows.prefetch_related("event"), wanted, order=("-event_id",))


def get(tenant_id: UUID, subscription_id: UUID, delivery_id: UUID) -> LoggedDelivery:
    """Raises Missing."""
    delivery = _find(tenant_id, subscription_id, delivery_id)
    event = delivery.event
    attempts = WebhookAttempt.objects.filter(tenant_id=tenant_id, delivery_id=delivery_id).order_by("-id")
    return LoggedDelivery(
        delivery,
        orjson.loads(message_of(event.pk, event.type, event.occurred_at, event.data).body),
        tuple(
            Attempt(one.attempted_at, one.status, one.error, one.response, one.duration_ms)
            for one in attempts[:_ATTEMPTS_SHOWN]
        ),
    )


def replay(tenant_id: UUID, subscription_id: UUID, delivery_id: UUID, *, now: datetime) -> LoggedDelivery:
    """Puts one delivery on its way again, with its event's id, whatever became of it; its tries begin anew."""
    _find(tenant_id, subscription_id, delivery_id)
    WebhookDelivery.objects.filter(tenant_id=tenant_id, pk=delivery_id).update(
        state="pending", attempt_count=0, next_attempt_at=now
    )
    return get(tenant_id, subscription_id, delivery_id)


def replay_period(subscription: WebhookSubscription, *, since: datetime, until: datetime, now: datetime) -> int:
    """Puts on their way again all events of the subscription's types that were recorded from `since` to `until`.

    The number of events. Raises Invalid for a period that is none, or that holds too many.
    """
    if since >= until:
        raise Invalid("from must be before to.", details={"from": "must be before to"})
    of_period = WebhookEvent.objects.filter(
        tenant_id=subscription.tenant_id,
        recorded_at__gte=since,
        recorded_at__lt=until,
        type__in=subscription.event_types,
    )
    if of_period[: MOST_REPLAYED + 1].count() > MOST_REPLAYED:
        raise Invalid(
            f"The period holds more than {MOST_REPLAYED} events: choose a shorter one.",
            details={"to": f"more than {MOST_REPLAYED} events"},
        )
    return sql.execute(
        sql.load("webhooks", "replay_period"),
        {
            "tenant_id": subscription.tenant_id,
            "subscription_id": subscription.pk,
            "since": since,
            "until": until,
            "now": now,
        },
    )


def _find(tenant_id: UUID, subscription_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    found = (
        WebhookDelivery.objects.filter(tenant_id=tenant_id, subscription_id=subscription_id, pk=delivery_id)
        .select_related("event")
        .first()
    )
    if found is None:
        raise Missing("There is no such delivery.")
    return found
