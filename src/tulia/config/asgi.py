"""The web process: provider callbacks go straight to `ingest`, everything else to Django."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tulia.config.settings")

import django

django.setup()

from django.conf import settings
from django.urls import get_resolver

from tulia.api.parsers import MAX_BODY_BYTES
from tulia.config.body_limit import Receive, Scope, Send, limited
from tulia.config.request_threads import OneThreadHandler
from tulia.core import logs
from tulia.ingest import receive as ingest

# An oversized JSON body must reach the parser, which says so in words; this is the fence behind it.
_MAX_BODY_BYTES = 4 * MAX_BODY_BYTES

logs.configure(settings.LOG_LEVEL)
_ = get_resolver().url_patterns  # all addresses with what answers them, which else the first request would wait for


def _limit_for(path: str) -> int:
    return settings.MAX_IMPORT_BYTES if path.startswith("/v1/") and path.endswith("/import") else _MAX_BODY_BYTES


_django_app = limited(OneThreadHandler(), limit_for=_limit_for)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI entry point. Lifespan is answered here, because Django knows nothing of it."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] != "http":
        raise ValueError(f"{scope['type']} connections are not served")
    elif scope["path"].startswith(ingest.PREFIX):
        await ingest.receive(scope, receive, send)
    else:
        await _django_app(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
