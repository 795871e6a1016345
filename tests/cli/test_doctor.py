"""`tulia doctor`: each thing that can be wrong is named with what to do, and it works when next to nothing else does."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from installation import Installation, wait_until, with_tables
from tulia.cli.doctor_checks import Finding, Level, examine
from tulia.cli.doctor_facts import Bloat, Database, Facts, Machine, PausedSender, Secrets
from tulia.config import embedded_postgres
from tulia.config.embedded_postgres import Cluster
from tulia.reports.condition import Callbacks, Condition, Jobs, OpenCampaigns, SenderState, Worker

GB = 1024**3
MACHINE = Machine("1.0", "/data", free_bytes=50 * GB, total_bytes=100 * GB, simulator_url="http://s")
DATABASE = Database(180_004, "tulia_app", False, (), (), (), (), 0.1, False, (), True, (), 1_000, 0.0, GB)
SENDER = SenderState(uuid.UUID(int=1), uuid.UUID(int=2), True, 80, "", 1, True, 60, 500.0)
CONDITION = Condition(
    Jobs(0, 0.0, 0), Callbacks(0, 0.0), (Worker("m", 1, "1.0", 1, 0.5, 60.0),), (SENDER,), {"sending": OpenCampaigns(1)},
    0, 0, 10, 100, 0.01,
)  # fmt: skip
WELL = Facts(MACHINE, DATABASE, secrets=Secrets(2, 0), condition=CONDITION)


def but(machine: Any = None, database: Any = None, condition: Any = None, **changes: Any) -> Facts:
    """A well installation, but for this."""
    facts = dataclasses.replace(WELL, **changes)
    return dataclasses.replace(
        facts,
        machine=dataclasses.replace(MACHINE, **(machine or {})),
        database=dataclasses.replace(DATABASE, **(database or {})),
        condition=dataclasses.replace(CONDITION, **(condition or {})),
    )


def bad(facts: Facts) -> list[Finding]:
    return [finding for finding in examine(facts) if finding.level is not Level.OK]


def test_of_a_well_installation_nothing_is_said_but_that_it_is_well() -> None:
    assert bad(WELL) == []
    assert {"data directory", "disk", "database", "role", "tables", "clock", "secret key", "workers", "jobs", "callbacks",
            "campaigns", "connections", "simulator", "upkeep"} == {one.about for one in examine(WELL)}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "level", "about", "said", "to_do"),
    [
        (but({"data_dir_problem": "Permission denied"}), "wrong", "data directory", "can't be written", "owns it"),
        (but({"journals_problem": "Permission denied"}), "wrong", "journals", "can't be written", "Give it back"),
        (but({"is_open_to_others": True}), "look", "data directory", "Everybody", "chmod"),
        (but({"free_bytes": GB}), "look", "disk", "1.0 GB of 100.0 GB", "Make space"),
        (but({"free_bytes": 1}), "wrong", "disk", "0 MB of", "Make space now"),
        (but({"log_bytes": 3 * GB}), "look", "logs", "3.0 GB", "rotate"),
        (but({"settings_problem": "X is y."}), "wrong", "settings", "X is y.", "environment"),
        (but({"is_key_file_open_to_others": True}), "wrong", "secret key", "can read", "chmod 600"),
        (but(secrets=Secrets(3, 2)), "wrong", "secret key", "2 of 3", "right key"),
        (but({"public_url": "http://x"}, real_senders=1), "wrong", "public address", "http://x", "TLS"),
        (but(real_senders=1), "wrong", "public address", "not set", "TLS"),
        (but(database={"version_number": 140_002}), "wrong", "database", "PostgreSQL 14.2", "upgrade"),
        (but(database={"is_superuser": True}), "wrong", "role", "row-level security doesn't bind", "Log in as"),
        (but(database={"owned_tables": ("a", "b", "c", "d")}), "wrong", "role", "a, b, c and 1 more", "another role"),
        (but(database={"unprotected_tables": ("senders",)}), "wrong", "tenants", "senders", "FORCE ROW"),
        (but(database={"missing_migrations": ("x.0001",)}), "wrong", "tables", "lacks x.0001", "tulia migrate"),
        (but(database={"newer_migrations": ("x.0009",)}), "look", "tables", "newer", "update is under way"),
        (but(database={"clock_ahead_seconds": -3.2}), "look", "clock", "3 s behind", "time server"),
        (but(database={"clock_ahead_seconds": 90.0}), "wrong", "clock", "90 s ahead of", "time server"),
        (but(database={"is_read_only": True}), "wrong", "database", "takes no writes", "primary"),
        (but(database={"unsafe_settings": ("fsync = off",)}), "wrong", "upkeep", "fsync = off", "Switch it on"),
        (but(database={"is_autovacuum_on": False}), "wrong", "upkeep", "Autovacuum is off", "autovacuum"),
        (but(database={"bloated": (Bloat("t", 10**6, 5),)}), "look", "upkeep", "t has 1,000,000 dead", "VACUUM"),
        (but(database={"wraparound_age": 1_600_000_000}), "wrong", "upkeep", "transaction number", "FREEZE"),
        (but(database={"longest_transaction_seconds": 7_200.0}), "look", "upkeep", "open for 2 h", "pg_terminate"),
        (but(condition={"connections": 85}), "look", "connections", "85 of 100", "max_connections"),
        (but(condition={"connections": 99}), "wrong", "connections", "99 of 100", "max_connections"),
        (but(condition={"workers": ()}), "wrong", "workers", "nothing is sent", "tulia worker"),
        (but({"version": "1.1"}), "look", "workers", "version is 1.0", "finish it"),
        (but(condition={"jobs": Jobs(9, 40.0, 0)}), "look", "jobs", "9 background jobs wait, the oldest for 40 s", "log"),
        (but(condition={"jobs": Jobs(0, 0.0, 2)}), "look", "jobs", "2 were being done", "gives them back"),
        (but(condition={"callbacks": Callbacks(5_000, 600.0)}), "wrong", "callbacks", "5,000 callbacks wait", "worker"),
        (but(condition={"senders": (dataclasses.replace(SENDER, is_attended=False),)}), "wrong", "campaigns",
         str(SENDER.sender_id), "log"),
        (but(condition={"late_starts": 1, "late_audiences": 1}), "wrong", "campaigns", "2 are over a minute late", "log"),
        (but(paused=(PausedSender("duka", "77", "The access token has expired; enter a new one for the sender."),)),
         "look", "senders", "Sender 77 of duka is paused: The access token has expired", "PATCH /v1/senders/77"),
        (but(condition={"senders": (dataclasses.replace(SENDER, breaker_state="open", breaker_reason="It is down."),)}),
         "look", "senders", "It is down.", "by itself"),
        (but({"simulator_problem": "refused"}), "look", "simulator", "doesn't answer: refused", "TULIA_SIMULATOR_URL"),
        (dataclasses.replace(WELL, condition_problem="QueryCanceled", condition=None), "wrong", "work",
         "QueryCanceled", "ask again"),
        (Facts(MACHINE, database_problem="refused"), "wrong", "database", "refused", "postgres.log"),
        (Facts(MACHINE), "wrong", "database", "none here yet", "tulia up"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_to_do(facts: Facts, level: str, about: str, said: str, to_do: str) -> None:
    found = [finding for finding in bad(facts) if finding.about == about]
    assert len(found) == 1, bad(facts)
    assert found[0].level == level
    assert said in found[0].said
    assert to_do in found[0].to_do


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    """The installation's database, running for as long as these tests do."""
    with_tables(installation.data_dir)
    installation.json("tenant", "create", "--name", "Duka", "--slug", "doctored", "--tier", "growth")
    with embedded_postgres.running(installation.data_dir) as cluster:
        yield cluster


