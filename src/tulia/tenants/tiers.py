"""The tiers and what they allow: rows that the operator edits. A change counts at once, for every tenant of the tier."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tulia.core.errors import Invalid, Missing
from tulia.tenants.models import Tenant, Tier

LIMITS = ("max_variants", "max_campaign_sends_per_month", "max_messages_per_day")
FEWEST_VARIANTS, MOST_VARIANTS, MOST = 1, 4, 2_000_000_000


def everyone() -> list[Tier]:
    """The smallest first."""
    return list(Tier.objects.order_by("position"))


def change(name: str, limits: Mapping[str, int | None]) -> Tier:
    """Sets the limits that are given; None is no limit. Raises Missing, and Invalid naming every wrong one."""
    wrong: dict[str, str] = {}
    for limit, value in limits.items():
        if limit not in LIMITS:
            wrong[limit] = f"is no limit; the limits are {', '.join(LIMITS)}"
        elif limit == "max_variants":
            if value is None or not FEWEST_VARIANTS <= value <= MOST_VARIANTS:
                wrong[limit] = f"must be from {FEWEST_VARIANTS} to {MOST_VARIANTS}"
        elif value is not None and not 0 <= value <= MOST:
            wrong[limit] = f"must be from 0 to {MOST}, or unlimited"
    if wrong:
        raise Invalid("; ".join(f"{limit} {reason}" for limit, reason in wrong.items()) + ".", details=wrong)
    if limits:
        Tier.objects.filter(name=name).update(**limits)
    return _named(name)


def give(tenant_id: UUID, name: str) -> Tier:
    """The tenant has this tier from now on. Raises Missing."""
    tier = _named(name)
    Tenant.objects.filter(pk=tenant_id).update(tier=tier)
    return tier


def _named(name: str) -> Tier:
    found = Tier.objects.filter(name=name).first()
    if found is None:
        raise Missing(f"There is no tier {name!r}; the tiers are {', '.join(tier.name for tier in everyone())}.")
    return found
