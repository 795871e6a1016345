"""What can be measured is listed, and run by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tulia.cli import bench
from tulia.cli.command import main


def test_without_a_name_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    said = capsys.readouterr().out
    names = {line.split()[0] for line in said.splitlines()[1:]}
    assert {"all", "torture", "dispatch", "ingestion", "sustained", "import_speed", "api_speed"} <= names
    assert not names & {"figures", "crowd", "large_shop", "run_all"}, "what benchmarks share is none"


def test_an_unknown_name_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "nothing"]) == 1
    assert "`tulia bench` lists what there is" in capsys.readouterr().err


def test_a_script_gets_its_own_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = '"""Says what it was given."""\nimport json, sys\n\n\ndef main():\n    print(json.dumps(sys.argv[1:]))\n\n\nmain()\n'
    (tmp_path / "given.py").write_text(script)
    monkeypatch.setattr(bench, "SCRIPTS", tmp_path)
    assert main(["bench", "given", "--people", "5", "--json", "file"]) == 0
    given = json.loads(capfd.readouterr().out)
    assert sorted(given) == sorted(["--people", "5", "--json", "file"])
    assert main(["bench", "--json", "file", "given"]) == 0
    assert json.loads(capfd.readouterr().out) == ["--json", "file"]
