"""Who looks at a page: a signed-in person at one of their workplaces, with what they may do there."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from tulia.core.errors import Forbidden, Missing
from tulia.page_service import PageService
from tulia.tenants import queries
from tulia.tenants.api_keys import Caller

WORKPLACE_KEY = "workplace"
READS, COMPOSES, MANAGES_PEOPLE = "analytics:view", "conversations:view", "users:manage"
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Member:
    """A person at work."""

    caller: Caller
    name: str
    email: str
    workplace: str
    timezone: str

    @property
    def may_read(self) -> bool:
        return READS in self.caller.scopes

    @property
    def may_see_the_record(self) -> bool:
        return MANAGES_PEOPLE in self.caller.scopes

    @property
    def may_compose(self) -> bool:
        return COMPOSES in self.caller.scopes


def member_of(request: HttpRequest) -> Member | None:
    """The signed-in person at the workplace they chose; None when they have to sign in or choose."""
    user = request.user
    if not user.is_authenticated:
        return None
    try:
        tenant_id = UUID(str(request.session.get(WORKPLACE_KEY)))
    except ValueError:
        return None
    caller = queries.caller_for(user, tenant_id=tenant_id)
    if caller is None:
        return None
    caller = caller.at(
        "web", address=request.META.get("REMOTE_ADDR", ""), agent=request.META.get("HTTP_USER_AGENT", "")
    )
    workplace = PageService(caller).workplace()
    return Member(caller, user.name or user.email, user.email, workplace.name, workplace.timezone)


def page(
    scope: str,
) -> Callable[[Callable[Concatenate[HttpRequest, Member, P], HttpResponse]], Callable[..., HttpResponse]]:
    """A view for members with this permission. Others are led to sign in, or told in plain words what is missing."""

    def wrap(view: Callable[Concatenate[HttpRequest, Member, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            member = member_of(request)
            if member is None:
                return _to_sign_in(request)
            with timezone.override(zoneinfo.ZoneInfo(member.timezone)):
                if scope not in member.caller.scopes:
                    return show(request, member, "forbidden", {"scope": scope}, status=403)
                try:
                    response = view(request, member, *args, **kwargs)
                except Missing as missing:
                    return show(request, member, "missing", {"message": missing.message}, status=404)
                except Forbidden as refusal:
                    return show(request, member, "forbidden", {"message": refusal.message}, status=403)
            # Pages hold people's data: a shared computer's back button must not show them after signing out.
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return answer

    return wrap


def show(
    request: HttpRequest, member: Member, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page (or a part of one) for this member."""
    return render(request, f"web/{template}.html", {"member": member, **(context or {})}, status=status)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    address = reverse("workplaces" if request.user.is_authenticated else "sign_in")
    if getattr(request, "htmx", False):
        # A part of a page can't be a sign-in form: the browser is sent there, and back to the page it was on.
        answer = HttpResponse()
        whole = urlsplit(request.headers.get("HX-Current-URL", ""))
        answer.headers["HX-Redirect"] = f"{address}?{urlencode({'next': whole.path})}" if whole.path else address
        return answer
    if request.method == "GET":
        address += "?" + urlencode({"next": request.get_full_path()})
    elif whence := urlsplit(request.headers.get("Referer", "")).path:
        # Whoever was writing comes back to the page they were on, which puts back what they had written.
        address += "?" + urlencode({"next": whence})
    return HttpResponseRedirect(address)
