"""How many status updates a second get from the provider's POST into the ledger, counters and all, beside a COPY of them.

    python benchmarks/ingestion.py [--people 50000] [--per-body 100] [--json FILE]

Everybody of a campaign that was sent gets sent, delivered and read, in random order, in signed bodies of many updates, as
fast as the web process takes them. The clock stops when the ledger has the last one. The limit is a COPY of the same
updates, as rows of ids, kinds and times, into a table without indexes.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402
from instant_provider import running as instant_provider  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too
from flows.opening import open_crowded_shop  # noqa: E402

if TYPE_CHECKING:
    from flows.shop import Shop

STATUSES = ("sent", "delivered", "read")
CONNECTIONS = 8


def use_provider(shop: Shop, address: str) -> None:
    """The shop's sender posts to this address from now on."""
    from tulia.channels.models import Sender
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        Sender.objects.filter(pk=shop.sender_id).update(base_url=address)


def sent_to(shop: Shop, campaign_id: str) -> list[tuple[int, str, str]]:
    """Recipient, phone and the provider's message id of everybody."""
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        return [
            (int(id_), str(phone), str(message_id))
            for id_, phone, message_id in sql.fetch_all(
                "SELECT r.id, c.phone, r.message_id FROM ledger_recipients r JOIN customers c ON c.id = r.customer_id"
                " WHERE r.campaign_id = %(campaign_id)s::uuid AND r.tenant_id = %(tenant_id)s::uuid",
                {"campaign_id": campaign_id, "tenant_id": shop.tenant_id},
            )
        ]


def bodies(shop: Shop, campaign_id: str, people: list[tuple[int, str, str]], per_body: int) -> list[bytes]:
    """What the provider posts: every status of everybody, shuffled."""
    now = int(time.time())
    updates: list[dict[str, Any]] = [
        {"id": message_id, "status": status, "timestamp": str(now + n), "recipient_id": phone[1:],
         "biz_opaque_callback_data": f"t1:{campaign_id}:{id_}",
         "pricing": {"billable": True, "pricing_model": "PMP", "category": "marketing", "type": "regular"}}
        for id_, phone, message_id in people
        for n, status in enumerate(STATUSES)
    ]  # fmt: skip
    random.Random(1).shuffle(updates)
    metadata = {"display_phone_number": "254711000000", "phone_number_id": shop.phone_number_id}
    return [
        json.dumps(
            {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp", "metadata": metadata, "statuses": updates[i : i + per_body]}}]}]}
        ).encode()
        for i in range(0, len(updates), per_body)
    ]  # fmt: skip


async def post_all(shop: Shop, made: list[bytes], *, per_second: float = 0) -> None:
    """Posts the bodies over a few connections; evenly, if a rate is given."""
    import aiohttp

    from flows.shop import APP_SECRET

    url = f"{shop.installation.web_url}/v1/webhooks/whatsapp/{shop.sender_id}"
    began = time.monotonic()
    left = iter(enumerate(made))

    async def lane(session: aiohttp.ClientSession) -> None:
        for i, body in left:
            if per_second and (early := began + i / per_second - time.monotonic()) > 0:
                await asyncio.sleep(early)
            signature = "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
            async with session.post(url, data=body, headers={"X-Hub-Signature-256": signature}) as answer:
                assert answer.status == 200, await answer.text()

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(lane(session) for _ in range(CONNECTIONS)))


def copied(people: list[tuple[int, str, str]]) -> float:
    """Updates a second that COPY takes in."""
    import os

    import psycopg

    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"]) as owner:
        owner.execute("CREATE TABLE bare_updates (id bigint, message_id text, kind smallint, at timestamptz)")
        text = "".join(
            f"{id_}\t{mid}\t{kind}\t2026-01-01 00:00:00Z\n" for id_, _, mid in people for kind in (25, 40, 50)
        )
        began = time.perf_counter()
        with owner.cursor().copy("COPY bare_updates FROM STDIN") as copy:
            copy.write(text)
        owner.commit()
        seconds = time.perf_counter() - began
        owner.execute("DROP TABLE bare_updates")
    return len(STATUSES) * len(people) / seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--per-body", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    import live_installation as installations

    with (
        tempfile.TemporaryDirectory() as logs,
        installations.running(Path(logs)) as running,
        instant_provider(installations.free_port()) as provider,
    ):
        shop = open_crowded_shop(running, people=options.people, rate=100_000)
        use_provider(shop, provider)
        campaign = shop.make()
        shop.execute(campaign)
        shop.until(campaign, within=600)
        people = sent_to(shop, campaign)
        made = bodies(shop, campaign, people, options.per_body)
        count = len(STATUSES) * len(people)
        began = time.perf_counter()
        asyncio.run(post_all(shop, made))
        taken = time.perf_counter() - began
        while shop.get(f"/v1/campaigns/{campaign}")["read_count"] < len(people):
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        assert shop.get(f"/v1/campaigns/{campaign}")["delivered_count"] == len(people)
        limit = copied(people)
    rows = [
        Figure("callback ingestion alone", count / seconds, "updates/s", at_least=20_000, limit=limit,
               limit_is="COPY of the same updates"),
    ]  # fmt: skip
    print(f"answered after {taken:.2f} s, in the ledger after {seconds:.2f} s: {count:,} updates")
    print(figures.table(rows))
    figures.write(options.json, rows, answered_seconds=taken)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
