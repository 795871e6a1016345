from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from tulia.webhooks import signing

# The example of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1_614_265_330, tz=UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_is_that_of_the_specification() -> None:
    assert signing.sign(SECRET, message_id=MESSAGE_ID, at=AT, body=BODY) == SIGNATURE


def test_the_headers_carry_a_signature_for_each_secret_the_newest_first() -> None:
    other = signing.secret_from(b"x" * 32)
    headers = signing.headers((SECRET, other), message_id=MESSAGE_ID, at=AT, body=BODY)
    assert headers["webhook-id"] == MESSAGE_ID
    assert headers["webhook-timestamp"] == "1614265330"
    first, second = headers["webhook-signature"].split(" ")
    assert first == SIGNATURE
    assert second == signing.sign(other, message_id=MESSAGE_ID, at=AT, body=BODY)


@given(st.binary(min_size=24, max_size=64), st.text(), st.integers(0, 250_000))
def test_an_independent_implementation_accepts_it_by_either_secret(key: bytes, text: str, micros: int) -> None:
    at = datetime.now(tz=UTC).replace(microsecond=micros)
    body = text.encode("utf-8", "replace")
    secrets = (signing.secret_from(key), SECRET)
    headers = signing.headers(secrets, message_id="evt", at=at, body=body)
    for secret in secrets:
        standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)


@pytest.mark.parametrize(
    "changed", [{"body": b'{"test": 2}'}, {"message_id": "msg_other"}, {"at": AT + timedelta(seconds=1)}]
)
def test_anything_changed_changes_the_signature(changed: dict[str, object]) -> None:
    signed = {"message_id": MESSAGE_ID, "at": AT, "body": BODY} | changed
    assert signing.sign(SECRET, **signed) != SIGNATURE  # type: ignore[arg-type]


def test_a_secret_is_shown_as_whsec_and_base64() -> None:
    key = bytes(range(32))
    assert signing.secret_from(key) == "whsec_" + base64.b64encode(key).decode()
