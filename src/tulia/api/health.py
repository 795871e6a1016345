"""For whatever watches the process: is it alive, is it of use, what has it done."""

from __future__ import annotations

import prometheus_client
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from tulia.api import condition_metrics
from tulia.core import schema_state, sql

# Migrations are never taken back while the code runs, so once complete is always complete.
_is_migrated = False


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing more is meant."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has this version's tables, else 503 with the reason."""
    global _is_migrated
    try:
        sql.fetch_one("SELECT 1")
        if not _is_migrated and (missing := schema_state.missing_migrations()):
            return _unready(f"{len(missing)} migrations are not applied: run `tulia migrate`")
    except (DatabaseError, PoolTimeout):
        return _unready("the database doesn't answer")
    _is_migrated = True
    return JsonResponse({"status": "ready"})


def _unready(reason: str) -> HttpResponse:
    return JsonResponse({"status": "unready", "reason": reason}, status=503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text format: what this process has done, and how the installation is doing."""
    return HttpResponse(condition_metrics.text(), content_type=prometheus_client.CONTENT_TYPE_LATEST)
