"""Recipients whose last four digits decide what happens to them, whatever the probabilities say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["answer", "hang", "reset"]
Act = Literal[
    "", "text", "button", "stop_text", "native_stop", "delivered_only", "read_only", "reversal", "username"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Magic:
    """What a suffix does.

    `refuse` is the code answered to the first `tries` requests (0 tries: to every one); `fails` is the code of the
    asynchronous failure; `bare_503` answers without JSON; `ending` is how the accepting request ends; `act` is what
    the person does.
    """

    refuse: int = 0
    tries: int = 0
    bare_503: bool = False
    fails: int = 0
    ending: Ending = "answer"
    act: Act = ""


NOTHING = Magic()

SUFFIXES: dict[str, Magic] = {
    "0026": Magic(fails=131026),
    "0049": Magic(fails=131049),
    "0050": Magic(fails=131050),
    "0047": Magic(fails=131047),
    "0072": Magic(fails=130472),
    "0429": Magic(refuse=130429, tries=2),
    "0056": Magic(refuse=131056, tries=1),
    "0500": Magic(refuse=131000, tries=2),
    "0503": Magic(bare_503=True),
    "0408": Magic(ending="hang"),
    "0599": Magic(ending="reset"),
    "0200": Magic(act="text"),
    "0210": Magic(act="button"),
    "0211": Magic(act="stop_text"),
    "0212": Magic(act="native_stop"),
    "0220": Magic(act="delivered_only"),
    "0221": Magic(act="read_only"),
    "0230": Magic(act="reversal"),
    "0240": Magic(act="username"),
}


def of(person: str) -> Magic:
    """The magic of a recipient; `NOTHING` for ordinary people."""
    return SUFFIXES.get(person[-4:], NOTHING)
