"""The Liquid that a message may use: strict, and bounded, because a tenant writes it and the worker runs it (pure).

No files and no other templates can be reached, loops and texts are limited, and a missing value is an error whatever is
done with it, unless `default` comes first. Dates go by the campaign's clock and the person's zone. python-liquid's own
limits don't cover filters and ranges, which build their whole result at once: five `replace` make a gigabyte of ten
letters, and `(1..100000000) | sort` a list of all of them.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from liquid import BoundTemplate, Environment, StrictDefaultUndefined
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError, LiquidSyntaxError, ResourceLimitError, UndefinedError
from liquid.expression import Expression
from liquid.filter import liquid_filter, with_context
from liquid.mode import Mode
from liquid.undefined import is_undefined

from tulia.campaigns.links import LinkMaker

MOST_ITERATIONS = 500
LONGEST_TEXT = 16_384  # characters that one filter may make, and bytes that a message may come to
LARGEST_LIST = 2_000
_LARGEST_NUMBER = 10**30
_DATE_PATTERNS = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%d %H:%M")
_UNAVAILABLE_TAGS = ("include", "render", "tablerow", "increment", "decrement")


class _Bounded(Environment):
    loop_iteration_limit = MOST_ITERATIONS
    output_stream_limit = LONGEST_TEXT
    local_namespace_limit = 8 * LONGEST_TEXT
    block_nesting_limit = 20


def parse(text: str) -> BoundTemplate:
    """The template of this text. Raises LiquidError for mistakes and for what isn't available."""
    template = _environment.from_string(text)
    if unknown := set(template.filter_names(include_partials=False)) - set(_environment.filters):
        raise LiquidSyntaxError(f"there is no filter {min(unknown)!r}", token=None)
    context = RenderContext(template)
    if any(_has_range(node, context) for node in template.nodes):
        raise LiquidSyntaxError("ranges like (1..5) are not available in messages", token=None)
    return template


def _has_range(node: Node, context: RenderContext) -> bool:
    return any(_is_or_has_range(expression) for expression in node.expressions()) or any(
        _has_range(child, context) for child in node.children(context, include_partials=False)
    )


def _is_or_has_range(expression: Expression) -> bool:
    return isinstance(expression, RangeLiteral) or any(_is_or_has_range(child) for child in expression.children())


def _bounded(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(act)  # it also takes along what python-liquid marks filters with
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        if name != "default" and is_undefined(value):
            # Some filters (`date`) make an empty text of nothing.
            raise UndefinedError(value.msg, token=None)
        made = act(value, *args, **kwargs)
        is_too_much = (
            (isinstance(made, str) and len(made) > LONGEST_TEXT)
            or (isinstance(made, list | tuple) and len(made) > LARGEST_LIST)
            or (isinstance(made, int) and abs(made) > _LARGEST_NUMBER)
        )
        if is_too_much:
            raise ResourceLimitError(f"{name} makes too much of it", token=None)
        return made

    return bounded


@with_context
@liquid_filter
def _date(value: object, pattern: object, *, context: RenderContext) -> str:
    """The date in this pattern, on the person's clock; "now" and "today" are the campaign's now, never the process's."""
    now = context.globals.get("now")
    if not isinstance(now, datetime):
        raise UndefinedError("'now' is undefined", token=None)
    return _instant(value, now).strftime(str(pattern))


@with_context
@liquid_filter
def _track(value: object, *, context: RenderContext) -> str:
    """The person's own link to this address, which tells that they followed it; in a preview the address itself."""
    maker = context.globals.get("links")
    if not isinstance(value, str):
        raise FilterArgumentError("track needs an address in quotes", token=None)
    if not isinstance(maker, LinkMaker):
        return value
    try:
        return maker.link_to(value)
    except LookupError as error:
        raise FilterArgumentError(str(error), token=None) from error


def _instant(value: object, now: datetime) -> datetime:
    """A date or time that a value means. What names no zone is taken as it stands; what does is put on the clock of
    `now`. Raises FilterArgumentError."""
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, int) and not isinstance(value, bool):
        found = datetime.fromtimestamp(value, UTC)
    elif isinstance(value, str) and value in ("now", "today"):
        found = now
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) > 8:
        found = datetime.fromtimestamp(int(value), UTC)
    elif isinstance(value, str):
        found = _written(value.strip())
    else:
        raise FilterArgumentError("this is no date", token=None)
    return found.astimezone(now.tzinfo) if found.tzinfo else found


def _written(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        for pattern in _DATE_PATTERNS:
            with contextlib.suppress(ValueError):
                return datetime.strptime(text, pattern)  # noqa: DTZ007 - a day in a calendar has no zone
    raise FilterArgumentError("this is no date", token=None)


def _make_environment() -> Environment:
    environment = _Bounded(undefined=StrictDefaultUndefined, tolerance=Mode.STRICT)
    environment.add_filter("date", _date)
    environment.add_filter("track", _track)
    for tag in _UNAVAILABLE_TAGS:
        del environment.tags[tag]
    for name, act in list(environment.filters.items()):
        environment.add_filter(name, _bounded(name, act))
    return environment


_environment = _make_environment()
