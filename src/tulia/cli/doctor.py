"""`tulia doctor`: says in plain words what is wrong with an installation, and what to do."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import tulia
from tulia.cli.doctor_checks import Finding, Level, examine
from tulia.cli.installation import add_data_dir, data_dir

_WIDTH = 15


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser("doctor", help="say what is wrong with this installation; exit 1 if anything is")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(doctor)
    doctor.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from tulia.cli import doctor_gather

    found = examine(doctor_gather.facts(data_dir()))
    is_wrong = any(finding.level is Level.WRONG for finding in found)
    if arguments.json:
        print(
            json.dumps(
                {"version": tulia.__version__, "is_well": not is_wrong, "findings": [asdict(one) for one in found]}
            )
        )
    else:
        print("\n".join(lines(found)))
    return int(is_wrong)


def lines(found: Sequence[Finding]) -> list[str]:
    """One line for each finding, what to do below it, and a summary."""
    told = [f"Tulia {tulia.__version__}, {data_dir()}"]
    for one in found:
        told.append(f"{one.level:<6} {one.about:<{_WIDTH}} {one.said}")
        if one.to_do:
            told.append(f"{'':<6} {'':<{_WIDTH}} → {one.to_do}")
    count = Counter(one.level for one in found)
    if count[Level.WRONG]:
        return [*told, f"{count[Level.WRONG]} wrong, {count[Level.LOOK]} to look at."]
    return [*told, f"Nothing is wrong; {count[Level.LOOK]} to look at." if count[Level.LOOK] else "All is well."]
