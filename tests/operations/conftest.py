from __future__ import annotations

import sys

import pytest

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here leaves the machine."""
    monkeypatch.setenv("NO_PROXY", "*")
