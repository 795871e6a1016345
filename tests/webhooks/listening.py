"""A tenant that listens: subscriptions, and the events and deliveries that facts left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant
    from tulia.webhooks.models import WebhookDelivery, WebhookEvent
    from tulia.webhooks.subscriptions import WithSecret

URL = "https://hooks.invalid/tulia"


def subscribe(tenant: Tenant, *types: str, url: str = URL, **fields: Any) -> WithSecret:
    """To these types; to all when none is named. The address is not looked at."""
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import subscriptions
    from tulia.webhooks.event_types import EVENT_TYPES
    from tulia.webhooks.models import WebhookSubscription

    with tenant_scope(tenant.id):
        made = subscriptions.create(tenant.id, url=URL, event_types=types or EVENT_TYPES, **fields)
        WebhookSubscription.objects.filter(pk=made.subscription.pk).update(url=url)
        made.subscription.refresh_from_db()
    return made


def events(tenant: Tenant, *types: str) -> list[WebhookEvent]:
    """The tenant's events in the order they were written; of these types only, if any are named."""
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks.models import WebhookEvent

    with tenant_scope(tenant.id):
        found = WebhookEvent.objects.filter(tenant_id=tenant.id)
        return list((found.filter(type__in=types) if types else found).order_by("id"))


def deliveries(tenant: Tenant, subscription_id: UUID | None = None) -> list[WebhookDelivery]:
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks.models import WebhookDelivery

    with tenant_scope(tenant.id):
        found = WebhookDelivery.objects.filter(tenant_id=tenant.id).select_related("event")
        if subscription_id:
            found = found.filter(subscription_id=subscription_id)
        return list(found.order_by("event_id"))


def types_of(found: Sequence[WebhookEvent]) -> list[str]:
    return [event.type for event in found]
