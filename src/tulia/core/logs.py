"""Structured logs, one JSON object a line on standard error: ids and counts, never names, numbers or texts of people."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType

import psycopg
import structlog
from django.db import Error as DjangoDatabaseError

_LONG_DIGITS = re.compile(r"\d{7,}")
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str) -> None:
    """Sends our own logs and those of Django, uvicorn, aiohttp and procrastinate through one formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _keep_first_line_of_asyncio,
                structlog.processors.ExceptionRenderer(stack_of),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn.access", "procrastinate", "django.request", "aiohttp.access"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    sys.excepthook = _log_crash
    threading.excepthook = lambda hooked: _log_crash(
        hooked.exc_type, hooked.exc_value or hooked.exc_type(), hooked.exc_traceback
    )


def stack_of(exc_info: ExceptionInfo) -> str:
    """The exceptions and where they went, outermost last: types, files, lines, functions; never a database's message.

    PostgreSQL quotes the row in its messages ("Key (phone)=(+254…) already exists"), and so may whatever is raised
    because of them: of a chain with such an error only the types are told, and its SQLSTATE, table and constraint.
    Phone numbers in other messages are masked.
    """
    chain = list(_chain(exc_info[1]))
    is_from_database = any(isinstance(error, psycopg.Error | DjangoDatabaseError) for error in chain)
    parts = []
    for error in reversed(chain):
        said = _facts(error) if is_from_database else _LONG_DIGITS.sub("…", str(error))
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        stack = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
        parts.append(f"{stack}{name}: {said}" if said else f"{stack}{name}")
    return "\n".join(parts)


def _log_crash(kind: type[BaseException], error: BaseException, stack: TracebackType | None) -> None:
    """What nobody catches is logged like everything else, and not printed with its message."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, stack)
    else:
        get("crash").critical("crashed", exc_info=(kind, error, stack))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it came from, and so on; the parts of groups too; each once."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        before = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if before is not None:
            waiting.append(before)


def _facts(error: BaseException) -> str:
    """What a database's error says of the schema, and nothing of the rows."""
    if not isinstance(error, psycopg.Error):
        return ""
    facts = (error.sqlstate, error.diag.table_name, error.diag.constraint_name)
    return " ".join(fact for fact in facts if fact)


def _keep_first_line_of_asyncio(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """asyncio's further lines are the repr of a task, which has its exception's message in it."""
    if event.get("logger") == "asyncio" and (lines := str(event.get("event", "")).splitlines()):
        event["event"] = lines[0]
    return event


def get(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
