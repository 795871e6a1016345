from __future__ import annotations

import pytest
from django.urls import URLPattern, URLResolver

from api_client import ApiClient
from tulia.api import urls
from tulia.tenants import access

public = ApiClient(None)


def test_health_and_readiness_answer_without_a_key() -> None:
    assert public("GET", "/healthz").json() == {"status": "ok"}
    assert public("GET", "/readyz").json() == {"status": "ready"}


def test_metrics_count_requests_by_route() -> None:
    public("GET", "/healthz")
    text = public("GET", "/metrics").content.decode()
    assert 'tulia_http_requests_total{method="GET",route="healthz",status="200"}' in text


def test_the_description_is_openapi_3_1_and_every_operation_names_its_failures() -> None:
    description = public("GET", "/v1/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        assert path.startswith("/v1/")
        for operation in operations.values():
            assert {"400", "401", "403"} <= set(operation["responses"])


def test_the_page_of_the_description_lists_every_operation_and_loads_nothing_from_elsewhere() -> None:
    page = public("GET", "/v1/docs").content.decode()
    for path in public("GET", "/v1/openapi.json").json()["paths"]:
        assert path in page
    assert "https://" not in page


def _resources(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _resources(pattern.url_patterns)
        elif hasattr(pattern.callback, "cls"):
            found.append(pattern)
    return found


@pytest.mark.parametrize("pattern", _resources(urls.urlpatterns), ids=lambda pattern: pattern.callback.cls.__name__)
def test_every_method_of_every_resource_declares_a_scope_that_exists(pattern: URLPattern) -> None:
    view = pattern.callback.cls
    for method in ("get", "post", "put", "patch", "delete"):
        if hasattr(view, method):
            assert view.scopes.get(method.upper()) in access.SCOPES, f"{view.__name__}.{method}"
