"""The record of who did what: each act of a service is one transaction that ends with an entry about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db.models import Model, Q

from tulia.core import clock, keyset
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.api_keys import Caller
from tulia.tenants.models import AuditEntry
from tulia.tenants.scope import tenant_scope

M = TypeVar("M", bound=Model)
HIDDEN = "…"
_SECRET_ENDINGS = ("_encrypted", "_digest", "password")
_UNTOLD = frozenset({"id", "tenant_id", "created_at", "updated_at", "cost_micros"})
_COUNTER = "_count"


class NothingSaid(RuntimeError):
    """An act ended without saying what it was about: a bug, and nothing of it is kept."""


class Act:
    """What an entry will say; see `act`."""

    def __init__(self, caller: Caller, action: str) -> None:
        self._caller = caller
        self._action = action
        self._row: Model | None = None
        self._target: tuple[str, str, str] | None = None
        self._before: dict[str, Any] = {}
        self._old: dict[str, Any] = {}
        self._new: dict[str, Any] = {}

    def about(self, row: M) -> M:
        """The row that is going to be changed or removed, as it is now."""
        self._before = _facts(row)
        return self.made(row)

    def made(self, row: M) -> M:
        """The row that was made."""
        self._row = row
        self.target(row.pk, name=str(getattr(row, "name", "") or ""))
        return row

    def target(self, id_: object, *, name: str = "", kind: str = "") -> None:
        """What the act is about, when it is no row. The kind is the action's first word unless said otherwise."""
        self._target = (kind or self._action.partition(".")[0], str(id_), name[:300])

    def changed(
        self, before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        """Facts as they were and as they are; those that differ are told, the hidden ones without their values."""
        for name in dict.fromkeys((*before, *after)):
            is_hidden = name in hidden or name.endswith(_SECRET_ENDINGS)
            if before.get(name) == after.get(name):
                continue
            for facts, said, is_whole in ((before, self._old, name in after), (after, self._new, name in before)):
                if name in facts and (is_whole or not _is_nothing(facts[name])):
                    said[name] = HIDDEN if is_hidden and not _is_nothing(facts[name]) else facts[name]

    def say(self, **facts: Any) -> None:
        """Further facts of the act that are in no row."""
        self._new |= {name: value for name, value in facts.items() if not _is_nothing(value)}

    def write(self, *, at: datetime) -> None:
        if self._target is None:
            raise NothingSaid(f"{self._action} says nothing about what it did: call about(), made() or target().")
        if self._row is not None:
            now = type(self._row)._base_manager.filter(pk=self._row.pk).first()
            self.changed(self._before, _facts(now) if now else {})
        kind, target_id, name = self._target
        caller = self._caller
        AuditEntry.objects.create(
            tenant_id=caller.tenant_id,
            at=at,
            actor_kind=caller.kind,
            actor_id=caller.user_id or caller.api_key_id,
            actor=caller.label[:300],
            person=caller.person,
            via=caller.origin.via,
            address=caller.origin.address,
            agent=caller.origin.agent,
            action=self._action,
            target_kind=kind,
            target_id=target_id,
            target_name=name,
            old=_storable(self._old),
            new=_storable(self._new),
        )


@contextlib.contextmanager
def act(caller: Caller, action: str) -> Iterator[Act]:
    """The transaction of one act in the caller's tenant. Whatever it does is kept together with its entry, or not at all.

    `action` is kind.verb, like "campaign.pause". The block says what it is about: `about` for a row that it changes,
    `made` for one that it makes, `target` for anything else.
    """
    with tenant_scope(caller.tenant_id):
        going_on = Act(caller, action)
        yield going_on
        going_on.write(at=clock.now())


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: `action` is one (campaign.pause) or a kind of them (campaign); `actor` an id, a label or a kind of
    actor; `target` an id, a name or a kind of target; `since` included, `until` not."""

    action: str = ""
    actor: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None


def page(tenant_id: UUID, wanted: PageRequest, chosen: Filter) -> Page[AuditEntry]:
    """Newest first; one query. Call in the tenant's scope."""
    newest_first = ("-at", "-id")
    if chosen == Filter():
        return keyset.page_of(AuditEntry, {"tenant_id": tenant_id}, wanted, order=newest_first)
    rows = AuditEntry.objects.filter(tenant_id=tenant_id)
    if chosen.action:
        rows = rows.filter(Q(action=chosen.action) | Q(action__startswith=f"{chosen.action}."))
    if chosen.actor:
        who = Q(actor=chosen.actor) | Q(actor_kind=chosen.actor)
        rows = rows.filter(who | Q(actor_id=named) if (named := _uuid(chosen.actor)) else who)
    if chosen.target:
        rows = rows.filter(Q(target_id=chosen.target) | Q(target_kind=chosen.target) | Q(target_name=chosen.target))
    if chosen.since:
        rows = rows.filter(at__gte=chosen.since)
    if chosen.until:
        rows = rows.filter(at__lt=chosen.until)
    return keyset.page(rows, wanted, order=newest_first)


def people_behind(tenant_id: UUID, kind: str, target_id: UUID | str, *, but_for: frozenset[str]) -> frozenset[str]:
    """Everybody (`Caller.person`) who had a hand in this, but for these actions. Call in the tenant's scope."""
    rows = AuditEntry.objects.filter(tenant_id=tenant_id, target_kind=kind, target_id=str(target_id))
    return frozenset(rows.exclude(action__in=but_for).values_list("person", flat=True))


def _facts(row: Model) -> dict[str, Any]:
    names = (field.attname for field in row._meta.concrete_fields)
    return {name: getattr(row, name) for name in names if name not in _UNTOLD and not name.endswith(_COUNTER)}


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", [], {}) or value is False or (value == 0 and not isinstance(value, bool))


def _storable(facts: dict[str, Any]) -> Any:
    return orjson.loads(orjson.dumps(facts, default=str, option=orjson.OPT_NON_STR_KEYS))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
