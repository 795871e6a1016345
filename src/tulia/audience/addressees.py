"""People as a message sees them, before anything is sent: a sample of an audience, or those somebody names.

Called in the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from tulia.audience import browse, phone, places, reach
from tulia.audience.addressee import Addressee
from tulia.audience.criteria_tree import Criteria
from tulia.audience.models import Customer
from tulia.audience.reach import Rule
from tulia.core import planning, sql
from tulia.core.errors import Missing
from tulia.tenants import queries as tenants

LONGEST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """Some people of an audience, and how many there are to write to in all."""

    people: tuple[Addressee, ...]
    total: int

    @property
    def is_whole(self) -> bool:
        return len(self.people) >= self.total


def sample(
    tenant_id: UUID,
    criteria: Criteria,
    *,
    as_of: datetime,
    most: int,
    seed: int,
    rules: Sequence[Rule] = (reach.CONSENTED,),
    longest: int = LONGEST_NAMES,
) -> Sample:
    """Everybody who matches and keeps to the rules, or about `most`: chosen by the seed, and the `longest` names."""
    planning.refresh_statistics(reach.TABLES)
    reach.grant_memory()
    selection = reach.selection(criteria, tenant_id=tenant_id, as_of=as_of, rules=rules)
    rows = sql.fetch_all(
        sql.load("audience", "addressees").replace("/*selection*/", selection.sql),
        {
            **selection.params,
            "tenant_id": tenant_id,
            "seed": seed,
            "most": most,
            "longest": min(longest, most),
        },
    )
    zone_of = _zones(tenant_id)
    people = tuple(
        Addressee(id_, number, name, external_id, language, country, own or zone_of(number), orjson.loads(attributes))
        for id_, number, name, external_id, language, country, own, attributes, _ in rows
    )
    return Sample(people, int(rows[0][8]) if rows else 0)


def few(tenant_id: UUID, criteria: Criteria, *, as_of: datetime, most: int) -> Sample:
    """Any people to write to, found quickly; `total` is not counted."""
    planning.refresh_statistics(reach.TABLES)
    zone_of = _zones(tenant_id)
    people = tuple(
        Addressee(
            one.id, one.phone, one.name, one.external_id, one.language, one.country, zone_of(one.phone), one.attributes
        )
        for one in browse.consenting(tenant_id, criteria, as_of=as_of, most=most)
    )  # fmt: skip
    return Sample(people, len(people))


def named(tenant_id: UUID, customer_ids: Iterable[UUID]) -> Sample:
    """These customers in this order, consenting or not. Raises Missing when one of them isn't there."""
    wanted = list(dict.fromkeys(customer_ids))
    found = Customer.objects.filter(tenant_id=tenant_id, deleted_at=None).in_bulk(wanted)
    if len(found) < len(wanted):
        raise Missing("There is no such customer.")
    zone_of = _zones(tenant_id)
    people = tuple(
        Addressee(
            one.pk, one.phone, one.name, one.external_id or "", one.language, one.country,
            one.timezone or zone_of(one.phone), one.attributes, one.consents_promotional,
        )
        for one in (found[customer_id] for customer_id in wanted)
    )  # fmt: skip
    return Sample(people, len(people))


def _zones(tenant_id: UUID) -> Callable[[str], str]:
    """The time zone of who names none: that of the number's country, if it has only one, else the tenant's."""
    of_codes, tenants_own = places.zones_of_calling_codes(), tenants.get(tenant_id).timezone
    return lambda number: of_codes.get(phone.calling_code(number), tenants_own)
