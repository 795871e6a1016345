"""Whether the database has the tables that this version of the code expects."""

from __future__ import annotations

from django.db.utils import ProgrammingError

from tulia.core import sql
from tulia.core.expected_migrations import expected


def missing_migrations() -> list[str]:
    """Names of migrations that this version brings and the database lacks. Raises OperationalError when it is away."""
    try:
        applied = {(str(app), str(name)) for app, name in sql.fetch_all("SELECT app, name FROM django_migrations")}
    except ProgrammingError:  # no such table: nothing was ever applied
        applied = set()
    return sorted(f"{app}.{name}" for app, name in expected() - applied)
