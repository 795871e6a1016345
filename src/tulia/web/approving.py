"""A second person's yes or no to a campaign, asked for and given on its review."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from tulia.campaign_service import CampaignService
from tulia.core import clock
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.governance_service import GovernanceService
from tulia.web import when_form
from tulia.web.member import COMPOSES, Member, page
from tulia.web.review import keep_clock
from tulia.web.when_form import WhenInvalid

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
            _ask(request, member, campaign_id, note=note)
        elif act == "approve":
            service.approve(campaign_id, note=note, version=version)
        else:
            service.reject(campaign_id, note=note, version=version)
        messages.success(request, _DONE[act])
    except WhenInvalid as refused:
        messages.error(request, str(refused))
    except (Conflict, Forbidden, Invalid) as refused:
        messages.error(request, refused.message)
    return HttpResponseRedirect(reverse("campaign_review", args=[campaign_id]))


def _ask(request: HttpRequest, member: Member, campaign_id: UUID, *, note: str) -> None:
    """Asks for the campaign as it is, at the time that was chosen beside the question. Raises WhenInvalid."""
    campaigns = CampaignService(member.caller)
    campaign = campaigns.get_campaign(campaign_id)
    at = None
    if "when" in request.POST:
        chosen = when_form.of_post(lambda name: request.POST.get(name, ""))
        at = chosen.instant(member.timezone, now=clock.now()) if chosen.is_later else None
        keep_clock(campaigns, campaign, chosen)
    GovernanceService(member.caller).request_approval(campaign_id, note=note, scheduled_at=at)
