"""What several web processes count together has a place, in memory or beside the data, that is gone with them."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from tulia.cli import web_processes
from tulia.cli.failing import CommandFailed


@pytest.fixture
def listener() -> socket.socket:
    return socket.socket()


def counts_of(place: Path, listener: socket.socket, held: contextlib.ExitStack) -> Path:
    first, second = web_processes.children(place, listener, held, count=2)
    (kept,) = {child.environment["PROMETHEUS_MULTIPROC_DIR"] for child in (first, second)}
    return Path(kept)


def test_one_alone_counts_for_itself(tmp_path: Path, listener: socket.socket) -> None:
    with listener, contextlib.ExitStack() as held:
        (alone,) = web_processes.children(tmp_path, listener, held, count=1)
    assert (alone.name, alone.environment) == ("web", {})


def test_without_memory_to_count_in_it_is_beside_the_data(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_processes, "_IN_MEMORY", tmp_path / "no such directory")
    (tmp_path / "counts").mkdir()
    (tmp_path / "counts" / "of one that was killed").touch()
    with listener:
        with contextlib.ExitStack() as held:
            counts = counts_of(tmp_path, listener, held)
            assert counts == tmp_path / "counts"
            assert not list(counts.iterdir())
        assert not counts.exists()


def test_two_installations_of_one_machine_count_apart(tmp_path: Path, listener: socket.socket) -> None:
    with listener, contextlib.ExitStack() as held:
        places = [tmp_path / name for name in "ab"]
        for place in places:
            place.mkdir()
        first, second = (counts_of(place, listener, held) for place in places)
        assert first != second


def test_without_room_for_it_anywhere_it_says_so(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_processes, "_ROOM_BYTES", 1 << 62)
    with (
        listener,
        contextlib.ExitStack() as held,
        pytest.raises(CommandFailed, match=f"there is no room in {tmp_path}"),
    ):
        counts_of(tmp_path, listener, held)
