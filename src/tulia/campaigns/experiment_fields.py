"""What somebody asks of an experiment: each field read strictly, and what doesn't go together named by its field (pure)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from tulia.audience.criteria_tree import MAX_NAME_LENGTH
from tulia.campaigns.experiment import DEFAULT_DECIDE_AFTER, DEFAULT_TEST_PERCENT, UNDECIDED, WEIGHT_LIMIT
from tulia.core.errors import Invalid

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

RANDOM = "random"
MOST_HELD_OUT = 50
MOST_TESTED_PERCENT = 90
LONGEST_WINDOW_MINUTES = LONGEST_DECIDE_MINUTES = 30 * 24 * 60
SHORTEST_DECIDE_MINUTES = 2
LEAST_RATE_PERCENT, MOST_RATE_PERCENT = 0.0001, 99.9999
VALUE_LIMIT = 100
_DEFAULT_MINUTES = int(DEFAULT_DECIDE_AFTER.total_seconds()) // 60


class FieldInvalid(ValueError):
    """A value that won't do, in words that fit behind the field's name."""


def weight(value: Any) -> int:
    """How often a variant is dealt, relative to the others."""
    return _whole(value, 1, WEIGHT_LIMIT)


def _whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise FieldInvalid(f"must be a whole number from {least:,} to {most:,}")
    return value


def _is_number(value: Any) -> TypeGuard[int | float]:
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))


def _holdout_percent(value: Any) -> Decimal:
    if value is None:
        return Decimal("0.00")
    if not _is_number(value) or not 0 <= value <= MOST_HELD_OUT:
        raise FieldInvalid(f"must be a number from 0 to {MOST_HELD_OUT}; null or 0 is no holdout")
    exact = Decimal(str(value))
    rounded = exact.quantize(Decimal("0.01"))
    if exact != rounded:
        raise FieldInvalid("must have at most two decimals")
    return abs(rounded)


def _assignment(value: Any) -> dict[str, str]:
    """Nothing for a random one, which is what a campaign has that says nothing."""
    if value == RANDOM:
        return {}
    if not isinstance(value, dict):
        raise FieldInvalid('must be "random", or {"attribute": …} for people who were assigned before')
    wrong = {f"assignment.{name}": "is not a field of an assignment" for name in sorted(set(value) - _OF_ASSIGNMENT)}
    read: dict[str, str] = {}
    for name, limit in (("attribute", MAX_NAME_LENGTH), ("holdout", VALUE_LIMIT)):
        if value.get(name) is None:
            if name == "attribute":
                wrong["assignment.attribute"] = "is required: the attribute of customers that names their variant"
            continue
        try:
            read[name] = _word(value[name], limit)
        except FieldInvalid as reason:
            wrong[f"assignment.{name}"] = str(reason)
    if wrong:
        raise Invalid("assignment", details=wrong)
    return read


_OF_ASSIGNMENT = {"attribute", "holdout"}


def _word(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise FieldInvalid("must be a text")
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise FieldInvalid("must not contain NUL characters or half characters")
    if not value or value != value.strip():
        raise FieldInvalid("must neither be empty nor begin or end with a space")
    if len(value) > limit:
        raise FieldInvalid(f"must have at most {limit} characters; it has {len(value):,}")
    return value


def _control_variant(value: Any) -> int | None:
    return None if value is None else _whole(value, 0, 3)


def _expected_rate(value: Any) -> float | None:
    if value is None:
        return None
    if not _is_number(value) or not LEAST_RATE_PERCENT <= value <= MOST_RATE_PERCENT:
        raise FieldInvalid("must be a number of percent, more than 0 and less than 100; null is what is usual")
    return float(Decimal(str(value)) / 100)


def _outcome_window(value: Any) -> int | None:
    return None if value is None else _whole(value, 1, LONGEST_WINDOW_MINUTES)


def _auto_winner(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FieldInvalid("must be an object, or null for a test on everybody")
    wrong = {f"auto_winner.{name}": "is not a field of it" for name in sorted(set(value) - set(_AUTO_WINNER))}
    read: dict[str, Any] = {}
    for name, (reader, default) in _AUTO_WINNER.items():
        try:
            read[name] = reader(value[name]) if name in value else default
        except FieldInvalid as reason:
            wrong[f"auto_winner.{name}"] = str(reason)
    if wrong:
        raise Invalid("auto_winner", details=wrong)
    return read


def _undecided(value: Any) -> str:
    if not isinstance(value, str) or value not in UNDECIDED:
        raise FieldInvalid(f"must be one of {', '.join(UNDECIDED)}")
    return value


_AUTO_WINNER: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "test_percent": (lambda value: _whole(value, 1, MOST_TESTED_PERCENT), DEFAULT_TEST_PERCENT),
    "decide_after_minutes": (
        lambda value: _whole(value, SHORTEST_DECIDE_MINUTES, LONGEST_DECIDE_MINUTES),
        _DEFAULT_MINUTES,
    ),
    "if_undecided": (_undecided, UNDECIDED[0]),
}
READERS: dict[str, Callable[[Any], Any]] = {
    "assignment": _assignment,
    "holdout_percent": _holdout_percent,
    "control_variant": _control_variant,
    "expected_rate_percent": _expected_rate,
    "outcome_window_minutes": _outcome_window,
    "auto_winner": _auto_winner,
}
"""By the field's name; what is read is what is stored, `expected_rate_percent` as the column `expected_rate`."""
COLUMNS = (
    "assignment", "holdout_percent", "control_variant", "expected_rate", "outcome_window_minutes", "auto_winner",
)  # fmt: skip
_DECIDING = (*COLUMNS, "is_ab_test", "variants", "local_time")


