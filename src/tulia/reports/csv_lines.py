"""CSV as RFC 4180 has it, safe to open in a spreadsheet (pure)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BLOCK_CHARACTERS = 64 * 1024


def text(value: str | None) -> str:
    """Somebody's words as a cell. What a spreadsheet would take for a formula begins with an apostrophe."""
    if not value:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) else value


def instant(value: datetime | None) -> str:
    """RFC 3339 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else ""


def amount(micros: int | None) -> str:
    """Micros as a decimal number, with two places or as many as it needs."""
    if micros is None:
        return ""
    exact = Decimal(micros).scaleb(-6)
    return f"{exact:f}" if exact != round(exact, 2) else f"{exact:.2f}"


def number(value: float | None) -> str:
    """A number, with as many places as it has; empty for None."""
    return "" if value is None else str(value)


def blocks(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The file in blocks of some ten kilobytes, lines ending in CRLF, in UTF-8. Cells are taken as they are."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > _BLOCK_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
