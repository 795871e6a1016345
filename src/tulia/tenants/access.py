"""What each role may do (pure). A permission is called a scope when an API key or a view names it."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES: frozenset[str] = frozenset(
    {
        "catalog:view", "catalog:edit", "services:view", "services:edit", "availability:edit", "conversations:view",
        "handoff:perform", "orders:view", "orders:edit", "appointments:view", "appointments:edit", "analytics:view",
        "finance:view", "finance:withdraw:initiate", "finance:withdraw:approve", "finance:reconcile",
        "integrations:manage", "users:manage",
    }
)  # fmt: skip

ROLES: dict[str, frozenset[str]] = {
    "owner": SCOPES,
    "admin": SCOPES - {"finance:withdraw:approve"},
    "finance_admin": frozenset(scope for scope in SCOPES if scope.startswith("finance:"))
    | {"orders:view", "analytics:view"},
    "catalog_manager": frozenset(
        {"catalog:view", "catalog:edit", "services:view", "services:edit", "availability:edit"}
    ),
    "support_lead": frozenset({"conversations:view", "handoff:perform", "orders:view", "appointments:view"}),
    "analyst": frozenset({"analytics:view", "catalog:view", "services:view", "orders:view", "appointments:view"}),
}


def role_named(text: str) -> str:
    """The role that `text` names ("Finance Admin", "finance-admin", "FINANCE_ADMIN"); ValueError when there is none."""
    role = text.strip().lower().replace(" ", "_").replace("-", "_")
    if role not in ROLES:
        raise ValueError(f"There is no role {text!r}; the roles are {', '.join(ROLES)}.")
    return role


def scopes_of(role: str, *, granted: Iterable[str] = (), denied: Iterable[str] = ()) -> frozenset[str]:
    """What a person with this role may do, with single permissions added or taken away; a deny wins."""
    return (ROLES[role] | (frozenset(granted) & SCOPES)) - frozenset(denied)


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    return sorted(set(scopes) - SCOPES)
