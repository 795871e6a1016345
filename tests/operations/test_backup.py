"""The commands of docs/operations.md: a dump taken while a campaign runs, restored into a new installation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import Installation, Up, with_tables
from live_installation import eventually, free_port
from operations.machines import answers
from operations.outside import Place, accepted, differences, open_shop
from tulia.config import embedded_postgres

DOCUMENT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
DUMP, RESTORE = re.findall(r"\n\n((?:    .*\n)+)", DOCUMENT.split("## Backup and restore")[1].split("\n## ")[0])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with `.venv` and `var`, as the document has it."""
    with tempfile.TemporaryDirectory(prefix="tulia-backup-") as made:
        place = Path(made)
        place.chmod(0o755)
        (place / ".venv").symlink_to(sys.prefix)
        yield place


def carry_out(commands: str, folder: Path) -> None:
    script = "set -eu\n" + "\n".join(line[4:] for line in commands.splitlines())
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_backup_taken_while_a_campaign_runs_is_restored_without_a_difference_and_writes_to_nobody_again(
    folder: Path,
) -> None:
    first = Installation(with_tables(folder / "first"))
    (folder / "var").symlink_to(first.data_dir)
    up = first.up()
    second = Installation(with_tables(folder / "second"))
    again: Up | None = None
    try:
        simulator_url = json.loads((first.data_dir / "up.json").read_text())["simulator_url"]
        place = Place(up.url, simulator_url)
        shop = open_shop(first, place, embedded_postgres.locate(first.data_dir), people=300, rate=100)
        campaign = shop.make()
        shop.execute(campaign)
        eventually(lambda: len(accepted(shop, campaign)) > 60, every=0.05)
        carry_out(DUMP, folder)
        shop.until(campaign)
        written_to = accepted(shop, campaign)

        (folder / "var").unlink()
        (folder / "var").symlink_to(second.data_dir)
        shutil.copy(first.data_dir / "secret_key", second.data_dir / "secret_key")
        port = free_port()
        web = subprocess.Popen(
            [sys.executable, "-m", "tulia.cli", "web", "--port", str(port), "--data-dir", str(second.data_dir)],
            env=second.environment, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
            find_again = "\n".join(line for line in DUMP.splitlines() if "pg_dump -h" not in line)
            carry_out(f"{find_again}\n{RESTORE}", folder)
        finally:
            web.terminate()
            web.wait(30)

        second.environment["TULIA_SIMULATOR_URL"] = simulator_url
        again = second.up()
        place.web_url = again.url
        restored = shop.get(f"/v1/campaigns/{campaign}")
        assert (restored["status"], restored["status_reason"]) == ("paused", "Restored from a backup")
        assert 0 < restored["delivery_count"] < 300
        assert differences(second) == []
        assert "opens what is stored" in second.tulia("doctor").stdout, "the key fits"
        assert accepted(shop, campaign) == written_to
    finally:
        if again:
            again.stop()
        up.stop()
    assert (folder / "tulia.dump").stat().st_size > 0
