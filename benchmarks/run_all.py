"""Every benchmark with a row in the table of speeds, one after another, and the table.

    python benchmarks/run_all.py [NAME …] [--json FILE] [--quick]      (make bench)

A benchmark takes part by writing its rows with `figures.write` (see there). Without names all run, which takes half an
hour and wants a machine that does nothing else. Exit status 1 when a figure missed what was asked for, or a benchmark
failed; `--quick` makes everything small, to see that it works and not how fast.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import figures
from figures import Figure

HERE = Path(__file__).resolve().parent
QUICK: dict[str, list[str]] = {
    "api_speed": ["--people", "2000", "--rate", "20", "--seconds", "5"],
    "audience_speed": ["--people", "20000"],
    "import_speed": ["--people", "20000"],
    "memory": ["--people", "20000"],
    "report_speed": ["--people", "20000", "--rows", "100000"],
}


def names() -> list[str]:
    """Those that hand rows over."""
    return sorted(
        path.stem
        for path in HERE.glob("*.py")
        if path.stem != "run_all" and "figures.write(options.json" in path.read_text()
    )


def run(name: str, *, is_quick: bool) -> list[Figure] | None:
    """The rows of one benchmark, in a process of its own; None when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "figures.json"
        options = QUICK.get(name, []) if is_quick else []
        print(f"— {name}", flush=True)
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), "--json", str(answer), *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if not answer.exists():
            print(ended.stdout[-4_000:], flush=True)
            return None
        print(f"  {time.monotonic() - began:,.0f} s", flush=True)
        return figures.read(answer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if unknown := set(options.names) - set(names()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rows: list[Figure] = []
    failed = []
    for name in options.names or names():
        found = run(name, is_quick=options.quick)
        if found is None:
            failed.append(name)
        rows += found or []
    print(figures.table(rows))
    missed = sum(not row.is_met for row in rows)
    print(f"{missed} of {len(rows)} missed" + (f"; failed: {', '.join(failed)}" if failed else ""))
    figures.write(options.json, rows, failed=failed)
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
