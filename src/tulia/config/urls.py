"""Every address of the installation."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tulia.api import health, links

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("l/<str:token>", links.follow),
    path("v1/", include("tulia.api.urls")),
    path("", include("tulia.web.urls")),
]

handler400 = "tulia.api.errors.bad_request"
handler403 = "tulia.api.errors.permission_denied"
handler404 = "tulia.api.errors.not_found"
handler500 = "tulia.api.errors.server_error"
