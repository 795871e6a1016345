"""Opening a shop: a tenant with people to write to and a sender at the simulator."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flows.shop import APP_SECRET, VERIFY_TOKEN, Shop
from live_installation import Installation, fetch

_SPECIAL = frozenset(
    {26, 47, 49, 50, 56, 72, 200, 210, 211, 212, 220, 221, 230, 240, 408, 429, 500, 503, 599}
)  # endings that the simulator treats specially


def plain_number(index: int) -> int:
    """The `index`-th seven-digit number without a special ending."""
    ordinary = 10_000 - len(_SPECIAL)
    block, rest = divmod(index, ordinary)
    return block * 10_000 + _ENDINGS[rest]


_ENDINGS = [ending for ending in range(10_000) if ending not in _SPECIAL]


def open_shop(
    installation: Installation,
    *,
    customers: int = 0,
    consenting: int | None = None,
    rate: int = 5_000,
    number: Callable[[int], int] = plain_number,
    have_written: bool = True,
) -> Shop:
    """A tenant with `customers` people tagged vip, of whom the first `consenting` agree, and a sender.

    `number` gives the last seven digits of the i-th person's phone. They wrote a moment ago (`have_written`), so that
    free text may be sent to them, and there are no quiet hours, so that it may be at any hour.
    """
    from tulia.audience.models import Conversation, Customer, CustomerTag
    from tulia.channels import senders
    from tulia.core import clock
    from tulia.tenants import access, accounts, api_keys, tenant_settings
    from tulia.tenants.scope import tenant_scope

    slug = f"shop-{uuid.uuid4().hex[:10]}"
    tenant = accounts.create_tenant(slug, name=slug, tier="enterprise")
    tenant_settings.change(tenant.id, {"quiet_hours": None})
    key = api_keys.create(tenant.id, name="test", scopes=access.SCOPES)
    phone_number_id = str(uuid.uuid4().int % 10**15)
    agreeing = customers if consenting is None else consenting
    with tenant_scope(tenant.id):
        sender = senders.create(
            tenant.id, kind="whatsapp_cloud", name="Main", external_id=phone_number_id,
            access_token=f"token-{phone_number_id}", app_secret=APP_SECRET, verify_token=VERIFY_TOKEN,
            base_url=installation.simulator_url, rate_per_second=rate,
        )  # fmt: skip
        people = Customer.objects.bulk_create(
            (
                Customer(
                    tenant=tenant, external_id=f"C{i:07d}", name=f"Person {i}", language="en", country="KE",
                    phone=f"+25470{number(i):07d}", consents_promotional=i < agreeing,
                )
                for i in range(customers)
            ),
            batch_size=5_000,
        )  # fmt: skip
        CustomerTag.objects.bulk_create(
            (CustomerTag(tenant=tenant, tag="vip", customer=person) for person in people), batch_size=5_000
        )
        now = clock.now()
        Conversation.objects.bulk_create(
            (
                Conversation(tenant=tenant, customer=person, last_activity_at=now, last_inbound_at=now)
                for person in people
                if have_written
            ),
            batch_size=5_000,
        )
    fetch(
        f"{installation.simulator_url}/_sim/numbers",
        {
            "phone_number_id": phone_number_id,
            "display_phone_number": "254711000000",
            "access_token": f"token-{phone_number_id}",
            "app_secret": APP_SECRET,
            "callback_url": f"{installation.web_url}/v1/webhooks/whatsapp/{sender.pk}",
            "verify_token": VERIFY_TOKEN,
            "rate": 0,
        },
    )
    return Shop(installation, tenant.id, slug, key, str(sender.pk), phone_number_id)


# Numbers end in 1000 to 9999: none of them is special.
_CROWD = """
INSERT INTO customers (id, tenant_id, external_id, phone, name, language, timezone, country, attributes,
                       consents_promotional, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s::uuid, 'C-' || n,
       '+25470' || lpad((n / 9000 * 10000 + 1000 + n %% 9000)::text, 7, '0'), 'Person ' || n, 'en', '', 'KE', '{}', true,
       now(), now()
FROM generate_series(0, %(people)s::int - 1) n
"""
_TAGS = """
INSERT INTO customer_tags (tenant_id, tag, customer_id)
SELECT tenant_id, 'vip', id FROM customers WHERE tenant_id = %(tenant_id)s::uuid
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, tenant_id, customer_id, status, last_activity_at, last_inbound_at)
SELECT gen_random_uuid(), tenant_id, id, 'open', now(), now() FROM customers WHERE tenant_id = %(tenant_id)s::uuid
"""


def open_crowded_shop(installation: Installation, *, people: int, rate: int) -> Shop:
    """As `open_shop`, made in the database in seconds: everybody is tagged vip, agrees, and wrote a moment ago."""
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    shop = open_shop(installation, rate=rate)
    for statement in (_CROWD, _TAGS, _CONVERSATIONS):
        with tenant_scope(shop.tenant_id):
            sql.execute(statement, {"tenant_id": shop.tenant_id, "people": people})
    return shop
