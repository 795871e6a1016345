"""A real PostgreSQL for every test process: an embedded server of its own, migrated, used as the application role.

Tests don't clean up after one another: each makes a tenant of its own, and row-level security keeps them apart.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

import installation
from tulia.config import embedded_postgres

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant

hypothesis.settings.register_profile("thorough", max_examples=2_000)  # pytest --hypothesis-profile=thorough
_held = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Makes the tables once, and starts the server before anything imports Django's settings; the workers of xdist each
    start their own, with a copy of the tables."""
    given = getattr(config, "workerinput", None)
    if given:
        installation.begin_with(Path(given["tables"]))
    else:
        _make_tables()
    if given or not config.getoption("numprocesses", default=None):
        _start_database(is_durable=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of xdist where the tables are."""
    node.workerinput["tables"] = str(installation.tables())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, which is what `make test` says."""
    from sharing_out import LiveApart

    return LiveApart(config, log) if config.getoption("dist") == "loadfile" else None


_LONG = ("core", "torture", "operations", "browser", "flows", "cli", "dispatch", "webhooks", "ledger", "api", "reports")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that the processes end together (with xdist's --no-loadscope-reorder); core
    before it, because it adds to its tables a share of what others left there."""
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.path.relative_to(Path(__file__).parent).parts[0], len(_LONG)))
    _name_apart(items)


def _name_apart(items: list[pytest.Item]) -> None:
    """xdist runs one test of each name, and schemathesis gives all operations the same."""
    met: Counter[str] = Counter()
    for item in items:
        met[item.nodeid] += 1
        if met[item.nodeid] > 1:
            item._nodeid = f"{item.nodeid}[{met[item.nodeid]}]"  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    _held.close()


def _make_tables() -> None:
    """Keeps the files of a migrated server for everybody to begin with; migrating takes longer than copying them."""
    import subprocess
    import sys

    data_dir = _new_folder()
    with embedded_postgres.running(data_dir, until_exit=True) as cluster:
        _trust_in_power(cluster)
        migrate = [sys.executable, "-m", "tulia.cli", "migrate"]
        subprocess.run(migrate, check=True, env=os.environ | _settings(cluster))
    installation.keep_tables(cluster.files, data_dir / "tables")


def _start_database(*, is_durable: bool = True) -> None:
    if installation.tables() is None:
        _make_tables()
    data_dir = installation.with_tables(_new_folder())
    cluster = _held.enter_context(embedded_postgres.running(data_dir, until_exit=True))
    if not is_durable:
        _trust_in_power(cluster)
    os.environ |= _settings(cluster)
    import django

    django.setup()
    from django.conf import settings

    # Hundreds of tests sign somebody in; what scrypt costs on purpose is paid in tests/tenants and by the live servers.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def _new_folder() -> Path:
    folder = Path(_held.enter_context(tempfile.TemporaryDirectory(prefix="tulia-test-")))
    folder.chmod(0o755)  # so that the database's account gets in when the tests run as root
    return folder


def _settings(cluster: embedded_postgres.Cluster) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tulia.config.settings",
        "TULIA_DATA_DIR": str(cluster.data_dir),
        "DATABASE_URL": cluster.url(embedded_postgres.APPLICATION_ROLE),
        "TULIA_OWNER_DATABASE_URL": cluster.url(embedded_postgres.OWNER_ROLE),
        "TULIA_SECRET_KEY": "only-for-tests-" + "0123456789" * 3,
    }


def _trust_in_power(cluster: embedded_postgres.Cluster) -> None:
    """No test takes the power from this server or reads its files, so no commit need wait for the disk: that would take
    longer than most tests. Whatever kills a database has one of its own, with the product's settings, and so do benchmarks."""
    import psycopg

    with psycopg.connect(cluster.url("postgres"), autocommit=True) as session:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            session.execute(f"ALTER SYSTEM SET {setting} = off")
        session.execute("SELECT pg_reload_conf()")


@pytest.fixture
def tenant() -> Tenant:
    """A fresh enterprise tenant in Nairobi, without quiet hours, so that tests pass at any hour."""
    from tulia.tenants import accounts, tenant_settings

    slug = f"t-{uuid.uuid4().hex[:12]}"
    made = accounts.create_tenant(slug, name=slug, tier="enterprise")
    return tenant_settings.change(made.pk, {"quiet_hours": None})
