from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from api_client import ApiClient

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant


@pytest.fixture
def api_of() -> Callable[..., ApiClient]:
    from tulia.tenants import access, api_keys

    def make(tenant: Tenant, *scopes: str) -> ApiClient:
        return ApiClient(api_keys.create(tenant.id, name="test", scopes=scopes or access.SCOPES))

    return make


@pytest.fixture
def api(tenant: Tenant, api_of: Callable[..., ApiClient]) -> ApiClient:
    """A client that may do everything for `tenant`."""
    return api_of(tenant)
