"""Reading files of any size line by line: CSV or JSON lines, perhaps compressed, with the line number of every fault.

Nothing but the present block and the present record is held in memory.
"""

from __future__ import annotations

import csv
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from tulia.core.errors import Invalid

MAX_LINE_BYTES = 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"PK": "This is a ZIP or Excel file: save the sheet as CSV (UTF-8) and send that.",
    b"\xff\xfe": "This file is UTF-16: save it as UTF-8.",
    b"\xfe\xff": "This file is UTF-16: save it as UTF-8.",
}


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


Source = Readable | Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that can't be read, and why."""

    line: int
    error: str


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are the header's names of a CSV file, None for JSON lines, whose keys may differ from line to line.

    `records` gives (line number, values by name), or a Fault. Values of CSV are texts; empty lines are passed over.
    """

    columns: tuple[str, ...] | None
    records: Iterator[tuple[int, dict[str, Any]] | Fault]


def read(source: Source, *, max_bytes: int | None = None) -> Table:
    """Opens a file: gzip and the kind of text are told by the bytes themselves. Raises Invalid for what is neither.

    `max_bytes` bounds what the file may hold once it is decompressed; what stands beyond is a Fault.
    """
    lines = _Lines(_unpacked(_blocks(source)), max_bytes)
    lines.skip_blank()
    first = lines.peek()
    if first is None:
        raise Invalid(lines.damage or "The file is empty.")
    if first.lstrip().startswith(b"{"):
        return Table(None, _json_records(lines))
    table = _CsvRecords(lines)
    return Table(table.header(), table.records())


def _blocks(source: Source) -> Iterator[bytes]:
    if hasattr(source, "read"):
        while block := source.read(_BLOCK_BYTES):
            yield block
    else:
        yield from (bytes(block) for block in source if block)


class _Damaged(Exception):
    pass


def _unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for block in blocks:
        head += block
        if len(head) >= len(_BOM):
            break
    for magic, advice in _FOREIGN.items():
        if head.startswith(magic):
            raise Invalid(advice)
    if head.startswith(_GZIP):
        yield from _decompressed(head, blocks)
        return
    if head:
        yield head
    yield from blocks


def _decompressed(head: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    block: bytes | None = head
    while block is not None:
        while block:
            try:
                unpacked = unpacker.decompress(block, _BLOCK_BYTES)
            except zlib.error as error:
                raise _Damaged("The compressed file is damaged; nothing from here on was read.") from error
            if unpacked:
                yield unpacked
            block = unpacker.unconsumed_tail
            if unpacker.eof:  # a gzip file may be several, one after another, with zeros at the end
                block = unpacker.unused_data.lstrip(b"\0")
                if block:
                    unpacker = zlib.decompressobj(wbits=31)
        block = next(blocks, None)
    if not unpacker.eof:
        raise _Damaged("The compressed file breaks off; nothing from here on was read.")


class _Lines:
    """Lines without their newline, None for one that is too long; `number` is that of the line given last."""

    def __init__(self, blocks: Iterator[bytes], max_bytes: int | None) -> None:
        self.number = 0
        self.damage: str | None = None
        self._ahead: deque[bytes | None] = deque()
        self._split = self._splitting(blocks, max_bytes)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> bytes | None:
        line = self._ahead.popleft() if self._ahead else next(self._split)
        self.number += 1
        return line

    def put_back(self, lines: list[bytes | None]) -> None:
        self._ahead.extendleft(reversed(lines))
        self.number -= len(lines)

    def peek(self) -> bytes | None:
        """The next line, empty when too long, without taking it; None at the end."""
        for line in self:
            self.put_back([line])
            return line or b""
        return None

    def skip_blank(self) -> None:
        for line in self:
            if line is None or line.strip():
                self.put_back([line])
                return

    def _splitting(self, blocks: Iterator[bytes], max_bytes: int | None) -> Iterator[bytes | None]:
        rest = b""
        is_skipping = False  # within a line that is too long
        count = 0
        try:
            for block in blocks:
                if not count:
                    block = block.removeprefix(_BOM)
                count += len(block)
                if max_bytes is not None and count > max_bytes:
                    self.damage = f"The file holds more than {max_bytes:,} bytes; nothing from here on was read."
                    return
                *whole, tail = block.split(b"\n")
                if whole:
                    whole[0] = rest + whole[0]
                    rest = tail
                    if is_skipping:
                        is_skipping = False
                        del whole[0]
                    for line in whole:
                        yield line if len(line) <= MAX_LINE_BYTES else None
                elif not is_skipping:
                    rest += tail
                if len(rest) > MAX_LINE_BYTES:
                    yield None
                    rest = b""
                    is_skipping = True
        except _Damaged as error:
            self.damage = str(error)
            return
        if rest and not is_skipping:
            yield rest


def _decoded(line: bytes | None) -> str:
    if line is None:
        raise _Unreadable(f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise _Unreadable(f"Byte {error.start + 1} of the line is not UTF-8: save the file as UTF-8.") from error
    if "\x00" in text:
        raise _Unreadable("The line holds a NUL character.")
    return text


class _Unreadable(Exception):
    pass


def _json_records(lines: _Lines) -> Iterator[tuple[int, dict[str, Any]] | Fault]:
    for line in lines:
        if line is not None and not line.strip():
            continue
        try:
            text = _decoded(line)
            value = orjson.loads(text)
        except _Unreadable as error:
            yield Fault(lines.number, str(error))
        except orjson.JSONDecodeError as error:
            yield Fault(lines.number, f"This is no JSON: {error.msg}.")
        else:
            yield (lines.number, value) if isinstance(value, dict) else Fault(lines.number, "This is no JSON object.")
    if lines.damage:
        yield Fault(lines.number + 1, lines.damage)


class _CsvRecords:
    """Records of RFC 4180. A record that can't be read costs its first line only: reading goes on with the next one."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._taken: list[bytes | None] = []
        self._reader = csv.reader(self, strict=True)
        self._width = 0
        self._names: tuple[str, ...] = ()

    def header(self) -> tuple[str, ...]:
        """The names of the columns. Raises Invalid."""
        first = self._next_record()
        if isinstance(first, Fault):
            raise Invalid(f"The first line must name the columns. {first.error}")
        names = tuple(name.strip() for name in first[1])
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            raise Invalid("The columns must be separated by commas.", details={"header": names[0][:200]})
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise Invalid(
                f"Columns stand there twice: {', '.join(repeated)}.", details=dict.fromkeys(repeated, "twice")
            )
        self._names, self._width = names, len(names)
        return names

    def __next__(self) -> str:
        """What csv.reader reads: the next line as text."""
        raw = next(self._lines)
        self._taken.append(raw)
        return _decoded(raw) + "\n"

    def __iter__(self) -> _CsvRecords:
        return self

    def records(self) -> Iterator[tuple[int, dict[str, Any]] | Fault]:
        names, width = self._names, self._width
        while True:
            try:
                found = self._next_record()
            except StopIteration:
                break
            if isinstance(found, Fault):
                yield found
                continue
            line, cells = found
            if len(cells) == width:
                yield line, dict(zip(names, cells, strict=True))
            elif cells:
                yield Fault(line, f"The line has {len(cells)} cells, and the header {width}.")
        if self._lines.damage:
            yield Fault(self._lines.number + 1, self._lines.damage)

    def _next_record(self) -> tuple[int, list[str]] | Fault:
        self._taken.clear()
        line = self._lines.number + 1
        try:
            return line, next(self._reader)
        except (csv.Error, _Unreadable) as error:
            bad, within = self._lines.number, len(self._taken) > 1
            self._lines.put_back(self._taken[1:])
            if within and isinstance(error, _Unreadable):
                return Fault(line, f"A quoted cell begins here, and line {bad} within it can't be read. {error}")
            return Fault(line, _in_plain_words(error))


def _in_plain_words(error: Exception) -> str:
    text = str(error)
    if isinstance(error, _Unreadable):
        return text
    if "unexpected end" in text or "field larger" in text:
        return "A quoted cell has no end, or is too long."
    if "expected after" in text:
        return 'After the closing quote of a cell a comma must follow; a quote inside a cell is written twice ("").'
    return "The line can't be read as CSV."
