"""Messages that are only text and names in between, filled in without the template language's machinery (pure).

Nine of ten messages are of this kind, and the machinery takes a tenth of all the time that a message takes to send. What
isn't plainly the same is left to it: `filled` gives None, and the template decides, errors and all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from liquid import BoundTemplate
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode

from tulia.campaigns.sandbox import LONGEST_TEXT

Outline = tuple[str | tuple[str, ...], ...]
"""Texts, and the paths of what stands between them."""

_OF_THE_LANGUAGE = frozenset({"size", "first", "last"})
_MOST_CHARACTERS = LONGEST_TEXT // 4  # the limit is in bytes of UTF-8


def of(template: BoundTemplate) -> Outline | None:
    """The outline of a template; None when it does more than name fields."""
    parts: list[str | tuple[str, ...]] = []
    for node in template.nodes:
        if isinstance(node, ContentNode):
            parts.append(node.text)
        elif isinstance(node, OutputNode) and (path := _path(node.expression)):
            parts.append(path)
        else:
            return None
    return tuple(parts)


def _path(expression: object) -> tuple[str, ...] | None:
    if not isinstance(expression, FilteredExpression) or expression.filters or not isinstance(expression.left, Path):
        return None
    names = [part for part in expression.left.path if isinstance(part, str) and part not in _OF_THE_LANGUAGE]
    return tuple(names) if len(names) == len(expression.left.path) else None


def names_in(outline: Outline) -> frozenset[str] | None:
    """The names that the fields it speaks of are made of; None when a field is a whole person, which has every name."""
    paths = [part for part in outline if not isinstance(part, str)]
    return None if ("customer",) in paths else frozenset(name for path in paths for name in path)


def filled(outline: Outline, person: Mapping[str, Any]) -> str | None:
    """The text for this person; None when a field is missing or is no text, or the whole is long."""
    made: list[str] = []
    for part in outline:
        if isinstance(part, str):
            made.append(part)
            continue
        value: Any = person
        for name in part:
            if type(value) is not dict or name not in value:
                return None
            value = value[name]
        if type(value) is not str:
            return None
        made.append(value)
    text = "".join(made)
    return text if len(text) <= _MOST_CHARACTERS else None
