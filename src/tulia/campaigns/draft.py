"""What somebody asks of a new campaign: read strictly, every mistake named by its field (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tulia.audience import criteria
from tulia.campaigns import experiment_fields, render
from tulia.campaigns.experiment_fields import FieldInvalid
from tulia.core.errors import Invalid
from tulia.tenants import quiet_hours

TEXT_LIMIT = 4_096
VARIABLES_LIMIT = 100
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
NAME_LIMIT = 255
DESCRIPTION_LIMIT = 10_000
MIN_VARIANTS, MAX_VARIANTS = 2, 4
METRICS = ("responded", "read", "converted", "clicked")
REASON_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Variant:
    """One arm of an A/B test: its name and its text, or the approved template it sends."""

    name: str
    content: str
    template_id: UUID | None = None
    template_variables: dict[str, str] | None = None
    weight: int | None = None

    def to_json(self) -> dict[str, Any]:
        stored: dict[str, Any] = {"name": self.name, "content": self.content}
        stored |= {"template_id": str(self.template_id)} if self.template_id else {}
        stored |= {"template_variables": self.template_variables} if self.template_variables else {}
        return stored | ({"weight": self.weight} if self.weight is not None else {})


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields that were given, checked and in their own types; absent fields are not in `values`."""

    values: dict[str, Any] = field(default_factory=dict)


class _Wrong(Exception):
    """A value that won't do, in words that fit behind the field's name."""


def read(fields: Mapping[str, Any], *, now: datetime, is_new: bool) -> Draft:
    """The draft that these fields describe; `is_new` demands what a campaign can't do without.

    Raises Invalid whose details map each wrong field to what is wrong with it.
    """
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in _READERS:
            wrong[name] = f"is not a field of a campaign; the fields are {', '.join(sorted(_READERS))}"
        else:
            try:
                values[name] = _READERS[name](value)
            except (quiet_hours.QuietHoursInvalid, FieldInvalid, _Wrong) as reason:
                wrong[name] = str(reason)
            except criteria.CriteriaInvalid as refused:
                for error in refused.errors:
                    wrong[f"target_criteria.{error.path}" if error.path else "target_criteria"] = error.message
            except Invalid as refused:
                wrong |= {path: str(reason) for path, reason in (refused.details or {name: refused.message}).items()}
    if "quiet_hours" in values:
        values |= values.pop("quiet_hours")
    if "expected_rate_percent" in values:
        values["expected_rate"] = values.pop("expected_rate_percent")
    _check_together(values, wrong, now=now, is_new=is_new)
    if wrong:
        raise Invalid("; ".join(f"{path} {reason}" for path, reason in wrong.items()) + ".", details=wrong)
    return Draft(values)


def _check_together(values: dict[str, Any], wrong: dict[str, str], *, now: datetime, is_new: bool) -> None:
    if is_new:
        for name in ("name", "message_content"):
            if name not in values and name not in wrong:
                if name == "message_content" and values.get("template_id"):
                    continue
                wrong[name] = "is required"
        is_test, variants = values.get("is_ab_test", False), values.get("variants", [])
        if is_test and not variants and "variants" not in wrong:
            wrong["variants"] = f"an A/B test needs {MIN_VARIANTS} to {MAX_VARIANTS} variants"
        if variants and not is_test and "is_ab_test" not in wrong:
            wrong["is_ab_test"] = "must be true when variants are given"
        if not wrong:
            wrong |= experiment_fields.contradictions(values)
    if "scheduled_at" in values and values["scheduled_at"] and values["scheduled_at"] <= now:
        wrong["scheduled_at"] = f"must be in the future; it is now {now:%Y-%m-%dT%H:%M:%SZ}"


def _text(limit: int, *, may_be_empty: bool = False) -> Callable[[Any], str]:
    def read_text(value: Any) -> str:
        if not isinstance(value, str):
            raise _Wrong("must be a text")
        if "\x00" in value:
            raise _Wrong("must not contain NUL characters")
        if _SURROGATE.search(value):
            raise _Wrong("must not contain half characters (lone surrogates)")
        if not value.strip() and not may_be_empty:
            raise _Wrong("must not be empty")
        if len(value) > limit:
            raise _Wrong(f"must have at most {limit:,} characters; it has {len(value):,}")
        return value

    return read_text


