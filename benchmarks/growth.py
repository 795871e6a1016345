"""What the ledger costs as it grows: bytes of a row, and the time of each act, from 10⁴ to 10⁷ rows.

    python benchmarks/growth.py [--rows 10000 100000 1000000 10000000] [--json FILE]

For each size a database of its own with a shop whose campaigns have so many people together (a fifth of them in one
campaign); then one more campaign is frozen to everybody, a thousand of it claimed in fives of two hundred and recorded as
accepted, and the first one is reported, listed, verified, vacuumed and dumped. Milliseconds of the wall, once each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
CLAIMS, BATCH = 5, 200


def timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return 1_000 * (time.perf_counter() - began)


def measure(rows: int) -> dict[str, float]:
    """Everything about one size, in this process."""
    import conftest as tests_conftest

    tests_conftest._start_database()
    import large_shop
    import psycopg

    from tulia.campaign_service import CampaignService
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import Sender
    from tulia.core.keyset import PageRequest
    from tulia.ledger import enqueue
    from tulia.ledger.claim import claim
    from tulia.ledger.record import Evidence, Kind, record
    from tulia.reach_service import ReachService
    from tulia.reports import verify
    from tulia.tenants import api_keys
    from tulia.tenants.scope import tenant_scope

    shop = large_shop.open_shop(rows // 5)
    assert shop.campaign_id is not None
    one, found = shop.campaign_id, {"rows": float(rows)}
    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"], autocommit=True) as owner:
        for name, table in (("ledger", "ledger_recipients"), ("customers", "customers"), ("tags", "customer_tags")):
            sizes = owner.execute("SELECT pg_table_size(%s), pg_total_relation_size(%s)", [table, table]).fetchone()
            heap, whole = sizes or (0, 0)
            count = rows if name == "ledger" else rows // 5
            found |= {f"{name}_bytes_each": whole / count, f"{name}_indexes_each": (whole - heap) / count}
        sums = "SELECT sum(pg_total_relation_size(t)) FROM unnest(ARRAY['ledger_tallies','ledger_minutes','ledger_waits']) t"
        found["sums_bytes_each"] = float((owner.execute(sums).fetchone() or (0,))[0]) / rows
    caller = api_keys.operator(shop.tenant_id)
    service, people = CampaignService(caller), ReachService(caller)
    found["report_first_ms"] = timed(lambda: service.generate_report(one).to_json())
    found["report_ms"] = timed(lambda: service.generate_report(one).to_json())
    found["list_ms"] = timed(lambda: people.people(one, PageRequest()))
    with tenant_scope(shop.tenant_id):
        fresh = MessageCampaign.objects.create(
            tenant_id=shop.tenant_id, name="Fresh", message_content="Hello", status="sending", target_criteria={},
            sender=Sender.objects.get(tenant_id=shop.tenant_id), started_at=large_shop.NOW, seed=7,
        )  # fmt: skip

    def freeze() -> None:
        with tenant_scope(shop.tenant_id):
            enqueue.freeze(fresh, now=large_shop.NOW)

    found["freeze_per_thousand_ms"] = timed(freeze) / (rows / 5_000)
    claims, records = [], []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        people_now = claim(shop.tenant_id, fresh.pk, now=large_shop.NOW, batch=BATCH).people
        took = 1_000 * (time.perf_counter() - began)
        if not people_now or fresh.sender_id is None:
            break
        claims.append(took * BATCH / len(people_now))
        evidence = [
            Evidence(person.recipient_id, Kind.ACCEPTED, at=large_shop.NOW, message_id=f"wamid.{person.recipient_id}")
            for person in people_now
        ]
        began = time.perf_counter()
        record(shop.tenant_id, fresh.sender_id, evidence)
        records.append(1_000 * (time.perf_counter() - began) * BATCH / len(people_now))
    found["claim_200_ms"], found["record_200_ms"] = min(claims), min(records)
    found["verify_ms"] = timed(lambda: verify.verify([shop.tenant_id]))
    found["vacuum_ms"] = timed(lambda: large_shop.as_owner("VACUUM (ANALYZE) ledger_recipients"))
    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute("SELECT set_config('tulia.tenant_id', %s, false)", [str(shop.tenant_id)])

        def dump() -> None:
            with owner.cursor().copy("COPY (SELECT * FROM ledger_recipients) TO STDOUT") as out:
                for _ in out:
                    pass

        found["dump_ms"] = timed(dump)
    tests_conftest._held.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return 0
    sizes = []
    for rows in options.rows:
        said = subprocess.run(
            [sys.executable, __file__, "--one", str(rows)], stdout=subprocess.PIPE, text=True, check=True
        )
        sizes.append(json.loads(said.stdout.splitlines()[-1]))
        print(f"{rows:,}: {sizes[-1]}", file=sys.stderr, flush=True)
    print("| | " + " | ".join(f"{rows:,}" for rows in options.rows) + " |\n|---" + "|---" * len(sizes) + "|")
    for name in list(sizes[0])[1:]:
        print(f"| {name.replace('_', ' ')} | " + " | ".join(f"{size[name]:,.1f}" for size in sizes) + " |")
    if options.json:
        options.json.write_text(json.dumps(sizes, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
