"""Making tenants and the people who work for them."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError

from tulia.core import sql
from tulia.core.errors import Conflict, Invalid
from tulia.tenants import access, tenant_settings
from tulia.tenants.models import Membership, Tenant, Tier, User
from tulia.tenants.scope import tenant_scope


class SlugTaken(Conflict):
    code = "slug_taken"


def create_tenant(slug: str, *, name: str, tier: str, timezone: str = "Africa/Nairobi", country: str = "KE") -> Tenant:
    """A new tenant. Raises Invalid naming every wrong field, and SlugTaken."""
    wrong = tenant_settings.check({"timezone": timezone, "country": country})
    if not name.strip():
        wrong["name"] = "must not be empty"
    if not Tier.objects.filter(name=tier).exists():
        wrong["tier"] = f"must be one of {', '.join(Tier.objects.order_by('position').values_list('name', flat=True))}"
    if (
        not slug
        or len(slug) > 63
        or not all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in slug)
        or slug[0] == "-"
        or slug[-1] == "-"
    ):
        wrong["slug"] = "must be small letters, digits and hyphens, like duka-nairobi"
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
    try:
        with sql.transaction_scope():
            return Tenant.objects.create(slug=slug, name=name.strip(), tier_id=tier, timezone=timezone, country=country)
    except IntegrityError as error:
        raise SlugTaken(f"There is a tenant {slug!r} already: choose another slug.") from error


def add_member(tenant_id: UUID, *, email: str, name: str, role: str, password: str) -> User:
    """A person with a role for this tenant; the person is made when the e-mail address is new, else keeps its password."""
    role = access.role_named(role)
    with tenant_scope(tenant_id):
        user, _ = User.objects.get_or_create(
            email=email.lower(), defaults={"name": name, "password": make_password(password)}
        )
        Membership.objects.update_or_create(tenant_id=tenant_id, user=user, defaults={"role": role})
    return user
