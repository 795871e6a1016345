"""The figures of the simulator in the Prometheus text format."""

from __future__ import annotations

from collections.abc import Iterable

from whatsapp_simulator.ledger import STATES
from whatsapp_simulator.world import World


def exposition(world: World) -> bytes:
    """All figures; every name begins with ``whatsapp_simulator_``."""
    tally, ledger = world.delivering.tally, world.ledger
    lines: list[str] = []

    def put(name: str, kind: str, what: str, *values: tuple[str, float]) -> None:
        full = f"whatsapp_simulator_{name}"
        lines.append(f"# HELP {full} {what}")
        lines.append(f"# TYPE {full} {kind}")
        lines.extend([f"{full}{labels} {value:.15g}" for labels, value in values])

    put("accepted_total", "counter", "Messages accepted.", ("", len(ledger)))
    put("messages", "gauge", "Messages by state.", *_labelled("state", zip(STATES, ledger.by_state, strict=True)))
    put("refused_total", "counter", "Requests refused, by code.", *_labelled("code", sorted(world.refused.items())))
    put("inbound_total", "counter", "Messages from people.", ("", world.inbound_count))
    put("scheduled", "gauge", "Happenings still to come.", ("", len(world.timeline)))
    put("callback_updates_total", "counter", "Updates given to callbacks.", ("", tally.updates))
    put("callback_acknowledged_total", "counter", "Updates acknowledged with 200.", ("", tally.acknowledged))
    put("callback_posts_total", "counter", "Callback requests made.", ("", tally.posts))
    put("callback_refused_total", "counter", "Callback requests without a 200.", ("", tally.refused))
    put("callback_dead_total", "counter", "Updates given up.", ("", tally.dead))
    put("callback_backlog", "gauge", "Updates waiting for their first POST.", ("", world.delivering.backlog))
    put("callback_in_flight", "gauge", "Callback requests without an answer yet.", ("", world.delivering.in_flight))
    put("virtual_seconds", "gauge", "Virtual seconds since the start.", ("", world.clock.now()))
    return ("\n".join(lines) + "\n").encode()


def _labelled(label: str, values: Iterable[tuple[object, float]]) -> list[tuple[str, float]]:
    return [(f'{{{label}="{name}"}}', value) for name, value in values]
