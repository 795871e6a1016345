"""/l/…: the links of messages, which people follow from their phones."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe

from tulia import link_service
from tulia.core.errors import Missing


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Leads on to the address that the message named; anything else is a page that says so."""
    try:
        address = link_service.follow(
            token, user_agent=request.headers.get("User-Agent", ""), is_look=request.method == "HEAD"
        )
    except Missing as missing:
        return HttpResponse(missing.message, status=404, content_type="text/plain; charset=utf-8")
    answer = HttpResponseRedirect(address)
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    return answer
