"""How fast reach is counted and an audience frozen, beside the same by hand.

    python benchmarks/audience_speed.py [--people 1000000] [--only WORD] [--json FILE]

A shop of that many customers, with twice as many orders, tags, and a conversation for every fifth. Reach is counted for
each kind of criteria, held against a statement written by hand for that question alone, run as the owner of the tables,
without row-level security and without a waterfall. The freeze is held against `INSERT … SELECT` of the same rows into a
table with the same columns, constraints and indexes, without triggers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
import large_shop  # noqa: E402
from figures import Figure  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

if TYPE_CHECKING:
    from large_shop import LargeShop

FREEZE_AT_MOST, REACH_AT_MOST, TIMES_AT_MOST = 20.0, 1.0, 2.0
_ORDERS = """
INSERT INTO orders (id, tenant_id, customer_id, external_id, placed_at, total_micros, currency, status)
SELECT gen_random_uuid(), %(tenant)s, md5(%(salt)s || (1 + abs(hashint8(n)::bigint) %% %(people)s::int))::uuid, 'O-' || n,
       %(now)s::timestamptz - (abs(hashint8(n * 3)::bigint) %% 365) * interval '1 day', 1000000::bigint * (1 + n %% 5000), 'KES',
       (ARRAY['paid', 'fulfilled', 'completed', 'canceled'])[1 + n %% 4]
