"""What runs on a data directory: `tulia up` says so in a file, and holds a lock for as long as it is true."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tulia.cli.failing import CommandFailed


@dataclass(frozen=True, slots=True)
class Standing:
    """A running installation; `simulator_url` is empty where none runs."""

    process_id: int
    url: str
    simulator_url: str = ""


def standing(data_dir: Path) -> Standing | None:
    """What `tulia up` runs on this directory now; None when it doesn't."""
    try:
        with (data_dir / "up.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Standing(**json.loads((data_dir / "up.json").read_text()))
        return None
    except OSError:
        return None


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Holds the directory against a second `tulia up`. Raises CommandFailed when it can't be written or is held."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "up.lock").open("ab")
    except OSError as error:
        raise CommandFailed(
            f"the data directory {data_dir} can't be written: {error.strerror}. "
            "Choose another with --data-dir or TULIA_DATA_DIR."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = standing(data_dir)
            where = f" at {other.url} (process {other.process_id})" if other else ""
            raise CommandFailed(f"`tulia up` runs on {data_dir} already{where}: stop it first.") from error
        try:
            yield
        finally:
            (data_dir / "up.json").unlink(missing_ok=True)


def announce(data_dir: Path, *, url: str, simulator_url: str) -> None:
    """Says what runs, for the other commands."""
    scratch = data_dir / "up.json.new"
    scratch.write_text(json.dumps(asdict(Standing(os.getpid(), url, simulator_url))))
    scratch.replace(data_dir / "up.json")
