"""What becomes of an accepted message: a short plan of happenings, decided once and for all. Pure.

A plan is ordered by the moment each callback is let go; a happening that travels badly keeps the moment it happened.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from whatsapp_simulator.config import Behaviour, Latency, Noise
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.magic import Magic
from whatsapp_simulator.outgoing import Button


class Kind(IntEnum):
    """What can happen to a message."""

    SENT = 1
    DELIVERED = 2
    READ = 3
    FAILED = 4
    TEXT = 5
    BUTTON = 6
    NATIVE_STOP = 7
    BLOCK = 8


class Detail(NamedTuple):
    """What most happenings don't need, so that they can share one.

    `code` is the error of a failure; `text` and `payload` are what a person writes or taps; `quoted` says whether
    the reply refers to the message; `repeat` marks a copy of an earlier callback; `lost` one that never leaves.
    """

    code: int = 0
    text: str = ""
    payload: str = ""
    quoted: bool = False
    interactive: bool = False
    repeat: bool = False
    lost: bool = False


PLAIN = Detail()


class Happening(NamedTuple):
    """One step of a life.

    `let_go` and `happened` are virtual seconds after the accept: when its callback leaves and when it came about.
    """

    let_go: float
    happened: float
    kind: Kind
    detail: Detail = PLAIN


class Circumstances(NamedTuple):
    """What is known when a message is accepted. `hold` is how long pacing keeps it back, in virtual seconds."""

    magic: Magic
    marketing: bool
    window_open: bool
    is_us: bool
    stopped: bool
    over_limit: bool
    buttons: tuple[Button, ...]
    reply_texts: tuple[str, ...]
    hold: float = 0.0
    dropped: bool = False


def plan(draws: Draws, behaviour: Behaviour, noise: Noise, now: Circumstances) -> tuple[Happening, ...]:
    """The whole life of a message, in the order in which its callbacks leave."""
    return _travelled(draws, noise, _life(draws, behaviour, now))


def _life(draws: Draws, behaviour: Behaviour, now: Circumstances) -> list[Happening]:
    act = now.magic.act
    code, wait = _failure(draws, behaviour, now)
    if code:
        return [_at(now.hold + wait, Kind.FAILED, code)]
    # People with a magic number act at the median, so that whoever watches them needn't wait for a slow one.
    steady = bool(act)
    if act == "reversal":
        at = behaviour.undeliverable.median
        return [_at(at, Kind.FAILED, 131026), _at(at + 30.0, Kind.DELIVERED)]
    at = now.hold + _wait(draws, "sent", behaviour.sent, steady)
    life = [_at(at, Kind.SENT)]
    where = draws.uniform("reach")
    if steady or where < behaviour.online_p:
        at += _wait(draws, "delivered", behaviour.delivered_now, steady)
    elif where < behaviour.online_p + behaviour.later_p:
        at += _wait(draws, "delivered", behaviour.delivered_later, steady)
    else:
        return life
    reads = act != "delivered_only" and (steady or draws.happens("read", behaviour.read_p))
    if not (reads and (act == "read_only" or (not steady and draws.happens("read only", behaviour.read_only_p)))):
        life.append(_at(at, Kind.DELIVERED))
    if not steady and draws.happens("block", behaviour.block_p):
        life.append(_at(at, Kind.BLOCK))
    if reads:
        at += _wait(draws, "read at", behaviour.read, steady)
        life.append(_at(at, Kind.READ))
        answer = _answer(draws, behaviour, now, at)
        if answer:
            life.append(answer)
    return life


def _failure(draws: Draws, behaviour: Behaviour, now: Circumstances) -> tuple[int, float]:
    """The code of an asynchronous failure and its latency; 0 when the message goes out."""
    magic = now.magic
    if magic.fails:
        latency = behaviour.undeliverable if magic.fails == 131026 else behaviour.refused
        return magic.fails, latency.median
    if now.dropped:
        return 132015, 0.0
    if now.stopped and now.marketing:
        return 131050, _wait(draws, "failed", behaviour.refused)
    if now.over_limit:
        return 131048, _wait(draws, "failed", behaviour.refused)
    if magic.act:
        return 0, 0.0
    if draws.happens("not on whatsapp", behaviour.not_on_whatsapp_p):
        return 131026, _wait(draws, "failed", behaviour.undeliverable)
    if now.is_us and draws.happens("us", behaviour.us_blocked_p):
        return 131049, _wait(draws, "failed", behaviour.capped)
    if not now.window_open and draws.happens("capped", behaviour.capped_p):
        return 131049, _wait(draws, "failed", behaviour.capped)
    if draws.happens("opted out", behaviour.opted_out_p):
        return 131050, _wait(draws, "failed", behaviour.refused)
    if draws.happens("experiment", behaviour.experiment_p):
        return 130472, _wait(draws, "failed", behaviour.refused)
    return 0, 0.0


def _answer(draws: Draws, behaviour: Behaviour, now: Circumstances, read_at: float) -> Happening | None:
    """What the person does after reading, if anything; the possibilities exclude each other."""
    act = now.magic.act
    if act:
        after = read_at + behaviour.reply.median
        if act == "button":
            return _tap(draws, now, after, stop=False) or Happening(
                after, after, Kind.BUTTON, Detail(text="Yes", payload="Yes", quoted=True)
            )
        if act == "stop_text":
            return Happening(after, after, Kind.TEXT, Detail(text="STOP"))
        if act == "native_stop":
            return _at(after, Kind.NATIVE_STOP)
        if act in ("text", "username"):
            words = draws.choice("words", now.reply_texts)
            return Happening(after, after, Kind.TEXT, Detail(text=words, quoted=True))
        return None
    chance = draws.uniform("answer")
    edge = behaviour.reply_text_p
    if chance < edge:
        at = read_at + _wait(draws, "answer at", behaviour.reply)
        quoted = draws.happens("quote", behaviour.quote_p)
        words = draws.choice("words", now.reply_texts)
        return Happening(at, at, Kind.TEXT, Detail(text=words, quoted=quoted))
    edge += behaviour.reply_button_p
    if chance < edge:
        at = read_at + _wait(draws, "answer at", behaviour.reply)
        return _tap(draws, now, at, stop=False)
    edge += behaviour.stop_p
    if chance < edge:
        at = read_at + _wait(draws, "answer at", behaviour.stop)
        return _tap(draws, now, at, stop=True) or Happening(at, at, Kind.TEXT, Detail(text="STOP"))
    edge += behaviour.native_stop_p
    if chance < edge and now.marketing:
        return _at(read_at + _wait(draws, "answer at", behaviour.stop), Kind.NATIVE_STOP)
    return None


def _tap(draws: Draws, now: Circumstances, at: float, *, stop: bool) -> Happening | None:
    """A tap on a button that stops (or on one that doesn't); None when the message has none."""
    fitting = [button for button in now.buttons if _stops(button) is stop]
    if not fitting:
        return None
    button = draws.choice("button", fitting)
    return Happening(
        at,
        at,
        Kind.BUTTON,
        Detail(
            text=button.title or button.payload.partition("|")[0],
            payload=button.payload,
            quoted=True,
            interactive=button.kind == "interactive",
        ),
    )


def _stops(button: Button) -> bool:
    return button.payload.upper().startswith("STOP") or button.title.upper().startswith("STOP")


def _travelled(draws: Draws, noise: Noise, life: list[Happening]) -> tuple[Happening, ...]:
    """The same life with its callbacks lost, late, out of order or repeated."""
    if not (noise.dup_rate or noise.reorder_rate or noise.late_rate or noise.drop_rate):
        return tuple(life)
    travelled: list[Happening] = []
    for index, happening in enumerate(life):
        name = happening.kind.name
        leaves = happening.let_go
        successor = life[index + 1].let_go if index + 1 < len(life) else None
        if successor is not None and draws.happens(f"reorder {name}", noise.reorder_rate):
            leaves = successor + 1.0 + 4.0 * draws.uniform(f"reorder by {name}")
        if draws.happens(f"late {name}", noise.late_rate):
            leaves += noise.late_within_s * draws.uniform(f"late by {name}")
        lost = draws.happens(f"drop {name}", noise.drop_rate)
        detail = happening.detail
        if lost:
            detail = detail._replace(lost=True)
        travelled.append(happening._replace(let_go=leaves, detail=detail))
        if not lost and draws.happens(f"dup {name}", noise.dup_rate):
            again = leaves + noise.dup_within_s * draws.uniform(f"dup by {name}")
            travelled.append(happening._replace(let_go=again, detail=detail._replace(repeat=True)))
    travelled.sort(key=lambda happening: happening.let_go)
    return tuple(travelled)


def _at(moment: float, kind: Kind, code: int = 0) -> Happening:
    return Happening(moment, moment, kind, Detail(code=code) if code else PLAIN)


def _wait(draws: Draws, purpose: str, latency: Latency, steady: bool = False) -> float:
    return latency.median if steady else draws.lognormal(f"{purpose} latency", latency.median, latency.sigma)
