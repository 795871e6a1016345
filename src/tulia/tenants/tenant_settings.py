"""What holds for a whole tenant, and how it is changed: read strictly, every mistake named by its field."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from tulia.core.errors import Invalid
from tulia.tenants import opt_out_settings, quiet_hours
from tulia.tenants.models import Tenant

MOST_MESSAGES, MOST_DAYS = 1_000, 365


class _Wrong(Exception):
    """A value that won't do, in words that fit behind the field's name."""


def change(tenant_id: UUID, fields: Mapping[str, Any]) -> Tenant:
    """Changes the settings that are given. Raises Invalid naming every wrong one."""
    columns, wrong = _read(fields)
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
    if columns:
        Tenant.objects.filter(pk=tenant_id).update(**columns)
    return Tenant.objects.get(pk=tenant_id)


def check(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with these settings, by field; empty when nothing is."""
    return _read(fields)[1]


def to_json(tenant: Tenant) -> dict[str, Any]:
    """The settings as they are shown, and as `change` takes them."""
    quiet = quiet_hours.of_columns(tenant.quiet_hours_start, tenant.quiet_hours_end)
    capped = tenant.frequency_cap_messages is not None
    return {
        "timezone": tenant.timezone,
        "country": tenant.country,
        "quiet_hours": quiet.to_json() if quiet else None,
        "frequency_cap": {"max_messages": tenant.frequency_cap_messages, "days": tenant.frequency_cap_days}
        if capped
        else None,
        "approval_required": tenant.approval_required,
        "opt_out_words": tenant.opt_out_words,
        "opt_in_words": tenant.opt_in_words,
        "opt_out_reply": tenant.opt_out_reply,
        "opt_in_reply": tenant.opt_in_reply,
    }


def _read(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns to be set, and what is wrong, by field."""
    columns: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in fields.items():
        if name not in _READERS:
            wrong[name] = f"is not a setting; the settings are {', '.join(_READERS)}"
            continue
        try:
            columns |= _READERS[name](value)
        except (_Wrong, quiet_hours.QuietHoursInvalid, opt_out_settings.OptOutInvalid) as reason:
            wrong[name] = str(reason)
    return columns, wrong


def _timezone(value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or value not in zoneinfo.available_timezones():
        raise _Wrong("must be an IANA time zone, like Africa/Nairobi")
    return {"timezone": value}


def _country(value: Any) -> dict[str, Any]:
    if not (isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha() and value.isupper()):
        raise _Wrong("must be an ISO 3166 code of two capital letters, like KE")
    return {"country": value}


def _quiet_hours(value: Any) -> dict[str, Any]:
    hours = quiet_hours.read(value)
    return {
        "quiet_hours_start": hours.start if hours else None,
        "quiet_hours_end": hours.end if hours else None,
    }


def _frequency_cap(value: Any) -> dict[str, Any]:
    if value is None:
        return {"frequency_cap_messages": None, "frequency_cap_days": None}
    if not isinstance(value, dict) or set(value) != {"max_messages", "days"}:
        raise _Wrong('must be like {"max_messages": 2, "days": 7}, or null for none')
    for name, most in (("max_messages", MOST_MESSAGES), ("days", MOST_DAYS)):
        number = value[name]
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise _Wrong(f"must have a whole number from 1 to {most} as {name}")
    return {"frequency_cap_messages": value["max_messages"], "frequency_cap_days": value["days"]}


def _approval_required(value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return {"approval_required": value}


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "timezone": _timezone,
    "country": _country,
    "quiet_hours": _quiet_hours,
    "frequency_cap": _frequency_cap,
    "approval_required": _approval_required,
    "opt_out_words": lambda value: {"opt_out_words": opt_out_settings.read_words(value)},
    "opt_in_words": lambda value: {"opt_in_words": opt_out_settings.read_words(value)},
    "opt_out_reply": lambda value: {"opt_out_reply": opt_out_settings.read_reply(value)},
    "opt_in_reply": lambda value: {"opt_in_reply": opt_out_settings.read_reply(value)},
}
