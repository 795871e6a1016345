"""The built-in sender of each tenant: a phone number at the simulator, so that everything can be tried at once."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from uuid import UUID

from tulia.channels import senders
from tulia.channels.models import Sender
from tulia.core import crypto, sql
from tulia.tenants.scope import system_scope

RATE_PER_SECOND = 200
_ANSWER_SECONDS = 15
# The simulator allows what a real number with this rate would be allowed, and a little: on loopback a pause of the
# machine turns two evenly spaced seconds into one.
_ALLOWANCE = 1.25


class SimulatorUnavailable(Exception):
    """The simulator doesn't take the number; the message is one line that says why."""


def ensure(tenant_id: UUID) -> Sender:
    """The tenant's sender at the simulator, made the first time. Call in the tenant's scope."""
    with sql.transaction_scope():
        sender, _ = Sender.objects.get_or_create(
            tenant_id=tenant_id,
            kind="whatsapp_cloud",
            external_id=_phone_number_id(tenant_id),  # always the same, so two at once make one
            defaults={
                "name": "Simulator",
                "business_account_id": f"9{_phone_number_id(tenant_id)}",
                "is_simulated": True,
                "rate_per_second": RATE_PER_SECOND,
                "access_token_encrypted": crypto.encrypt(secrets.token_urlsafe(32)),
                "app_secret_encrypted": crypto.encrypt(secrets.token_hex(16)),
                "verify_token_encrypted": crypto.encrypt(secrets.token_urlsafe(16)),
            },
        )
    return sender


def everyone() -> list[Sender]:
    """The simulated senders of all tenants."""
    with system_scope():
        return list(Sender.objects.filter(is_simulated=True).order_by("created_at", "id"))


def introduce(sender: Sender, *, simulator_url: str, public_url: str) -> None:
    """Registers the number with the simulator, which checks our callback address at once; may be repeated.

    Raises SimulatorUnavailable. Call outside transactions.
    """
    body = {
        "phone_number_id": sender.external_id,
        "display_phone_number": f"1555{sender.external_id[-7:]}",
        "access_token": crypto.decrypt(sender.access_token_encrypted),
        "app_secret": crypto.decrypt(sender.app_secret_encrypted),
        "verify_token": crypto.decrypt(sender.verify_token_encrypted),
        "callback_url": public_url.rstrip("/") + senders.webhook_path(sender.pk),
        "rate": sender.rate_per_second * _ALLOWANCE,
    }
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
        f"{simulator_url.rstrip('/')}/_sim/numbers",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_ANSWER_SECONDS) as response:
            response.read()
    except urllib.error.HTTPError as error:
        with error:
            raise SimulatorUnavailable(f"The simulator at {simulator_url} refused: HTTP {error.code}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise SimulatorUnavailable(f"The simulator at {simulator_url} doesn't answer: {reason}.") from error


def _phone_number_id(tenant_id: UUID) -> str:
    return str(10**14 + tenant_id.int % (9 * 10**14))
