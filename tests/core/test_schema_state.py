from __future__ import annotations

from django.db.migrations.loader import MigrationLoader

from tulia.core import schema_state
from tulia.core.expected_migrations import expected


def test_the_names_of_the_files_tell_the_same_as_loading_every_migration() -> None:
    assert expected() == set(MigrationLoader(None).disk_migrations or {})


def test_a_migrated_database_lacks_nothing() -> None:
    assert schema_state.missing_migrations() == []
