"""Refusals in the shape of the Graph API: one table of codes, one body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says: HTTP status, title, and the usual details."""

    http: int
    title: str
    details: str


# HTTP statuses as older revisions of the platform's table give them; the present table has none.
MEANINGS: dict[int, Meaning] = {
    0: Meaning(401, "AuthException", "The app user could not be authenticated."),
    2: Meaning(503, "API Service", "The service is temporarily down or overloaded."),
    3: Meaning(500, "API Method", "A capability or permission is missing."),
    4: Meaning(400, "API Too Many Calls", "The app has reached its call rate limit."),
    10: Meaning(403, "Permission Denied", "The permission was not granted or was removed."),
    33: Meaning(400, "Parameter value is not valid", "The business phone number has been deleted."),
    100: Meaning(400, "Invalid parameter", "The request has an unsupported or misspelt parameter."),
    190: Meaning(401, "Access token has expired", "The access token is not valid."),
    368: Meaning(403, "Temporarily blocked for policies violations", "The account is restricted or disabled."),
    80007: Meaning(400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130403: Meaning(400, "User blocked", "The business has blocked this user."),
    130429: Meaning(400, "Rate limit hit", "Cloud API message throughput has been reached."),
    130472: Meaning(400, "User's number is part of an experiment", "Not sent: the number is part of an experiment."),
    130497: Meaning(403, "Business account is restricted from messaging users in this country", "Country restricted."),
    131000: Meaning(500, "Something went wrong", "The message could not be sent because of an unknown error."),
    131005: Meaning(403, "Access denied", "The permission was not granted or was removed."),
    131008: Meaning(400, "Required parameter is missing", "A required parameter is missing."),
    131009: Meaning(400, "Parameter value is not valid", "The recipient is not a valid phone number."),
    131016: Meaning(500, "Service unavailable", "A service is temporarily unavailable."),
    131021: Meaning(400, "Recipient cannot be sender", "The sender's and the recipient's number are the same."),
    131026: Meaning(400, "Message undeliverable", "The message could not be delivered."),
    131031: Meaning(403, "Account has been locked", "The account is restricted or disabled for a policy violation."),
    131037: Meaning(400, "Display name approval needed", "The number's display name has not been approved."),
    131042: Meaning(400, "Business eligibility payment issue", "There was an error with the payment method."),
    131045: Meaning(500, "Incorrect certificate", "The number is not registered."),
    131047: Meaning(400, "Re-engagement message", "More than 24 hours have passed since the person last replied."),
    131048: Meaning(400, "Spam rate limit hit", "There are restrictions on how many messages this number may send."),
    131049: Meaning(
        400,
        "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    131050: Meaning(400, "User has stopped marketing messages", "The user chose not to receive marketing messages."),
    131051: Meaning(400, "Unsupported message type", "This message type is not supported."),
    131052: Meaning(400, "Media download error", "The media sent by the user could not be downloaded."),
    131053: Meaning(400, "Media upload error", "The media of the message could not be uploaded."),
    131055: Meaning(400, "Method not allowed", "Only marketing templates may be sent here."),
    131056: Meaning(400, "Pair rate limit hit", "Too many messages were sent to this recipient in a short time."),
    131057: Meaning(500, "Account in maintenance mode", "The account is in maintenance, maybe for an upgrade."),
    131062: Meaning(400, "User id not supported", "This message can't be sent to a business-scoped user id."),
    131063: Meaning(400, "Marketing disabled", "Marketing is disabled on this endpoint for the account."),
    131064: Meaning(400, "Template misclassification limit", "The account is limited for misclassified templates."),
    132000: Meaning(400, "Template Param Count Mismatch", "The number of parameters does not match the template."),
    132001: Meaning(404, "Template does not exist", "The template does not exist in this language or is not approved."),
    132005: Meaning(400, "Template Hydrated Text Too Long", "The translated text is too long."),
    132007: Meaning(400, "Template Format Character Policy Violated", "The template violates a policy."),
    132012: Meaning(400, "Template Parameter Format Mismatch", "A parameter is not formatted as the template says."),
    132015: Meaning(400, "Template is Paused", "The template is paused because of its low quality."),
    132016: Meaning(400, "Template is Disabled", "The template was paused too often and is now disabled."),
    132018: Meaning(400, "Template parameters invalid", "There is an issue with the template's parameters."),
    132068: Meaning(400, "Flow is blocked", "The flow is in a blocked state."),
    132069: Meaning(400, "Flow is throttled", "The flow is in a throttled state."),
    133004: Meaning(503, "Server Temporarily Unavailable", "The server is temporarily unavailable."),
    133010: Meaning(400, "Phone number not registered", "The number is not registered."),
    134100: Meaning(400, "Only marketing messages supported", "The template is not a marketing one."),
    134102: Meaning(500, "Template not usable", "The template can't be used for now."),
    135000: Meaning(400, "Generic user error", "The request failed for an unknown reason in its parameters."),
}

UNKNOWN = Meaning(400, "Unknown error", "The request failed.")
AUTHENTICATION_CODES = frozenset({0, 190})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not carried out: the `code`, more precise `details`, a `subcode`, and headers to go with it."""

    code: int
    details: str = ""
    subcode: int = 0
    http: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return self.http or MEANINGS.get(self.code, UNKNOWN).http

    def body(self, trace: str) -> bytes:
        """``{"error": {message, type, code, error_data: {messaging_product, details}, fbtrace_id}}``."""
        meaning = MEANINGS.get(self.code, UNKNOWN)
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {meaning.title}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.subcode == 33:
            error["message"] = f"Unsupported request. {self.details}"
            error["type"] = "GraphMethodException"
        elif self.code not in AUTHENTICATION_CODES:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details or meaning.details}
        error["fbtrace_id"] = trace
        return orjson.dumps({"error": error})


def unknown_object(identity: str) -> Refusal:
    """No such number, account or template, or it belongs to somebody else (code 100, subcode 33)."""
    return Refusal(
        100,
        f"Object with ID '{identity}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation",
        subcode=33,
    )


def failure(code: int) -> dict[str, Any]:
    """One entry of ``statuses[].errors`` for an asynchronous failure."""
    meaning = MEANINGS.get(code, UNKNOWN)
    return {
        "code": code,
        "title": meaning.title,
        "message": meaning.title,
        "error_data": {"details": meaning.details},
        "href": "/documentation/business-messaging/whatsapp/support/error-codes",
    }
