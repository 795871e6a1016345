"""This version and the next one side by side: the update changes the tables under a running campaign, and loses nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import tulia
from live_installation import eventually
from operations.machines import Machines, several
from operations.outside import accepted, differences, is_alive, settled, superuser

SOURCE = Path(tulia.__file__).parents[1]
MIGRATION = '''
from django.db import migrations


class Migration(migrations.Migration):
    """What a next version may do while this one runs: a column more with a default, and a table more."""

    dependencies = [("tenants", "{before}"), ("ledger", "{ledger}")]
    operations = [
        migrations.RunSQL("ALTER TABLE message_campaigns ADD COLUMN of_tomorrow int NOT NULL DEFAULT 0"),
        migrations.RunSQL("ALTER TABLE ledger_recipients ADD COLUMN of_tomorrow int"),
        migrations.RunSQL("CREATE TABLE things_of_tomorrow (id int)"),
    ]
'''


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with tempfile.TemporaryDirectory(prefix="tulia-roll-") as folder, several(Path(folder)) as machines:
        yield machines


def next_version(folder: Path) -> Path:
    """A copy of the program that calls itself another version and brings a migration more."""
    for package in ("tulia", "whatsapp_simulator"):
        shutil.copytree(SOURCE / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tulia" / "__init__.py").write_text('"""Tulia Campaigns."""\n\n__version__ = "99.0"\n')
    names = {
        app: max(path.stem for path in (SOURCE / "tulia" / app / "migrations").glob("0*.py"))
        for app in ("tenants", "ledger")
    }
    made = MIGRATION.format(before=names["tenants"], ledger=names["ledger"])
    (folder / "tulia" / "tenants" / "migrations" / "9000_of_tomorrow.py").write_text(made)
    return folder


def versions(machines: Machines) -> set[str]:
    with superuser(machines.cluster) as session:
        return {row[0] for row in session.execute("SELECT version FROM running_workers").fetchall()}


def test_an_update_one_process_after_the_other_in_the_middle_of_a_campaign(machines: Machines, tmp_path: Path) -> None:
    tomorrow = next_version(tmp_path)
    machines.start_worker("old worker")
    shop = machines.open_shop(people=1_200, rate=120)
    campaign = shop.make()
    shop.execute(campaign)
    eventually(lambda: len(accepted(shop, campaign)) > 60, every=0.05)

    machines.migrate(tomorrow)
    assert is_alive(shop, "/readyz") == 200, "tables of tomorrow are nothing to be afraid of"
    machines.start_worker("new worker", source=tomorrow)
    machines.start_web("new web", tomorrow)
    eventually(lambda: versions(machines) == {tulia.__version__, "99.0"})
    doctor = machines.installation("operator").tulia("doctor")
    assert "The database is newer than this program" in doctor.stdout
    before = len(accepted(shop, campaign))
    assert machines.stop("old worker") == 0
    machines.stop("web")
    eventually(lambda: len(accepted(shop, campaign)) > before + 20, within=15, every=0.05)
    assert versions(machines) == {"99.0"}
    assert is_alive(shop, "/readyz") == 200

    shop.until(campaign)
    balance = settled(shop, campaign, machines.cluster)
    everyone = accepted(shop, campaign)
    assert set(everyone.values()) == {1}, "nobody twice"
    assert len(everyone) + balance["skipped"] == 1_200, "nobody forgotten"
    assert balance["unknown"] == 0
    assert balance["sent_by_evidence"]["accepted"] == 0, "every callback came in"
    assert differences(machines.installation("operator")) == []


def test_tables_older_than_the_program_are_not_ready_and_it_says_what_to_do(machines: Machines, tmp_path: Path) -> None:
    with superuser(machines.cluster) as session:
        session.execute("DELETE FROM django_migrations WHERE name = '9000_of_tomorrow'")
    tomorrow = next_version(tmp_path)
    for name in [name for name in machines.processes if "web" in name]:
        machines.stop(name)
    machines.start_web("too early", tomorrow)
    answer = httpx.get(f"{machines.place.web_url}/readyz", timeout=30)
    assert answer.status_code == 503
    assert answer.json()["reason"] == "1 migrations are not applied: run `tulia migrate`"
    machines.stop("too early")
    worker = machines.installation("operator").tulia("worker", PYTHONPATH=str(tomorrow))
    assert worker.returncode == 1
    assert "lacks 1 migrations of this version: run `tulia migrate`" in worker.stderr
