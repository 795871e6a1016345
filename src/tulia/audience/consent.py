"""Consent: what each customer agreed to, and the history of it. All changes of consents go through here.

Only the import of people writes these columns elsewhere, and it keeps the same history. Everybody begins with the
defaults: transactional and reminder messages on, promotional messages off. The history shows them, though no row is
stored for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from tulia.audience.models import Customer
from tulia.core import keyset, sql
from tulia.core.errors import Invalid, Missing
from tulia.core.keyset import Page, PageRequest

ConsentType = Literal["transactional_messages", "reminder_messages", "promotional_messages"]
Source = Literal["customer_initiated", "tenant_updated", "system_default"]

TYPES: tuple[ConsentType, ...] = ("transactional_messages", "reminder_messages", "promotional_messages")
SOURCES: tuple[Source, ...] = ("customer_initiated", "tenant_updated", "system_default")
STOPPABLE: tuple[ConsentType, ...] = ("reminder_messages", "promotional_messages")
"""What STOP switches off, and START on."""
PROMOTIONAL: tuple[ConsentType, ...] = ("promotional_messages",)
"""What a provider's own switch is about."""
_LONGEST = {"actor": 200, "reason": 500}


@dataclass(frozen=True, slots=True)
class Changed:
    """One consent of one customer that got a line of history: another value, or the customer's own word for it."""

    customer_id: UUID
    consent_type: str


@dataclass(frozen=True, slots=True)
class Preferences:
    transactional_messages: bool
    reminder_messages: bool
    promotional_messages: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a customer's history. `old_value` is None when nothing was known before; how a consent began by
    default has a negative id."""

    id: int
    consent_type: str
    old_value: bool | None
    new_value: bool
    source: str
    actor: str
    reason: str
    changed_at: datetime


def preferences(tenant_id: UUID, customer_id: UUID) -> Preferences:
    """What the customer agrees to now. Raises Missing."""
    found = (
        Customer.objects.filter(tenant_id=tenant_id, pk=customer_id, deleted_at=None)
        .values_list("consents_transactional", "consents_reminder", "consents_promotional")
        .first()
    )
    if found is None:
        raise Missing("There is no such customer.")
    return Preferences(*found)


def change(
    tenant_id: UUID,
    customer_id: UUID,
    *,
    consent_type: str,
    value: bool,
    source: str,
    actor: str,
    reason: str,
    at: datetime,
) -> bool:
    """Sets one consent for a member or a program; whether that changed anything. To be called in the tenant's scope, as
    everything here.

    Raises Missing, and Invalid naming the fields: whoever changes what somebody agreed to says why, and transactional
    messages can't be switched off.
    """
    wrong: dict[str, str] = {}
    if consent_type not in TYPES:
        wrong["consent_type"] = f"must be one of {', '.join(TYPES)}"
    elif consent_type == "transactional_messages" and not value:
        wrong["transactional_messages"] = "can't be switched off: they answer what the customer does"
    if not reason.strip():
        wrong["reason"] = "must say why what a customer agreed to is changed"
    _check(wrong, source=source, actor=actor, reason=reason)
    preferences(tenant_id, customer_id)
    return bool(
        _apply(tenant_id, [customer_id], [consent_type], value=value, source=source, actor=actor, reason=reason, at=at)
    )


def withdraw(
    tenant_id: UUID,
    people: Iterable[UUID | str],
    *,
    at: datetime,
    source: str,
    actor: str,
    reason: str,
    types: Sequence[ConsentType] = STOPPABLE,
) -> tuple[Changed, ...]:
    """Switches promotional and reminder messages off (STOP) for customers named by id or by E.164 phone.

    Returns what got a line of history: saying STOP twice is saying it once, and a STOP that is older than the
    customer's own later START changes nothing. Unknown phones are passed over.
    """
    _check({}, source=source, actor=actor, reason=reason)
    return _apply(tenant_id, people, types, value=False, source=source, actor=actor, reason=reason, at=at)


def restore(
    tenant_id: UUID,
    people: Iterable[UUID | str],
    *,
    at: datetime,
    source: str,
    actor: str,
    reason: str,
    types: Sequence[ConsentType] = STOPPABLE,
) -> tuple[Changed, ...]:
    """Switches promotional and reminder messages on (START); otherwise like `withdraw`."""
    _check({}, source=source, actor=actor, reason=reason)
    return _apply(tenant_id, people, types, value=True, source=source, actor=actor, reason=reason, at=at)


def history(tenant_id: UUID, customer_id: UUID, wanted: PageRequest | None = None) -> Page[Entry]:
    """A page of the changes of a customer's consents, the newest first, down to how each began. Raises Missing."""
    preferences(tenant_id, customer_id)
    wanted = wanted or PageRequest()
    position = wanted.position or (None, None)
    before, after = ((None, None), position) if wanted.is_backward else (position, (None, None))
    rows = sql.fetch_all(
        sql.load("audience", "consent_history"),
        {
            "tenant": tenant_id,
            "customer": customer_id,
            "before_at": before[0],
            "before_id": before[1],
            "after_at": after[0],
            "after_id": after[1],
            "batch": wanted.limit + 1,
        },
    )
    return keyset.cut([Entry(*row) for row in rows], wanted, position_of=lambda row: (row.changed_at, row.id))


def _check(wrong: dict[str, str], *, source: str, actor: str, reason: str) -> None:
    """Raises Invalid with what is wrong already and what is wrong with these."""
    if source not in SOURCES:
        wrong["source"] = f"must be one of {', '.join(SOURCES)}"
    for field, text in (("actor", actor), ("reason", reason)):
        if "\x00" in text:
            wrong[field] = "must not hold NUL characters"
        elif len(text) > _LONGEST[field]:
            wrong[field] = f"must have {_LONGEST[field]} characters at most"
    if wrong:
        raise Invalid("; ".join(f"{field} {what}" for field, what in wrong.items()) + ".", details=wrong)


def _apply(
    tenant_id: UUID,
    people: Iterable[UUID | str],
    types: Sequence[str],
    *,
    value: bool,
    source: str,
    actor: str,
    reason: str,
    at: datetime,
) -> tuple[Changed, ...]:
    named = list(people)
    rows = sql.fetch_all(
        sql.load("audience", "change_consents"),
        {
            "tenant": tenant_id,
            "ids": [person for person in named if isinstance(person, UUID)],
            "phones": [person for person in named if isinstance(person, str)],
            "types": list(types),
            "value": value,
            "source": source,
            "actor": actor,
            "reason": reason.strip(),
            "at": at,
        },
    )
    return tuple(Changed(customer_id, consent_type) for customer_id, consent_type in rows)