def _optional(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


def _content(value: Any) -> str:
    text = _text(TEXT_LIMIT)(value)
    if problem := render.problem_with(text):
        raise _Wrong(problem)
    return text


def _id(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise _Wrong("must be an id (a UUID)") from None


def instant(value: Any) -> datetime:
    """An RFC 3339 time with its zone, in UTC. Raises Invalid."""
    try:
        return _instant(value)
    except _Wrong as reason:
        raise Invalid(f"The time {reason}.") from None


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value.upper()):
        raise _Wrong("must be a time like 2026-12-01T09:00:00Z")
    try:
        read_time = datetime.fromisoformat(value.upper())
    except ValueError:
        raise _Wrong("must be a time like 2026-12-01T09:00:00Z") from None
    if read_time.tzinfo is None:
        raise _Wrong("must say its time zone, like 2026-12-01T09:00:00Z or 2026-12-01T12:00:00+03:00")
    if not 1970 <= read_time.year < 9999:
        raise _Wrong("must be a time of the years 1970 to 9998")
    return read_time.astimezone(UTC)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return value


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise _Wrong("must be a whole number of at most 64 bits")
    return value


def _quiet_hours(value: Any) -> dict[str, Any]:
    """The three columns; "tenant" is what a campaign has that says nothing."""
    if value == "tenant":
        return {"quiet_hours_rule": "tenant", "quiet_hours_start": None, "quiet_hours_end": None}
    own = quiet_hours.read(value)
    if own is None:
        return {"quiet_hours_rule": "none", "quiet_hours_start": None, "quiet_hours_end": None}
    return {"quiet_hours_rule": "own", "quiet_hours_start": own.start, "quiet_hours_end": own.end}


def _budget(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise _Wrong("must be a whole number of millionths of a US dollar, more than 0; null is no budget")
    return value


def _metric(value: Any) -> str:
    if value not in METRICS:
        raise _Wrong(f"must be one of {', '.join(METRICS)}")
    return str(value)


def _criteria(value: Any) -> dict[str, Any]:
    return criteria.to_json(criteria.parse(value))


def _variables(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _Wrong("must be an object of texts, one for each placeholder of the template")
    if len(value) > VARIABLES_LIMIT:
        raise _Wrong(f"must have at most {VARIABLES_LIMIT} values; it has {len(value):,}")
    for name, text in value.items():
        try:
            _text(NAME_LIMIT)(name)
            _content(text)
        except _Wrong as reason:
            raise _Wrong(f"has a mistake in {name[:NAME_LIMIT]!r}: {reason}") from None
    return dict(value)


def _variants(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _Wrong("must be a list of objects with name and content")
    if not value:
        return []
    if not MIN_VARIANTS <= len(value) <= MAX_VARIANTS:
        raise _Wrong(f"must be {MIN_VARIANTS} to {MAX_VARIANTS} variants; there are {len(value)}")
    wrong: dict[str, str] = {}
    read_variants: list[dict[str, Any]] = []
    for index, one in enumerate(value):
        for unknown in sorted(set(one) - set(_VARIANT_READERS)):
            wrong[f"variants[{index}].{unknown}"] = "is not a field of a variant"
        part: dict[str, Any] = {}
        for name, reader in _VARIANT_READERS.items():
            if name == "content" and "content" not in one and one.get("template_id"):
                part[name] = ""
                continue
            try:
                part[name] = reader(one.get(name))
            except (FieldInvalid, _Wrong) as reason:
                wrong[f"variants[{index}].{name}"] = str(reason) if name in one else "is required"
        read_variants.append(Variant(**part).to_json() if len(part) == len(_VARIANT_READERS) else {})
    names = [one.get("name", "").strip().casefold() for one in read_variants]
    if not wrong and len(set(names)) < len(names):
        wrong["variants"] = "must have different names"
    if wrong:
        raise Invalid("variants", details=wrong)
    return read_variants


_VARIANT_READERS: dict[str, Callable[[Any], Any]] = {
    "name": _text(100),
    "content": _content,
    "template_id": _optional(_id),
    "template_variables": _optional(_variables),
    "weight": _optional(experiment_fields.weight),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "name": _text(NAME_LIMIT),
    "description": _optional(_text(DESCRIPTION_LIMIT, may_be_empty=True)),
    "message_content": _content,
    "template_id": _optional(_id),
    "template_variables": _variables,
    "target_criteria": _criteria,
    "as_of": _optional(_instant),
    "scheduled_at": _optional(_instant),
    "is_ab_test": _flag,
    "variants": _variants,
    **experiment_fields.READERS,
    "seed": _seed,
    "primary_metric": _metric,
    "sender_id": _optional(_id),
    "quiet_hours": _quiet_hours,
    "budget_micros": _optional(_budget),
    "local_time": _flag,
    "frequency_cap_exempt_reason": lambda value: _text(REASON_LIMIT)(value) if value is not None else "",
}
