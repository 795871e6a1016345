"""Events, deliveries and the log are kept for thirty days."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tulia.core import sql
from tulia.tenants.scope import system_scope, tenant_scope
from tulia.webhooks.models import WebhookDelivery, WebhookSubscription

KEPT = timedelta(days=30)
_BATCH = 2_000


def forget_old(*, now: datetime) -> int:
    """Deletes what was recorded more than thirty days ago, for all tenants; the number of events."""
    with system_scope():
        tenants = list(WebhookSubscription.objects.values_list("tenant_id", flat=True).distinct())
    return sum(_forget_of(tenant_id, before=now - KEPT) for tenant_id in tenants)


def _forget_of(tenant_id: UUID, *, before: datetime) -> int:
    forgotten = 0
    while True:
        with tenant_scope(tenant_id):
            count = sql.execute(
                sql.load("webhooks", "forget"), {"tenant_id": tenant_id, "before": before, "batch": _BATCH}
            )
        forgotten += count
        if count < _BATCH:
            break
    with tenant_scope(tenant_id):
        for gone in WebhookSubscription.objects.filter(tenant_id=tenant_id, deleted_at__lt=before):
            if not WebhookDelivery.objects.filter(tenant_id=tenant_id, subscription_id=gone.pk).exists():
                WebhookSubscription.objects.filter(tenant_id=tenant_id, pk=gone.pk).delete()
    return forgotten
