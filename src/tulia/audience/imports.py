"""Importing files of customers, orders, bookings and messages: streamed, in batches, the good lines kept.

Each batch is one transaction, so what was stored stays when a later batch breaks off, and importing the same file
again stores nothing new and changes nothing. Imports of one kind for one tenant take turns, batch by batch.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError

from tulia.audience import customer_fields, import_customers, import_messages, import_orders, import_reading
from tulia.audience.customer_fields import Wrong
from tulia.audience.import_batches import Batch, Stored
from tulia.audience.import_reading import Fault, Source, Table
from tulia.core import clock, sql
from tulia.core.errors import Invalid
from tulia.tenants import queries
from tulia.tenants.scope import tenant_scope

T = TypeVar("T")
Kind = Literal["customers", "orders", "bookings", "messages"]
KINDS: tuple[Kind, ...] = ("customers", "orders", "bookings", "messages")
BATCH_LINES = 5_000
WORTH_ANALYSING = 1_000
"""New rows that can spoil a plan. Until PostgreSQL has seen a tenant's many rows it takes them for one, and joins them
in nested loops: a reach of 64,000 people took minutes right after their import."""
MAX_LISTED_ERRORS = 1_000
_ATTEMPTS = 3
# Foreign keys are checked row by row with plans of their own, which must not be made anew for each row. Of the staged
# lines the planner needs the number, and hardly more. While it may not know how many customers this tenant has, it takes
# them for one, and a nested loop over what are 20,000 takes a minute; hash joins take a second whatever it believes.
_PREPARE = """
SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0)), set_config('plan_cache_mode', 'auto', true),
       set_config('default_statistics_target', '10', true), set_config('enable_nestloop', %(may_loop)s, true)
"""

OnStored = Callable[[UUID, Kind, Sequence[UUID]], None]
"""Called with the tenant, the kind and the ids of orders or bookings that were created or changed, once a batch, in the
batch's own transaction and the tenant's scope."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the lines. `unchanged` are those that said nothing new, a line made void by a later one included.

    `errors` lists (line, what is wrong) of the rejected ones, in the order found, the first thousand of them; lines are
    counted from 1, the header of a CSV file being the first.
    """

    created: int
    updated: int
    rejected: int
    unchanged: int
    errors: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How one kind is imported."""

    columns: frozenset[str]
    required: tuple[tuple[str, ...], ...]
    new_batch: Callable[[], Batch[Any]]
    read: Callable[[int, dict[str, Any]], Any]
    store: Callable[[UUID, list[Any]], Stored]


def run(
    tenant_id: UUID,
    kind: Kind,
    source: Source,
    *,
    actor: str,
    on_stored: OnStored | None = None,
    max_bytes: int | None = None,
    batch_lines: int = BATCH_LINES,
) -> ImportResult:
    """Imports a file: an object with `read(size)`, or blocks of bytes; CSV or JSON lines, perhaps gzipped.

    Not to be called inside a transaction, so that each batch is one. `actor` is who is written into the history of
    consents. Raises Invalid, with nothing imported, when the file is empty or its header isn't right.
    """
    table = import_reading.read(source, max_bytes=max_bytes)
    recipe = _recipe(tenant_id, kind, actor=actor, is_table=table.columns is not None)
    if table.columns is not None:
        _check_header(table.columns, recipe)
    counts = _Counts(kind)
    for batch, faults in _one_ahead(_batches(table, recipe, batch_lines=batch_lines)):
        for fault in faults:
            counts.reject(fault)
        is_known = kind != "customers" or counts.is_analysed
        counts.add(batch, _store(tenant_id, kind, batch, recipe, on_stored, may_loop=is_known))
        counts.refresh_statistics(at_least=max(5 * counts.analysed_at, WORTH_ANALYSING))
        if not counts.is_analysed and len(batch.lines) >= batch_lines:
            counts.refresh_statistics(at_least=0)
    counts.refresh_statistics(at_least=counts.analysed_at + WORTH_ANALYSING)
    return counts.result()


