"""Everything that is left to chance in a run, drawn from one seed before it begins (pure).

A plan says how each process lives and dies, what weather there is at the provider, how the clocks jump, which
campaigns the users launch and what they do with them, and who says STOP. The machine decides only how far each gets.
"""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Any

from tulia_torture.scene import SEGMENTS, Shop

WORKERS = ("worker-1", "worker-2")
PROCESSES = (*WORKERS, "web", "database")
_WORKER_LINES = {
    "taken_over": 2, "disowned": 2, "claimed": 25, "to_be_made": 90, "noted": 90, "answered": 90,
    "to_be_recorded": 20, "recorded": 20, "forgotten": 20, "to_be_put_back": 3, "put_back": 3, "to_be_unknown": 2,
    "unknown_noted": 2, "drained": 1, "completed": 1, "to_be_paused": 1, "paused": 1, "to_be_frozen": 1, "freezing": 1,
    "frozen": 1, "to_be_called_off": 1, "callbacks_taken": 15, "callbacks_applied": 15, "callbacks_marked": 15,
    "confirmation_taken": 2, "confirmation_sent": 2, "winner_decided": 2, "rolled_out": 1,
}  # fmt: skip
_WEB_LINES = {
    "callback_stored": 60, "callback_obeyed": 60, "callback_committed": 90, "starting": 1, "started": 1, "to_pause": 1,
    "to_resume": 1, "canceling": 1, "to_be_credited": 2, "credited": 2,
}  # fmt: skip
_DAWDLING = ("claimed", "noted", "answered", "recorded", "callbacks_applied")
_OFFSETS = (0, 0, -90, 90, -600, 600, -3_600, 3_600, -7_200, 10_800)
NOISE = {"dup_rate": 0.02, "reorder_rate": 0.05, "unknown_field_rate": 0.05, "bad_signature_rate": 0.01}


@dataclass(frozen=True, slots=True)
class Life:
    """One life of one process: it dies at the line that `failpoints` names, or after `seconds`, and rests.

    `end` is "kill" (SIGKILL), "leave" (SIGTERM: it is no kill), for the database "backend" or "everything".
    """

    failpoints: str
    seconds: float
    rest_seconds: float
    end: str


@dataclass(frozen=True, slots=True)
class Weather:
    """For so many seconds the provider has these faults, and its callbacks this noise."""

    name: str
    seconds: float
    faults: tuple[dict[str, Any], ...]
    noise: dict[str, float]


@dataclass(frozen=True, slots=True)
class Turn:
    """After so many seconds a clock is set wrong by `amount` seconds ("clock"), or a process is held ("hold")."""

    after_seconds: float
    act: str
    process: str
    amount: float


