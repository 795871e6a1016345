"""The words every channel speaks: what goes out, what became of it, and what came back.

Provider words stay inside their adapter; these are the only types that cross the border.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class FailureKind(enum.StrEnum):
    """What a failure asks us to do; the closed vocabulary that `dispatch.retry` decides by."""

    TRANSIENT = "transient"
    """The provider stumbled and did not take the message: try the same message again later."""
    THROTTLED = "throttled"
    """We were too fast: slow the sender down and try again; the recipient is not to blame."""
    RECIPIENT = "recipient"
    """This person can't be reached: fail this recipient, go on with the others."""
    CONTENT = "content"
    """The message itself is refused: fail, and stop the campaign when it keeps happening."""
    ACCOUNT = "account"
    """The sender may not send at all: pause, burn nobody, tell a person what to do."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not taken or not delivered.

    `code` is the provider's own code as text (``"131026"``, ``"http_503"``); `message` is plain words;
    `retry_after_seconds` is what the provider asked for, if it did. `is_opt_out` says that the person has switched
    marketing off with the provider, `is_unreachable` that their number has no account there.
    """

    kind: FailureKind
    code: str
    message: str
    retry_after_seconds: float | None = None
    is_opt_out: bool = False
    is_unreachable: bool = False
    concerns_all: bool = False
    """Whether nobody can be sent this message now, as when its template is paused: no reason to fail this person."""
    concerns_pair: bool = False
    """Whether only this person got too much from this sender in a short time."""
    concerns_account: bool = False
    """Whether every sender of the account is refused, and not only this one."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message (not more than that) and named it `message_id`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider certainly did not take the message."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Bytes went out and no trustworthy answer came back; never re-sent automatically. `reason` in plain words."""

    reason: str


SendOutcome = Accepted | Rejected | Uncertain


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one person.

    `to` is E.164 with its plus sign; `reference` comes back in every status callback (at most 512 characters) and is
    how an unknown outcome is resolved. Exactly one of `text` and `template` is set.
    """

    to: str
    reference: str
    text: str | None = None
    template: TemplateCall | None = None


@dataclass(frozen=True, slots=True)
class HeaderText:
    """The value of a header's only placeholder; `name` is empty for {{1}}."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class HeaderMedia:
    """What stands above the body: `kind` is "image", "video" or "document", found by exactly one of `link` and `id`."""

    kind: str
    link: str = ""
    id: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class HeaderLocation:
    """A place on the map; coordinates in degrees, as texts."""

    latitude: str
    longitude: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ButtonValue:
    """What fills one button: `index` is its place in the template, from 0; `kind` is "url" (the address's end),
    "quick_reply" (the payload that comes back) or "copy_code"."""

    index: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TemplateCall:
    """An approved template with its values: `positional` for {{1}}, {{2}}…, `named` for {{first_name}}…; never both."""

    name: str
    language: str
    positional: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    header: HeaderText | HeaderMedia | HeaderLocation | None = None
    buttons: tuple[ButtonValue, ...] = ()


class CallbackInvalid(ValueError):
    """The body is no callback of this provider at all; nothing in it can be used."""


class Status(enum.StrEnum):
    """What a status callback can say of a message we sent."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Price:
    """What the provider bills a message as: a category of the rate card, and whether this one is free."""

    category: str
    is_free: bool


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """One status of one message; `reference` is ours, echoed (None when the provider left it out).

    `phone` is whom it went to (None for people who hide it), `price` what it is billed as, where the provider says so.
    """

    message_id: str
    status: Status
    at: datetime
    reference: str | None = None
    failure: Failure | None = None
    phone: str | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """Something a person wrote or tapped.

    `phone` is E.164 with plus, or None for people who hide it (then `user_id` names them). `kind` is the provider's
    type ("text", "button", "interactive", "image", …). `text` is what the person sees as said; `payload` is what a
    tapped button carries; `quoted_message_id` is the message of ours that was answered, when known.
    """

    message_id: str
    at: datetime
    phone: str | None
    kind: str
    text: str = ""
    payload: str | None = None
    quoted_message_id: str | None = None
    user_id: str | None = None
    profile_name: str = ""


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """The provider's own stop or resume of marketing messages by a person."""

    phone: str | None
    is_stop: bool
    at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """What the provider did to a template. Exactly one of `status`, `quality` and `category` is set, in our words:
    a status or quality of `channels.models.MessageTemplate`. `reason` is plain words, empty when there is none."""

    name: str
    language: str
    at: datetime
    provider_id: str = ""
    status: str | None = None
    quality: str | None = None
    category: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListedTemplate:
    """A template as the provider lists it; `parts` and `examples` as `channels.templates.create` takes them."""

    provider_id: str
    name: str
    language: str
    category: str
    status: str
    quality: str
    parts: tuple[Mapping[str, Any], ...]
    examples: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnusableTemplate:
    """A template of the provider's that can't be sent from here; `reason` in plain words."""

    name: str
    language: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallbackContent:
    """What one callback body holds, in the order it came; `ignored_count` counts entries we have no use for."""

    statuses: tuple[StatusUpdate, ...] = ()
    messages: tuple[InboundMessage, ...] = ()
    preferences: tuple[PreferenceChange, ...] = ()
    templates: tuple[TemplateChange, ...] = ()
    ignored_count: int = 0
    errors: tuple[str, ...] = field(default=())
