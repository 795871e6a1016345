"""The README's session, pasted as it stands into a shell, prints what the README says."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import Installation, Up

README = (Path(__file__).parents[2] / "README.md").read_text()
_BLOCKS = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def demo() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="tulia-readme-") as folder:
        Path(folder).chmod(0o755)
        up = Installation(Path(folder)).up("--demo")
        try:
            yield up
        finally:
            up.stop()


def _blocks() -> tuple[str, str]:
    """The session and what it is said to print."""
    found = _BLOCKS.findall(README)
    (number,) = (number for number, (language, _) in enumerate(found) if language == "sh")
    return found[number][1], found[number + 1][1]


def _numbers_taken_out(text: str) -> str:
    """What doesn't depend on what the simulated people do; causes of failure and their order do."""
    text = re.sub(r'"errors": \[.*?\]|"failed_by_class": \{.*?\}', "…", text)
    stable = ("total_matching", "with_consent", "remaining", "targeted", "total_targeted", "audience")
    stable += ("skipped_no_consent", "no_consent", "skipped", "min_order_count")
    return re.sub(r'"(\w+)": ?(-?[\d.e-]+)', lambda found: found[0] if found[1] in stable else f'"{found[1]}": n', text)


def test_the_session_of_the_readme_prints_what_the_readme_says(demo: Up) -> None:
    session, expected = _blocks()
    (export,) = re.findall(r"export TULIA=.*", demo.text())
    script = f"{export}\n{session.replace('sleep 30', 'sleep 5')}"
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=90)
    assert _numbers_taken_out(done.stdout) == _numbers_taken_out(expected)
