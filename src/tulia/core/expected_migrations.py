"""The migrations that this version of the code brings, read from the names of their files: no module is loaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_OF_DJANGO = ("auth", "contenttypes", "sessions")


def expected() -> set[tuple[str, str]]:
    """(app, name) of our own migrations and of those that come with the frameworks."""
    ours, django, queue = (_folder(package) for package in ("tulia", "django", "procrastinate"))
    found = {("procrastinate", path.stem) for path in (queue / "contrib/django/migrations").glob("[0-9]*.py")}
    folders = [*ours.glob("*/migrations"), *(django / "contrib" / app / "migrations" for app in _OF_DJANGO)]
    return found | {(folder.parent.name, path.stem) for folder in folders for path in folder.glob("[0-9]*.py")}


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent
