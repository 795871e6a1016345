"""The phone numbers a tenant sends with: making, changing, pausing and finding them.

Every function but `routing` is called in the tenant's scope.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from tulia.channels import registry, standing
from tulia.channels.models import Sender
from tulia.core import by_key, crypto, keyset, sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.scope import system_scope

DEFAULT_RATE = 80
MAX_RATE = 1_000_000
_PHONE_NUMBER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRETS = ("access_token", "app_secret", "verify_token")
_MAX_SECRET_LENGTH = 2_000
_ROUTING_SECONDS = 15.0
_ROUTINGS_KEPT = 10_000


class SenderExists(Conflict):
    code = "sender_exists"


@dataclass(frozen=True, slots=True)
class SenderRouting:
    """Whose a callback address is, and the secrets that prove a callback. They never appear in a repr."""

    tenant_id: UUID
    sender_id: UUID
    external_id: str
    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)


def create(
    tenant_id: UUID,
    *,
    kind: str,
    name: str,
    external_id: str,
    access_token: str,
    app_secret: str,
    verify_token: str,
    base_url: str = "",
    rate_per_second: int = DEFAULT_RATE,
    business_account_id: str = "",
) -> Sender:
    """A new sender. `external_id` is the provider's phone number id; an empty `base_url` is the provider's own.

    Raises Invalid naming every wrong field, and SenderExists.
    """
    secrets = {"access_token": access_token, "app_secret": app_secret, "verify_token": verify_token}
    wrong = _check(name=name, rate_per_second=rate_per_second, secrets=secrets)
    if kind not in registry.ADAPTERS:
        wrong["kind"] = f"must be one of {', '.join(registry.ADAPTERS)}"
    if not _PHONE_NUMBER_ID.fullmatch(external_id):
        wrong["phone_number_id"] = "must be letters and digits, as the provider shows them"
    if business_account_id and not _PHONE_NUMBER_ID.fullmatch(business_account_id):
        wrong["business_account_id"] = "must be letters and digits, as the provider shows them"
    if base_url and not _is_web_address(base_url):
        wrong["base_url"] = "must be an address like https://graph.example.com, without a query"
    _refuse(wrong)
    try:
        with sql.transaction_scope():
            return Sender.objects.create(
                tenant_id=tenant_id,
                kind=kind,
                name=name.strip(),
                external_id=external_id,
                business_account_id=business_account_id,
                base_url=base_url.rstrip("/"),
                rate_per_second=rate_per_second,
                is_simulated=False,
                **_encrypted(secrets),
            )
    except IntegrityError as error:
        raise SenderExists(f"There is a sender with the phone number id {external_id} already.") from error


def change(
    tenant_id: UUID,
    sender_id: UUID,
    *,
    name: str | None = None,
    rate_per_second: int | None = None,
    access_token: str | None = None,
    app_secret: str | None = None,
    verify_token: str | None = None,
    business_account_id: str | None = None,
) -> Sender:
    """Changes what is given (None: as it is); new secrets count for callbacks within 15 seconds."""
    given = {"access_token": access_token, "app_secret": app_secret, "verify_token": verify_token}
    secrets = {field: value for field, value in given.items() if value is not None}
    wrong = _check(name=name, rate_per_second=rate_per_second, secrets=secrets)
    if business_account_id and not _PHONE_NUMBER_ID.fullmatch(business_account_id):
        wrong["business_account_id"] = "must be letters and digits, as the provider shows them"
    _refuse(wrong)
    plain = {
        "name": name.strip() if name is not None else None,
        "rate_per_second": rate_per_second,
        "business_account_id": business_account_id,
    }
    changes = {field: value for field, value in plain.items() if value is not None} | _encrypted(secrets)
    if changes:
        Sender.objects.filter(tenant_id=tenant_id, pk=sender_id).update(**changes)
    if access_token is not None:
        standing.half_opened(tenant_id, sender_id)  # perhaps that was the matter: the next message will tell
    return get(tenant_id, sender_id)


def pause(tenant_id: UUID, sender_id: UUID, *, reason: str) -> None:
    """Nothing more is sent with this sender until it is resumed; `reason` is shown to people."""
    Sender.objects.filter(tenant_id=tenant_id, pk=sender_id).update(paused_reason=(reason.strip() or "Paused.")[:300])


def resume(tenant_id: UUID, sender_id: UUID) -> None:
    Sender.objects.filter(tenant_id=tenant_id, pk=sender_id).update(paused_reason="")


def get(tenant_id: UUID, sender_id: UUID) -> Sender:
    """Raises Missing."""
    found = by_key.row(Sender, tenant_id=tenant_id, pk=sender_id)
    if found is None:
        raise Missing("There is no such sender.")
    return found


def page(tenant_id: UUID, wanted: PageRequest) -> Page[Sender]:
    """Newest first."""
    return keyset.page_of(Sender, {"tenant_id": tenant_id}, wanted)


def default(tenant_id: UUID) -> Sender | None:
    """The tenant's first real sender; else its simulated one, where a simulator runs."""
    everyone = Sender.objects.filter(tenant_id=tenant_id)
    if not settings.SIMULATOR_URL:
        everyone = everyone.filter(is_simulated=False)
    return everyone.order_by("is_simulated", "created_at", "id").first()


