from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tulia.config import settings

ROOT = Path(__file__).parents[2]


def test_every_environment_variable_that_is_read_is_documented_and_no_other() -> None:
    read = set(re.findall(r'_(?:text|number|flag)\(\s*"([A-Z_]+)"', Path(settings.__file__).read_text()))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    assert read == documented


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TULIA_LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING or ERROR"),
        ("TULIA_DATABASE_POOL_SIZE", "many", "must be a whole number from 4 to 100"),
        ("TULIA_SEND_TIMEOUT_SECONDS", "0", "must be a whole number from 1 to 300"),
        ("TULIA_SECRET_KEY", "short", "32 characters or more"),
        ("TULIA_TENANTS_MAY_SET_BASE_URL", "perhaps", "must be true or false"),
        ("DATABASE_URL", "sqlite:///db", "must look like postgresql://"),
    ],
)
def test_a_value_that_can_not_be_understood_stops_the_program_with_one_line(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tulia.cli", "up", "--no-demo", "--port", "0", "--data-dir", str(tmp_path)],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"tulia: {name}")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TULIA_SECRET_KEY"}
    command = [sys.executable, "-c", "from tulia.config import settings; print(settings.SECRET_KEY)"]
    keys = {
        subprocess.run(
            command, env=environment | {"TULIA_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(keys) == 1
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
