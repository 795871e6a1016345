"""The limits of a campaign as they are typed: budget, quiet hours, exemption from the frequency cap (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any

QUIET = {"tenant": "As everywhere here", "none": "None: send at any hour", "own": "Its own"}
_DOLLARS = re.compile(r"\$?\s*([0-9]{1,9}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(\.[0-9]{1,6})?")
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class LimitsForm:
    """Everything as it was typed."""

    budget: str = ""
    quiet: str = "tenant"
    quiet_from: str = ""
    quiet_to: str = ""
    exempt_reason: str = ""

    @property
    def is_set(self) -> bool:
        return self != LimitsForm(quiet_from=self.quiet_from, quiet_to=self.quiet_to)

    @property
    def budget_micros(self) -> int | None:
        """Millionths of a US dollar; None for none, and for what is no amount."""
        found = _DOLLARS.fullmatch(self.budget.strip())
        if found is None:
            return None
        return int(Decimal(found[1].replace(",", "") + (found[2] or "")) * _MICROS) or None

    def problems(self) -> dict[str, str]:
        """What is wrong, by the form's fields."""
        wrong = {}
        if self.budget.strip() and self.budget_micros is None:
            wrong["budget"] = "Give an amount in US dollars, like 50 or 49.90, or leave it empty for no budget."
        if self.quiet == "own" and not (self.quiet_from and self.quiet_to):
            wrong["quiet"] = "Say from when until when it is quiet."
        return wrong

    def fields(self) -> dict[str, Any]:
        """The fields of a campaign."""
        hours: Any = {"start": self.quiet_from, "end": self.quiet_to}
        return {
            "budget_micros": self.budget_micros,
            "quiet_hours": {"none": None, "own": hours}.get(self.quiet, "tenant"),
            "frequency_cap_exempt_reason": self.exempt_reason.strip() or None,
        }


def of_post(text: Callable[[str], str]) -> LimitsForm:
    """The limits that were sent; `text` gives a field of the form."""
    quiet = text("quiet")
    return LimitsForm(
        budget=text("budget").strip(),
        quiet=quiet if quiet in QUIET else "tenant",
        quiet_from=text("quiet_from").strip()[:5],
        quiet_to=text("quiet_to").strip()[:5],
        exempt_reason=text("exempt_reason"),
    )


def of_stored(
    *, budget_micros: int | None, rule: str, start: time | None, end: time | None, exempt_reason: str
) -> LimitsForm:
    """The limits of a stored campaign."""
    return LimitsForm(
        budget=dollars(budget_micros) if budget_micros is not None else "",
        quiet=rule,
        quiet_from=f"{start:%H:%M}" if start else "",
        quiet_to=f"{end:%H:%M}" if end else "",
        exempt_reason=exempt_reason,
    )


def dollars(micros: int) -> str:
    """19690000 → 19.69, 50000000 → 50; never rounded."""
    amount = Decimal(micros) / _MICROS
    whole = f"{amount:.2f}" if amount == round(amount, 2) else f"{amount:f}"
    return whole.removesuffix(".00")