def for_campaign(tenant_id: UUID, sender_id: UUID | None) -> Sender | None:
    """The sender that was chosen, else the tenant's default; None when there is none (any more)."""
    if sender_id is None:
        return default(tenant_id)
    return by_key.row(Sender, tenant_id=tenant_id, pk=sender_id)


_routings: dict[UUID, tuple[float, SenderRouting]] = {}


def routing_if_known(sender_id: UUID) -> SenderRouting | None:
    """The routing when it was looked up within the last seconds; never asks the database."""
    known = _routings.get(sender_id)
    return known[1] if known and known[0] > time.monotonic() else None


def routing(sender_id: UUID) -> SenderRouting | None:
    """Whose callbacks arrive at this sender's address; None when there is no such sender. Kept for 15 seconds."""
    if known := routing_if_known(sender_id):
        return known
    with system_scope():
        sender = Sender.objects.filter(pk=sender_id).first()
    if sender is None:
        return None
    found = SenderRouting(
        tenant_id=sender.tenant_id,
        sender_id=sender.pk,
        external_id=sender.external_id,
        app_secret=crypto.decrypt(sender.app_secret_encrypted),
        verify_token=crypto.decrypt(sender.verify_token_encrypted),
    )
    if len(_routings) >= _ROUTINGS_KEPT:
        _routings.clear()
    _routings[sender_id] = (time.monotonic() + _ROUTING_SECONDS, found)
    return found


def webhook_path(sender_id: UUID) -> str:
    return f"/v1/webhooks/whatsapp/{sender_id}"


def _check(*, name: str | None, rate_per_second: int | None, secrets: dict[str, str]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if name is not None and not 0 < len(name.strip()) <= 100:
        wrong["name"] = "must have 1 to 100 characters"
    if rate_per_second is not None and not 1 <= rate_per_second <= MAX_RATE:
        wrong["rate_per_second"] = f"must be from 1 to {MAX_RATE}"
    for secret, value in secrets.items():
        # A token goes into an HTTP header: anything but visible ASCII would break the request there.
        if not 0 < len(value) <= _MAX_SECRET_LENGTH or not all("!" <= char <= "~" for char in value):
            wrong[secret] = "must be visible ASCII characters without spaces"
    return wrong


def _refuse(wrong: dict[str, str]) -> None:
    if wrong:
        raise Invalid("; ".join(f"{name} {reason}" for name, reason in wrong.items()) + ".", details=wrong)


def _encrypted(secrets: dict[str, str]) -> dict[str, str]:
    return {f"{name}_encrypted": crypto.encrypt(secrets[name]) for name in _SECRETS if name in secrets}


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and has_port
        and not (parts.username or parts.query or parts.fragment)
        and len(text) <= 300
        and all("!" <= char <= "~" for char in text)
    )