def _batches(table: Table, recipe: _Recipe, *, batch_lines: int) -> Iterator[tuple[Batch[Any], list[Fault]]]:
    """The lines of a file in batches, each with the lines before its end that can't even be read; the last may be empty."""
    batch = recipe.new_batch()
    faults: list[Fault] = []
    for record in table.records:
        if isinstance(record, Fault):
            faults.append(record)
        else:
            line, values = record
            try:
                if table.columns is None:
                    _check_names(values, recipe)
                batch.add(recipe.read(line, values))
            except Wrong as error:
                faults.append(Fault(line, error.reason))
        if max(len(batch.lines), len(batch.faults), len(faults)) >= batch_lines:
            yield batch, faults
            batch, faults = recipe.new_batch(), []
    yield batch, faults


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, the next one made in a thread of its own while the present one is at work in the database."""
    with ThreadPoolExecutor(1, thread_name_prefix="import") as ahead:
        coming = ahead.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = ahead.submit(next, items, None)
            yield item


def _recipe(tenant_id: UUID, kind: Kind, *, actor: str, is_table: bool) -> _Recipe:
    tenant = queries.get(tenant_id)
    zone = zoneinfo.ZoneInfo(tenant.timezone)
    now = clock.now()
    if kind == "customers":
        return _Recipe(
            import_customers.COLUMNS,
            import_customers.REQUIRED,
            import_customers.CustomerBatch,
            partial(import_customers.read, country=tenant.country, is_table=is_table),
            partial(import_customers.store, actor=actor, at=now),
        )
    if kind == "orders":
        return _Recipe(
            import_orders.ORDER_COLUMNS,
            import_orders.ORDER_REQUIRED,
            import_orders.KeyedBatch,
            partial(import_orders.read_order, country=tenant.country, zone=zone),
            import_orders.store_orders,
        )
    if kind == "bookings":
        return _Recipe(
            import_orders.BOOKING_COLUMNS,
            import_orders.BOOKING_REQUIRED,
            import_orders.KeyedBatch,
            partial(import_orders.read_booking, country=tenant.country, zone=zone),
            import_orders.store_bookings,
        )
    return _Recipe(
        import_messages.COLUMNS,
        import_messages.REQUIRED,
        Batch,
        partial(import_messages.read, country=tenant.country, zone=zone, now=now),
        import_messages.store,
    )


def _check_header(columns: Sequence[str], recipe: _Recipe) -> None:
    wrong = {name: "unknown column" for name in columns if not _is_known(name, recipe) or name == "attributes"}
    wrong |= {
        " or ".join(either): "missing column"
        for either in recipe.required
        if not any(name in columns for name in either)
    }
    if wrong:
        known = ", ".join(sorted(recipe.columns - {"attributes"}))
        known += ", attributes.*" if "attributes" in recipe.columns else ""
        faults = "; ".join(f"{what} {name or '(no name)'}" for name, what in wrong.items())
        raise Invalid(f"The header isn't right: {faults}. The columns are {known}.", details=wrong)


def _check_names(values: dict[str, Any], recipe: _Recipe) -> None:
    if unknown := [name for name in values if not _is_known(name, recipe)]:
        raise Wrong("; ".join(f"{name[:100]} is an unknown key" for name in unknown[:10]))


def _is_known(name: str, recipe: _Recipe) -> bool:
    if name in recipe.columns:
        return True
    if not name.startswith(import_customers.PREFIX) or "attributes" not in recipe.columns:
        return False
    try:
        return bool(customer_fields.read_attribute_name(name[len(import_customers.PREFIX) :]))
    except Wrong:
        return False


def _store(
    tenant_id: UUID, kind: Kind, batch: Batch[Any], recipe: _Recipe, on_stored: OnStored | None, *, may_loop: bool
) -> Stored:
    """One transaction. Somebody else may take a phone or a lock at this very moment: then the batch begins again."""
    if not batch.lines:
        return Stored(0, 0, 0, (), ())
    attempt = 1
    while True:
        try:
            with tenant_scope(tenant_id):
                sql.fetch_one(_PREPARE, {"name": f"import {kind} {tenant_id}", "may_loop": "on" if may_loop else "off"})
                stored = recipe.store(tenant_id, batch.lines)
                if on_stored is not None and stored.touched:
                    on_stored(tenant_id, kind, stored.touched)
                return stored
        except (IntegrityError, OperationalError):
            if attempt == _ATTEMPTS:
                raise
            attempt += 1


class _Counts:
    """Adds up batches; `analysed_at` is how many rows had been made when the statistics were last refreshed."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.analysed_at = 0
        self.is_analysed = False
        self._created = self._updated = self._unchanged = self._rejected = 0
        self._errors: list[Fault] = []

    def reject(self, fault: Fault) -> None:
        self._rejected += 1
        if len(self._errors) < MAX_LISTED_ERRORS:
            self._errors.append(fault)

    def add(self, batch: Batch[Any], stored: Stored) -> None:
        self._created += stored.created
        self._updated += stored.updated
        self._unchanged += stored.unchanged + batch.superseded_count
        for fault in sorted((*batch.faults, *stored.faults), key=lambda fault: fault.line):
            self.reject(fault)

    def refresh_statistics(self, *, at_least: int) -> None:
        """Has PostgreSQL look at the tables again, when this many rows are new (0: whatever is new)."""
        if self._created >= at_least:
            sql.execute("SELECT refresh_audience_statistics(%(kind)s)", {"kind": self._kind})
            self.analysed_at = self._created
            self.is_analysed = True

    def result(self) -> ImportResult:
        errors = tuple(sorted(self._errors, key=lambda fault: fault.line))
        return ImportResult(self._created, self._updated, self._rejected, self._unchanged, errors)
