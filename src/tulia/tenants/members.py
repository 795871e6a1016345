"""Who works for a tenant and as what. Nobody gives away or takes away more than they may do themselves.

Called in the tenant's scope. Changes take turns, so that two of them at once can't leave a tenant without an Owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tulia.core import keyset
from tulia.core.errors import Conflict, Forbidden, Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.tenants import access
from tulia.tenants.api_keys import Caller
from tulia.tenants.models import Membership, Tenant, User

MANAGES = "users:manage"
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200


class MemberExists(Conflict):
    code = "member_exists"


class LastOwner(Conflict):
    code = "last_owner"


class ScopesExceeded(Forbidden):
    code = "scopes_exceeded"


def page(tenant_id: UUID, wanted: PageRequest) -> Page[Membership]:
    """The latest first, each with its person."""
    rows = Membership.objects.filter(tenant_id=tenant_id).select_related("user")
    return keyset.page(rows, wanted, order=("-id",))


def get(tenant_id: UUID, user_id: UUID) -> Membership:
    """Raises Missing."""
    found = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id).select_related("user").first()
    if found is None:
        raise Missing("There is no such member.")
    return found


def add(
    caller: Caller,
    *,
    email: str,
    name: str,
    role: str,
    password: str,
    granted: Iterable[str] = (),
    denied: Iterable[str] = (),
) -> Membership:
    """A person with a role here. `password` counts for a person who is new; who has one elsewhere keeps it.

    Raises Invalid naming every wrong field, ScopesExceeded, MemberExists.
    """
    wrong = _wrong_scopes(granted=granted, denied=denied)
    try:
        validate_email(email)
    except ValidationError:
        wrong["email"] = "must be an e-mail address"
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        wrong["password"] = f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if not name.strip():
        wrong["name"] = "must not be empty"
    known_role = _role(role, wrong)
    _refuse(wrong)
    check_reach(caller, access.scopes_of(known_role, granted=granted, denied=denied), what="to give away")
    _take_turns(caller.tenant_id)
    user = User.objects.filter(email__iexact=email).first() or User.objects.create(
        email=email.lower(), name=name.strip(), password=make_password(password)
    )
    made, is_new = Membership.objects.get_or_create(
        tenant_id=caller.tenant_id,
        user=user,
        defaults={"role": known_role, "granted": _sorted(granted), "denied": _sorted(denied)},
    )
    if not is_new:
        raise MemberExists(f"{user.email} works here already: change their role instead.")
    return made


def change(
    caller: Caller,
    found: Membership,
    *,
    role: str | None = None,
    granted: Iterable[str] | None = None,
    denied: Iterable[str] | None = None,
) -> Membership:
    """Changes what is given (None: as it is). Raises Invalid, ScopesExceeded, LastOwner."""
    wrong = _wrong_scopes(granted=granted or (), denied=denied or ())
    _take_turns(caller.tenant_id)
    found.refresh_from_db()
    had_owner = _has_owner(caller.tenant_id)
    before = access.scopes_of(found.role, granted=found.granted, denied=found.denied)
    if role is not None:
        found.role = _role(role, wrong)
    _refuse(wrong)
    if granted is not None:
        found.granted = _sorted(granted)
    if denied is not None:
        found.denied = _sorted(denied)
    after = access.scopes_of(found.role, granted=found.granted, denied=found.denied)
    check_reach(caller, before, what="to change somebody who does")
    check_reach(caller, after, what="to give away")
    found.save(update_fields=["role", "granted", "denied"])
    _check_owners(caller.tenant_id, had_one=had_owner)
    return found


def remove(caller: Caller, found: Membership) -> None:
    """They work here no longer, from their next request on. Raises ScopesExceeded, LastOwner."""
    _take_turns(caller.tenant_id)
    found.refresh_from_db()
    had_owner = _has_owner(caller.tenant_id)
    scopes = access.scopes_of(found.role, granted=found.granted, denied=found.denied)
    check_reach(caller, scopes, what="to remove somebody who does")
    Membership.objects.filter(pk=found.pk).delete()
    _check_owners(caller.tenant_id, had_one=had_owner)


def _take_turns(tenant_id: UUID) -> None:
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant_id)


def _has_owner(tenant_id: UUID) -> bool:
    """An Owner who is denied managing people couldn't let anybody in again, and doesn't count."""
    owners = Membership.objects.filter(tenant_id=tenant_id, role="owner", user__is_active=True)
    return owners.exclude(denied__contains=[MANAGES]).exists()


def _check_owners(tenant_id: UUID, *, had_one: bool) -> None:
    if had_one and not _has_owner(tenant_id):
        raise LastOwner("A tenant keeps at least one Owner who manages its people: make somebody else Owner first.")


def check_reach(caller: Caller, scopes: frozenset[str], *, what: str) -> None:
    """Raises ScopesExceeded, naming them, unless the caller has all of these permissions."""
    if beyond := sorted(scopes - caller.scopes):
        raise ScopesExceeded(f"{caller.label} doesn't have {', '.join(beyond)}, {what}.", details={"scopes": beyond})


def _wrong_scopes(**given: Iterable[str]) -> dict[str, str]:
    return {
        field: f"has unknown permissions: {', '.join(unknown)}"
        for field, scopes in given.items()
        if (unknown := access.unknown_scopes(scopes))
    }


def _role(text: str, wrong: dict[str, str]) -> str:
    try:
        return access.role_named(text)
    except ValueError:
        wrong["role"] = f"must be one of {', '.join(access.ROLES)}"
        return "analyst"


def _sorted(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes))


def _refuse(wrong: dict[str, Any]) -> None:
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
