"""The WhatsApp Cloud API's errors in our five kinds and in plain words, and what an answer to a send request means.

Codes from Meta's page "Error codes" (read September 2026). Meta asks to go by `error.code` alone: titles change, HTTP
statuses and subcodes are not promised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from tulia.channels.types import Accepted, Failure, FailureKind, Rejected, SendOutcome, Uncertain

_LONGEST_DETAILS = 300
_LONGEST_WAIT_SECONDS = 86_400.0
_LONG_DIGITS = re.compile(r"\d{7,}")
_DELAY_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")

_THROTTLED = {
    4: "The app has made too many calls to WhatsApp; sending slows down and goes on by itself.",
    80007: "The WhatsApp account has reached its limit of calls; sending slows down and goes on by itself.",
    130429: "The sender number is sending faster than WhatsApp allows; sending slows down and goes on by itself.",
    131056: "Too many messages to this one person in a short time; it is tried again after a pause.",
}

_ACCOUNT = {
    0: "WhatsApp does not accept the access token; enter a new one for the sender.",
    3: "The app may not use this part of WhatsApp; check the app's permissions.",
    10: "The permission to send was not given or was taken away; check the access token's permissions.",
    190: "The access token has expired; enter a new one for the sender.",
    368: "The WhatsApp account is blocked for breaking a policy; see the account's quality page at Meta.",
    130497: "The WhatsApp account may not send to this country; leave the country out of the audience or ask Meta.",
    131005: "The access token lacks a permission; check its permissions.",
    131031: "The WhatsApp account is locked or disabled; see its status at Meta.",
    131037: "The sender number's display name is not approved; have it approved at Meta.",
    131042: "WhatsApp could not charge the account; check the payment method at Meta.",
    131045: "The sender number is not registered properly; register it again at Meta.",
    131048: "WhatsApp has limited the sender number because people blocked or reported it; pause and improve its quality.",
    131063: "Marketing templates are switched off on this account; use the Marketing Messages API for the sender.",
    131064: "WhatsApp has limited the account because templates are in the wrong category; correct them at Meta.",
    133010: "The sender number is not registered; register it at Meta.",
}
_PERMISSION_CODES = range(200, 300)
_PERMISSION = "The access token lacks a permission for this account; check its permissions."

_RECIPIENT = {
    130403: "The business has blocked this person; unblock them to send again.",
    130472: "WhatsApp kept this message back because the person is in one of its experiments; don't try again.",
    131009: "WhatsApp refused a value of this message; check this person's number and the values filled in.",
    131021: "The recipient is the sender's own number; take it out of the audience.",
    131026: "The message can't reach this person: not on WhatsApp, an old app, or the terms not accepted.",
    131030: "The number is not among the test recipients; add it at Meta or use a live sender.",
    131047: "The person last wrote more than 24 hours ago; only a template can be sent.",
    131049: "WhatsApp kept this message back because the person gets enough marketing; wait at least a day.",
    131050: "The person has stopped marketing messages from this business in WhatsApp.",
    131052: "A file that the person sent could not be downloaded; ask them to send it again.",
    131053: "The message's picture or file could not be loaded; check its address, type and size.",
    131062: "The person hides the phone number, and this message needs it.",
    137000: "The person's identity has changed since it was last confirmed; confirm it before sending.",
}

_OPT_OUT = 131050
_UNREACHABLE = 131026

_CONTENT = {
    33: "The sender number does not exist or was deleted; check the sender's phone number id.",
    100: "WhatsApp does not understand the request; check the sender's settings and the template's values.",
    131008: "The message lacks something that WhatsApp needs; check the template's values.",
    131051: "WhatsApp does not know this type of message.",
    132000: "The number of values differs from what the template needs; correct the campaign's values.",
    132001: "The template does not exist in this language or is not approved; choose another or have it approved.",
    132005: "The template gets too long with these values; shorten them.",
    132007: "The template breaks a WhatsApp policy; change it at Meta.",
    132008: "A value does not suit the template; correct the campaign's values.",
    132012: "A value has a different form from what the template needs; correct the campaign's values.",
    132015: "The template is paused because of low quality; wait, improve it, or choose another.",
    132016: "The template was disabled because of low quality; make a new one.",
    132018: "The template's values are not what the template needs; correct the campaign's values.",
    132068: "The template's form (flow) is blocked; correct it at Meta.",
    132069: "The template's form (flow) is being slowed down by WhatsApp; wait or choose another template.",
    135000: "WhatsApp refused the message without saying why; check the template and its values.",
}

_CONCERNS_ALL = frozenset({132001, 132007, 132015, 132016, 132068, 132069})
"""What is wrong with the template itself: the next person's message would be refused all the same."""

_CONCERNS_ACCOUNT = frozenset({368, 131031, 131042, 131063, 131064})
"""What holds of every number of the business account: blocked, locked, not paid for, or limited as a whole."""

_PAIR_LIMIT = 131056
_CALLS_OF_ACCOUNT = frozenset({4, 80007})
_CALLS_PAUSE_SECONDS = 60.0  # limits of calls are counted by the hour, so asking again at once is of no use

