from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywa import errors as pywa_errors

from tulia.channels.types import Accepted, Failure, FailureKind, Rejected, SendOutcome, Uncertain
from tulia.channels.whatsapp_cloud.failures import classify_response, failure_of

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+254700000001", "wa_id": "254700000001"}],
    "messages": [{"id": "wamid.HBgMMjU0NzAwMDAwMDAxFQIAERgS", "message_status": "accepted"}],
}

KINDS = {
    FailureKind.THROTTLED: [130429, 131056, 80007, 4],
    FailureKind.ACCOUNT: [
        *(131048, 131064, 131042, 131031, 368, 130497, 131045, 133010, 131037),
        *(190, 0, 10, 3, 200, 250, 299, 131005, 131063),
    ],
    FailureKind.RECIPIENT: [
        *(131026, 131049, 130472, 131050, 130403, 131047, 131009, 131021, 131062, 131052, 131053),
        *(131030, 137000, 999_999),
    ],
    FailureKind.CONTENT: [
        *(132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069),
        *(131051, 131008, 100, 135000, 33, 132008),
    ],
    FailureKind.TRANSIENT: [1, 2, 131000, 131016, 131057, 2494100, 133004, 134102],
}


def error_body(code: object, details: str = "Details of it.", message: str = "(#1) Title") -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": details},
            "fbtrace_id": "Az8or2yh",
        }
    }


def classify(status: int, body: object, retry_after: str | None = None) -> SendOutcome:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return classify_response(status, raw, retry_after=retry_after, now=NOW)


def rejected(outcome: SendOutcome) -> Failure:
    assert isinstance(outcome, Rejected)
    return outcome.failure


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in KINDS.items() for code in codes])
@pytest.mark.parametrize("status", [200, 400, 401, 500, 503])
def test_a_graph_error_is_judged_by_its_code_and_never_by_the_http_status(
    kind: FailureKind, code: int, status: int
) -> None:
    failure = rejected(classify(status, error_body(code)))
    assert (failure.kind, failure.code) == (kind, str(code))
    assert failure.message[0].isupper()
    assert "." in failure.message


def test_where_a_person_must_act_the_providers_details_follow_and_phone_numbers_are_masked() -> None:
    failure = rejected(classify(400, error_body(132000, "body: params (1) for +254700000001\x00 differ (2)")))
    assert failure.message.endswith("WhatsApp says: body: params (1) for +… differ (2)")
    assert "Details" not in rejected(classify(400, error_body(131026))).message


def test_an_unknown_code_burns_only_this_recipient_and_keeps_its_code() -> None:
    failure = rejected(classify(400, error_body(424242, "Something new.")))
    assert failure == Failure(
        FailureKind.RECIPIENT, "424242", "WhatsApp refused the message with an unknown error: Something new."
    )


def test_a_message_id_means_accepted() -> None:
    assert classify(200, ACCEPTED) == Accepted("wamid.HBgMMjU0NzAwMDAwMDAxFQIAERgS")
    paced = {**ACCEPTED, "messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]}
    assert classify(200, paced) == Accepted("wamid.1")


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"{", {}, [], None, {"messages": []}, {"messages": [{}]}, {"messages": [{"id": ""}]},
     {"messages": [{"id": 5}]}, {"messages": {"id": "x"}}, {"messages": ["x"]}, {"messages": [{"id": "a\x00"}]}],
)  # fmt: skip
def test_success_without_a_usable_id_is_uncertain(body: object) -> None:
    assert isinstance(classify(200, body), Uncertain)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", {"error": "oops"}, {"error": {"code": None}}, ACCEPTED]
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, FailureKind.ACCOUNT),
        (400, FailureKind.CONTENT),
        (401, FailureKind.ACCOUNT),
        (403, FailureKind.ACCOUNT),
        (404, FailureKind.CONTENT),
        (408, None),
        (413, FailureKind.CONTENT),
        (429, FailureKind.THROTTLED),
        (500, None),
        (502, None),
        (503, FailureKind.TRANSIENT),
        (504, None),
        (599, None),
    ],
)
def test_without_a_graph_error_only_what_was_surely_not_taken_is_rejected(
    status: int, kind: FailureKind | None, body: object
) -> None:
    outcome = classify(status, body)
    if kind is None:
        assert isinstance(outcome, Uncertain)
    else:
        failure = rejected(outcome)
        assert (failure.kind, failure.code) == (kind, f"http_{status}")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-3", None),
        ("soon", None),
        ("1e9", None),
        ("inf", None),
        ("٣", None),
        ("999999999", 86_400.0),
        ("9" * 5_000, None),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 10:00:30 -0000", 30.0),
        ("Sun, 22 Nov 2026 13:00:30 +0300", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("Sun, 22 Nov 9999 09:00:00 GMT", 86_400.0),
        ("Sun, 99 Nov 2026 09:00:00 GMT", None),
    ],
)
def test_the_wait_asked_for_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert rejected(classify(429, b"", header)).retry_after_seconds == seconds
    assert rejected(classify(400, error_body(130429), header)).retry_after_seconds == seconds


@pytest.mark.parametrize("code", ["131026", 131026])
def test_a_code_may_come_as_text(code: object) -> None:
    told = failure_of({"code": code})
    assert told is not None
    assert told.code == "131026"


@pytest.mark.parametrize("error", [None, [], "x", {}, {"code": None}, {"code": True}, {"code": "x"}, {"code": 1.5}])
def test_what_has_no_code_is_no_failure(error: object) -> None:
    assert failure_of(error) is None


@settings(max_examples=150, deadline=None)
@given(st.integers(100, 599), st.binary(max_size=60), st.none() | st.text(max_size=20))
def test_any_answer_gets_an_outcome(status: int, body: bytes, retry_after: str | None) -> None:
    outcome = classify_response(status, body, retry_after=retry_after, now=NOW)
    assert isinstance(outcome, Rejected | Uncertain)


ABOUT_SENDING = (
    pywa_errors.AuthorizationError,
    pywa_errors.IntegrityError,
    pywa_errors.SendMessageError,
    pywa_errors.ThrottlingError,
)
# A payment matter of calls, and registering a number too often: neither answers a send request.
ABOUT_OTHER_THINGS = {131044, 133016}


def test_every_sending_code_that_an_independent_client_names_is_in_our_table() -> None:
    named = {code for code, error in pywa_errors._all_exceptions().items() if issubclass(error, ABOUT_SENDING)}
    assert len(named) > 40
    for code in sorted(named - ABOUT_OTHER_THINGS):
        told = failure_of({"code": code, "message": "m"})
        assert told is not None
        assert "unknown error:" not in told.message, code


def test_an_independent_client_reads_the_same_code_and_details_and_agrees_on_throttling() -> None:
    for codes in KINDS.values():
        for code in codes:
            raw = error_body(code)["error"]
            theirs = pywa_errors.WhatsAppError.from_dict(raw)
            ours = failure_of(raw)
            assert ours is not None
            assert ours.code == str(theirs.code)
            if ours.kind is FailureKind.THROTTLED:
                assert isinstance(theirs, pywa_errors.ThrottlingError)
            if isinstance(theirs, pywa_errors.AuthorizationError | pywa_errors.IntegrityError):
                assert ours.kind is FailureKind.ACCOUNT
