"""Refusing what a caller has no permission for."""

from __future__ import annotations

from typing import ClassVar

from tulia.core.errors import Forbidden
from tulia.tenants.api_keys import Caller


class ScopeMissing(Forbidden):
    code: ClassVar[str] = "scope_missing"


def require(caller: Caller, scope: str) -> None:
    """Raises ScopeMissing, naming the permission, unless the caller has it."""
    if scope not in caller.scopes:
        raise ScopeMissing(
            f"This needs the permission {scope}, which {caller.label} doesn't have.", details={"scope": scope}
        )
