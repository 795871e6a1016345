"""Who calls and what it may do: a bearer API key stands for a tenant and a set of scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tulia.core import clock
from tulia.core.errors import Forbidden
from tulia.tenants import api_keys, permission, request_rate
from tulia.tenants.api_keys import Caller, Unrecognised

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module, to know who authenticates


_WHY = {
    Unrecognised.UNKNOWN: "This API key is unknown.",
    Unrecognised.REVOKED: "This API key was revoked: use another.",
    Unrecognised.EXPIRED: "This API key has expired: use another.",
}


_TOO_MANY_FAILURES = "Too many wrong API keys came from this address: wait a little."


class RateLimited(APIException):
    """Too many calls; `wait` seconds make room again."""

    status_code = 429
    default_code = "rate_limited"

    def __init__(self, message: str, *, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class ScopeUndeclared(Forbidden):
    """A method of a view that names no scope is closed to everybody: forgetting must never open a door."""

    code = "scope_undeclared"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tulia_…`; the Caller becomes `request.user`."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        words = get_authorization_header(request).split()
        if not words:
            return None
        if words[0].lower() != b"bearer" or len(words) != 2:
            raise AuthenticationFailed("Send the API key as: Authorization: Bearer tulia_…")
        key, address = words[1].decode("latin-1"), request.META.get("REMOTE_ADDR", "")
        if request_rate.is_blocked(address, key):
            raise RateLimited(_TOO_MANY_FAILURES, wait=request_rate.BLOCK_SECONDS)
        caller, now = api_keys.recognise(key), clock.now()
        if isinstance(caller, Unrecognised):
            if not request_rate.may_fail(address, now=now):
                raise RateLimited(_TOO_MANY_FAILURES, wait=request_rate.BLOCK_SECONDS)
            raise AuthenticationFailed(_WHY[caller], code=caller.value)
        request_rate.was_good(key)
        if not request_rate.may_call(caller.tenant_id, now=now):
            raise RateLimited(f"Too many requests: {settings.API_RATE_PER_SECOND} a second are allowed.", wait=0)
        return caller.at("api", address=address, agent=request.META.get("HTTP_USER_AGENT", "")), None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="tulia"'


class HasDeclaredScope(BasePermission):
    """Each view says `scopes = {"GET": "analytics:view", …}`; HEAD needs what GET needs."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        method = request.method or ""
        if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
            return True  # the view answers 405
        caller = request.user
        if not isinstance(caller, Caller):
            return False  # the view answers 401
        scope = getattr(view, "scopes", {}).get("GET" if method == "HEAD" else method)
        if scope is None:
            raise ScopeUndeclared("This operation is closed: it names no permission that would open it.")
        permission.require(caller, scope)
        return True
