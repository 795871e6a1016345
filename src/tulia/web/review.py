"""The last look before a campaign goes out, and the launch itself."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from tulia.campaign_service import CampaignService
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.governance_service import GovernanceService
from tulia.page_service import PageService, in_words, is_everyone
from tulia.web import composer_form
from tulia.web.composer import reach_of, trial_of
from tulia.web.member import COMPOSES, Member, page, show


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def review(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """Repeats the numbers, and sends when told to. Of two launches at once, one is told that it was started already."""
    service, governance = CampaignService(member.caller), GovernanceService(member.caller)
    campaign = service.get_campaign(campaign_id)
    there = HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
    if campaign.status not in ("draft", "scheduled"):
        return there
    error = ""
    if request.method == "POST":
        try:
            service.execute_campaign(campaign_id, confirm_everyone=request.POST.get("confirm_everyone") == "yes")
        except Conflict:
            return there
        except Invalid as refused:
            is_unconfirmed = refused.code == "everyone_not_confirmed"
            error = "Tick the box to say that everybody is meant." if is_unconfirmed else refused.message
        except Forbidden as refused:
            error = refused.message
        else:
            return there
    form = composer_form.of_campaign(
        name=campaign.name, message=campaign.message_content, target_criteria=campaign.target_criteria,
        is_ab_test=campaign.is_ab_test, variants=campaign.variants, has_template=campaign.template_id is not None,
    )  # fmt: skip
    standing = governance.approval(campaign_id) if governance.is_approval_required() else None
    context = {
        "campaign": campaign,
        "audience": in_words(campaign.target_criteria),
        "is_everyone": is_everyone(campaign.target_criteria),
        "reach": reach_of(member.caller, campaign.target_criteria),
        "trial": trial_of(member.caller, form, person=""),
        "sender": PageService(member.caller).sender(campaign.sender_id),
        "error": error,
        "approval": standing,
        "may_send": standing is None or standing.state == "approved",
    }
    return show(request, member, "review", context, status=400 if error else 200)
