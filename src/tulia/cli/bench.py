"""`tulia bench`: measurements of an installation of their own. `torture` comes with the product; the others are scripts
under benchmarks/ and need the repository."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tulia.cli.failing import CommandFailed

SCRIPTS = Path(__file__).resolve().parents[3] / "benchmarks"
_TORTURE = "torture"
_ALL = "all"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bench = commands.add_parser("bench", help="measure, or torture, an installation of its own", add_help=False)
    bench.add_argument("-h", "--help", action="store_true", dest="asks_help")
    bench.add_argument("name", nargs="?", metavar="NAME", help="which one; without a name they are listed")
    bench.add_argument("--json", metavar="FILE", help="where its figures are written, too")
    bench.add_argument("rest", nargs=argparse.REMAINDER, help="its own options; --help tells them")
    bench.set_defaults(run=_bench)


def _bench(arguments: argparse.Namespace) -> int:
    found = _scripts()
    if arguments.name is None and not (arguments.json or arguments.rest):
        print("tulia bench NAME [--json FILE], where NAME is one of")
        print(
            f"  {_ALL:<20} all that have a row in the table of speeds, and the table (also: --json FILE without a name)"
        )
        print(f"  {_TORTURE:<20} kill -9, lies and jumping clocks, and then an audit (docs/torture.md)")
        for name, path in found.items():
            print(f"  {name:<20} {_what(path)}")
        return 0
    name = arguments.name or _ALL
    rest = [
        *(["--help"] if arguments.asks_help else []),
        *(["--json", arguments.json] if arguments.json else []),
        *arguments.rest,
    ]
    if name == _TORTURE:
        return torture(rest)
    script = SCRIPTS / "run_all.py" if name == _ALL and found else found.get(name)
    if script is None:
        raise CommandFailed(f"there is no benchmark {name!r} here: `tulia bench` lists what there is")
    return subprocess.run([sys.executable, str(script), *rest], check=False).returncode


def _scripts() -> dict[str, Path]:
    """The benchmarks by name; what they share is no benchmark."""
    paths = sorted(SCRIPTS.glob("*.py")) if SCRIPTS.is_dir() else []
    return {path.stem: path for path in paths if path.stem != "run_all" and "\ndef main(" in path.read_text()}


def _what(path: Path) -> str:
    """The first line of a script's docstring."""
    import ast

    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    return said.partition("\n")[0]


def torture(argv: list[str]) -> int:
    """Runs the torture instrument; 0 when every promise held."""
    parser = argparse.ArgumentParser(
        prog="tulia bench torture", description="Kills, lies, jumping clocks; then an audit."
    )
    parser.add_argument("--kills", type=int, default=20, help="how many processes are killed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same plan (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=None, help="stop killing after so many minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave plan, logs and database in this directory")
    options = parser.parse_args(argv)
    from tulia_torture import running

    outcome = running.torture(
        kills=options.kills,
        seed=options.seed,
        minutes=options.minutes or running.ALL_MINUTES,
        keep=options.keep.absolute() if options.keep else None,
        say=lambda line: print(line, flush=True),
    )
    print(outcome.told())
    if options.json:
        options.json.write_text(json.dumps(outcome.to_json(), indent=2))
    return 0 if outcome.holds else 1
