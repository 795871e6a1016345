"""The balance sheet: everyone of an audience in exactly one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tulia.ledger.status import State
from tulia.reports import tally
from tulia.reports.tally import Tally

NO_CONSENT_REASONS = ("no_consent", "opted_out")


@dataclass(frozen=True, slots=True)
class Balance:
    """People by where they are; the lines add up to `audience`, and `sent` and `failed` are their final states.

    `sent` is everyone the provider accepted and didn't fail, whatever came after; `sent_by_evidence` splits it.
    """

    audience: int = 0
    holdout: int = 0
    skipped: int = 0
    cancelled: int = 0
    waiting: int = 0
    deferred: int = 0
    sending: int = 0
    unknown: int = 0
    failed: int = 0
    sent: int = 0
    skipped_by_reason: Mapping[str, int] = field(default_factory=dict)
    failed_by_class: Mapping[str, int] = field(default_factory=dict)
    sent_by_evidence: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_balanced(self) -> bool:
        """Whether the lines add up to the audience. They always do; a report shows it all the same."""
        lines = (
            self.holdout, self.skipped, self.cancelled, self.waiting, self.deferred, self.sending, self.unknown,
            self.failed, self.sent,
        )  # fmt: skip
        return sum(lines) == self.audience

    @property
    def without_consent(self) -> int:
        """People skipped because they don't agree to promotional messages, at the launch or since."""
        return sum(self.skipped_by_reason.get(reason, 0) for reason in NO_CONSENT_REASONS)


_SENT = {State.ACCEPTED: "accepted", State.SENT: "sent", State.DELIVERED: "delivered", State.READ: "read"}


def of_campaign(tenant_id: UUID, campaign_id: UUID) -> Balance:
    """One query. Call in the tenant's scope."""
    return of(tally.of_campaign(tenant_id, campaign_id))


def of(counted: Tally) -> Balance:
    """The balance sheet of people who were counted."""
    by_state: dict[State, int] = {}
    reasons: dict[str, int] = {}
    classes: dict[str, int] = {}
    for cell in sorted(counted.cells, key=lambda cell: (cell.reason, cell.failure_class)):
        by_state[cell.state] = by_state.get(cell.state, 0) + cell.people
        if cell.state is State.SKIPPED:
            reasons[cell.reason] = reasons.get(cell.reason, 0) + cell.people
        elif cell.state is State.FAILED:
            classes[cell.failure_class] = classes.get(cell.failure_class, 0) + cell.people
    return Balance(
        audience=sum(by_state.values()),
        holdout=by_state.get(State.HOLDOUT, 0),
        skipped=by_state.get(State.SKIPPED, 0),
        cancelled=by_state.get(State.CANCELLED, 0),
        waiting=by_state.get(State.WAITING, 0),
        deferred=by_state.get(State.DEFERRED, 0),
        sending=by_state.get(State.SENDING, 0),
        unknown=by_state.get(State.UNKNOWN, 0),
        failed=by_state.get(State.FAILED, 0),
        sent=sum(by_state.get(state, 0) for state in _SENT),
        skipped_by_reason=reasons,
        failed_by_class=classes,
        sent_by_evidence={name: by_state.get(state, 0) for state, name in _SENT.items()},
    )
