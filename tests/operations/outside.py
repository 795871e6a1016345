"""A shop that uses a whole installation from outside, and what the provider and the ledger say afterwards."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from flows.opening import plain_number
from flows.shop import Shop
from installation import Installation
from live_installation import eventually, fetch
from tulia.config.embedded_postgres import Cluster

TALKED = """
INSERT INTO conversations (id, tenant_id, customer_id, last_activity_at, last_inbound_at)
SELECT gen_random_uuid(), tenant_id, id, now(), now() FROM customers WHERE tenant_id = %s
"""


@dataclass
class Place:
    """Where an installation answers, as a `flows.shop.Shop` wants to know it."""

    web_url: str
    simulator_url: str


def superuser(cluster: Cluster) -> psycopg.Connection[Any]:
    return psycopg.connect(cluster.url("postgres"), autocommit=True)


def open_shop(
    installation: Installation, place: Place, cluster: Cluster, *, people: int, rate: int, **environment: str
) -> Shop:
    """A tenant with so many people who may be written to at any hour, and its simulated sender at this rate."""
    slug = f"shop-{uuid.uuid4().hex[:10]}"
    done = installation.tulia(
        "tenant", "create", "--name", slug, "--slug", slug, "--tier", "enterprise", "--json", **environment
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    shop = Shop(place, uuid.UUID(made["tenant_id"]), slug, made["api_key"], "", "")  # type: ignore[arg-type]
    lines = "\n".join(f"C{i},+25470{plain_number(i):07d},Person {i},vip,true" for i in range(people))
    file = f"external_id,phone,name,tags,consent_promotional\n{lines}\n".encode()
    answer = shop.call("POST", "/v1/customers/import", file, content_type="text/csv")
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == people, answer.text
    assert shop.call("PATCH", "/v1/settings", {"quiet_hours": None}).status_code == 200
    (sender,) = shop.get("/v1/senders")["results"]
    shop.sender_id, shop.phone_number_id = sender["id"], sender["phone_number_id"]
    answer = shop.call("PATCH", f"/v1/senders/{shop.sender_id}", {"rate_per_second": rate})
    assert answer.status_code == 200, answer.text
    with superuser(cluster) as session:
        session.execute(TALKED, [shop.tenant_id])
    return shop


def accepted(shop: Shop, *campaigns: str) -> Counter[str]:
    """How often the provider accepted each reference of these campaigns."""
    everything = shop.ledger_of_provider()["accepts_by_opaque"]
    return Counter({opaque: n for opaque, n in everything.items() if any(one in opaque for one in campaigns)})


def is_alive(shop: Shop, path: str = "/healthz") -> int:
    """The status of an address that needs no key; 0 when nobody answers."""
    try:
        return httpx.get(shop.installation.web_url + path, timeout=20).status_code
    except httpx.TransportError:
        return 0


def settled(shop: Shop, campaign: str, cluster: Cluster) -> Any:
    """The campaign's balance sheet once the provider has told everything, and we have taken all of it in."""
    fetch(f"{shop.installation.simulator_url}/_sim/drain", {"fast_forward": True}, method="POST")

    def is_applied() -> bool:
        with superuser(cluster) as session:
            row = session.execute("SELECT count(*) FROM ingest_callbacks WHERE applied_at IS NULL").fetchone()
            return row == (0,)

    eventually(is_applied)
    return shop.report(campaign)["balance"]


def differences(installation: Installation, **environment: str) -> Any:
    """What `tulia verify` finds."""
    done = installation.tulia("verify", "--json", **environment)
    return json.loads(done.stdout)["differences"]
