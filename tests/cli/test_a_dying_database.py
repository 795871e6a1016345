"""Commands that are started while their database dies: each ends with one plain line, and none with a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from installation import clean_environment, wait_until, with_tables
from tulia.config import embedded_postgres
from tulia.config.embedded_postgres import Server

WEB_AND_WORKER = (("web", "--port", "0"), ("worker",))
OTHERS = (("verify",), ("tier", "list"), ("migrate",))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with this version's tables that may be killed."""
    with tempfile.TemporaryDirectory(prefix="tulia-cli-") as folder:
        Path(folder).chmod(0o755)  # so that the database's account gets in when the tests run as root
        with embedded_postgres.serving(with_tables(Path(folder) / "data"), until_exit=True) as serving:
            yield serving


def environment(server: Server) -> dict[str, str]:
    return clean_environment() | {
        "TULIA_DATA_DIR": str(server.cluster.data_dir),
        "DATABASE_URL": server.cluster.url(embedded_postgres.OWNER_ROLE),
    }


def superuser(server: Server) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(server.cluster.url("postgres", "postgres"), autocommit=True)


class Started:
    """Commands that have seen the database answer, and wait now for a table that is locked."""

    def __init__(self, server: Server, commands: tuple[tuple[str, ...], ...]) -> None:
        self._lock = psycopg.connect(server.cluster.url("postgres"))
        self._lock.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tulia.cli", *command],
                env=environment(server), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )
            for command in commands
        ]  # fmt: skip
        with superuser(server) as session:
            wait_until(lambda: waiting(session) == len(commands))

    def go_on(self) -> None:
        self._lock.close()

    def ends(self) -> list[tuple[int, str, str]]:
        """Exit code, standard output and standard error of each."""
        told = [process.communicate(timeout=30) for process in self.processes]
        return [(process.returncode, *said) for process, said in zip(self.processes, told, strict=True)]


def waiting(session: psycopg.Connection[tuple[object, ...]]) -> int:
    row = session.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    assert row
    return int(str(row[0]))


def test_a_database_that_is_killed_while_they_look_at_it_is_one_line(server: Server) -> None:
    started = Started(server, (*WEB_AND_WORKER, *OTHERS))
    assert server.process
    os.kill(server.process.pid, signal.SIGQUIT)  # what `pg_ctl stop -m immediate` does
    server.process.wait(30)
    for code, printed, said in started.ends():
        assert (code, printed, len(said.splitlines())) == (1, "", 1), said
        assert said.startswith("tulia: the database can't be reached: ")
    started.go_on()
    server.start_again()
    wait_until(lambda: is_answering(server))


def test_a_database_that_lets_nobody_in_after_the_first_look_is_one_line(server: Server) -> None:
    started = Started(server, (*WEB_AND_WORKER, OTHERS[0]))
    with superuser(server) as session:
        session.execute("ALTER DATABASE tulia ALLOW_CONNECTIONS false")
        try:
            started.go_on()
            ends = started.ends()
        finally:
            session.execute("ALTER DATABASE tulia ALLOW_CONNECTIONS true")
    for code, printed, said in ends:
        assert (code, printed) == (1, "")
        assert said == "tulia: the database can't be reached: couldn't get a connection after 5.00 sec\n"


def test_an_end_for_programs_is_an_object(server: Server) -> None:
    nowhere = environment(server) | {"DATABASE_URL": server.cluster.url(embedded_postgres.OWNER_ROLE, "no_such")}
    done = subprocess.run(
        [sys.executable, "-m", "tulia.cli", "tier", "list", "--json"],
        env=nowhere, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert '"code": "unavailable"' in done.stdout
    assert len(done.stderr.splitlines()) == 1


def is_answering(server: Server) -> bool:
    try:
        superuser(server).close()
    except psycopg.OperationalError:
        return False
    return True
