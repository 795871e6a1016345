"""How a request is refused: an expected answer with a stable code, in words for the person who asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):
    """A request that can't be carried out, and why.

    `code` is stable and for programs; `message` is for people and says what to do; `details` names the fields.
    Raise one of the four kinds below, or a subclass with its own code, defined where it is raised.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, message: str, *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details) if details else None


class Invalid(Refusal):
    """What was sent can't be understood or isn't allowed; `details` maps each field to what is wrong with it."""

    code = "invalid"


class Forbidden(Refusal):
    """Understood, but this person, key or plan may not."""

    code = "forbidden"


class Missing(Refusal):
    """No such thing, or it belongs to another tenant: the two look the same from outside."""

    code = "not_found"


class Conflict(Refusal):
    """Right in itself, but not in the present state."""

    code = "conflict"