def contradictions(values: Mapping[str, Any], *, stored: MessageCampaign | None = None) -> dict[str, str]:
    """What doesn't go together, by field: of these values, with the rest as it is `stored` (nothing for a new campaign)."""
    given = {name: getattr(stored, name) for name in _DECIDING} if stored else {}
    given |= {name: values[name] for name in _DECIDING if name in values}
    is_test = bool(given.get("is_ab_test"))
    variants = given.get("variants") or []
    wrong: dict[str, str] = {}
    for name, none in (("assignment", '"random"'), ("control_variant", "null"), ("auto_winner", "null")):
        if not is_test and given.get(name) not in (None, {}):
            wrong[name] = f"needs an A/B test; without one it must be {none}"
    control = given.get("control_variant")
    if is_test and control is not None and control >= len(variants):
        wrong["control_variant"] = f"must be the number of a variant, from 0 to {len(variants) - 1}"
    if is_test and given.get("assignment"):
        wrong |= _beside_attribute(given, variants)
    if is_test and given.get("auto_winner") and "auto_winner" not in wrong:
        wrong |= _beside_auto_winner(given)
    return wrong


def _beside_attribute(given: Mapping[str, Any], variants: list[dict[str, Any]]) -> dict[str, str]:
    """Who was assigned before is not dealt out again."""
    wrong = {}
    why = "can't be combined with assignment by an attribute"
    if given.get("holdout_percent"):
        wrong["holdout_percent"] = f"{why}: say in assignment.holdout which value was held out"
    for index, variant in enumerate(variants):
        if "weight" in variant:
            wrong[f"variants[{index}].weight"] = f"{why}: its people were dealt out before"
    if given.get("auto_winner"):
        wrong["auto_winner"] = f"{why}: nobody is left to get the winner"
    held_out = given["assignment"].get("holdout", "")
    if held_out and held_out.strip().casefold() in {variant["name"].strip().casefold() for variant in variants}:
        wrong["assignment.holdout"] = "must not be the name of a variant"
    return wrong


def _beside_auto_winner(given: Mapping[str, Any]) -> dict[str, str]:
    wrong = {}
    decide_after = given["auto_winner"]["decide_after_minutes"]
    window = given.get("outcome_window_minutes")
    if given.get("local_time"):
        wrong["auto_winner"] = (
            "can't be combined with local_time: the turns of some people would come after the decision"
        )
    if window is not None and window >= decide_after:
        wrong["outcome_window_minutes"] = (
            f"must be shorter than auto_winner.decide_after_minutes ({decide_after:,}): "
            "what counts has to be known when the winner is picked"
        )
    return wrong


def check(values: Mapping[str, Any], *, stored: MessageCampaign | None = None) -> None:
    """Raises Invalid for `contradictions`."""
    if wrong := contradictions(values, stored=stored):
        raise Invalid("; ".join(f"{path} {reason}" for path, reason in wrong.items()) + ".", details=wrong)


def as_posted(campaign: MessageCampaign) -> dict[str, Any]:
    """The fields as they would be posted; nothing of what is as in a campaign that says nothing of it."""
    fields = {
        "assignment": dict(campaign.assignment) or None,
        "holdout_percent": holdout_percent(campaign) or None,
        "control_variant": campaign.control_variant,
        "expected_rate_percent": percent(campaign.expected_rate),
        "outcome_window_minutes": campaign.outcome_window_minutes,
        "auto_winner": campaign.auto_winner,
    }
    return {name: value for name, value in fields.items() if value is not None}


def holdout_percent(campaign: MessageCampaign) -> float:
    return float(campaign.holdout_percent)


def percent(rate: float | None) -> float | None:
    """A stored rate as it was given: 0.023 → 2.3."""
    return None if rate is None else float(f"{rate * 100:.12g}")
