"""Reading tenants, tiers and memberships."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from tulia.core import by_key
from tulia.core.errors import Missing
from tulia.tenants import access
from tulia.tenants.api_keys import Caller
from tulia.tenants.models import Membership, Tenant, Tier, User
from tulia.tenants.scope import system_scope


@dataclass(frozen=True, slots=True)
class Workplace:
    """A tenant that a person may work for."""

    tenant_id: UUID
    name: str


def get(tenant_id: UUID) -> Tenant:
    tenant = by_key.row(Tenant, pk=tenant_id)
    if tenant is None:
        raise Tenant.DoesNotExist
    return tenant


def by_slug(slug: str) -> Tenant:
    """Raises Missing when there is no such tenant."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise Missing(f"There is no tenant {slug!r}: `tulia tenant create` makes one.")
    return tenant


def all_ids() -> list[UUID]:
    return list(Tenant.objects.order_by("created_at", "id").values_list("id", flat=True))


def tier_of(tenant_id: UUID) -> Tier:
    return Tenant.objects.select_related("tier").get(pk=tenant_id).tier


def tier_allowing_variants(count: int) -> Tier | None:
    """The smallest tier with this many variants."""
    return Tier.objects.filter(max_variants__gte=count).order_by("position").first()


def tier_with_more(column: str, *, than: int | None) -> Tier | None:
    """The smallest tier whose limit is above this one or that has none; None when there is none, or no limit now."""
    if than is None:
        return None
    wider = Q(**{f"{column}__gt": than}) | Q(**{f"{column}__isnull": True})
    return Tier.objects.filter(wider).order_by("position").first()


def workplaces(user_id: UUID) -> list[Workplace]:
    with system_scope():
        return [
            Workplace(tenant_id, name)
            for tenant_id, name in Membership.objects.filter(user_id=user_id)
            .order_by("tenant__name", "tenant_id")
            .values_list("tenant_id", "tenant__name")
        ]


def caller_for(user: User, *, tenant_id: UUID) -> Caller | None:
    """What this person may do for this tenant; None when it is none of its members."""
    with system_scope():
        found = Membership.objects.filter(user_id=user.pk, tenant_id=tenant_id).first()
    if found is None or not user.is_active:
        return None
    scopes = access.scopes_of(found.role, granted=found.granted, denied=found.denied)
    return Caller(tenant_id, scopes, user.email, user_id=user.pk)
