"""The business numbers that were introduced to the simulator, and whose token opens what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from whatsapp_simulator.buckets import PairBuckets
from whatsapp_simulator.outgoing import digits

_REQUIRED = ("phone_number_id", "display_phone_number", "access_token", "app_secret")


class RegistrationError(ValueError):
    """A registration that makes no sense; the text says why."""


@dataclass(slots=True)
class Sender:
    """One business number and what it is up to. `rate` is messages a second (None: the configured one)."""

    number_id: str
    display: str
    access_token: str
    app_secret: str
    callback_url: str
    verify_token: str
    waba_id: str
    rate: float | None
    verified: bool = False
    verify_problem: str = ""
    full_at: float = 0.0
    pairs: PairBuckets = field(default_factory=PairBuckets)
    windows: dict[str, float] = field(default_factory=dict)
    """Person → virtual moment of the last message from them."""
    service_month: str = ""
    service_count: int = 0

    def forget(self) -> None:
        """Back to the state right after the registration."""
        self.full_at = 0.0
        self.pairs = PairBuckets()
        self.windows = {}
        self.service_month, self.service_count = "", 0

    def describe(self) -> dict[str, Any]:
        """What the control API shows; secrets stay out of it."""
        return {
            "phone_number_id": self.number_id,
            "display_phone_number": self.display,
            "waba_id": self.waba_id,
            "callback_url": self.callback_url,
            "rate": self.rate,
            "verified": self.verified,
            "verify_problem": self.verify_problem or None,
        }


class Senders:
    """All numbers by id, by account and by token."""

    __slots__ = ("_by_id", "_by_token")

    def __init__(self) -> None:
        self._by_id: dict[str, Sender] = {}
        self._by_token: dict[str, set[str]] = {}

    def __iter__(self) -> Iterator[Sender]:
        return iter(self._by_id.values())

    def register(self, wanted: Any) -> Sender:
        """Add or change a number; what happened to it before stays."""
        if not isinstance(wanted, dict):
            raise RegistrationError("a number is registered with an object")
        unknown = set(wanted) - {*_REQUIRED, "callback_url", "verify_token", "waba_id", "rate"}
        if unknown:
            raise RegistrationError(f"unknown fields: {', '.join(sorted(unknown))}")
        values = {name: _text(wanted, name, required=True) for name in _REQUIRED}
        number_id = values["phone_number_id"]
        display = digits(values["display_phone_number"])
        if not display.isdigit():
            raise RegistrationError("display_phone_number must be a phone number")
        rate = wanted.get("rate")
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0):
            raise RegistrationError("rate must be a number of messages a second; 0 is unlimited")
        callback_url = _text(wanted, "callback_url")
        if callback_url and not callback_url.startswith(("http://", "https://")):
            raise RegistrationError("callback_url must be an http or https address")
        sender = Sender(
            number_id=number_id,
            display=display,
            access_token=values["access_token"],
            app_secret=values["app_secret"],
            callback_url=callback_url,
            verify_token=_text(wanted, "verify_token"),
            waba_id=_text(wanted, "waba_id") or f"9{number_id}",
            rate=None if rate is None else float(rate),
        )
        old = self._by_id.get(number_id)
        if old is not None:
            self._by_token[old.access_token].discard(number_id)
            for name in ("full_at", "pairs", "windows", "service_month", "service_count"):
                setattr(sender, name, getattr(old, name))
        self._by_id[number_id] = sender
        self._by_token.setdefault(sender.access_token, set()).add(number_id)
        return sender

    def get(self, number_id: str) -> Sender | None:
        """The number with this id."""
        return self._by_id.get(number_id)

    def opened_by(self, token: str) -> set[str]:
        """Ids of the numbers a token may use; empty when the token is not known."""
        return self._by_token.get(token) or set()

    def of_account(self, waba_id: str) -> list[Sender]:
        """The numbers of a business account."""
        return [sender for sender in self._by_id.values() if sender.waba_id == waba_id]

    def by_display(self, phone: str) -> Sender | None:
        """The number that people dial as `phone` (digits)."""
        return next((sender for sender in self._by_id.values() if sender.display == phone), None)


def _text(wanted: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = wanted.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise RegistrationError(f"{name} must be a text")
    return value
