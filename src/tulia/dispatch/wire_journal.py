"""Which messages were being put on the wire, kept where a killed process can't lose it: a file in shared memory pages.

The ledger says *sending* a moment before a message goes out, for a whole batch. When the worker is killed then, some of
the batch may have reached the provider and some never left. Writing one number into a mapped file costs nothing, and
the kernel keeps it when the process dies; so the next dispatcher can tell the two apart: who is in the dead worker's
journal is unknown, and who is not goes out again by itself.

The file says nothing after a crash of the whole machine (its pages need not have reached the disk): it carries the
kernel's boot id, and one of another boot is not believed. Nor is one that is missing. Of a worker that lives it tells
nothing to others: there whoever isn't noted may be the next to leave.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID, uuid4

from tulia.core.trace import Trace

_MAGIC = b"tulia-wire-1"
_HEADER = struct.Struct("=12s36s")
_START = 64
_SLOT = struct.Struct("=q")
_FIRST_SLOTS = 4_096
DYING_SECONDS = 0.5
_KEPT_SECONDS = 7 * 86_400
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _boot_id() -> bytes:
    """Names this run of the machine; empty where the system doesn't tell, and then no journal is believed."""
    try:
        return _BOOT_ID.read_bytes().strip()[:36]
    except OSError:
        return b""


class WireJournal:
    """The journal of one worker: `note` a recipient before bytes go out, `forget` when the ledger knows the outcome."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.worker_id = uuid4()
        self._folder = folder
        self._path = _path_of(folder, self.worker_id)
        self._file = self._path.open("x+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.write(_HEADER.pack(_MAGIC, _boot_id()).ljust(_START, b"\0"))
        self._file.flush()
        _reserve(self._file.fileno(), _START + _FIRST_SLOTS * _SLOT.size)
        self._pages = mmap.mmap(self._file.fileno(), 0)
        self._slots: dict[int, int] = {}
        self._free = list(range(_FIRST_SLOTS - 1, -1, -1))

    def note(self, recipient_id: int) -> None:
        """Call right before the first byte of this recipient's message goes out."""
        if recipient_id in self._slots:
            return
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._slots[recipient_id] = slot
        _SLOT.pack_into(self._pages, _START + slot * _SLOT.size, recipient_id)

    def forget(self, recipient_ids: Iterable[int]) -> None:
        """Call when the ledger has what became of them."""
        for recipient_id in recipient_ids:
            slot = self._slots.pop(recipient_id, None)
            if slot is not None:
                _SLOT.pack_into(self._pages, _START + slot * _SLOT.size, 0)
                self._free.append(slot)

    def on_the_wire(self, worker_id: UUID) -> frozenset[int] | Trace:
        """`on_the_wire` in this journal's folder.

        Of its own worker, which lives, it is whoever is noted now. Ask for a sender only after its dispatcher here has
        ended with nothing in flight: whoever is claimed then and not noted never left, as when the database died with
        the answer to a claim that it had committed.
        """
        if worker_id == self.worker_id:
            return frozenset(self._slots)
        return on_the_wire(self._folder, worker_id)

    def close(self) -> None:
        """After a proper end: nobody is in flight, so there is nothing to keep."""
        self._path.unlink(missing_ok=True)
        self._pages.close()
        self._file.close()

    def _grow(self) -> None:
        had = (len(self._pages) - _START) // _SLOT.size
        _reserve(self._file.fileno(), _START + 2 * had * _SLOT.size)
        self._pages.resize(_START + 2 * had * _SLOT.size)
        self._free = list(range(2 * had - 1, had - 1, -1))


def _reserve(descriptor: int, size: int) -> None:
    """Takes the file's blocks now. Writing into a page that has none kills the process when the disk is full; this raises
    OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.pwrite(descriptor, bytes(size - os.fstat(descriptor).st_size), os.fstat(descriptor).st_size)


def on_the_wire(folder: Path, worker_id: UUID) -> frozenset[int] | Trace:
    """Whose messages a dead worker may have put on the wire."""
    try:
        with _path_of(folder, worker_id).open("rb") as file:
            if not _is_dead_soon(file.fileno()):
                return Trace.LIVES
            content = file.read()
    except OSError:
        return Trace.LOST
    if len(content) < _START or not _boot_id() or content[: _HEADER.size] != _HEADER.pack(_MAGIC, _boot_id()):
        return Trace.LOST
    slots = len(content[_START:]) // _SLOT.size
    numbers = struct.unpack_from(f"={slots}q", content, _START)
    return frozenset(number for number in numbers if number)


def discard_old(folder: Path, *, now_seconds: float) -> None:
    """Removes the journals of workers that died a week ago or more: whoever they speak of was settled long since."""
    for path in folder.glob("*.wire"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if now_seconds - path.stat().st_mtime > _KEPT_SECONDS and _is_dead(file.fileno()):
                path.unlink()


def _is_dead(descriptor: int) -> bool:
    """A living worker holds its journal's lock; the kernel frees it with the process."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_dead_soon(descriptor: int) -> bool:
    """The kernel closes a killed process's files one by one: its connections, by which its senders are lost, may be gone
    while its journal is still held."""
    deadline = time.monotonic() + DYING_SECONDS
    while not _is_dead(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _path_of(folder: Path, worker_id: UUID) -> Path:
    return folder / f"{worker_id}.wire"
