"""How fast a file of customers is imported, the first time and again, beside a COPY of the same rows.

    python benchmarks/import_speed.py [--people 200000] [--json FILE]

The file is CSV with every column that customers have: external id, phone, name, two tags, language, zone, consent,
country and three attributes. The limit is COPY of the finished rows of `customers`, tags and history into tables with the
same columns, constraints and indexes, and without row-level security, triggers and foreign keys.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402

import conftest as tests_conftest  # noqa: E402 - the database of the tests serves here too

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant

AT_LEAST = 20_000
_HEADER = (
    "external_id,phone,name,tags,language,timezone,consent_promotional,country,"
    "attributes.city,attributes.points,attributes.member"
)
_TABLES = ("customers", "customer_tags", "consent_changes")


def lines(people: int, *, points: int) -> Iterator[bytes]:
    """The file in blocks; `points` changes one attribute of every second person."""
    cities = ("Nairobi", "Mombasa", "Kisumu", "Nakuru", "Eldoret", "Thika", "Malindi")
    yield f"{_HEADER}\n".encode()
    block = io.StringIO()
    for n in range(people):
        block.write(
            f"C-{n},+2547{n:08d},Person {n},tag {n % 150};every {n % 7},{('en', 'sw')[n % 2]},Africa/Nairobi,"
            f"{('true', 'true', 'false')[n % 3]},KE,{cities[n % 7]},{n % 1000 + (points if n % 2 else 0)},"
            f"{('true', 'false')[n % 2]}\n"
        )
        if block.tell() > 200_000:
            yield block.getvalue().encode()
            block = io.StringIO()
    yield block.getvalue().encode()


def imported(tenant: Tenant, people: int, *, points: int) -> tuple[float, float]:
    """Customers a second, and the seconds of this process's own work."""
    from tulia.audience_service import AudienceService
    from tulia.tenants import api_keys

    file = list(lines(people, points=points))
    began, worked = time.perf_counter(), time.process_time()
    result = AudienceService(api_keys.operator(tenant.pk)).import_file("customers", iter(file))
    seconds = time.perf_counter() - began
    assert not result.rejected, result.errors[:3]
    assert result.created + result.updated + result.unchanged == people
    return people / seconds, time.process_time() - worked


def copied(tenant: Tenant, people: int) -> float:
    """People a second that COPY takes in of the rows that the import made."""
    import os

    import psycopg

    with psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute("SELECT set_config('tulia.tenant_id', %s, false)", [str(tenant.pk)])
        blocks: dict[str, list[bytes]] = {}
        for table in _TABLES:
            owner.execute(f"DROP TABLE IF EXISTS bare_{table}")
            owner.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")
            query = f"COPY (SELECT * FROM {table} WHERE tenant_id = '{tenant.pk}') TO STDOUT"
            with owner.cursor().copy(query) as out:
                blocks[table] = _joined(bytes(block) for block in out)
        began = time.perf_counter()
        for table in _TABLES:
            with owner.cursor().copy(f"COPY bare_{table} FROM STDIN") as copy:
                for block in blocks[table]:
                    copy.write(block)
        seconds = time.perf_counter() - began
        owner.execute("DROP TABLE " + ", ".join(f"bare_{table}" for table in _TABLES))
    return people / seconds


def _joined(rows: Iterator[bytes]) -> list[bytes]:
    joined: list[bytes] = []
    block: list[bytes] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row)
        if size > 200_000:
            joined.append(b"".join(block))
            block, size = [], 0
    return [*joined, b"".join(block)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tests_conftest._start_database()
    from tulia.core import threads
    from tulia.tenants import accounts

    threads.hand_over_often()  # as every process that imports does

    def measure(what: str, tenant: Any, points: int) -> float:
        rate, worked = imported(tenant, options.people, points=points)
        print(
            f"{what}: {rate:,.0f} customers/s; {1e6 * worked / options.people:.1f} µs of this process each", flush=True
        )
        return rate

    tenant = accounts.create_tenant(f"import-{uuid.uuid4().hex[:8]}", name="Import", tier="enterprise")
    first = measure("first import", tenant, 0)
    again = measure("the same file again", tenant, 0)
    changed = measure("every second changed", tenant, 1)
    limit = copied(tenant, options.people)
    rows = [
        Figure("import of customers, the first", first, "customers/s", at_least=AT_LEAST, limit=limit, limit_is="COPY"),
        Figure("import, the same file again", again, "customers/s", at_least=AT_LEAST, limit=limit, limit_is="COPY"),
        Figure("import, every second changed", changed, "customers/s", at_least=AT_LEAST, limit=limit, limit_is="COPY"),
    ]
    print(figures.table(rows))
    figures.write(options.json, rows, people=options.people)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
