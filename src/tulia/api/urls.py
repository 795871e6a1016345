"""Every address under /v1; ids that are no UUID match nothing, so they answer 404."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tulia.api import openapi, senders, templates, tenant_settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", openapi.openapi, name="openapi"),
    path("docs", openapi.docs, name="docs"),
    path("senders", senders.Senders.as_view()),
    path("senders/<uuid:sender_id>", senders.OneSender.as_view()),
    path("templates", templates.Templates.as_view()),
    path("templates/<uuid:template_id>", templates.OneTemplate.as_view()),
    path("settings", tenant_settings.Settings.as_view()),
]
