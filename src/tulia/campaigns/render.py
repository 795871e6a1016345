"""Personal messages: Liquid with the customer's own fields, strict, so that nothing goes out half-empty (pure).

Language: `campaigns.sandbox` (an unknown variable is an error, `default` gives a value for a missing one).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from liquid import BoundTemplate
from liquid.exceptions import LiquidError, ResourceLimitError, UndefinedError

from tulia.campaigns import outline, sandbox
from tulia.campaigns.outline import Outline


class Unrenderable(Exception):
    """The text can't be made for this person; the message says which part is missing, and nothing of the person."""


@functools.lru_cache(maxsize=1_024)
def _compiled(text: str) -> tuple[BoundTemplate, Outline | None] | None:
    """None for a text without anything to fill in: most messages, and a hundred times faster."""
    if "{{" not in text and "{%" not in text:
        return None
    template = sandbox.parse(text)
    return template, outline.of(template)


def problem_with(text: str) -> str | None:
    """What is wrong with the text as a Liquid template, in one sentence; None when nothing is."""
    try:
        _compiled(text)
    except LiquidError as error:
        return f"is not valid Liquid: {error.message}"
    except RecursionError:
        return "is not valid Liquid: it is nested too deep"
    return None


def names_in(text: str) -> frozenset[str] | None:
    """The names of `context_of` that decide what is made of the text; None when any of them may, or it is no Liquid."""
    try:
        compiled = _compiled(text)
    except (LiquidError, RecursionError):
        return None
    if compiled is None:
        return frozenset()
    _, plain = compiled
    return None if plain is None else outline.names_in(plain)


def _made(text: str, person: Mapping[str, Any]) -> str:
    if (compiled := _compiled(text)) is None:
        return text
    template, plain = compiled
    made = outline.filled(plain, person) if plain is not None else None
    return template.render(**person) if made is None else made


def render(text: str, person: Mapping[str, Any]) -> str:
    """The text for this person. Raises Unrenderable when a part is missing or the whole is empty."""
    try:
        made = _made(text, person)
    except UndefinedError as error:
        raise Unrenderable(str(error.message)) from error
    except ResourceLimitError as error:
        raise Unrenderable("making the message takes too much work") from error
    except Exception as error:
        # Filters raise whatever Python does (OverflowError, ValueError), in words that may quote the person.
        raise Unrenderable(f"a part of the message can't be worked out ({type(error).__name__})") from error
    made = made.replace("\x00", "")
    if not made.strip():
        raise Unrenderable("the message would be empty")
    return made


def context_of(
    *,
    name: str,
    phone: str,
    external_id: str,
    language: str,
    country: str,
    attributes: Mapping[str, Any],
    timezone: str = "",
    now: datetime | None = None,
) -> dict[str, Any]:
    """What a message may say about a person: `{{ customer.name }}`, `{{ customer.first_name }}`, and so on.

    Empty fields and attributes are left out, so that a message which needs one fails instead of greeting nobody. The
    short forms `name`, `customer_name` and `first_name` mean the same. `now` becomes `{{ now }}`, on the person's own
    clock: `timezone` is their zone's IANA name, empty or unknown for UTC.
    """
    customer: dict[str, Any] = {}
    context: dict[str, Any] = {"customer": customer}
    if whole := name.strip():
        customer["name"] = context["name"] = context["customer_name"] = whole
        customer["first_name"] = context["first_name"] = whole.split(None, 1)[0]
    if phone:
        customer["phone"] = phone
    if external_id:
        customer["external_id"] = external_id
    if language:
        customer["language"] = language
    if country:
        customer["country"] = country
    if timezone:
        customer["timezone"] = timezone
    customer["attributes"] = {key: value for key, value in attributes.items() if not _is_blank(value)}
    if now is not None:
        context["now"] = now.astimezone(_zone(timezone))
    return context


@functools.lru_cache(maxsize=1_024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def in_words(error: Unrenderable) -> str:
    """Why a message can't be made, without where in the text: what the template language adds behind is cut off."""
    said = str(error).split("->")[0].splitlines()[0].strip().rstrip(".")
    return re.sub(r"'?([^\s']+)'? is undefined$", r"\1 is not known", said)


def _is_blank(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())
