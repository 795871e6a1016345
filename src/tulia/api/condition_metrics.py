"""The condition of the installation in Prometheus's terms. Labels are ids, states and versions, and their number is bounded."""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping

import prometheus_client
from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from tulia.core import logs
from tulia.reports import condition
from tulia.reports.condition import Condition, SenderState

_log = logs.get(__name__)
BREAKERS = ("closed", "half_open", "open")
OPEN_STATUSES = ("scheduled", "sending", "paused")


def text() -> bytes:
    """What was counted here, and how the installation is doing; without the latter when the database is away.

    Counted by this process; where several share a port (`tulia up`), by all of them, for any of them may be asked.
    """
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    registry.register(_Looked(_look()))
    return _counted() + prometheus_client.generate_latest(registry)


def _counted() -> bytes:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return prometheus_client.generate_latest()
    everybody = prometheus_client.CollectorRegistry()
    try:
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(everybody)
    except (OSError, ValueError, RuntimeError, struct.error) as error:  # a file that is gone, or only half made yet
        _log.warning("counts_not_told", error=repr(error))
        return b""


class _Looked(Collector):
    def __init__(self, seen: Condition | None) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        yield _gauge("database_up", "Whether the database answers.", int(self._seen is not None))
        if self._seen is not None:
            yield from families(self._seen)


def _look() -> Condition | None:
    try:
        return condition.look()
    except (DatabaseError, PoolTimeout) as error:
        _log.warning("condition_not_told", error=type(error.__cause__ or error).__name__)
        return None


def families(seen: Condition) -> Iterator[Metric]:
    """Every figure of the condition; all of them are gauges."""
    yield _gauge("database_connections", "Connections of clients at the database server.", seen.connections)
    yield _gauge("database_connections_allowed", "How many an ordinary user may have.", seen.connections_allowed)
    yield _gauge("jobs_waiting", "Background jobs that could run now, counted to 1,000.", seen.jobs.waiting)
    yield _gauge("jobs_oldest_seconds", "How long the job has waited that waits longest.", seen.jobs.oldest_seconds)
    yield _gauge("jobs_stalled", "Jobs that a dead worker was at.", seen.jobs.stalled)
    yield _gauge(
        "callbacks_waiting", "Callbacks stored and not in the ledger yet, counted to 10,000.", seen.callbacks.waiting
    )
    yield _gauge("callbacks_oldest_seconds", "How long the oldest of them has waited.", seen.callbacks.oldest_seconds)
    yield from _of_workers(seen)
    yield from _of_campaigns(seen)
    yield from _of_senders(seen.senders)
    yield _gauge("look_seconds", "How long it took to look at all of this.", seen.seconds)


def _of_workers(seen: Condition) -> Iterator[Metric]:
    by_version = Counter(worker.version for worker in seen.workers)
    yield _gauge(
        "workers", "Workers that said in the last 30 seconds that they run.", by_version or {"none": 0}, "version"
    )
    if seen.workers:
        quietest = max(worker.silent_seconds for worker in seen.workers)
        yield _gauge("worker_silent_seconds", "Since the worker said something that has been silent longest.", quietest)


def _of_campaigns(seen: Condition) -> Iterator[Metric]:
    counts = {
        status: float(seen.campaigns[status].count if status in seen.campaigns else 0) for status in OPEN_STATUSES
    }
    yield _gauge("campaigns", "Open campaigns by status.", counts, "status")
    people: Counter[str] = Counter()
    for campaigns in seen.campaigns.values():
        people.update(dict(campaigns.people))
    yield _gauge("recipients", "People of open campaigns by where they stand in the ledger.", people, "state")
    late = {"start": float(seen.late_starts), "audience": float(seen.late_audiences)}
    yield _gauge("campaigns_late", "Campaigns a minute late with their start, or with their audience.", late, "with")


def _of_senders(senders: tuple[SenderState, ...]) -> Iterator[Metric]:
    forgotten = sum(one.is_forgotten for one in senders)
    yield _gauge("senders_forgotten", "Senders with campaigns to send and nobody sending for a minute.", forgotten)
    paused = {str(one.sender_id): float(bool(one.paused_reason)) for one in senders}
    yield _gauge("sender_paused", "1 when the sender is paused.", paused, "sender_id")
    breakers = {str(one.sender_id): BREAKERS.index(one.breaker_state) for one in senders}
    yield _gauge(
        "sender_breaker", "Whether messages get through: 0 yes, 1 it is being tried, 2 no.", breakers, "sender_id"
    )
    active = {str(one.sender_id): one for one in senders if one.sending_campaigns or one.sent_last_minute}
    limits = {id_: float(one.rate_per_second) for id_, one in active.items()}
    yield _gauge("sender_rate_limit", "Messages a second that the sender may send.", limits, "sender_id")
    rates = {id_: one.sent_last_minute / 60 for id_, one in active.items()}
    yield _gauge("sender_rate", "Messages a second in the last whole minute.", rates, "sender_id")
    attended = {id_: float(one.is_attended) for id_, one in active.items()}
    yield _gauge("sender_attended", "1 when a worker sends for it.", attended, "sender_id")


def _gauge(name: str, about: str, value: float | Mapping[str, float], label: str = "") -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"tulia_{name}", about, labels=[label] if label else None)
    if isinstance(value, Mapping):
        for of, number in value.items():
            family.add_metric([of], number)
    else:
        family.add_metric([], value)
    return family
