"""Counts and times every request by its route, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable

import prometheus_client
from django.http import HttpRequest, HttpResponseBase

_REQUESTS = prometheus_client.Counter(
    "tulia_http_requests_total", "Requests answered.", labelnames=("method", "route", "status")
)
_SECONDS = prometheus_client.Histogram("tulia_http_request_seconds", "Time to answer.", labelnames=("method", "route"))
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CountRequests:
    """Middleware. The label is the route's pattern, never the address, so that ids don't make endless series."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.answer(request)
        method = request.method if request.method in _METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else "unknown"
        _REQUESTS.labels(method, route, str(response.status_code)).inc()
        _SECONDS.labels(method, route).observe(time.perf_counter() - began)
        return response
