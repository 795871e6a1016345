"""Importing customers: each line is a person, known by external id, else by phone.

What a line says: a column that is absent leaves the stored value alone; an empty cell clears it, except that an empty
`external_id` or `consent_promotional` says nothing. A person without a country gets that of the phone number. In CSV
the cells of `attributes.*` are typed by `customer_fields.read_attribute_cell`.

Consent: `true` grants (with a line of history), unless the customer's own last word was no, or an erased person with the
same number had opted out; `false` withdraws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from tulia.audience import customer_fields, phone, suppression
from tulia.audience.customer_fields import Wrong
from tulia.audience.import_batches import Batch, Stored
from tulia.audience.import_reading import Fault
from tulia.core import sql

COLUMNS = frozenset(
    {"external_id", "phone", "name", "tags", "language", "timezone", "consent_promotional", "country", "attributes"}
)
REQUIRED = (("phone",),)
PREFIX = "attributes."
_ROUNDS = 4


@dataclass(slots=True)
class Line:
    """One line as it is staged; None says nothing. `attributes` holds JSON values, null to take one away."""

    line: int
    external_id: str | None
    phone: str
    name: str | None = None
    language: str | None = None
    timezone: str | None = None
    country: str | None = None
    phone_country: str | None = None
    tags: str | None = None
    attributes: dict[str, Any] | None = None
    consent: bool | None = None

    def take_over(self, later: Line) -> None:
        """A later line about the same person: what it says counts."""
        if self.attributes is not None and later.attributes is not None:
            later.attributes = self.attributes | later.attributes
        for name in _FIELDS:
            said = getattr(later, name)
            if said is not None:
                setattr(self, name, said)


_FIELDS = tuple(field.name for field in fields(Line))


def read(line: int, values: Mapping[str, Any], *, country: str, is_table: bool) -> Line:
    """What a line says; `country` completes local phone numbers. Raises Wrong, naming every wrong field.

    `is_table` is true for CSV, where numbers and flags have to be told from their text.
    """
    wrong: list[str] = []
    read_fields: dict[str, Any] = {}
    attributes: dict[str, Any] | None = None
    for name, value in values.items():
        try:
            if name == "phone":
                read_fields["phone"] = customer_fields.read_phone(value, country=country)
            elif name.startswith(PREFIX):
                if attributes is None:
                    attributes = {}
                if is_table:
                    attributes[name[len(PREFIX) :]] = customer_fields.read_attribute_cell(value)
                else:
                    attributes |= customer_fields.read_attributes({name[len(PREFIX) :]: value})
            elif name == "attributes":
                if value is not None:
                    attributes = (attributes or {}) | customer_fields.read_attributes(value)
            elif name == "tags":
                read_fields["tags"] = ";".join(customer_fields.read_tags([] if value is None else value))
            elif name == "consent_promotional":
                read_fields["consent"] = None if value is None else customer_fields.read_flag(value)
            elif name == "external_id":
                read_fields["external_id"] = None if value is None else customer_fields.read_external_id(value)
            else:
                read_fields[name] = _TEXTS[name](value if value is not None else "")
        except Wrong as error:
            wrong.append(f"{name} {error.reason}")
    if wrong:
        raise Wrong("; ".join(wrong))
    if "phone" not in read_fields:
        raise Wrong("phone must not be missing")
    if not read_fields.get("country"):
        derived = phone.country_of(read_fields["phone"]) or ""
        read_fields["country" if "country" in read_fields else "phone_country"] = derived
    return Line(line, read_fields.pop("external_id", None), **read_fields, attributes=attributes)


_TEXTS = {
    "name": customer_fields.read_text,
    "language": customer_fields.read_language,
    "timezone": customer_fields.read_timezone,
    "country": customer_fields.read_country,
}


class CustomerBatch(Batch[Line]):
    """Lines to be stored together: one for each person, and no phone in two of them."""

    def __init__(self) -> None:
        super().__init__()
        self._by_external_id: dict[str, Line] = {}
        self._by_phone: dict[str, Line] = {}

    def add(self, new: Line) -> None:
        """A later line about a person replaces what an earlier one said."""
        holder = self._by_phone.get(new.phone)
        same = self._by_external_id.get(new.external_id) if new.external_id else None
        if holder is not None and holder is not same:
            if same is not None or (new.external_id and holder.external_id):
                self.faults.append(Fault(new.line, _taken(new.phone, holder.external_id)))
                return
            same = holder
        if same is None:
            same = new
            self.lines.append(new)
        else:
            del self._by_phone[same.phone]
            same.take_over(new)
            self.superseded_count += 1
        self._by_phone[same.phone] = same
        if same.external_id:
            self._by_external_id[same.external_id] = same


def store(tenant_id: UUID, lines: Iterable[Line], *, actor: str, at: datetime) -> Stored:
    """Writes a batch, in the tenant's scope and a transaction; a phone that is freed on the way may be given again."""
    waiting = {line.line: line for line in lines}
    suppressed = suppression.among(tenant_id, (line.phone for line in waiting.values()))
    withheld = suppression.unknown_among(tenant_id, suppressed)
    for line in waiting.values():
        if line.phone in suppressed and line.consent:
            line.consent = None
    created, updated = 0, set[int]()
    total = len(waiting)
    faults: list[Fault] = []
    for turn in range(_ROUNDS):
        is_last = turn == _ROUNDS - 1
        created += _store_once(tenant_id, waiting.values(), updated=updated, actor=actor, at=at)
        refused = sql.fetch_all(
            "SELECT line, verdict, holder FROM resolved_customers WHERE verdict IN ('taken', 'later')"
        )
        sql.execute("DROP TABLE staged_customers, resolved_customers")
        again = {line: waiting[line] for line, verdict, _ in refused if verdict == "later" and not is_last}
        faults += [Fault(line, _taken(waiting[line].phone, holder)) for line, _, holder in refused if line not in again]
        waiting = again
        if not waiting:
            break
    suppression.withhold(tenant_id, withheld, at=at)
    return Stored(created, len(updated), total - created - len(updated) - len(faults), tuple(faults), ())


