"""What pages need and programs don't: sessions, sign-in, protection of forms, messages to people.

The API knows its callers by their keys alone; what these five did for each of its requests was a fifteenth of what Python did
for a short one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django_htmx.middleware import HtmxMiddleware

Answer = Callable[[HttpRequest], HttpResponseBase]
OF_PROGRAMS = ("/v1/", "/healthz", "/readyz", "/metrics")


class PagesOnly:
    """One middleware in place of five; requests of programs pass by."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        signed_in: Any = MessageMiddleware(AuthenticationMiddleware(answer))
        self._csrf = CsrfViewMiddleware(HtmxMiddleware(signed_in))
        self._answer_page: Answer = SessionMiddleware(self._csrf)  # type: ignore[assignment]  # nothing is awaited here

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(OF_PROGRAMS):
            return self._answer(request)
        return self._answer_page(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        if request.path_info.startswith(OF_PROGRAMS):
            return None
        refusal: HttpResponseBase | None = self._csrf.process_view(request, view, args, kwargs)
        return refusal
