"""Logs say what went wrong and never about whom."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.db import DataError, IntegrityError

from tulia.audience.models import Customer
from tulia.core import logs, sql
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

PHONE, NAME = "+254712345678", "Asha Otieno"


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """What was logged since the last look."""
    root = logging.getLogger()
    before = (root.level, sys.excepthook, threading.excepthook)
    logs.configure("INFO")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)

    def look() -> str:
        text = stream.getvalue()
        stream.truncate(0)
        stream.seek(0)
        return text

    yield look
    root.handlers = []  # pytest brings its own for each test
    root.level, sys.excepthook, threading.excepthook = before


def misread() -> None:
    """Raises a database's error that quotes a phone number."""
    sql.fetch_one("SELECT %(phone)s::int", {"phone": f"{PHONE}?"})


def test_a_databases_message_quotes_the_row_and_is_never_written(written: Callable[[], str]) -> None:
    with pytest.raises(DataError, match=re.escape(PHONE)) as raised:
        misread()
    logs.get("test").error("it_failed", exc_info=raised.value, number=7)
    text = written()
    entry = json.loads(text)
    assert PHONE[1:] not in text
    assert (entry["event"], entry["level"], entry["number"]) == ("it_failed", "error", 7)
    for part in (
        "django.db.utils.DataError",
        "psycopg.errors.NumericValueOutOfRange: 22003",
        "in misread",
        "test_logs.py",
    ):
        assert part in entry["exception"]


def test_what_a_databases_error_says_of_the_schema_is_written(tenant: Tenant, written: Callable[[], str]) -> None:
    try:
        with tenant_scope(tenant.id):
            for _ in range(2):
                Customer.objects.create(tenant=tenant, phone=PHONE, name=NAME)
    except IntegrityError:
        logs.get("test").exception("it_failed")
    text = written()
    assert "23505 customers customers_phone_unique" in json.loads(text)["exception"]
    assert PHONE[1:] not in text
    assert NAME not in text


def test_whatever_is_raised_because_of_a_databases_error_keeps_silent_too(
    tenant: Tenant, written: Callable[[], str]
) -> None:
    try:
        try:
            misread()
        except DataError as error:
            raise RuntimeError(f"wrapped: {error}") from error
    except RuntimeError:
        logging.getLogger("foreign").exception("it failed")
    text = written()
    assert PHONE not in text
    assert "RuntimeError" in text
    assert "in misread" in text


def test_a_group_of_errors_is_no_way_out(written: Callable[[], str]) -> None:
    try:
        misread()
    except DataError as error:
        logs.get("test").error("it_failed", exc_info=ExceptionGroup("several", [ValueError("x"), error]))
    assert PHONE not in written()


def test_other_errors_say_what_they_have_to_say_without_phone_numbers(written: Callable[[], str]) -> None:
    try:
        int(PHONE + "x")
    except ValueError:
        logs.get("test").exception("it_failed")
    text = written()
    assert "invalid literal for int()" in text
    assert PHONE[1:] not in text


async def test_a_task_that_nobody_waited_for_is_logged_without_its_message(written: Callable[[], str]) -> None:
    logging.getLogger("asyncio").error(
        "Task exception was never retrieved\nfuture: <Task exception=IntegrityError('%s')>", PHONE
    )
    await asyncio.sleep(0)
    text = written()
    assert "never retrieved" in text
    assert PHONE not in text


def test_a_crash_is_logged_like_everything_else(written: Callable[[], str]) -> None:
    try:
        misread()
    except DataError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    text = written()
    assert json.loads(text)["event"] == "crashed"
    assert PHONE not in text

    thread = threading.Thread(target=misread)
    thread.start()
    thread.join()
    assert PHONE not in written()


def test_a_line_is_one_object_with_a_time(written: Callable[[], str]) -> None:
    one = uuid.uuid4()
    logs.get("test").info("done", campaign_id=str(one), text="a\nb")
    logging.getLogger("foreign").warning("hello %s", "you")
    first, second = map(json.loads, written().splitlines())
    assert (first["event"], first["campaign_id"], first["timestamp"][-1]) == ("done", str(one), "Z")
    assert (second["event"], second["logger"]) == ("hello you", "foreign")
