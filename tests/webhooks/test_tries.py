from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.webhooks import tries
from tulia.webhooks.tries import Answer

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
FAILED = Answer(500, "The endpoint answered 500.", 3)
chances = st.floats(0, 1, exclude_max=True)


def test_the_schedule_is_that_of_the_specification() -> None:
    hours = 3_600
    assert list(tries.PAUSES_SECONDS) == [
        5, 5 * 60, 30 * 60, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours
    ]  # fmt: skip


@given(st.integers(1, tries.MAX_TRIES - 1), chances)
def test_a_pause_is_drawn_from_zero_up_to_the_schedules(failed: int, chance: float) -> None:
    pause = tries.pause_after(FAILED, tries=failed, chance=chance)
    assert pause is not None
    assert 0 <= pause <= tries.PAUSES_SECONDS[failed - 1]
    assert tries.pause_after(FAILED, tries=failed, chance=0.0) == 0
    assert tries.pause_after(FAILED, tries=failed, chance=0.5) == tries.PAUSES_SECONDS[failed - 1] / 2


@given(st.integers(tries.MAX_TRIES, 100), chances)
def test_after_the_last_try_there_is_none(failed: int, chance: float) -> None:
    assert tries.pause_after(FAILED, tries=failed, chance=chance) is None


@given(st.integers(1, tries.MAX_TRIES - 1), chances, st.floats(0, 10**9))
def test_nothing_is_tried_sooner_than_the_endpoint_asked_up_to_a_day(failed: int, chance: float, asked: float) -> None:
    answer = Answer(503, "busy", 3, retry_after_seconds=asked)
    pause = tries.pause_after(answer, tries=failed, chance=chance)
    assert pause is not None
    assert min(asked, 86_400) <= pause <= 86_400


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("Wed, 20 May 2026 12:01:00 GMT", 60.0),
        ("Wed, 20 May 2026 11:00:00 GMT", 0.0), ("soon", None), ("-5", None), ("", None), ("9" * 40, 999_999_999.0),
        ("١٢", None),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None) -> None:
    assert tries.asked_pause(header, now=NOW) == seconds


@given(st.text(max_size=60))
def test_no_header_can_break_it(header: str) -> None:
    pause = tries.asked_pause(header, now=NOW)
    assert pause is None or pause >= 0


def test_gone_switches_off_at_once() -> None:
    assert "410" in tries.reason_to_switch_off(Answer(410, "gone", 1), failing_since=None, now=NOW)


@given(st.timedeltas(timedelta(0), timedelta(days=30)))
def test_failing_switches_off_after_five_days_and_not_before(since: timedelta) -> None:
    reason = tries.reason_to_switch_off(FAILED, failing_since=NOW - since, now=NOW)
    assert bool(reason) == (since >= timedelta(days=5))
    assert tries.reason_to_switch_off(Answer(200, "", 1), failing_since=NOW - since, now=NOW) == ""


def test_a_failing_endpoint_is_left_alone_longer_and_longer_but_never_over_a_minute() -> None:
    rests = [tries.rest_seconds(failures) for failures in range(20)]
    assert rests[: tries.REST_AFTER] == [0.0] * tries.REST_AFTER
    assert rests == sorted(rests)
    assert rests[-1] == tries.LONGEST_REST_SECONDS


@pytest.mark.parametrize(
    ("status", "is_success"), [(200, True), (204, True), (299, True), (301, False), (404, False), (None, False)]
)
def test_only_2xx_is_success(status: int | None, is_success: bool) -> None:
    assert Answer(status, "", 1).is_success is is_success
