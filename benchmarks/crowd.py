"""A shop of a live installation with as many people as a benchmark wants, made in the database in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.shop import Shop
    from live_installation import Installation

# Numbers end in 1000 to 9999: the simulator has plans for some of the others.
_CUSTOMERS = """
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


def open_crowded_shop(running: Installation, *, people: int, rate: int) -> Shop:
    """As `flows.opening.open_shop`: everybody is tagged vip, agrees, and wrote a moment ago."""
    from flows.opening import open_shop
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    shop = open_shop(running, rate=rate)
    for statement in (_CUSTOMERS, _TAGS, _CONVERSATIONS):
        with tenant_scope(shop.tenant_id):
            sql.execute(statement, {"tenant_id": shop.tenant_id, "people": people})
    return shop
