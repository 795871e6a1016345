"""Several web processes that take turns at one port, because Python uses one processor at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from pathlib import Path
from socket import socket

from tulia.cli.failing import CommandFailed
from tulia.cli.supervisor import Child

_ROOM_BYTES = 16 * 1024 * 1024
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


def children(place: Path, listener: socket, held: contextlib.ExitStack, *, count: int) -> list[Child]:
    """So many of them, not started yet. What they count together is gone when `held` is closed."""
    number = listener.fileno()
    command = [sys.executable, "-m", "tulia.cli", "web", "--socket", str(number)]
    environment = {}
    if count > 1:
        counts = _empty_directory(place)
        held.callback(shutil.rmtree, counts, ignore_errors=True)
        environment = {"PROMETHEUS_MULTIPROC_DIR": str(counts)}
    names = ["web", *(f"web-{n}" for n in range(2, count + 1))]
    return [Child(name, command, environment, place / "logs" / f"{name}.log", (number,)) for name in names]


def _empty_directory(place: Path) -> Path:
    """For the files through which they count together: in memory if there is room, for a full disk would end them (SIGBUS).

    The name tells apart two installations that share /dev/shm and call their data directory the same.
    """
    itself = place.stat()
    name = hashlib.sha256(f"{place} {itself.st_dev} {itself.st_ino}".encode()).hexdigest()[:16]
    for path in (_IN_MEMORY / f"tulia-{os.getuid()}-{name}", place / "counts"):
        shutil.rmtree(path, ignore_errors=True)  # what a killed one left
        with contextlib.suppress(OSError):
            if shutil.disk_usage(path.parent).free > _ROOM_BYTES:
                path.mkdir(mode=0o700)
                return path
    raise CommandFailed(f"there is no room in {place}")