_TRANSIENT = {
    1: "WhatsApp had an unknown error; it is tried again.",
    2: "WhatsApp was down for a moment; it is tried again.",
    131000: "Something went wrong at WhatsApp; it is tried again.",
    131016: "A WhatsApp service is overloaded; it is tried again.",
    131057: "The sender number is in maintenance, for example while its limit is raised; it is tried again.",
    133004: "WhatsApp's server was not available; it is tried again.",
    134102: "WhatsApp was not ready for this message yet; it is tried again.",
    2494100: "The sender number is in maintenance; it is tried again.",
}

_KNOWN: dict[int, tuple[FailureKind, str]] = {
    code: (kind, words)
    for kind, table in (
        (FailureKind.THROTTLED, _THROTTLED),
        (FailureKind.ACCOUNT, {**dict.fromkeys(_PERMISSION_CODES, _PERMISSION), **_ACCOUNT}),
        (FailureKind.RECIPIENT, _RECIPIENT),
        (FailureKind.CONTENT, _CONTENT),
        (FailureKind.TRANSIENT, _TRANSIENT),
    )
    for code, words in table.items()
}


def failure_of(error: object, *, retry_after_seconds: float | None = None) -> Failure | None:
    """The failure that a provider's error object (of an answer, or of a failed status) tells; None without a code.

    A code that the table does not know counts against this recipient only, with its code kept. Where a person must put
    something right, or the code is unknown, the provider's own details follow, with long digit runs (phone numbers)
    masked.
    """
    if not isinstance(error, Mapping):
        return None
    code = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 9:
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    if (known := _KNOWN.get(code)) is not None:
        kind, words = known
        if kind in (FailureKind.CONTENT, FailureKind.ACCOUNT) and (details := _details(error)):
            words = f"{words} WhatsApp says: {details}"
    else:
        kind = FailureKind.RECIPIENT
        words = f"WhatsApp refused the message with an unknown error: {_details(error) or 'no details given'}"
    if code in _CALLS_OF_ACCOUNT and retry_after_seconds is None:
        retry_after_seconds = _CALLS_PAUSE_SECONDS
    return Failure(
        kind,
        str(code),
        words,
        retry_after_seconds,
        is_opt_out=code == _OPT_OUT,
        is_unreachable=code == _UNREACHABLE,
        concerns_all=code in _CONCERNS_ALL,
        concerns_pair=code == _PAIR_LIMIT,
        concerns_account=code in _CONCERNS_ACCOUNT,
    )


def classify_response(status: int, body: bytes, *, retry_after: str | None, now: datetime) -> SendOutcome:
    """What became of a send request, by its HTTP answer.

    `body` is the whole body, `retry_after` that header as it came, `now` (aware) turns an HTTP date into a wait.

    A message id means accepted; a Graph error means rejected, by its code and never by the HTTP status. Without either,
    a gateway has spoken: 429 and 503 are refusals at the door and safe to repeat; 4xx says that the request was not
    taken; any other 5xx, a 408 and a 2xx without an id may come after the message was taken, so they are `Uncertain`
    and never repeated automatically: a person reached late is better than one reached twice.
    """
    wait = _wait_seconds(retry_after, now)
    answer = _decoded(body)
    if 200 <= status < 300 and (message_id := _message_id(answer)) is not None:
        return Accepted(message_id)
    if (failure := failure_of(answer.get("error"), retry_after_seconds=wait)) is not None:
        return Rejected(failure)
    if 200 <= status < 300:
        return Uncertain(f"WhatsApp answered {status} without the message's id.")
    if status == 408 or (status >= 500 and status != 503):
        return Uncertain(f"The way to WhatsApp broke (HTTP {status}) after the message was handed over.")
    kind, words = _without_graph_error(status)
    return Rejected(Failure(kind, f"http_{status}", words, wait))


def _without_graph_error(status: int) -> tuple[FailureKind, str]:
    if status == 429:
        return FailureKind.THROTTLED, "WhatsApp asks for fewer requests; sending slows down and goes on by itself."
    if status == 503:
        return FailureKind.TRANSIENT, "WhatsApp was not available for a moment; it is tried again."
    if status in (401, 403):
        return FailureKind.ACCOUNT, "WhatsApp denied access; check the sender's access token and permissions."
    if status < 400:
        # Redirects are not followed: a POST would lose its body or its secret on the way.
        return FailureKind.ACCOUNT, f"The provider's address answers HTTP {status}; check the sender's base URL."
    return FailureKind.CONTENT, f"The request was refused with HTTP {status}; check the sender's settings."


def _decoded(body: bytes) -> Mapping[str, object]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _message_id(answer: Mapping[str, object]) -> str | None:
    messages = answer.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return None
    message_id = messages[0].get("id")
    # A NUL can't be stored, and no real id has one.
    return message_id if isinstance(message_id, str) and message_id and "\x00" not in message_id else None


def _details(error: Mapping[str, object]) -> str:
    data = error.get("error_data")
    candidates = (data.get("details") if isinstance(data, Mapping) else None, error.get("message"), error.get("title"))
    for text in candidates:
        if isinstance(text, str) and text.strip():
            clean = " ".join(text.replace("\x00", "").split())
            return _LONG_DIGITS.sub("…", clean)[:_LONGEST_DETAILS]
    return ""


def _wait_seconds(retry_after: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (RFC 9110 §10.2.3, decimals tolerated), at most a day; None if unreadable."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if _DELAY_SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return min(max(0.0, (at - now).total_seconds()), _LONGEST_WAIT_SECONDS)
    except (ValueError, OverflowError):
        return None
