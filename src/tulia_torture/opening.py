"""Opening the shops of a run, in a process of the installation: tenants, numbers, customers, rules.

`python -m tulia_torture.opening` reads {"kills", "provider_url", "quiet_hours"} and prints what the users need to know.
Everything after this goes over HTTP, as users act.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from tulia_torture.provider import APP_SECRET, VERIFY_TOKEN
from tulia_torture.scene import Shop, shops


@dataclass(frozen=True, slots=True)
class Opened:
    """A shop as its user knows it. `customers` are ids by position."""

    shop: Shop
    key: str
    sender_id: str
    template_id: str
    webhook_path: str
    customers: tuple[str, ...]


def read(printed: str, of: tuple[Shop, ...]) -> tuple[Opened, ...]:
    """What `main` printed."""
    found = json.loads(printed.strip().splitlines()[-1])
    return tuple(
        Opened(
            shop, told["key"], told["sender_id"], told["template_id"], told["webhook_path"], tuple(told["customers"])
        )
        for shop, told in zip(of, found, strict=True)
    )


def main() -> int:
    asked = json.loads(sys.stdin.read())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tulia.config.settings")
    import django

    django.setup()
    opened = [
        _open(shop, provider_url=asked["provider_url"], quiet_hours=asked["quiet_hours"])
        for shop in shops(asked["kills"])
    ]
    sys.stdout.write(json.dumps(opened) + "\n")
    return 0


def _open(shop: Shop, *, provider_url: str, quiet_hours: dict[str, str]) -> dict[str, Any]:
    from tulia.account_service import AccountService
    from tulia.channels import senders
    from tulia.channels.models import MessageTemplate, Sender
    from tulia.governance_service import GovernanceService
    from tulia.tenants import accounts, tenant_settings, tiers
    from tulia.tenants.api_keys import operator
    from tulia.tenants.scope import tenant_scope

    if shop.messages_a_day is not None:
        tiers.change(shop.tier, {"max_messages_per_day": shop.messages_a_day, "max_campaign_sends_per_month": None})
    tenant = accounts.create_tenant(f"torture-{shop.name}", name=shop.name, tier=shop.tier, timezone="Africa/Nairobi")
    tenant_settings.change(
        tenant.id,
        {
            "quiet_hours": quiet_hours if shop.has_night else None,
            "frequency_cap": {"max_messages": shop.cap, "days": 7} if shop.cap else None,
        },
    )
    _, key = GovernanceService(operator(tenant.id)).create_api_key(name="torture", role="owner")
    sender = AccountService(operator(tenant.id)).create_sender(
        kind="whatsapp_cloud", name=shop.name, phone_number_id=shop.number_id,
        access_token=f"token-{shop.number_id}", app_secret=APP_SECRET, verify_token=VERIFY_TOKEN,
        base_url=provider_url, rate_per_second=shop.rate, is_operator=True,
    )  # fmt: skip
    with tenant_scope(tenant.id):
        if shop.people_a_day is not None:
            Sender.objects.filter(pk=sender.pk).update(daily_limit=shop.people_a_day)
        template = MessageTemplate.objects.create(
            tenant_id=tenant.id, name="offer", language="en", category="marketing", status="approved",
            body="Fresh mangoes this week.",
        )  # fmt: skip
        customers = _customers(tenant.id, shop)
    return {
        "key": key,
        "sender_id": str(sender.pk),
        "template_id": str(template.pk),
        "webhook_path": senders.webhook_path(sender.pk),
        "customers": customers,
    }


def _customers(tenant_id: Any, shop: Shop) -> list[str]:
    from tulia.audience.models import Conversation, Customer, CustomerTag
    from tulia.core import clock

    people = Customer.objects.bulk_create(
        (
            Customer(
                tenant_id=tenant_id, external_id=f"C{i}", name=f"Person {i}", language="en", country="KE",
                phone=shop.phone(i), timezone=shop.zone(i), consents_promotional=True,
            )
            for i in range(shop.people)
        ),
        batch_size=2_000,
    )  # fmt: skip
    CustomerTag.objects.bulk_create(
        (
            CustomerTag(tenant_id=tenant_id, tag=f"s{shop.segment(i)}", customer=person)
            for i, person in enumerate(people)
        ),
        batch_size=5_000,
    )
    now = clock.now()
    Conversation.objects.bulk_create(  # so that free text may go to them
        (
            Conversation(tenant_id=tenant_id, customer=person, last_activity_at=now, last_inbound_at=now)
            for person in people
        ),
        batch_size=2_000,
    )
    return [str(person.pk) for person in people]


if __name__ == "__main__":
    sys.exit(main())
