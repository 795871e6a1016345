"""The statements of `src/tulia/*/sql/`, taken apart for the tests that hold all of them to the same rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "src" / "tulia"
_CLAUSE = re.compile(r"(?:^|;\s*)(params|returns|locks|writes)\s*:\s*", re.IGNORECASE | re.MULTILINE)
_PARAM = re.compile(r"\b(\w+) (uuid|text|int|bigint|smallint|boolean|timestamptz|interval|bytea|jsonb)(\[\])?(?!\w)")
_WRITTEN = re.compile(r"\b(?:INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE) (?!SKIP\b|OF\b|SET\b)(\w+)")


@dataclass(frozen=True)
class Statement:
    """One file: what its header says, and what its code does."""

    path: Path

    @property
    def package(self) -> str:
        return self.path.parents[1].name

    @property
    def name(self) -> str:
        return f"{self.package}/{self.path.stem}"

    @cached_property
    def header(self) -> str:
        lines = self.path.read_text().splitlines()
        end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
        return "\n".join(line.removeprefix("--").strip() for line in lines[:end])

    @cached_property
    def clauses(self) -> dict[str, str]:
        """What the header says after `params:`, `returns:`, `locks:` and `writes:`."""
        parts = _CLAUSE.split(self.header)
        return {name.lower(): " ".join(said.split()) for name, said in zip(parts[1::2], parts[2::2], strict=True)}

    @cached_property
    def code(self) -> str:
        return re.sub(r"--.*", "", self.path.read_text())

    def params(self) -> dict[str, str]:
        """Each parameter that the header names, with its type."""
        named = re.sub(r"\([^()]*\)", "", self.clauses.get("params", ""))  # notes stand in brackets
        return {name: kind + many for name, kind, many in _PARAM.findall(named)}

    def placeholders(self) -> set[str]:
        return set(re.findall(r"%\((\w+)\)s", self.code))

    def written_tables(self) -> set[str]:
        return set(_WRITTEN.findall(self.code))

    def temporary_tables(self) -> set[str]:
        return set(re.findall(r"CREATE TEMPORARY TABLE (\w+)", self.code))


STATEMENTS = tuple(Statement(path) for path in sorted(FOLDER.glob("*/sql/*.sql")))