def _store_once(tenant_id: UUID, lines: Iterable[Line], *, updated: set[int], actor: str, at: datetime) -> int:
    tenant = {"tenant": tenant_id}
    sql.execute(sql.load("audience", "stage_customers"))
    sql.copy_rows("staged_customers", _FIELDS, _rows(lines))
    sql.execute(
        "ANALYZE staged_customers (line, external_id)"
    )  # what is joined by; all columns take four times as long
    sql.execute(sql.load("audience", "resolve_customers"), tenant)
    sql.execute("ANALYZE resolved_customers")
    history = {**tenant, "actor": actor, "at": at}
    told = sql.fetch_one(_TOLD)
    new, known, changed = told if told else (0, 0, 0)
    if changed:
        sql.fetch_all(sql.load("audience", "lock_resolved_customers"), tenant)
        updated.update(row[0] for row in sql.fetch_all(sql.load("audience", "update_imported_customers"), tenant))
        updated.update(row[0] for row in sql.fetch_all(sql.load("audience", "import_consents"), history))
    if known:
        updated.update(row[0] for row in sql.fetch_all(sql.load("audience", "import_tags"), tenant))
    if not new:
        return 0
    created = sql.execute(sql.load("audience", "insert_imported_customers"), tenant)
    sql.execute(sql.load("audience", "note_imported_consents"), history)
    sql.execute(sql.load("audience", "tag_imported_customers"), tenant)
    return created


_TOLD = """
SELECT count(*) FILTER (WHERE verdict = 'create'), count(*) FILTER (WHERE verdict = 'known'),
       count(*) FILTER (WHERE is_changed OR consent_differs)
FROM resolved_customers
"""


def _rows(lines: Iterable[Line]) -> Iterator[tuple[Any, ...]]:
    for said in lines:
        yield (
            said.line,
            said.external_id,
            said.phone,
            said.name,
            said.language,
            said.timezone,
            said.country,
            said.phone_country,
            said.tags,
            None if said.attributes is None else orjson.dumps(said.attributes).decode(),
            said.consent,
        )


def _taken(number: str, holder: str | None) -> str:
    whose = f"the customer with external_id {holder}" if holder else "another customer"
    return f"phone {number} belongs to {whose} already"
