"""How a campaign is measured, as it is typed: what counts, parts, holdout, automatic winner (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

COUNTS = {
    "responded": "People who reply", "read": "People who read it", "clicked": "People who follow a link in it",
    "converted": "People who buy or book",
}  # fmt: skip
UNDECIDED = {
    "control": "Send message {} to the rest", "wait": "Wait for up to a week, then send message {}",
    "stop": "Send nothing more",
}  # fmt: skip
_WHOLE = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_SHORTEST_MINUTES, _LONGEST_MINUTES = 2, 30 * 24 * 60
_KEPT = ("assignment", "control_variant", "expected_rate_percent", "outcome_window_minutes")
_OF_A_TEST = {"assignment": "random", "control_variant": None, "auto_winner": None}


@dataclass(frozen=True, slots=True)
class ExperimentForm:
    """Everything as it was typed. `kept` is what is stored and the form doesn't show."""

    counts: str = "responded"
    weights: tuple[str, ...] = ()
    holdout: str = ""
    is_auto: bool = False
    test_percent: str = "20"
    decide_after: str = "24"
    if_undecided: str = "control"
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_measuring(self) -> bool:
        """Whether anything is said here that isn't as usual."""
        return bool(self.holdout) or self.counts != "responded"

    @property
    def is_uneven(self) -> bool:
        return any(self.weights)

    @property
    def attribute(self) -> str:
        """The attribute that says who gets which variant, empty when they are drawn by lot."""
        assignment = self.kept.get("assignment")
        return str(assignment.get("attribute", "")) if isinstance(assignment, Mapping) else ""

    @property
    def undecided(self) -> dict[str, str]:
        """What can be done when no winner can be picked, in words."""
        control = self.kept.get("control_variant") or 0
        return {name: label.format("ABCD"[control]) for name, label in UNDECIDED.items()}

    @property
    def _minutes(self) -> int | None:
        """Until the decision; None for what is no time that one can choose."""
        if not _DECIMAL.fullmatch(self.decide_after):
            return None
        minutes = round(Decimal(self.decide_after) * 60)
        return minutes if _SHORTEST_MINUTES <= minutes <= _LONGEST_MINUTES else None

    def problems(self, *, is_ab_test: bool) -> dict[str, str]:
        """What is wrong, by the form's fields."""
        if is_ab_test and self.is_auto and self._minutes is None:
            return {"decide_after": "Give hours, like 24 or 1.5, up to 720."}
        return {}

    def fields(self, *, is_ab_test: bool) -> dict[str, Any]:
        """The fields of a campaign; numbers that are none stay texts, for the reader to refuse."""
        given = {"primary_metric": self.counts, "holdout_percent": _number(self.holdout, _DECIMAL)} | dict(self.kept)
        if not is_ab_test:
            return given | _OF_A_TEST
        winner = None
        if self.is_auto:
            winner = {
                "test_percent": _number(self.test_percent, _WHOLE),
                "decide_after_minutes": self._minutes,
                "if_undecided": self.if_undecided,
            }
        return given | {"auto_winner": winner}

    def weight(self, index: int) -> dict[str, Any]:
        """The weight of one variant, when it has one. With one left out the others count beside 1."""
        text = self.weights[index] if index < len(self.weights) else ""
        return {"weight": _number(text, _WHOLE)} if text else {}


def _number(text: str, pattern: re.Pattern[str]) -> int | float | str | None:
    if not pattern.fullmatch(text):
        return text or None
    return float(text) if "." in text else int(text)


def of_post(text: Callable[[str], str], *, variants: int, asked: Mapping[str, Any]) -> ExperimentForm:
    """What was sent; `text` gives a field of the form, `asked` is what the stored campaign asks for, as it is posted."""
    counts, if_undecided = text("counts"), text("if_undecided")
    return ExperimentForm(
        counts=counts if counts in COUNTS else "responded",
        weights=tuple(text(f"variant_{index}_weight").strip() for index in range(variants)),
        holdout=text("holdout").strip(),
        is_auto=bool(text("is_auto")),
        test_percent=text("test_percent").strip(),
        decide_after=text("decide_after").strip(),
        if_undecided=if_undecided if if_undecided in UNDECIDED else "control",
        kept=_kept(asked),
    )


def of_stored(*, counts: str, variants: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> ExperimentForm:
    """The form of a stored campaign; `asked` as in `of_post`."""
    winner = asked.get("auto_winner")
    chosen: dict[str, Any] = {}
    if winner:
        chosen = {
            "is_auto": True,
            "test_percent": str(winner["test_percent"]),
            "decide_after": hours(winner["decide_after_minutes"]),
            "if_undecided": winner["if_undecided"],
        }
    return ExperimentForm(
        counts=counts,
        weights=tuple(str(variant.get("weight", "")) for variant in variants),
        holdout=f"{asked['holdout_percent']:g}" if "holdout_percent" in asked else "",
        kept=_kept(asked),
        **chosen,
    )


def _kept(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in _KEPT if name in asked}


def hours(minutes: int) -> str:
    """90 → 1.5, 1440 → 24; so many digits that the minutes come back."""
    return f"{minutes / 60:.4f}".rstrip("0").rstrip(".")
