"""A second person's yes or no to a campaign, asked for and given on its review."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.governance_service import GovernanceService
from tulia.web.member import COMPOSES, Member, page

_DONE = {
    "request": "Asked. Somebody who had no hand in this campaign can approve it here.",
    "approve": "Approved. Whatever is changed from now on needs another approval.",
    "reject": "Rejected, with your reason.",
}


@require_POST
@page(COMPOSES)
def approve(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """`act` is request, approve or reject; `version` is the content that the review showed."""
    service, act = GovernanceService(member.caller), request.POST.get("act", "")
    note, version = request.POST.get("note", "")[:1_000].replace("\x00", ""), request.POST.get("version", "")[:64]
    service.approval(campaign_id)
    if act not in _DONE:
        raise Http404
    try:
        if act == "request":
            service.request_approval(campaign_id, note=note)
        elif act == "approve":
            service.approve(campaign_id, note=note, version=version)
        else:
            service.reject(campaign_id, note=note, version=version)
        messages.success(request, _DONE[act])
    except (Conflict, Forbidden, Invalid) as refused:
        messages.error(request, refused.message)
    return HttpResponseRedirect(reverse("campaign_review", args=[campaign_id]))