def asked(installation: Installation, **environment: str) -> tuple[int, dict[str, list[str]]]:
    """The exit code, and what isn't well: by what it is about."""
    done = installation.tulia("doctor", "--json", **environment)
    answer = json.loads(done.stdout)
    found: dict[str, list[str]] = {}
    for one in answer["findings"]:
        if one["level"] != "ok":
            found.setdefault(one["about"], []).append(one["said"])
    assert answer["is_well"] is (done.returncode == 0)
    return done.returncode, found


def test_without_a_worker_it_says_so_and_nothing_else(installation: Installation, cluster: Cluster) -> None:
    code, found = asked(installation)
    assert code == 1
    assert set(found) == {"workers"}


def test_a_table_without_its_fence_and_a_table_too_few_are_found(installation: Installation, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(embedded_postgres.OWNER_ROLE), autocommit=True) as owner:
        owner.execute("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY")
        assert asked(installation)[1]["tenants"] == ["Row-level security isn't forced on customers."]
        owner.execute("ALTER TABLE customers FORCE ROW LEVEL SECURITY")
        owner.execute("DELETE FROM django_migrations WHERE name = '0009_workers_say_that_they_run'")
        assert "tenants.0009_workers_say_that_they_run" in asked(installation)[1]["tables"][0]
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES "
            "('tenants', '0009_workers_say_that_they_run', now()), ('tenants', '0999_of_tomorrow', now())"
        )
        assert "newer than this program: tenants.0999_of_tomorrow" in asked(installation)[1]["tables"][0]
        owner.execute("DELETE FROM django_migrations WHERE name = '0999_of_tomorrow'")


