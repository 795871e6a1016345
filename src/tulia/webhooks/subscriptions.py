"""Subscriptions: making, changing, switching off, deleting, and their secrets.

To be called in the tenant's scope, all of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from tulia.core import crypto, keyset, sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.webhooks import addresses, signing
from tulia.webhooks.event_types import EVENT_TYPES
from tulia.webhooks.models import WebhookSubscription

MOST = 20
LONGEST_DESCRIPTION = 300
LONGEST_OVERLAP = timedelta(days=7)


class TooManySubscriptions(Conflict):
    code = "too_many_subscriptions"


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A subscription together with its new secret, for the only time."""

    subscription: WebhookSubscription
    secret: str = field(repr=False)


def create(
    tenant_id: UUID, *, url: str, event_types: Sequence[str], description: str = "", is_enabled: bool = True
) -> WithSecret:
    """Raises Invalid naming every wrong field, and TooManySubscriptions."""
    _refuse(_check(url=url, event_types=event_types, description=description))
    # One after the other, so that two at once can't both be the last that fits.
    sql.fetch_one(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": f"webhook subscriptions:{tenant_id}"}
    )
    if WebhookSubscription.objects.filter(tenant_id=tenant_id, deleted_at=None).count() >= MOST:
        raise TooManySubscriptions(f"There are {MOST} subscriptions already: delete one first.")
    secret = _new_secret()
    made = WebhookSubscription.objects.create(
        tenant_id=tenant_id,
        url=url,
        description=description.strip(),
        event_types=_sorted(event_types),
        secret_encrypted=crypto.encrypt(secret),
        is_enabled=is_enabled,
    )
    made.refresh_from_db()
    return WithSecret(made, secret)


def change(
    tenant_id: UUID,
    subscription_id: UUID,
    *,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    is_enabled: bool | None = None,
) -> WebhookSubscription:
    """Changes what is given (None: as it is). Raises Missing, and Invalid naming every wrong field.

    Switching on forgets why it was switched off, and sends what is still waiting.
    """
    get(tenant_id, subscription_id)
    _refuse(_check(url=url, event_types=event_types, description=description))
    given: dict[str, object | None] = {
        "url": url,
        "event_types": _sorted(event_types) if event_types is not None else None,
        "description": description.strip() if description is not None else None,
        "is_enabled": is_enabled,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if is_enabled:
        changes |= {"disabled_reason": "", "failing_since": None}
    if changes:
        WebhookSubscription.objects.filter(tenant_id=tenant_id, pk=subscription_id, deleted_at=None).update(**changes)
    return get(tenant_id, subscription_id)


def delete(tenant_id: UUID, subscription_id: UUID, *, now: datetime) -> None:
    """Nothing more is sent, and nobody sees it again; its log goes with age. Raises Missing."""
    get(tenant_id, subscription_id)
    WebhookSubscription.objects.filter(tenant_id=tenant_id, pk=subscription_id).update(
        is_enabled=False, deleted_at=now, secret_encrypted="", previous_secret_encrypted=""
    )


def rotate_secret(tenant_id: UUID, subscription_id: UUID, *, overlap: timedelta, now: datetime) -> WithSecret:
    """A new secret; the former one signs too for `overlap`. Raises Missing, and Invalid for an overlap over a week."""
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        most = int(LONGEST_OVERLAP.total_seconds())
        _refuse({"previous_valid_seconds": f"must be from 0 to {most}"})
    get(tenant_id, subscription_id)
    held = WebhookSubscription.objects.select_for_update().get(tenant_id=tenant_id, pk=subscription_id)
    secret = _new_secret()
    held.previous_secret_encrypted = held.secret_encrypted if overlap else ""
    held.previous_secret_until = now + overlap if overlap else None
    held.secret_encrypted = crypto.encrypt(secret)
    held.save(update_fields=["secret_encrypted", "previous_secret_encrypted", "previous_secret_until"])
    return WithSecret(held, secret)


def get(tenant_id: UUID, subscription_id: UUID) -> WebhookSubscription:
    """Raises Missing."""
    found = WebhookSubscription.objects.filter(tenant_id=tenant_id, pk=subscription_id, deleted_at=None).first()
    if found is None:
        raise Missing("There is no such subscription.")
    return found


def page(tenant_id: UUID, wanted: PageRequest) -> Page[WebhookSubscription]:
    """Newest first."""
    return keyset.page_of(WebhookSubscription, {"tenant_id": tenant_id, "deleted_at": None}, wanted)


def _check(*, url: str | None, event_types: Sequence[str] | None, description: str | None) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if url is not None and (reason := addresses.what_is_wrong(url, may_be_local=settings.WEBHOOKS_MAY_BE_LOCAL)):
        wrong["url"] = reason
    if event_types is not None:
        unknown = sorted(set(event_types) - set(EVENT_TYPES))
        if unknown or not event_types:
            wrong["event_types"] = f"must be some of {', '.join(EVENT_TYPES)}"
    if description is not None and len(description.strip()) > LONGEST_DESCRIPTION:
        wrong["description"] = f"must have at most {LONGEST_DESCRIPTION} characters"
    return wrong


def _refuse(wrong: dict[str, str]) -> None:
    if wrong:
        raise Invalid("; ".join(f"{name} {reason}" for name, reason in wrong.items()) + ".", details=wrong)


def _sorted(event_types: Sequence[str]) -> list[str]:
    """Each once, in the order of the list of types."""
    return [one for one in EVENT_TYPES if one in set(event_types)]


def _new_secret() -> str:
    return signing.secret_from(secrets.token_bytes(signing.SECRET_BYTES))
