"""Everything that can be set, with its default; nested JSON in, the same nested JSON out.

Fields whose name ends in ``_p`` or ``_rate`` are probabilities (0 to 1). Latencies are log-normal: a median and the
sigma of the logarithm. Seconds are virtual seconds unless the field says ``real`` or ``ms``. The defaults of
`Behaviour` are a model of people, anchored in published campaign benchmarks; they are not measurements of Meta.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


class ConfigError(ValueError):
    """A setting that does not exist or has an impossible value; the text names it."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A log-normal waiting time."""

    median: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What becomes of an accepted message of one category. Latencies in virtual seconds, each after the step before."""

    not_on_whatsapp_p: float = 0.03
    capped_p: float = 0.06
    us_blocked_p: float = 1.0
    opted_out_p: float = 0.005
    experiment_p: float = 0.003
    online_p: float = 0.80
    later_p: float = 0.17
    read_p: float = 0.63
    read_only_p: float = 0.02
    reply_text_p: float = 0.05
    quote_p: float = 0.70
    reply_button_p: float = 0.04
    stop_p: float = 0.005
    native_stop_p: float = 0.003
    block_p: float = 0.002
    undeliverable: Latency = Latency(1.5, 0.6)
    capped: Latency = Latency(1.2, 0.5)
    refused: Latency = Latency(1.2, 0.5)
    sent: Latency = Latency(0.5, 0.5)
    delivered_now: Latency = Latency(1.8, 0.8)
    delivered_later: Latency = Latency(2400.0, 1.3)
    read: Latency = Latency(360.0, 1.6)
    reply: Latency = Latency(120.0, 1.1)
    stop: Latency = Latency(60.0, 1.1)


_UNCAPPED = Behaviour(capped_p=0.0, us_blocked_p=0.0, opted_out_p=0.0, read_p=0.80)


@dataclass(frozen=True, slots=True)
class Behaviours:
    """One behaviour for each category of message."""

    marketing: Behaviour = Behaviour()
    utility: Behaviour = _UNCAPPED
    authentication: Behaviour = _UNCAPPED
    service: Behaviour = _UNCAPPED


@dataclass(frozen=True, slots=True)
class Accepting:
    """The HTTP side of a send. Milliseconds are real ones: `scale` does not touch them."""

    latency_ms: Latency = Latency(5.0, 0.45)
    tail_p: float = 0.0
    tail_ms: float = 500.0
    hang_real_s: float = 120.0
    trickle_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits, in real time. `number_per_s` holds for numbers registered without a rate; 0 is unlimited."""

    number_per_s: float = 80.0
    number_burst: float = 0.0
    """Tokens a rested number has; 0 means one second's worth."""
    pair_burst: float = 45.0
    """Messages to one person in one go; 0 switches the pair limit off."""
    pair_refill_s: float = 6.0
    portfolio_per_day: int = 0
    """People a business account may reach in 24 virtual hours outside open windows; 0 is unlimited."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How badly callbacks travel."""

    dup_rate: float = 0.01
    dup_within_s: float = 120.0
    reorder_rate: float = 0.02
    drop_rate: float = 0.0
    late_rate: float = 0.0
    late_within_s: float = 1800.0
    unknown_field_rate: float = 0.0
    bad_signature_rate: float = 0.0
    burst_pause_s: float = 0.0
    """Withhold callbacks this long, then let them flood; 0 switches it off."""
    burst_every_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How callbacks are gathered, sent and retried."""

    flush_ms: float = 50.0
    batch_usual: int = 5
    batch_max: int = 1000
    posts_per_flush: int = 4
    in_flight_max: int = 64
    timeout_real_s: float = 10.0
    retry_cap_s: float = 3600.0
    give_up_s: float = 604800.0
    verify_real_s: float = 1.0
    """Pause before asking an unverified callback URL again; doubles up to 30 s."""
    require_verification: bool = False
    dead_kept: int = 1000


@dataclass(frozen=True, slots=True)
class Templates:
    """How templates are reviewed and judged."""

    review_s: float = 2.0
    default_category: str = "marketing"
    quality: bool = True
    quality_yellow: float = 0.01
    quality_red: float = 0.02
    quality_span: int = 2000
    quality_min: int = 200
    pacing_after: int = 0
    """Hold a new template's sends beyond this many; 0 switches pacing off."""
    pacing_hold_s: float = 300.0
    pacing_drop_p: float = 0.0


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    enforce_window: bool = False
    strict_templates: bool = False
    watch: bool = False
    """Keep each request to send and each acknowledgement, for GET /_sim/watched."""
    timestamps: Literal["wall", "virtual"] = "wall"
    wamid_salt: str = ""
    """Goes into every message id; when empty, the moment the process started, so that ids never come twice."""
    service_free_per_month: int = 1000
    remember_stops: bool = True
    reply_texts: tuple[str, ...] = (
        "How much is it?",
        "Yes please",
        "Is it still available?",
        "Thanks, I'll come by tomorrow",
        "Asante sana 🙏",
    )
    accepting: Accepting = field(default_factory=Accepting)
    limits: Limits = field(default_factory=Limits)
    behaviour: Behaviours = field(default_factory=Behaviours)
    noise: Noise = field(default_factory=Noise)
    webhooks: Webhooks = field(default_factory=Webhooks)
    templates: Templates = field(default_factory=Templates)


