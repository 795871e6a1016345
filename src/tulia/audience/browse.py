"""Looking around in the audience while a campaign is being written: its tags, and real people to try a message on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.audience import segments
from tulia.audience.criteria_tree import Criteria
from tulia.core import sql


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and how many customers have it."""

    tag: str
    people: int


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """One customer with the fields that a message can name."""

    id: UUID
    name: str
    phone: str
    external_id: str
    language: str
    country: str
    attributes: Mapping[str, Any]


def tags(tenant_id: UUID, *, most: int) -> tuple[TagCount, ...]:
    """The most frequent tags. Call in the tenant's scope, as everything here."""
    rows = sql.fetch_all(sql.load("audience", "tag_counts"), {"tenant_id": tenant_id, "most": most})
    return tuple(TagCount(tag, people) for tag, people in rows)


def consenting(tenant_id: UUID, criteria: Criteria, *, as_of: datetime, most: int) -> tuple[SamplePerson, ...]:
    """Some of the people who match and agree to promotional messages, in order of their ids."""
    segment = segments.to_sql(criteria, tenant_id=tenant_id, as_of=as_of)
    statement = (
        "SELECT c.id, c.name, c.phone, c.external_id, c.language, c.country, c.attributes::text FROM customers c"  # noqa: S608
        f" WHERE c.consents_promotional AND {segment.sql} ORDER BY c.id LIMIT %(most)s"
    )
    rows = sql.fetch_all(statement, {**segment.params, "most": most})
    return tuple(
        SamplePerson(id_, name, phone, external_id or "", language, country, json.loads(attributes))
        for id_, name, phone, external_id, language, country, attributes in rows
    )
