"""The torture instrument itself, as short as it makes sense: twenty kills, and then the audit."""

from __future__ import annotations

from pathlib import Path

from tulia_torture import running

KILLS, SEED = 20, 5
LONGEST_MINUTES, FEWEST = 1.2, 12  # a busy machine gets less far, and that is no broken promise


def test_twenty_kills_break_no_promise() -> None:
    said: list[str] = []
    outcome = running.torture(kills=KILLS, seed=SEED, minutes=LONGEST_MINUTES, say=said.append)
    assert outcome.holds, "\n".join([*said, outcome.told()])
    assert len(outcome.facts.kills) >= FEWEST, said
    assert len(outcome.facts.messages) > 300
    assert {kill.process for kill in outcome.facts.kills} >= {"worker-1", "web", "database"}


def test_it_is_installed_with_the_product() -> None:
    assert (Path(running.__file__).parent / "py.typed").exists()
