"""How long raw callbacks are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cast import NOW, add_sender

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant


def test_old_callbacks_go_once_they_are_in_the_ledger_and_others_stay(tenant: Tenant) -> None:
    from tulia.ingest import retention
    from tulia.ingest.models import Callback
    from tulia.tenants.scope import tenant_scope

    sender = add_sender(tenant)
    old = NOW - timedelta(days=63)

    def came(body: bytes, at: datetime, applied_at: datetime | None) -> None:
        Callback.objects.create(tenant=tenant, sender=sender, received_at=at, body=body, applied_at=applied_at)

    with tenant_scope(tenant.id):
        came(b"old", old, old)
        came(b"old, waits", old, None)
        came(b"young", NOW - timedelta(days=50), NOW)
    assert retention.forget_old(months=2, now=NOW) >= 1
    with tenant_scope(tenant.id):
        kept = {bytes(body) for body in Callback.objects.filter(tenant=tenant).values_list("body", flat=True)}
        Callback.objects.filter(tenant=tenant).update(applied_at=NOW)
    assert kept == {b"old, waits", b"young"}
