"""Every failure as `{"error": {"code", "message", "details"?}}`: one table from refusals to HTTP."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from tulia.core import logs, sql
from tulia.core.errors import Conflict, Forbidden, Invalid, Missing, Refusal

_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (Invalid, 400),
    (Forbidden, 403),
    (Missing, 404),
    (Conflict, 409),
    (Refusal, 400),
)
_CODES = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}
_FRAMES_LOGGED = 12
log = logs.get(__name__)


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "The body is too large."


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's exception handler; never returns None, so that nothing escapes as a page of HTML."""
    if isinstance(error, Refusal):
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return Response(_body(error.code, error.message, error.details), status=status)
    if isinstance(error, exceptions.ValidationError):
        details = dict(_flat(error.detail))
        message = " ".join(f"{field}: {reason}" if field else reason for field, reason in list(details.items())[:3])
        return Response(_body("invalid", message, details), status=400)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404):
        return Response(_body("not_found", "There is nothing at this address."), status=404)
    if isinstance(error, PermissionDenied):
        return Response(_body("forbidden", "This is not allowed."), status=403)
    if isinstance(error, RequestDataTooBig):
        return Response(_body("too_large", "The body is too large."), status=413)
    if isinstance(error, SuspiciousOperation):
        return Response(_body("invalid", "The request can't be understood."), status=400)
    is_away = isinstance(error, OperationalError | InterfaceError)
    if is_away or sql.is_worth_repeating(error):
        _report(error, reference=secrets.token_hex(8), because=None if is_away else error.__cause__)
        message = "The database doesn't answer just now: try again."
        return Response(_body("unavailable", message), status=503, headers={"Retry-After": "2"})
    return Response(_bug(error), status=500)


def _of_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    message = str(error.detail)
    if isinstance(error, exceptions.NotAuthenticated):
        message = "An API key is needed: Authorization: Bearer tulia_…"
    elif isinstance(error, exceptions.UnsupportedMediaType) and "Content-Type" not in message:
        message = "Send the body as JSON, with Content-Type: application/json."
    code = _CODES.get(error.status_code, str(error.default_code))
    if isinstance(error, exceptions.AuthenticationFailed) and str(error.get_codes()).startswith("api_key_"):
        code = str(error.get_codes())
    return Response(_body(code, message), status=error.status_code, headers=headers)


def _body(code: str, message: str, details: Mapping[str, object] | None = None) -> dict[str, object]:
    error: dict[str, object] = {"code": code, "message": message}
    if details:
        error["details"] = details
    return {"error": error}


def _flat(detail: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Nested messages of serializers as pairs like `variants[1].name`, `This field is required.`"""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            step = "" if key == "non_field_errors" else str(key)
            if path and step:
                step = f"{path}[{step}]" if isinstance(key, int) else f"{path}.{step}"
            yield from _flat(inner, step or path)
    elif isinstance(detail, list):
        if any(isinstance(item, Mapping | list) for item in detail):
            for index, inner in enumerate(detail):
                yield from _flat(inner, f"{path}[{index}]")
        else:
            yield path, " ".join(str(item) for item in detail)
    else:
        yield path, str(detail)


def _bug(error: BaseException | None) -> dict[str, object]:
    reference = secrets.token_hex(8)
    _report(error, reference=reference)
    return _body("internal", f"Something went wrong here, and it is logged as {reference}.", {"reference": reference})


def _report(error: BaseException | None, *, reference: str, because: BaseException | None = None) -> None:
    # The text of a database error quotes rows, and rows hold people's data: the place and the type are enough.
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_LOGGED:] if error else []
    log.error(
        "request_failed",
        reference=reference,
        error=type(because or error).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/v1/") or request.path == "/v1"


def _json(status: int, code: str, message: str) -> HttpResponse:
    return HttpResponse(orjson.dumps(_body(code, message)), status=status, content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler400: JSON under /v1/, a page elsewhere."""
    if _is_api(request):
        return _json(400, "invalid", "The request can't be understood.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler403."""
    if _is_api(request):
        return _json(403, "forbidden", "This is not allowed.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """handler404."""
    if _is_api(request):
        return _json(404, "not_found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """handler500, for bugs outside REST framework's views."""
    import sys

    body = _bug(sys.exc_info()[1])
    if _is_api(request):
        return HttpResponse(orjson.dumps(body), status=500, content_type="application/json")
    return defaults.server_error(request)
