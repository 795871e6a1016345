"""Personal messages: Liquid with the customer's own fields, strict, so that nothing goes out half-empty (pure).

Language: python-liquid in strict mode (an unknown variable is an error, `default` gives a value for a missing one).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from liquid import BoundTemplate, Environment, StrictDefaultUndefined
from liquid.exceptions import LiquidError
from liquid.mode import Mode

_environment = Environment(undefined=StrictDefaultUndefined, tolerance=Mode.STRICT)


class Unrenderable(Exception):
    """The text can't be made for this person; the message says which part is missing, and nothing of the person."""


@functools.lru_cache(maxsize=1_024)
def _compiled(text: str) -> BoundTemplate | None:
    """None for a text without anything to fill in: most messages, and a hundred times faster."""
    return _environment.from_string(text) if "{{" in text or "{%" in text else None


def problem_with(text: str) -> str | None:
    """What is wrong with the text as a Liquid template, in one sentence; None when nothing is."""
    try:
        _compiled(text)
    except LiquidError as error:
        return f"is not valid Liquid: {error.message if hasattr(error, 'message') else error}"
    return None


def render(text: str, person: Mapping[str, Any]) -> str:
    """The text for this person. Raises Unrenderable when a part is missing or the whole is empty or too long."""
    try:
        template = _compiled(text)
        made = text if template is None else template.render(**person)
    except LiquidError as error:
        raise Unrenderable(str(error)) from error
    made = made.replace("\x00", "")
    if not made.strip():
        raise Unrenderable("the message would be empty")
    return made


def context_of(
    *, name: str, phone: str, external_id: str, language: str, country: str, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """What a message may say about a person: `{{ customer.name }}`, `{{ customer.first_name }}`, and so on.

    Empty fields are left out, so that a message which needs one fails instead of greeting nobody. The short forms
    `customer_name` and `first_name` mean the same.
    """
    first_name = name.split()[0] if name.split() else ""
    fields = {"name": name, "first_name": first_name, "phone": phone, "external_id": external_id, "language": language}
    fields["country"] = country
    customer: dict[str, Any] = {key: value for key, value in fields.items() if value}
    customer["attributes"] = dict(attributes)
    context: dict[str, Any] = {"customer": customer}
    if name:
        context |= {"customer_name": name, "first_name": first_name}
    return context
