"""One run from beginning to end: a plan, an installation, the torment, the drain, the audit."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tulia_torture import opening, telling
from tulia_torture.acting import User
from tulia_torture.checking import Check, check_sending
from tulia_torture.checking_books import check_books
from tulia_torture.checking_limits import check_limits
from tulia_torture.collecting import collect
from tulia_torture.draining import drain
from tulia_torture.facts import Facts
from tulia_torture.installation import Installation, await_answer, opened
from tulia_torture.plan import Plan, draw
from tulia_torture.provider import CONFIG, Provider
from tulia_torture.scene import QUIET_AFTER_SECONDS, QUIET_BEFORE_SECONDS, shops
from tulia_torture.tormenting import Torment

ALL_MINUTES = 24 * 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    plan: Plan
    facts: Facts
    checks: tuple[Check, ...]
    deaths: str
    seconds: float

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.plan.seed,
            "kills": len(self.facts.kills),
            "seconds": round(self.seconds, 1),
            "holds": self.holds,
            "checks": [
                {"promise": one.promise, "broken": len(one.violations), "of": one.counted, "who": one.violations[:20]}
                for one in self.checks
            ],
            "deaths": self.deaths,
        }

    def told(self) -> str:
        """The end of the output: table, deaths, and every history that is needed."""
        lines = [
            "",
            telling.table(self.checks),
            "",
            f"{len(self.facts.kills)} kills ({self.deaths})",
            f"seed {self.plan.seed}, {self.seconds:.0f} s: {'every promise held' if self.holds else 'BROKEN PROMISES'}",
        ]
        if not self.holds:
            lines += [
                telling.failures(self.facts, self.checks),
                f"\nAgain: tulia bench torture --kills {self.plan.kills} --seed {self.plan.seed}",
            ]
        return "\n".join(lines)


def audit(facts: Facts, *, stuck: tuple[str, ...] = ()) -> tuple[Check, ...]:
    """Every check of these facts."""
    undisturbed = Check("undisturbed, everything comes to its end", "", tuple(("the drain", what) for what in stuck))
    return (*check_sending(facts), *check_limits(facts), *check_books(facts), undisturbed)


def torture(
    *, kills: int, seed: int, minutes: float = ALL_MINUTES, keep: Path | None = None, say: Callable[[str], None]
) -> Outcome:
    """Runs the plan of this seed on a new installation, for so many minutes at most before the drain.

    With `keep` the run's files (plan, logs, database) are left there, else nothing is left.
    """
    began = time.time()
    scene = shops(kills)
    plan = draw(seed, kills, scene)
    place = keep or Path(tempfile.mkdtemp(prefix="tulia-torture-"))
    place.mkdir(parents=True, exist_ok=True)
    (place / "plan.json").write_text(json.dumps(plan.to_json(), indent=1))
    config = place / "provider.json"
    config.write_text(json.dumps(CONFIG))
    say(f"seed {seed}: {kills} kills; files in {place}")
    try:
        with opened(place, seed=seed, provider_config=config) as installation:
            return _run(plan, installation, minutes=minutes, began=began, say=say)
    finally:
        if keep is None:
            shutil.rmtree(place, ignore_errors=True)


def _run(
    plan: Plan, installation: Installation, *, minutes: float, began: float, say: Callable[[str], None]
) -> Outcome:
    provider = Provider(installation.provider_url)
    scene = shops(plan.kills)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    quiet = (now - timedelta(seconds=QUIET_BEFORE_SECONDS), datetime.now(UTC) + timedelta(seconds=QUIET_AFTER_SECONDS))
    asked = {
        "kills": plan.kills,
        "provider_url": installation.provider_url,
        "quiet_hours": {"start": f"{quiet[0]:%H:%M}", "end": f"{quiet[1]:%H:%M}"},
    }
    say(f"{time.time() - began:5.0f} s  the tables are made")
    printed = installation.run(module="tulia_torture.opening", given=json.dumps(asked))
    found = opening.read(printed, scene)
    for name in ("web", "worker-1", "worker-2"):
        installation.set_clock(name, 0.0)
    installation.start("web")
    await_answer(f"{installation.web_url}/readyz")
    installation.kill("web")  # its first life is the plan's
    for one in found:
        provider.introduce(one.shop, callback_url=f"{installation.web_url}{one.webhook_path}")
    users = [User(one, installation.web_url, iter(plan.launches[one.shop.name])) for one in found]
    torment = Torment(plan, installation, provider, users, say)
    say(f"{time.time() - began:5.0f} s  the shops are open")
    torment.run(minutes=minutes)
    say(f"{time.time() - began:5.0f} s  {len(torment.kills)} kills done")
    stuck = drain(installation, provider, users, say)
    say(f"{time.time() - began:5.0f} s  the audit")
    night = (quiet[0].timestamp() % 86_400, (quiet[1].replace(second=0, microsecond=0) - quiet[0]).total_seconds())
    facts = collect(torment, installation, provider, users, quiet=night)
    checks = audit(facts, stuck=tuple(stuck))
    return Outcome(plan, facts, checks, telling.deaths(torment.deaths()), time.time() - began)
