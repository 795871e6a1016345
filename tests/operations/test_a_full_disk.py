"""The disk under the database and the logs is full: sending stops, callbacks are sent back, and all goes on when there is
space again, without anybody's help."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from installation import Installation, with_tables
from live_installation import eventually
from operations.outside import Place, accepted, differences, is_alive, open_shop, settled, superuser
from tulia.config import embedded_postgres


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 256 MB."""
    with tempfile.TemporaryDirectory(prefix="tulia-disk-") as folder:
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", folder], check=False
        ).returncode:
            pytest.skip("needs the right to mount a file system")
        Path(folder).chmod(0o755)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Leaves not a byte."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return filler


def test_with_a_full_disk_nothing_is_sent_or_lost_and_it_goes_on_by_itself(small_disk: Path) -> None:
    installation = Installation(with_tables(small_disk / "data"))
    up = installation.up()
    try:
        simulator_url = json.loads((installation.data_dir / "up.json").read_text())["simulator_url"]
        cluster = embedded_postgres.locate(installation.data_dir)
        shop = open_shop(installation, Place(up.url, simulator_url), cluster, people=500, rate=150)
        campaign = shop.make()
        shop.execute(campaign)
        eventually(lambda: len(accepted(shop, campaign)) > 50, every=0.05)
        filler = fill(small_disk)
        with contextlib.suppress(psycopg.Error), superuser(cluster) as session:
            session.execute("SELECT pg_switch_wal()")  # whatever is written from here on needs a new file

        def stands_still() -> bool:
            before = len(accepted(shop, campaign))
            time.sleep(2)
            return len(accepted(shop, campaign)) == before

        eventually(stands_still)
        stopped_at = len(accepted(shop, campaign))
        assert stopped_at < 500
        assert is_alive(shop) == 200
        assert shop.call("GET", "/v1/campaigns").status_code in (200, 503)
        doctor = installation.tulia("doctor")
        assert doctor.returncode == 1
        assert "0 MB of 256 MB are free" in doctor.stdout
        assert len(accepted(shop, campaign)) == stopped_at
        filler.unlink()
        shop_is_back = lambda: is_alive(shop, "/readyz") == 200  # noqa: E731
        eventually(shop_is_back, within=40)
        shop.until(campaign, within=60)
        balance = settled(shop, campaign, cluster)
        assert len(accepted(shop, campaign)) + balance["skipped"] == 500
        assert set(accepted(shop, campaign).values()) == {1}
        assert (balance["waiting"], balance["deferred"], balance["unknown"]) == (0, 0, 0)
        assert balance["sent_by_evidence"]["accepted"] == 0, "callbacks that were refused came again"
        assert differences(installation) == []
    finally:
        up.stop()
