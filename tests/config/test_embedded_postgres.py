from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tulia.config import embedded_postgres


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tulia-pg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_last_to_leave_stops_the_server_and_its_data_stays(data_dir: Path) -> None:
    with embedded_postgres.running(data_dir) as cluster:
        url = cluster.url(embedded_postgres.OWNER_ROLE)
        with embedded_postgres.running(data_dir), psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (number int)")
        assert answers(url)
    assert not answers(url)
    with embedded_postgres.running(data_dir), psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_server_left_by_a_killed_process_becomes_one_that_ends_with_its_new_owner(data_dir: Path) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from tulia.config import embedded_postgres
        with embedded_postgres.running(Path({str(data_dir)!r}), until_exit={{until_exit}}):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    url = embedded_postgres.locate(data_dir).url(embedded_postgres.OWNER_ROLE)
    subprocess.run([sys.executable, "-c", program.format(until_exit=False)], check=False)
    assert answers(url)
    subprocess.run([sys.executable, "-c", program.format(until_exit=True)], check=False)
    deadline = time.monotonic() + 15
    while answers(url) or (data_dir / "postgres" / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
