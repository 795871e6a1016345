"""Putting callbacks into the ledger, in bulk. Applying one again changes nothing: replay is applying again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tulia.audience import phone
from tulia.channels import rates, registry
from tulia.channels.models import Sender
from tulia.channels.types import CallbackContent, CallbackInvalid, InboundMessage, Status, StatusUpdate
from tulia.core import clock, failpoints, logs, sql
from tulia.ingest import early, erasure, inbound, template_news
from tulia.ingest.early import Early
from tulia.ingest.models import Callback
from tulia.ledger import reconcile, record, reference
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.scope import system_scope, tenant_scope

_log = logs.get(__name__)
BATCH = 300
REPLY_WINDOW = timedelta(hours=72)
_KINDS = {
    Status.SENT: Kind.SENT,
    Status.DELIVERED: Kind.DELIVERED,
    Status.READ: Kind.READ,
    Status.FAILED: Kind.FAILED,
}


class _Stored(NamedTuple):
    id: int
    sender_id: UUID
    body: bytes


def apply_waiting(tenant_id: UUID) -> int:
    """Applies everything that waits for this tenant, batch by batch, each in its own transaction; the number applied.

    A callback that can't be applied is set aside with a log line (it stays stored and can be replayed), so that it
    never holds up the others.
    """
    applied = 0
    while True:
        try:
            count = _apply_batch(tenant_id, BATCH)
        except Exception as error:
            if sql.is_worth_repeating(error):
                raise
            _log.exception("callbacks_one_by_one")
            count = _apply_one_by_one(tenant_id)
        if not count:
            return applied
        applied += count


def tenants_waiting(*, received_before: datetime) -> list[UUID]:
    """Tenants with callbacks that nobody has applied yet, or statuses that came before their message."""
    with system_scope():
        waiting = set(
            Callback.objects.filter(applied_at=None, received_at__lt=received_before).values_list(
                "tenant_id", flat=True
            )
        )
    return list(waiting | early.tenants_waiting())


def replay(tenant_id: UUID, *, received_since: datetime) -> int:
    """Marks callbacks as not applied, so that they are applied again; the number of callbacks."""
    with tenant_scope(tenant_id):
        return Callback.objects.filter(tenant_id=tenant_id, received_at__gte=received_since).update(applied_at=None)


def _apply_batch(tenant_id: UUID, batch: int) -> int:
    with tenant_scope(tenant_id):
        rows = [
            _Stored(id_, sender_id, bytes(body))
            for id_, sender_id, body in sql.fetch_all(
                sql.load("ingest", "take"), {"tenant_id": tenant_id, "batch": batch}
            )
        ]
        failpoints.reached("callbacks_taken")
        _apply(tenant_id, rows)
        failpoints.reached("callbacks_applied")
        Callback.objects.filter(tenant_id=tenant_id, pk__in=[row.id for row in rows]).update(applied_at=clock.now())
    failpoints.reached("callbacks_marked")
    return len(rows)


def _apply_one_by_one(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        waiting = list(
            Callback.objects.filter(tenant_id=tenant_id, applied_at=None)
            .order_by("id")
            .values_list("id", flat=True)[:BATCH]
        )
    for callback_id in waiting:
        try:
            with tenant_scope(tenant_id):
                row = (
                    Callback.objects.select_for_update(skip_locked=True).filter(pk=callback_id, applied_at=None).first()
                )
                if row:
                    _apply(tenant_id, [_Stored(row.pk, row.sender_id, bytes(row.body))])
                    Callback.objects.filter(pk=callback_id).update(applied_at=clock.now())
        except Exception as error:
            if sql.is_worth_repeating(error):
                raise
            _log.exception("callback_set_aside", callback_id=callback_id)
            with tenant_scope(tenant_id):
                Callback.objects.filter(pk=callback_id).update(applied_at=clock.now())
    return len(waiting)


def _apply(tenant_id: UUID, rows: Sequence[_Stored]) -> None:
    sender_ids = {row.sender_id for row in rows}
    numbers = dict(Sender.objects.filter(tenant_id=tenant_id, pk__in=sender_ids).values_list("id", "external_id"))
    for sender_id in sorted(sender_ids):
        mine = [
            (row, content)
            for row in rows
            if row.sender_id == sender_id and (content := _read(row, numbers.get(sender_id, ""))) is not None
        ]
        contents = [content for _, content in mine]
        statuses = [
            status
            for content in contents
            for status in content.statuses
            if not reference.is_of_no_campaign(status.reference)
        ]
        messages = [message for content in contents for message in content.messages]
        preferences = [preference for content in contents for preference in content.preferences]
        record.record(tenant_id, sender_id, _status_evidence(tenant_id, sender_id, statuses))
        # After the statuses, which may be the first to tell whose message it is that a reply quotes.
        record.record(tenant_id, sender_id, _reply_evidence(tenant_id, sender_id, messages))
        inbound.take_in(tenant_id, sender_id, messages, preferences)
        early.try_again(tenant_id, sender_id)
        erasure.erase_late(tenant_id, {row.id: row.body for row, _ in mine}, statuses)
        told = [change for content in contents for change in content.templates]
        template_news.take_in(tenant_id, told, now=clock.now())


def _read(row: _Stored, phone_number_id: str) -> CallbackContent | None:
    try:
        content = registry.CALLBACKS["whatsapp_cloud"].parse(row.body, phone_number_id=phone_number_id)
    except CallbackInvalid as error:
        _log.warning("callback_unreadable", callback_id=row.id, reason=str(error))
        return None
    if content.errors:
        _log.warning("callback_partly_unreadable", callback_id=row.id, count=len(content.errors))
    return content


def _status_evidence(tenant_id: UUID, sender_id: UUID, statuses: Sequence[StatusUpdate]) -> list[Evidence]:
    """Evidence from statuses: by our reference, else by the provider's message id; what fits nobody is kept for later."""
    named = [reference.read(status.reference) for status in statuses]
    nameless = {status.message_id for status, name in zip(statuses, named, strict=True) if name is None}
    owners = reconcile.owners_of_messages(tenant_id, sender_id, list(nameless))
    evidence = []
    too_early = []
    for status, name in zip(statuses, named, strict=True):
        recipient_id = name[1] if name else owners.get(status.message_id)
        if recipient_id is None:
            too_early.append(Early(status.message_id, _KINDS[status.status], status.at, status.failure))
            continue
        evidence.append(
            Evidence(
                recipient_id,
                _KINDS[status.status],
                status.at,
                message_id=status.message_id,
                failure=status.failure,
                campaign_id=name[0] if name else None,
                cost_micros=_cost_of(status),
            )
        )
    early.keep(tenant_id, sender_id, too_early)
    return evidence


