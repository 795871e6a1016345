"""The simulator as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from whatsapp_simulator.__main__ import main

COMMAND = [sys.executable, "-m", "whatsapp_simulator"]


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"strict_templates": True}))
    process = start("--port", "0", "--seed", "9", "--scale", "60", "--config", str(settings))
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"whatsapp simulator listening on (http://127\.0\.0\.1:\d+)\n", line)
    assert found is not None, line
    yield process, found[1]
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_cleanly(
    running: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, url = running
    with urllib.request.urlopen(f"{url}/_sim/config") as answer:
        assert json.load(answer)["strict_templates"] is True
    with urllib.request.urlopen(f"{url}/_sim/clock") as answer:
        assert json.load(answer)["scale"] == 60
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_one_clear_line_and_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"whatsapp simulator: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_bad_settings_are_one_clear_line_and_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "settings.json"
    for text, complaint in (("{", "is not JSON"), ('{"noize": 1}', "no such setting: noize")):
        settings.write_text(text)
        assert main(["--config", str(settings)]) == 1
        err = capsys.readouterr().err
        assert complaint in err
        assert err.count("\n") == 1
    assert main(["--config", str(tmp_path / "missing.json")]) == 1
    assert "No such file" in capsys.readouterr().err
