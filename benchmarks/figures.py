"""One row of the table of speeds, and how a benchmark hands its rows over.

A benchmark is a file here that takes `--json FILE`, and writes {"figures": [row, …]} into it; a row has the fields of
`Figure`, and whatever else the benchmark has to say stands beside "figures". `run_all.py` reads these files.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One speed: what was measured, what was asked for, and the limit that was measured in the same run.

    Asked for is `at_least` or `at_most`. `ratio` is figure / limit; `ratio_at_least` or `ratio_at_most` bound it.
    """

    what: str
    figure: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    limit: float | None = None
    limit_is: str = ""
    ratio_at_least: float | None = None
    ratio_at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.figure / self.limit if self.limit else None

    @property
    def is_met(self) -> bool:
        return _within(self.figure, self.at_least, self.at_most) and (
            self.ratio is None or _within(self.ratio, self.ratio_at_least, self.ratio_at_most)
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "is_met": self.is_met}

    @classmethod
    def of_json(cls, row: dict[str, Any]) -> Figure:
        return cls(**{name: value for name, value in row.items() if name not in ("ratio", "is_met")})


def _within(figure: float, at_least: float | None, at_most: float | None) -> bool:
    return (at_least is None or figure >= at_least) and (at_most is None or figure <= at_most)


def write(path: Path | None, figures: list[Figure], **more: Any) -> None:
    """Hands the rows over, if anybody asked for them."""
    if path is not None:
        path.write_text(json.dumps({"figures": [figure.to_json() for figure in figures], **more}, indent=2))


def read(path: Path) -> list[Figure]:
    """The rows that a benchmark wrote."""
    return [Figure.of_json(row) for row in json.loads(path.read_text())["figures"]]


def table(figures: list[Figure]) -> str:
    """The rows as text, for a terminal and for a document alike."""
    lines = ["| what | figure | asked for | limit | ratio | met? |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(_cells(figure)) + " |" for figure in figures]
    return "\n".join(lines)


def _cells(row: Figure) -> tuple[str, ...]:
    asked = [_bound("≥", row.at_least, row.unit), _bound("≤", row.at_most, row.unit)]
    asked += [_bound("≥", row.ratio_at_least, "× limit"), _bound("≤", row.ratio_at_most, "× limit")]
    limit = f"{_number(row.limit)} {row.unit}: {row.limit_is}" if row.limit else row.limit_is or "–"
    return (
        row.what,
        f"{_number(row.figure)} {row.unit}",
        ", ".join(bound for bound in asked if bound) or "–",
        limit,
        "–" if row.ratio is None else f"{row.ratio:.2f}",
        "yes" if row.is_met else "**no**",
    )


def _bound(sign: str, value: float | None, unit: str) -> str:
    return "" if value is None else f"{sign} {_number(value)} {unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
