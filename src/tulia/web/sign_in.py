"""Signing in and out, and choosing where to work."""

from __future__ import annotations

import math
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tulia.core import clock
from tulia.tenants import queries
from tulia.web import tries
from tulia.web.member import WORKPLACE_KEY

_WRONG = "This e-mail and password don't belong together. Check both and try again."
_LONGEST = 254


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, and the check. One message for a wrong e-mail and a wrong password: neither tells who has an account."""
    goal = _goal(request)
    if request.method == "GET":
        if request.user.is_authenticated and request.session.get(WORKPLACE_KEY):
            return HttpResponseRedirect(goal)
        return _form(request, goal=goal)
    email, password = request.POST.get("email", "").strip()[:_LONGEST], request.POST.get("password", "")
    if not email or not password or "\x00" in email:
        return _form(request, goal=goal, email=email, error="Enter your e-mail address and your password.", status=400)
    now, address = clock.now(), request.META.get("REMOTE_ADDR", "")
    if wait := tries.wait_before(email, address, now=now):
        minutes = math.ceil(wait.total_seconds() / 60)
        error = f"Too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
        answer = _form(request, goal=goal, email=email, error=error, status=429)
        answer.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
        return answer
    user = auth.authenticate(request, username=email, password=password)
    if user is None:
        return _form(request, goal=goal, email=email, error=_WRONG, status=400)
    tries.forget(email, address, now=now)
    auth.login(request, user)
    places = queries.workplaces(user.pk)
    if len(places) == 1:
        request.session[WORKPLACE_KEY] = str(places[0].tenant_id)
        return HttpResponseRedirect(goal)
    return HttpResponseRedirect(f"{reverse('workplaces')}?{urlencode({'next': goal})}")


@never_cache
@require_http_methods(["GET", "POST"])
def workplaces(request: HttpRequest) -> HttpResponse:
    """Choosing one of several workplaces; also the way to another one later."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("sign_in"))
    places = queries.workplaces(request.user.pk)
    if request.method == "POST":
        try:
            chosen = UUID(request.POST.get("workplace", ""))
        except ValueError:
            chosen = None
        if chosen in {place.tenant_id for place in places}:
            request.session[WORKPLACE_KEY] = str(chosen)
            return HttpResponseRedirect(_goal(request))
    return render(
        request, "web/workplaces.html", {"places": places, "goal": _goal(request), "email": request.user.email}
    )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponseRedirect(reverse("sign_in"))


def _goal(request: HttpRequest) -> str:
    """Where to go afterwards: a page of ours, never another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else reverse("campaigns")


def _form(request: HttpRequest, *, goal: str, email: str = "", error: str = "", status: int = 200) -> HttpResponse:
    return render(request, "web/sign_in.html", {"goal": goal, "email": email, "error": error}, status=status)