def test_another_secret_key_and_one_that_everybody_may_read_are_found(
    installation: Installation, cluster: Cluster
) -> None:
    assert "1 of 1 senders can't be read" in asked(installation, TULIA_SECRET_KEY="x" * 40)[1]["secret key"][0]
    key = installation.data_dir / "secret_key"
    key.chmod(0o644)
    assert "Others on this machine can read" in asked(installation)[1]["secret key"][0]
    key.chmod(0o600)


def test_a_superuser_is_found(installation: Installation, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as superuser:
        superuser.execute("ALTER ROLE tulia_app BYPASSRLS")
        assert "row-level security doesn't bind" in asked(installation)[1]["role"][0]
        superuser.execute("ALTER ROLE tulia_app NOBYPASSRLS")


def test_a_paused_sender_is_told_with_its_reason(installation: Installation, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as superuser:
        superuser.execute("UPDATE senders SET paused_reason = 'The access token has expired.'")
        assert "is paused: The access token has expired." in asked(installation)[1]["senders"][0]
        superuser.execute("UPDATE senders SET paused_reason = ''")


def test_it_has_something_to_say_when_there_is_no_database(installation: Installation) -> None:
    code, found = asked(installation, DATABASE_URL="postgresql://x:secret@127.0.0.1:1/z")
    assert code == 1
    assert set(found) == {"database"}
    assert "can't be reached" in found["database"][0]
    assert "secret" not in found["database"][0]
    assert set(asked(installation, TULIA_DATABASE_POOL_SIZE="many")[1]) == {"settings"}


def test_where_nothing_is_installed_it_says_so_and_makes_nothing(installation: Installation) -> None:
    nowhere = Installation(installation.data_dir / "nowhere")
    code, found = asked(nowhere)
    assert (code, list(found)) == (1, ["data directory"])
    assert not nowhere.data_dir.exists()


def test_of_a_running_installation_it_says_that_all_is_well(installation: Installation) -> None:
    up = installation.up()
    wait_until(lambda: asked(installation)[0] == 0)
    done = installation.tulia("doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All is well.")
    assert f"process {os.getpid()}" not in done.stdout
    up.stop()
