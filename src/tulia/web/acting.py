"""What can be done to a campaign that is there: pause, resume, cancel, copy, delete."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from tulia.campaign_service import CampaignService
from tulia.core.errors import Conflict
from tulia.web.member import COMPOSES, Member, page, show


@require_POST
@page(COMPOSES)
def act(request: HttpRequest, member: Member, campaign_id: UUID, act: str) -> HttpResponse:
    """Pause, resume and copy happen at once; each can be taken back."""
    service = CampaignService(member.caller)
    goal = campaign_id
    try:
        if act == "pause":
            service.pause_campaign(campaign_id)
            messages.success(request, "Paused. What was on its way is finished and counted.")
        elif act == "resume":
            service.resume_campaign(campaign_id)
            messages.success(request, "Sending goes on.")
        elif act == "copy":
            goal = service.clone_campaign(campaign_id).pk
            messages.success(request, "This is the copy, a draft of its own.")
            return HttpResponseRedirect(reverse("campaign_edit", args=[goal]))
        else:
            raise Http404
    except Conflict as refused:
        messages.error(request, refused.message)
    return HttpResponseRedirect(reverse("campaign", args=[goal]))


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def cancel(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """Asks first: a canceled campaign stays canceled."""
    service = CampaignService(member.caller)
    campaign = service.get_campaign(campaign_id)
    if request.method == "POST":
        try:
            service.cancel_campaign(campaign_id)
            messages.success(request, "Canceled. Nobody else is sent to.")
        except Conflict as refused:
            messages.error(request, refused.message)
    elif campaign.status in ("draft", "scheduled", "sending", "paused"):
        return show(request, member, "cancel", {"campaign": campaign})
    return HttpResponseRedirect(reverse("campaign", args=[campaign_id]))


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def delete(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """Asks first; only a draft can be deleted."""
    service = CampaignService(member.caller)
    campaign = service.get_campaign(campaign_id)
    if request.method == "POST":
        try:
            service.delete_campaign(campaign_id)
        except Conflict as refused:
            messages.error(request, refused.message)
            return HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
        messages.success(request, f"The draft “{campaign.name}” is deleted.")
        return HttpResponseRedirect(reverse("campaigns"))
    if campaign.status != "draft":
        return HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
    return show(request, member, "delete", {"campaign": campaign})
