"""Every address under /v1; ids that are no UUID match nothing, so they answer 404."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tulia.api import openapi

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", openapi.openapi, name="openapi"),
    path("docs", openapi.docs, name="docs"),
]