FROM generate_series(1, 2 * %(people)s::int) n
"""
_COUNTING = "o.tenant_id = %(tenant)s AND o.status IN ('paid', 'fulfilled', 'completed') AND o.placed_at <= %(now)s"
_WINDOW = "o.placed_at > %(now)s::timestamptz - interval '90 days'"
_GROUPED = f"SELECT customer_id FROM orders o WHERE {_COUNTING} GROUP BY customer_id HAVING"
# Each kind of criteria, and what somebody would write who had only this question.
QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "everybody": ({}, "true"),
    "one tag": (
        {"tags": ["tag 3"]},
        "c.id IN (SELECT customer_id FROM customer_tags WHERE tenant_id = %(tenant)s AND tag = 'tag 3')",
    ),
    "fifty tags": (
        {"tags": [f"tag {n}" for n in range(0, 150, 3)]},
        (
            "c.id IN (SELECT customer_id FROM customer_tags WHERE tenant_id = %(tenant)s"
            " AND tag IN (SELECT 'tag ' || n FROM generate_series(0, 149, 3) n))"
        ),
    ),
    "no such tag": (
        {"tags_none": ["tag 3"]},
        (
            "NOT EXISTS (SELECT FROM customer_tags t WHERE t.tenant_id = %(tenant)s AND t.customer_id = c.id"
            " AND tag = 'tag 3')"
        ),
    ),
    "ordered lately": (
        {"purchase_history": {"ordered_in_last_days": 90}},
        f"c.id IN (SELECT customer_id FROM orders o WHERE {_COUNTING} AND {_WINDOW})",
    ),
    "ordered lately, three orders": (
        {"purchase_history": {"ordered_in_last_days": 90, "min_order_count": 3}},
        f"c.id IN ({_GROUPED} count(*) >= 3 AND max(placed_at) > %(now)s::timestamptz - interval '90 days')",
    ),
    "three orders": (
        {"purchase_history": {"min_order_count": 3}},
        f"c.id IN ({_GROUPED} count(*) >= 3)",
    ),
    "spent much": (
        {"purchase_history": {"min_total_spent": 5000}},
        f"c.id IN ({_GROUPED} sum(total_micros) >= 5000000000)",
    ),
    "not ordered lately": (
        {"purchase_history": {"not_ordered_in_last_days": 90}},
        f"NOT EXISTS (SELECT FROM orders o WHERE {_COUNTING} AND {_WINDOW} AND o.customer_id = c.id)",
    ),
    "talked lately": (
        {"conversation_activity": {"active_in_last_days": 7, "status": ["open"]}},
        (
            "c.id IN (SELECT customer_id FROM conversations v WHERE v.tenant_id = %(tenant)s AND v.status = 'open'"
            " AND v.last_activity_at > %(now)s::timestamptz - interval '7 days' AND v.last_activity_at <= %(now)s)"
        ),
    ),
    "two countries": ({"countries": ["KE", "UG"]}, "c.country IN ('KE', 'UG')"),
}


def as_owner(shop: LargeShop) -> Any:
    """A connection past row-level security, as somebody has who only wants an answer."""
    import psycopg

    owner = psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"], autocommit=True)
    owner.execute(
        "SELECT set_config('tulia.tenant_id', %s, false), set_config('work_mem', '64MB', false)", [str(shop.tenant_id)]
    )
    return owner


def quickest(act: Callable[[], Any], *, turns: int = 3) -> float:
    took = []
    for _ in range(turns):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return min(took)


def reach_of(shop: LargeShop, only: str) -> list[Figure]:
    from tulia.audience import criteria, reach
    from tulia.tenants.scope import tenant_scope

    rows = []
    tenant = {"tenant": shop.tenant_id, "now": large_shop.NOW}
    with as_owner(shop) as owner:
        for name, (asked, condition) in QUESTIONS.items():
            if only not in f"reach {name}":
                continue
            parsed = criteria.parse(asked)

            def by_us(parsed: Any = parsed) -> int:
                with tenant_scope(shop.tenant_id):
                    return reach.calculate(shop.tenant_id, parsed, as_of=large_shop.NOW).total_matching

            by_hand = (
                "SELECT count(*), count(*) FILTER (WHERE c.consents_promotional) FROM customers c"
                f" WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL AND {condition}"
            )

            def at_once(by_hand: str = by_hand) -> Any:
                return owner.execute(by_hand, tenant).fetchone()

            (people, _) = at_once()
            assert by_us() == people, (name, people)
            rows.append(
                Figure(
                    f"reach, {name} ({people:,})", quickest(by_us), "s", at_most=REACH_AT_MOST,
                    limit=quickest(at_once), limit_is="by hand",
                    ratio_at_most=TIMES_AT_MOST,
                )
            )  # fmt: skip
            print(figures.table(rows[-1:]).splitlines()[-1], flush=True)
    return rows


def freeze_of(shop: LargeShop) -> Figure:
    """Everybody into a test of two arms."""
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import Sender
    from tulia.ledger import enqueue
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        campaign = MessageCampaign.objects.create(
            tenant_id=shop.tenant_id, name="Frozen", message_content="Hello", status="sending", is_ab_test=True,
            variants=[{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}], target_criteria={},
            sender=Sender.objects.get(tenant_id=shop.tenant_id), started_at=large_shop.NOW, seed=7,
        )  # fmt: skip
    began = time.perf_counter()
    with tenant_scope(shop.tenant_id):
        people = enqueue.freeze(campaign, now=large_shop.NOW)
    seconds = time.perf_counter() - began
    with as_owner(shop) as owner:
        owner.execute("CREATE TABLE bare_recipients (LIKE ledger_recipients INCLUDING ALL)")
        owner.execute(
            "CREATE TABLE source_recipients AS SELECT * FROM ledger_recipients WHERE campaign_id = %s", [campaign.pk]
        )
        owner.execute("VACUUM ANALYZE source_recipients")
        began = time.perf_counter()
        owner.execute("INSERT INTO bare_recipients OVERRIDING SYSTEM VALUE SELECT * FROM source_recipients ORDER BY id")
        bare = time.perf_counter() - began
        owner.execute("DROP TABLE bare_recipients, source_recipients")
    return Figure(
        f"freeze of {people:,} with arms", seconds, "s", at_most=FREEZE_AT_MOST * max(1, shop.people / 1_000_000),
        limit=bare, limit_is="bare INSERT … SELECT", ratio_at_most=TIMES_AT_MOST,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="questions with this word in their name")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    shop = large_shop.open_shop(options.people, campaigns=0)
    with large_shop.filling("orders") as database:
        database.execute(
            _ORDERS, {"tenant": shop.tenant_id, "salt": shop.salt, "people": shop.people, "now": large_shop.NOW}
        )
    large_shop.as_owner("VACUUM (ANALYZE) orders")
    rows = reach_of(shop, options.only)
    if options.only in "freeze":
        rows.append(freeze_of(shop))
    print(figures.table(rows))
    figures.write(options.json, rows, people=options.people)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
