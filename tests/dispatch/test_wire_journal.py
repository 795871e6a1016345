from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tulia.core.trace import Trace
from tulia.dispatch import wire_journal
from tulia.dispatch.wire_journal import WireJournal

_DIES = """
import os, signal, sys
from pathlib import Path
from tulia.dispatch.wire_journal import WireJournal
journal = WireJournal(Path(sys.argv[1]))
for recipient_id in range(1, 10_001):
    journal.note(recipient_id)
journal.forget(range(1, 9_991))
print(journal.worker_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def dead_worker(folder: Path) -> UUID:
    """A worker that was killed while it had the recipients 9,991 to 10,000 on the wire."""
    died = subprocess.run([sys.executable, "-c", _DIES, str(folder)], capture_output=True, text=True, check=False)
    assert died.returncode < 0, died.stderr
    return UUID(died.stdout.strip())


def test_a_killed_worker_leaves_exactly_those_who_were_on_the_wire(tmp_path: Path) -> None:
    assert wire_journal.on_the_wire(tmp_path, dead_worker(tmp_path)) == frozenset(range(9_991, 10_001))


def test_a_worker_that_is_just_dying_is_waited_for(tmp_path: Path) -> None:
    dead = dead_worker(tmp_path)
    with (tmp_path / f"{dead}.wire").open("rb") as not_closed_yet:
        fcntl.flock(not_closed_yet, fcntl.LOCK_EX)
        threading.Timer(wire_journal.DYING_SECONDS / 2, not_closed_yet.close).start()
        assert wire_journal.on_the_wire(tmp_path, dead) == frozenset(range(9_991, 10_001))


def test_of_a_living_worker_nobody_but_itself_can_tell_anything(tmp_path: Path) -> None:
    journal = WireJournal(tmp_path)
    journal.note(1)
    journal.note(2)
    journal.forget([2])
    assert wire_journal.on_the_wire(tmp_path, journal.worker_id) is Trace.LIVES
    assert journal.on_the_wire(journal.worker_id) == frozenset({1})
    journal.close()
    assert wire_journal.on_the_wire(tmp_path, journal.worker_id) is Trace.LOST


def test_a_journal_that_is_missing_broken_or_of_another_boot_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = dead_worker(tmp_path)
    assert wire_journal.on_the_wire(tmp_path, uuid4()) is Trace.LOST
    (tmp_path / f"{(broken := uuid4())}.wire").write_bytes(b"short")
    assert wire_journal.on_the_wire(tmp_path, broken) is Trace.LOST
    boot = tmp_path / "boot_id"
    boot.write_text("another boot of this machine, 36 chars")
    monkeypatch.setattr(wire_journal, "_BOOT_ID", boot)
    assert wire_journal.on_the_wire(tmp_path, worker) is Trace.LOST
    monkeypatch.setattr(wire_journal, "_BOOT_ID", tmp_path / "no such file")
    assert wire_journal.on_the_wire(tmp_path, worker) is Trace.LOST


def test_only_old_journals_of_dead_workers_are_removed(tmp_path: Path) -> None:
    dead, living = dead_worker(tmp_path), WireJournal(tmp_path)
    now = (tmp_path / f"{dead}.wire").stat().st_mtime
    wire_journal.discard_old(tmp_path, now_seconds=now + 60)
    assert wire_journal.on_the_wire(tmp_path, dead) is not Trace.LOST
    wire_journal.discard_old(tmp_path, now_seconds=now + 30 * 86_400)
    assert sorted(path.name for path in tmp_path.glob("*.wire")) == [f"{living.worker_id}.wire"]
    living.close()
    assert not list(tmp_path.glob("*.wire"))
