"""A request that the database goes away under is told so, whoever noticed it."""

from __future__ import annotations

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from procrastinate.exceptions import ConnectorException

from tulia.api import errors


def by_the_queue() -> ConnectorException:
    error = ConnectorException()
    error.__cause__ = OperationalError()
    error.__cause__.__cause__ = psycopg.OperationalError("server closed the connection unexpectedly")
    return error


@pytest.mark.parametrize("error", [OperationalError(), InterfaceError(), psycopg.OperationalError(), by_the_queue()])
def test_a_request_that_the_database_went_away_under_may_be_tried_again(error: Exception) -> None:
    answer = errors.answer(error, {})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.data["error"]["code"] == "unavailable"


def test_a_queue_that_fails_for_another_reason_is_a_mistake_of_ours() -> None:
    assert errors.answer(ConnectorException(), {}).status_code == 500
