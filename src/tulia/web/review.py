"""The last look before a campaign goes out: when, and the launch itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from tulia.campaign_service import CampaignService
from tulia.core import clock
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.governance_service import GovernanceService
from tulia.page_service import PageService, in_words, is_everyone
from tulia.preview_service import PreviewService
from tulia.web import experiment_form, held_up, limits_form, preview_panel, reach_panel, when_form
from tulia.web.composer import stored_form
from tulia.web.member import COMPOSES, Member, page, show
from tulia.web.templatetags.numbers import appointment
from tulia.web.when_form import WhenForm, WhenInvalid

if TYPE_CHECKING:
    from tulia.campaigns.approval import Approval
    from tulia.campaigns.models import MessageCampaign

_PROBLEMS_SHOWN = 4


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def review(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """Repeats the numbers, and sends or schedules when told to. Of two launches at once, one is told of the other."""
    campaign = CampaignService(member.caller).get_campaign(campaign_id)
    there = HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
    if campaign.status not in ("draft", "scheduled"):
        return there
    if request.method == "GET":
        return _page(request, member, campaign)
    chosen = when_form.of_post(lambda name: request.POST.get(name, ""))
    is_confirmed = request.POST.get("confirm_everyone") == "yes"
    try:
        _launch(request, member, campaign, chosen, confirm_everyone=is_confirmed)
    except WhenInvalid as refused:
        return _page(request, member, campaign, chosen=chosen, errors={refused.field: str(refused)})
    except Conflict as refused:
        messages.warning(request, refused.message)
    except Invalid as refused:
        is_unconfirmed = refused.code == "everyone_not_confirmed"
        wrong = {"everyone": "Tick the box to say that everybody is meant."} if is_unconfirmed else {}
        return _page(request, member, campaign, chosen=chosen, errors=wrong or {"form": refused.message})
    except Forbidden as refused:
        return _page(request, member, campaign, chosen=chosen, errors={"form": refused.message})
    return there


def _launch(
    request: HttpRequest, member: Member, campaign: MessageCampaign, chosen: WhenForm, *, confirm_everyone: bool
) -> None:
    """Now, or at the chosen time. Raises WhenInvalid and refusals."""
    service = CampaignService(member.caller)
    at = chosen.instant(member.timezone, now=clock.now()) if chosen.is_later else None
    keep_clock(service, campaign, chosen)
    if at is None:
        service.execute_campaign(campaign.pk, confirm_everyone=confirm_everyone)
        return
    service.schedule_campaign(campaign.pk, when_form.rfc3339(at), confirm_everyone=confirm_everyone)
    clocks = ", on each person's own clock" if chosen.is_local else ""
    messages.success(request, format_html("Scheduled. It goes out {}{}.", appointment(at), clocks))


def keep_clock(service: CampaignService, campaign: MessageCampaign, chosen: WhenForm) -> None:
    """Stores by whose clock a draft goes out, when that has changed."""
    if campaign.status == "draft" and campaign.local_time != chosen.local_time:
        service.update_campaign(campaign.pk, {"local_time": chosen.local_time})


def _page(
    request: HttpRequest,
    member: Member,
    campaign: MessageCampaign,
    *,
    chosen: WhenForm | None = None,
    errors: dict[str, str] | None = None,
) -> HttpResponse:
    governance = GovernanceService(member.caller)
    form, templates = stored_form(member, campaign)
    standing = governance.approval(campaign.pk) if governance.is_approval_required() else None
    house = PageService(member.caller).workplace()
    sender = PageService(member.caller).sender(campaign.sender_id)
    reach = reach_panel.of_campaign(member.caller, campaign.pk, campaign.target_criteria)
    problems, skipped = _problems(member, campaign)
    held = [one for one in PageService(member.caller).held_up(campaign) if one.what != "template"]  # that is a problem
    context = {
        "campaign": campaign,
        "audience": in_words(campaign.target_criteria),
        "is_everyone": is_everyone(campaign.target_criteria),
        "reach": reach,
        "trial": preview_panel.of_form(member.caller, form, templates, person=""),
        "templates_used": [
            templates[one.template_id] for one in form.messages.values() if one.template_id in templates
        ],
        "problems": problems,
        "skipped": skipped,
        "sender": sender,
        "held_up": held_up.notices(held, status=campaign.status),
        "house": house,
        "experiment": form.experiment,
        "counts": experiment_form.COUNTS[form.experiment.counts].lower(),
        "undecided": form.experiment.undecided[form.experiment.if_undecided].replace("S", "s", 1).replace("W", "w", 1),
        "budget": limits_form.dollars(campaign.budget_micros) if campaign.budget_micros is not None else "",
        "when": chosen or _when(member, campaign, standing),
        "errors": errors or {},
        "approval": standing,
        "is_held": standing is not None and standing.state != "approved",
        "may_ask": standing is not None and standing.state in ("not_requested", "rejected"),
        "can_go": bool(reach["reached"]) and sender is not None and not sender.problem and not problems,
    }
    return show(request, member, "review", context, status=400 if errors else 200)


def _when(member: Member, campaign: MessageCampaign, standing: Approval | None) -> WhenForm:
    """The time it has, or was approved for; else now."""
    now = clock.now()
    agreed = standing.scheduled_at if standing and standing.state in ("requested", "approved") else None
    at = campaign.scheduled_at if campaign.status == "scheduled" else agreed
    if at is not None:
        return when_form.at(at, member.timezone, is_local=campaign.local_time)
    return when_form.suggested(member.timezone, now=now, is_local=campaign.local_time)


def _problems(member: Member, campaign: MessageCampaign) -> tuple[list[str], dict[str, Any]]:
    """What keeps the whole campaign from being sent, and for how many people the message can't be made."""
    made = PreviewService(member.caller).preview_campaign(campaign.pk, count=1)
    whole = [one.reason for one in made.problems if one.people_count is None]
    of_people = [one for one in made.problems if one.people_count]
    if of_people and made.failing == made.examined:
        whole.append(f"the message can't be made for anybody: {of_people[0].reason}")
    skipped = {"people": made.failing, "of": made.examined, "reason": of_people[0].reason if of_people else ""}
    return [f"{one[:1].upper()}{one[1:]}." for one in whole[:_PROBLEMS_SHOWN]], skipped
