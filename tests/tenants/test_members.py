"""Who may let whom in, and that nobody locks the last Owner out."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

import cast
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.core.keyset import PageRequest
from tulia.governance_service import GovernanceService
from tulia.tenants import access, api_keys, queries
from tulia.tenants.models import Membership, User

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant

PASSWORD = "long enough by far"


def add(tenant: Tenant, role: str = "owner", *, by: GovernanceService | None = None, email: str = "") -> Membership:
    service = by or GovernanceService(api_keys.operator(tenant.id))
    return service.add_member(
        email=email or f"{uuid.uuid4().hex}@example.com", name="Asha", role=role, password=PASSWORD
    )


def service_of(tenant: Tenant, member: Membership) -> GovernanceService:
    caller = queries.caller_for(User.objects.get(pk=member.user_id), tenant_id=tenant.id)
    assert caller is not None
    return GovernanceService(caller)


def scopes_of(tenant: Tenant, member: Membership) -> frozenset[str]:
    caller = queries.caller_for(User.objects.get(pk=member.user_id), tenant_id=tenant.id)
    return caller.scopes if caller else frozenset()


def test_a_deny_wins_over_role_and_grant_at_once(tenant: Tenant) -> None:
    operator = GovernanceService(api_keys.operator(tenant.id))
    analyst = add(tenant, "analyst")
    operator.change_member(analyst.user_id, granted=["conversations:view", "orders:edit"], denied=["orders:edit"])
    assert scopes_of(tenant, analyst) == access.ROLES["analyst"] | {"conversations:view"}


def test_the_last_owner_is_neither_removed_nor_demoted_nor_disarmed(tenant: Tenant) -> None:
    operator = GovernanceService(api_keys.operator(tenant.id))
    owner = add(tenant)
    for attempt in (
        lambda: operator.remove_member(owner.user_id),
        lambda: operator.change_member(owner.user_id, role="admin"),
        lambda: operator.change_member(owner.user_id, denied=["users:manage"]),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "last_owner"
    assert scopes_of(tenant, owner) == access.SCOPES
    second = add(tenant)
    operator.remove_member(owner.user_id)
    assert scopes_of(tenant, owner) == frozenset()
    assert scopes_of(tenant, second) == access.SCOPES


def test_two_owners_who_remove_each_other_at_once_leave_one(tenant: Tenant) -> None:
    for _ in range(5):
        first, second = add(tenant), add(tenant)
        with_tenant = [service_of(tenant, first), service_of(tenant, second)]
        others = [one for one in _owners(tenant) if one not in (first.user_id, second.user_id)]
        for other in others:
            with_tenant[0].remove_member(other)
        done = cast.all_at_once(
            lambda: with_tenant[0].remove_member(second.user_id), lambda: with_tenant[1].remove_member(first.user_id)
        )
        assert sorted(type(one).__name__ for one in done) == ["LastOwner", "NoneType"]
        assert len(_owners(tenant)) == 1


def _owners(tenant: Tenant) -> list[uuid.UUID]:
    page = GovernanceService(api_keys.operator(tenant.id)).members(PageRequest(limit=200))
    return [one.user_id for one in page.results if one.role == "owner"]


def test_nobody_gives_or_takes_more_than_they_have(tenant: Tenant) -> None:
    owner, admin = add(tenant), add(tenant, "admin")
    by_admin = service_of(tenant, admin)
    for attempt in (
        lambda: add(tenant, "owner", by=by_admin),
        lambda: by_admin.change_member(admin.user_id, role="owner"),
        lambda: by_admin.change_member(admin.user_id, granted=["finance:withdraw:approve"]),
        lambda: by_admin.change_member(owner.user_id, role="analyst"),
        lambda: by_admin.remove_member(owner.user_id),
        lambda: by_admin.create_api_key(name="more", role="owner"),
    ):
        with pytest.raises(Forbidden) as refused:
            attempt()
        assert refused.value.code == "scopes_exceeded"
        assert refused.value.details == {"scopes": ["finance:withdraw:approve"]}
    add(tenant, "analyst", by=by_admin)


def test_who_does_not_manage_people_lets_nobody_in(tenant: Tenant) -> None:
    lead = service_of(tenant, add(tenant, "support_lead"))
    with pytest.raises(Forbidden, match="users:manage"):
        add(tenant, "analyst", by=lead)
    with pytest.raises(Forbidden, match="users:manage"):
        lead.create_api_key(name="n", scopes=["conversations:view"])


def test_a_person_who_works_elsewhere_keeps_their_password(tenant: Tenant) -> None:
    from tulia.tenants import accounts

    other = accounts.create_tenant(f"other-{tenant.slug}", name="Other", tier="starter")
    email = f"{uuid.uuid4().hex}@example.com"
    elsewhere = add(other, email=email)
    before = User.objects.get(pk=elsewhere.user_id).password
    operator = GovernanceService(api_keys.operator(tenant.id))
    here = operator.add_member(email=email.upper(), name="Eve", role="analyst", password="another one entirely")
    assert here.user_id == elsewhere.user_id
    assert User.objects.get(pk=elsewhere.user_id).password == before
    with pytest.raises(Conflict) as refused:
        add(tenant, "owner", email=email)
    assert refused.value.code == "member_exists"


def test_every_wrong_field_of_a_new_member_is_named(tenant: Tenant) -> None:
    operator = GovernanceService(api_keys.operator(tenant.id))
    with pytest.raises(Invalid) as refused:
        operator.add_member(email="x", name=" ", role="boss", password="short", granted=["fly"])
    assert set(refused.value.details or {}) == {"email", "name", "role", "password", "granted"}
