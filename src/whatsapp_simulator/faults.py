"""Faults on order: rules that match requests, fire now and then, and spoil the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from whatsapp_simulator.draws import Draws

_DO = ("error", "http", "delay_ms", "accept_then", "refuse", "trickle", "token")
_WHEN = ("p", "every", "first", "between")
_MATCH = ("pnid", "path", "to_suffix", "template")


class FaultError(ValueError):
    """A rule that makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request suffers. Nothing at all by default; `http` 0 and `error` 0 mean none."""

    error: int = 0
    http: int = 0
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: float = 0.0
    accept_then: str = ""
    refuse: bool = False
    trickle: bool = False
    token_expired: bool = False


NONE = Effect()


@dataclass(slots=True)
class Rule:
    """One order. Times are real seconds since the rule was given; `ttl` (seconds) 0 means for ever."""

    match: dict[str, str]
    when: str
    amount: float
    until: float
    effect: Effect
    born: float
    ttl: float
    index: int
    given: dict[str, Any]
    seen: int = 0
    fired: int = 0
    tries: dict[tuple[str, str], int] = field(default_factory=dict)

    def matches(self, pnid: str, path: str, to: str, template: str) -> bool:
        """Whether the request is one that the rule speaks of."""
        match = self.match
        return (
            match["pnid"] in ("", "*", pnid)
            and match["path"] in ("", "*", path)
            and to.endswith(match["to_suffix"])
            and match["template"] in ("", "*", template)
        )

    def fires(self, seed: int, now: float, to: str, opaque: str) -> bool:
        """Whether it is this matching request's turn."""
        self.seen += 1
        if self.when == "first":
            return self.seen <= self.amount
        if self.when == "every":
            return self.seen % int(self.amount) == 0
        if self.when == "between":
            return self.amount <= now - self.born < self.until
        if self.when == "p":
            # The number of the try takes part, so that a repeated request has another chance.
            attempt = self.tries[(to, opaque)] = self.tries.get((to, opaque), 0) + 1
            return Draws(seed, "fault", str(self.index), to, opaque, str(attempt)).happens("fire", self.amount)
        return True

    def describe(self) -> dict[str, Any]:
        """The rule as it was given, with how often it matched and fired."""
        return {**self.given, "seen": self.seen, "fired": self.fired}


class Faults:
    """All rules in force; the first that fires decides."""

    __slots__ = ("_clock", "_rules")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rules: list[Rule] = []

    def __bool__(self) -> bool:
        return bool(self._rules)

    def replace(self, given: Any) -> None:
        """Put these rules in the place of all present ones; an empty list ends all faults."""
        if not isinstance(given, list):
            raise FaultError("faults must be a list of rules")
        now = self._clock()
        self._rules = [_read(rule, now, index) for index, rule in enumerate(given)]

    def describe(self) -> list[dict[str, Any]]:
        """The rules in force."""
        self._expire()
        return [rule.describe() for rule in self._rules]

    def refuses(self, pnid: str, path: str) -> bool:
        """Whether the connection is to be closed before the body is read."""
        for rule in self._live():
            if rule.effect.refuse and rule.matches(pnid, path, "", "") and rule.fires(0, self._clock(), "", ""):
                rule.fired += 1
                return True
        return False

    def strike(self, seed: int, pnid: str, path: str, to: str, opaque: str, template: str) -> Effect:
        """What this request suffers."""
        now = self._clock()
        for rule in self._live():
            if not rule.effect.refuse and rule.matches(pnid, path, to, template) and rule.fires(seed, now, to, opaque):
                rule.fired += 1
                return rule.effect
        return NONE

    def _live(self) -> list[Rule]:
        if self._rules:
            self._expire()
        return self._rules

    def _expire(self) -> None:
        now = self._clock()
        if any(rule.ttl and now - rule.born >= rule.ttl for rule in self._rules):
            self._rules = [rule for rule in self._rules if not rule.ttl or now - rule.born < rule.ttl]


def _read(given: Any, now: float, index: int) -> Rule:
    if not isinstance(given, dict) or not isinstance(given.get("do"), dict):
        raise FaultError("a rule is an object with at least do")
    _only(given, ("match", "when", "do", "ttl"), "rule")
    match, when = given.get("match", {}), given.get("when", {})
    _only(match, _MATCH, "match")
    _only(when, _WHEN, "when")
    if len(when) > 1:
        raise FaultError("when has one of p, every, first, between")
    kind = next(iter(when), "")
    amount, until = 0.0, 0.0
    if kind == "between":
        pair = when[kind]
        if not isinstance(pair, list) or len(pair) != 2:
            raise FaultError("between is a list of two numbers of seconds")
        amount, until = _amount(pair[0], "between"), _amount(pair[1], "between")
    elif kind:
        amount = _amount(when[kind], kind)
        if kind == "every" and amount < 1:
            raise FaultError("every must be at least 1")
    effect = _effect(given["do"])
    if effect.refuse and (match.get("to_suffix") or match.get("template")):
        raise FaultError("refuse closes before the body is read: it can't match to_suffix or template")
    return Rule(
        match={name: str(match.get(name, "")) for name in _MATCH},
        when=kind,
        amount=amount,
        until=until,
        effect=effect,
        born=now,
        ttl=_amount(given.get("ttl", 0), "ttl"),
        index=index,
        given=given,
    )


def _effect(do: dict[str, Any]) -> Effect:
    _only(do, (*_DO, "headers", "body"), "do")
    if sum(name in do for name in _DO) != 1:
        raise FaultError(f"do has exactly one of {', '.join(_DO)}")
    headers = do.get("headers", {})
    if not isinstance(headers, dict) or any("\n" in f"{k}{v}" or "\r" in f"{k}{v}" for k, v in headers.items()):
        raise FaultError("headers must be an object of texts")
    then = do.get("accept_then", "")
    if "accept_then" in do and then not in ("hang", "reset", "http500", "gateway"):
        raise FaultError("accept_then is hang, reset, http500 or gateway")
    if do.get("token", "expire") != "expire":
        raise FaultError("token can only expire")
    return Effect(
        error=int(_amount(do.get("error", 0), "error")),
        http=int(_amount(do.get("http", 0), "http")),
        body=str(do.get("body", "")),
        headers={str(name): str(value) for name, value in headers.items()},
        delay_ms=_amount(do.get("delay_ms", 0), "delay_ms"),
        accept_then=then,
        refuse=bool(do.get("refuse")),
        trickle=bool(do.get("trickle")),
        token_expired="token" in do,
    )


def _only(given: Any, known: tuple[str, ...], what: str) -> None:
    if not isinstance(given, dict):
        raise FaultError(f"{what} must be an object")
    unknown = set(given) - set(known)
    if unknown:
        raise FaultError(f"unknown in {what}: {', '.join(sorted(map(str, unknown)))}")


def _amount(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise FaultError(f"{name} must be a number that is not negative")
    return float(value)