def _cost_of(status: StatusUpdate) -> int | None:
    """What the message cost, by what the provider says it billed; None when it doesn't say."""
    if status.price is None or status.status is Status.FAILED:
        return None
    if status.price.is_free:
        return 0
    if status.phone is None:
        return None
    return rates.card(status.price.category, on=status.at.date()).of(phone.calling_code(status.phone)).cost_micros


def _reply_evidence(tenant_id: UUID, sender_id: UUID, messages: Sequence[InboundMessage]) -> list[Evidence]:
    """Replies, credited to the message whose button was tapped or that they quote, else to the latest campaign message
    of the last 72 hours."""
    tapped = {i: named for i, message in enumerate(messages) if (named := _named_by_button(message))}
    unnamed = [message for i, message in enumerate(messages) if i not in tapped]
    quoted = {message.quoted_message_id for message in unnamed if message.quoted_message_id}
    owners = reconcile.owners_of_messages(tenant_id, sender_id, list(quoted))
    others = [message for message in unnamed if message.phone and (message.quoted_message_id or "") not in owners]
    latest = reconcile.latest_sends(
        tenant_id, sender_id, [(message.phone or "", message.at) for message in others], window=REPLY_WINDOW
    )
    evidence = [
        Evidence(owners[message.quoted_message_id], Kind.REPLIED, message.at)
        for message in unnamed
        if message.quoted_message_id in owners
    ]
    evidence += [
        Evidence(recipient_id, Kind.REPLIED, messages[i].at, campaign_id=campaign_id)
        for i, (campaign_id, recipient_id) in tapped.items()
    ]
    evidence += [Evidence(latest[i], Kind.REPLIED, message.at) for i, message in enumerate(others) if i in latest]
    too_early = [
        Early(message.quoted_message_id, Kind.REPLIED, message.at)
        for i, message in enumerate(others)
        if message.quoted_message_id and i not in latest
    ]
    early.keep(tenant_id, sender_id, too_early)
    return evidence


def _named_by_button(message: InboundMessage) -> tuple[UUID, int] | None:
    """Campaign and recipient that a button's payload names: `…|reference`, as we send them."""
    return reference.read(message.payload.rpartition("|")[2]) if message.payload else None
