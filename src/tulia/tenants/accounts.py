"""Making tenants and the people who work for them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError

from tulia.core import sql
from tulia.core.errors import Conflict, Invalid
from tulia.tenants import access
from tulia.tenants.models import Membership, Tenant, Tier, User
from tulia.tenants.scope import tenant_scope

MAX_OPT_OUT_WORDS = 50


class SlugTaken(Conflict):
    code = "slug_taken"


def create_tenant(slug: str, *, name: str, tier: str, timezone: str = "Africa/Nairobi", country: str = "KE") -> Tenant:
    """A new tenant. Raises Invalid naming every wrong field, and SlugTaken."""
    wrong = check_settings(timezone=timezone, country=country)
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


def check_settings(*, timezone: str | None = None, country: str | None = None) -> dict[str, str]:
    """What is wrong with these settings, by field; empty when nothing is."""
    wrong: dict[str, str] = {}
    if timezone is not None and timezone not in zoneinfo.available_timezones():
        wrong["timezone"] = "must be an IANA time zone, like Africa/Nairobi"
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        wrong["country"] = "must be an ISO 3166 code of two capital letters, like KE"
    return wrong


def change_settings(
    tenant_id: UUID,
    *,
    timezone: str | None = None,
    country: str | None = None,
    opt_out_words: Sequence[str] | None = None,
) -> Tenant:
    """Changes what is given (None: as it is). Raises Invalid naming every wrong field."""
    wrong = check_settings(timezone=timezone, country=country)
    words = None
    if opt_out_words is not None:
        words = list({" ".join(word.split()).casefold(): " ".join(word.split()) for word in opt_out_words}.values())
        if len(words) > MAX_OPT_OUT_WORDS or any(not 0 < len(word) <= 60 for word in words):
            wrong["opt_out_words"] = f"must be at most {MAX_OPT_OUT_WORDS} words of 1 to 60 characters"
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
    given = {"timezone": timezone, "country": country, "opt_out_words": words}
    changes = {field: value for field, value in given.items() if value is not None}
    if changes:
        Tenant.objects.filter(pk=tenant_id).update(**changes)
    return Tenant.objects.get(pk=tenant_id)


def add_member(tenant_id: UUID, *, email: str, name: str, role: str, password: str) -> User:
    """A person with a role for this tenant; the person is made when the e-mail address is new, else keeps its password."""
    role = access.role_named(role)
    with tenant_scope(tenant_id):
        user, _ = User.objects.get_or_create(
            email=email.lower(), defaults={"name": name, "password": make_password(password)}
        )
        Membership.objects.update_or_create(tenant_id=tenant_id, user=user, defaults={"role": role})
    return user
