"""People as a message sees them, before anything is sent: a sample of an audience, or those somebody names.

Called in the tenant's scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from tulia.audience import browse, reach
from tulia.audience.addressee import Addressee
from tulia.audience.criteria_tree import Criteria
from tulia.audience.models import Customer
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
    tenant_id: UUID, criteria: Criteria, *, as_of: datetime, most: int, seed: int, longest: int = LONGEST_NAMES
) -> Sample:
    """Everybody to write to, or about `most` of them: chosen by the seed, and the `longest` names besides."""
    planning.refresh_statistics(reach.TABLES)
    reach.grant_memory()
    selection = reach.selection(criteria, tenant_id=tenant_id, as_of=as_of)
    rows = sql.fetch_all(
        sql.load("audience", "addressees").replace("/*selection*/", selection.sql),
        {
            **selection.params,
            "tenant_id": tenant_id,
            "tenant_zone": tenants.get(tenant_id).timezone,
            "seed": seed,
            "most": most,
            "longest": min(longest, most),
        },
    )
    people = tuple(Addressee(*row[:7], orjson.loads(row[7])) for row in rows)
    return Sample(people, int(rows[0][8]) if rows else 0)


def few(tenant_id: UUID, criteria: Criteria, *, as_of: datetime, most: int) -> Sample:
    """Any people to write to, found quickly; `total` is not counted."""
    zone = tenants.get(tenant_id).timezone
    people = tuple(
        Addressee(
            one.id, one.phone, one.name, one.external_id, one.language, one.country, zone, one.attributes
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
    zone = tenants.get(tenant_id).timezone
    people = tuple(
        Addressee(
            one.pk, one.phone, one.name, one.external_id or "", one.language, one.country, one.timezone or zone,
            one.attributes, one.consents_promotional,
        )
        for one in (found[customer_id] for customer_id in wanted)
    )  # fmt: skip
    return Sample(people, len(people))