@dataclass(frozen=True, slots=True)
class Launch:
    """A campaign for two segments, and what its user does with it: (seconds after the launch, act)."""

    kind: str
    segments: tuple[int, int]
    is_double: bool
    acts: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """After so many seconds the customer with this number (modulo their count) says STOP, or orders something."""

    after_seconds: float
    shop: int
    customer: int
    what: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run. Sequences are as long as they could be needed; a run ends with its last kill."""

    seed: int
    kills: int
    lives: dict[str, tuple[Life, ...]]
    weathers: tuple[Weather, ...]
    turns: tuple[Turn, ...]
    launches: dict[str, tuple[Launch, ...]]
    said: tuple[Said, ...]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def draw(seed: int, kills: int, shops: tuple[Shop, ...]) -> Plan:
    """The plan of this seed; the same seed, kills and shops make the same plan."""
    return Plan(
        seed=seed,
        kills=kills,
        lives={name: tuple(_lives(_chance(seed, name), name, kills)) for name in PROCESSES},
        weathers=tuple(_weather(_chance(seed, f"weather {i}")) for i in range(2 * kills + 10)),
        turns=tuple(_turn(_chance(seed, f"turn {i}")) for i in range(2 * kills + 10)),
        launches={
            shop.name: tuple(_launch(_chance(seed, f"{shop.name} {i}"), shop) for i in range(3 * kills + 10))
            for shop in shops
        },
        said=tuple(_said(_chance(seed, f"said {i}"), len(shops)) for i in range(20 * kills + 50)),
    )


def _chance(seed: int, purpose: str) -> random.Random:
    return random.Random(f"{seed} {purpose}")  # noqa: S311 - repeatable on purpose


def _lives(chance: random.Random, name: str, kills: int) -> list[Life]:
    make = {"web": _life_of_web, "database": _life_of_database}.get(name, _life_of_worker)
    lives = [make(chance) for _ in range(kills + 1)]
    if name == "worker-2":  # it joins late, and now and then leaves as it should
        lives = [dataclasses.replace(one, end="leave") if chance.random() < 0.15 else one for one in lives]
    return lives


def _at_line(chance: random.Random, lines: dict[str, int]) -> str:
    name = chance.choice(sorted(lines))
    return f"{name}=kill@{chance.randint(1, lines[name])}"


def _life_of_worker(chance: random.Random) -> Life:
    orders = []
    if chance.random() < 0.65:
        orders.append(_at_line(chance, _WORKER_LINES))
    if chance.random() < 0.2:
        orders.append(f"{chance.choice(_DAWDLING)}=sleep:{chance.choice((0.1, 0.4))}@{chance.randint(1, 20)}")
    return Life(",".join(orders), chance.uniform(4.0, 9.0), chance.choice((0.0, 0.0, 0.5, 1.5)), "kill")


def _life_of_web(chance: random.Random) -> Life:
    orders = _at_line(chance, _WEB_LINES) if chance.random() < 0.6 else ""
    return Life(orders, chance.uniform(8.0, 16.0), chance.choice((0.0, 0.5, 2.0)), "kill")


def _life_of_database(chance: random.Random) -> Life:
    end = "everything" if chance.random() < 0.6 else "backend"
    return Life("", chance.uniform(9.0, 18.0), chance.choice((0.0, 0.3, 2.0)), end)


def _fault(chance: random.Random) -> dict[str, Any]:
    do: dict[str, Any] = chance.choice(
        [
            {"error": 130429},
            {"error": 131056},
            {"error": 131057},
            {"error": 131000},
            {"http": 429},
            {"http": 429, "headers": {"Retry-After": "1"}},
            {"http": 500, "body": "<html>oops</html>"},
            {"http": 502, "body": "<html>bad gateway</html>"},
            {"http": 503, "body": "<html>busy</html>"},
            {"http": 504, "body": "<html>late</html>"},
            {"accept_then": "gateway"},
            {"accept_then": "hang"},
            {"accept_then": "reset"},
            {"trickle": True},
            {"delay_ms": 1_500},
            {"refuse": True},
        ]
    )
    share = chance.choice((0.01, 0.03, 0.1))
    return {"when": {"every": round(1 / share)} if "refuse" in do else {"p": share}, "do": do}


def _weather(chance: random.Random) -> Weather:
    faults = [_fault(chance) for _ in range(chance.randint(1, 4))]
    name, seconds = "showers", chance.uniform(4.0, 9.0)
    noise = dict(NOISE)
    kind = chance.random()
    if kind < 0.08:
        name, faults = "token expired", [{"do": {"token": "expire"}, "ttl": 1.0}]
    elif kind < 0.16:
        storm: dict[str, Any] = chance.choice([{"http": 503, "body": "busy"}, {"error": 130429}, {"refuse": True}])
        name, faults = "storm", [{"do": storm, "ttl": 2.0}]
    elif kind < 0.3:
        name, noise = "callbacks withheld", noise | {"burst_pause_s": 240.0, "burst_every_s": 300.0}
    elif kind < 0.5:
        name, noise = "callbacks in disorder", noise | {"dup_rate": 0.3, "reorder_rate": 0.4, "late_rate": 0.1}
    elif kind < 0.6:
        name, noise = "callbacks forged", noise | {"bad_signature_rate": 0.3}
    elif kind < 0.75:
        name, faults = "fair", []
    return Weather(name, seconds, tuple(faults), noise)


def _turn(chance: random.Random) -> Turn:
    after = chance.uniform(2.0, 6.0)
    if chance.random() < 0.25:
        return Turn(after, "hold", chance.choice(WORKERS), chance.uniform(0.5, 4.0))
    return Turn(after, "clock", chance.choice((*WORKERS, *WORKERS, "web")), float(chance.choice(_OFFSETS)))


def _launch(chance: random.Random, shop: Shop) -> Launch:
    acts: list[tuple[float, str]] = []
    fate = chance.random()
    begin = chance.uniform(0.2, 5.0)
    if fate < 0.4:
        acts = [(begin, "pause"), (begin + chance.uniform(0.5, 3.5), "resume")]
    if 0.25 < fate < 0.55:
        acts.append((begin + chance.uniform(2.0, 6.0), "cancel"))
    first = chance.randrange(SEGMENTS)
    second = (first + chance.randrange(1, SEGMENTS)) % SEGMENTS
    return Launch(chance.choice(shop.kinds), (first, second), chance.random() < 0.3, tuple(sorted(acts)))


def _said(chance: random.Random, shops: int) -> Said:
    what = "order" if chance.random() < 0.3 else "stop"
    return Said(chance.uniform(0.2, 1.4), chance.randrange(shops), chance.randrange(1_000_000), what)
