"""Speaking to the provider: its people, its weather, and its record of what it took and told."""

from __future__ import annotations

from typing import Any, NamedTuple

from tulia_torture import calling
from tulia_torture.facts import Asked, Message, Told
from tulia_torture.plan import NOISE
from tulia_torture.scene import Shop

APP_SECRET, VERIFY_TOKEN = "secret-of-the-torture", "verify-me"
CONFIG: dict[str, Any] = {
    "watch": True,
    "accepting": {"latency_ms": {"median": 60, "sigma": 0.6}, "hang_real_s": 6, "trickle_ms": 30},
    "limits": {"pair_burst": 0, "number_per_s": 0},
    "noise": NOISE,
    "templates": {"quality": False},
    "behaviour": {
        category: {"stop_p": 0.002, "native_stop_p": 0.001, "us_blocked_p": 0} for category in ("marketing", "service")
    },
    "webhooks": {"retry_cap_s": 120},
}


class Watched(NamedTuple):
    """What the provider saw, one by one."""

    asked: tuple[Asked, ...]
    told: tuple[Told, ...]


class Provider:
    """The control surface of the simulator at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        status, content = calling.once(method, f"{self.url}/_sim/{path}", body, timeout=300)
        if status != 200:
            raise RuntimeError(f"the provider answered {method} {path} with {status}: {content}")
        return content

    def introduce(self, shop: Shop, *, callback_url: str) -> None:
        """Tells it of a shop's number, which it lets send as fast as it likes."""
        self._ask(
            "POST",
            "numbers",
            {
                "phone_number_id": shop.number_id,
                "display_phone_number": f"2547110000{shop.position:02d}",
                "access_token": f"token-{shop.number_id}",
                "app_secret": APP_SECRET,
                "verify_token": VERIFY_TOKEN,
                "callback_url": callback_url,
                "waba_id": f"9{shop.number_id}",
                "rate": 0,
            },
        )

    def set_weather(self, faults: list[dict[str, Any]], noise: dict[str, float]) -> None:
        self._ask("POST", "faults", faults)
        self._ask("PUT", "config", {"noise": {"burst_pause_s": 0.0, "late_rate": 0.0} | noise})

    def says(self, phone: str, number_id: str, text: str) -> None:
        """Lets a person write to a number."""
        self._ask("POST", "inbound", {"from": phone, "to": number_id, "text": text})

    def drain(self, *, seconds: float = 240) -> bool:
        """Lets its people live on until nothing more happens to them and everything was told."""
        done = self._ask("POST", "drain", {"fast_forward": True, "timeout_s": seconds})
        return bool(done["drained"])

    def messages(self) -> tuple[Message, ...]:
        """Everything that it accepted, in the order it did."""
        found = self._ask("GET", "messages?limit=100000000")["messages"]
        return tuple(
            Message(
                at=one["accepted_at"], number_id=one["phone_number_id"], to=one["to"], reference=one["opaque"] or "",
                state=one["state"], code=one["code"], message_id=one["id"],
            )
            for one in found
        )  # fmt: skip

    def watched(self) -> Watched:
        """Every request to send, and everything people said that the installation acknowledged."""
        seen = self._ask("GET", "watched")
        return Watched(
            tuple(Asked(*row) for row in seen["asked"]["rows"]),
            tuple(Told(*row) for row in seen["told"]["rows"]),
        )

    def accepted(self) -> int:
        """How many messages it took so far."""
        return int(self._ask("GET", "ledger?brief=1")["accepted"])

    def dead_callbacks(self) -> int:
        return int(self._ask("GET", "webhooks/dead")["updates"])