QUIET = Noise(dup_rate=0.0, reorder_rate=0.0)
"""Callbacks that travel perfectly."""


def merged(config: Config, changes: Mapping[str, Any]) -> Config:
    """`config` with the (nested, partial) `changes`; ConfigError when one of them makes no sense."""
    result = _merge(config, changes, "")
    assert isinstance(result, Config)
    return result


def as_json(config: Config) -> dict[str, Any]:
    """The nested form that `merged` takes."""
    return dataclasses.asdict(config)


def _merge(current: Any, changes: Mapping[str, Any], path: str) -> Any:
    if not isinstance(changes, Mapping):
        raise ConfigError(f"{path or 'the configuration'} must be an object")
    known = {f.name for f in dataclasses.fields(current)}
    settled: dict[str, Any] = {}
    for name, value in changes.items():
        where = f"{path}.{name}" if path else str(name)
        if name not in known:
            raise ConfigError(f"no such setting: {where}")
        settled[name] = _settle(name, getattr(current, name), value, where)
    return dataclasses.replace(current, **settled)


def _settle(name: str, old: Any, new: Any, where: str) -> Any:
    if dataclasses.is_dataclass(old):
        return _merge(old, new, where)
    if isinstance(old, bool):
        if not isinstance(new, bool):
            raise ConfigError(f"{where} must be true or false")
        return new
    if isinstance(old, int | float):
        return _number(name, old, new, where)
    if isinstance(old, tuple):
        if not isinstance(new, list | tuple) or not new or not all(isinstance(item, str) for item in new):
            raise ConfigError(f"{where} must be a non-empty list of texts")
        return tuple(new)
    if not isinstance(new, str):
        raise ConfigError(f"{where} must be a text")
    if name == "timestamps" and new not in ("wall", "virtual"):
        raise ConfigError(f"{where} must be wall or virtual")
    if name == "default_category" and new not in ("marketing", "utility", "authentication"):
        raise ConfigError(f"{where} must be marketing, utility or authentication")
    return new


def _number(name: str, old: int | float, new: Any, where: str) -> int | float:
    if isinstance(new, bool) or not isinstance(new, int | float) or not 0 <= new < 1e12:
        raise ConfigError(f"{where} must be a number that is not negative")
    if name.endswith(("_p", "_rate")) and new > 1:
        raise ConfigError(f"{where} is a probability and must be between 0 and 1")
    if name in ("batch_usual", "batch_max", "posts_per_flush", "in_flight_max", "quality_span") and new < 1:
        raise ConfigError(f"{where} must be at least 1")
    if isinstance(old, int):
        if new != int(new):
            raise ConfigError(f"{where} must be a whole number")
        return int(new)
    return float(new)
