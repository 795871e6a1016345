"""One campaign: its state, its progress while it sends, and its report."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tulia.campaign_service import CampaignService
from tulia.core import clock
from tulia.page_service import PageService, in_words
from tulia.reports.campaign_report import CampaignReport
from tulia.web import figures, held_up, template_choices
from tulia.web.member import READS, Member, page, show

SETTLING = timedelta(minutes=15)
_SENDING_SECONDS, _SETTLING_SECONDS, _RESULTS_SECONDS = 1, 5, 5


@require_safe
@page(READS)
def campaign(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    return show(request, member, "campaign", _context(member, campaign_id))


@require_safe
@page(READS)
def live(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """The part that changes while messages go out. When the state has changed too, the whole campaign instead."""
    context = _context(member, campaign_id)
    if request.GET.get("was") == context["was"]:
        return show(request, member, "_live", context)
    answer = show(request, member, "_campaign", context)
    answer.headers["HX-Retarget"] = "#campaign"
    answer.headers["HX-Reswap"] = "outerHTML"
    return answer


@require_safe
@page(READS)
def results(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """Variants and causes of failure, which need not be as fresh."""
    return show(request, member, "_results", _context(member, campaign_id))


def _context(member: Member, campaign_id: UUID) -> dict[str, Any]:
    report = CampaignService(member.caller).generate_report(campaign_id)
    campaign, sheet = report.campaign, report.balance
    pages = PageService(member.caller)
    is_running = campaign.status in ("sending", "paused")
    texts = template_choices.texts_of(member.caller, campaign)
    held = pages.held_up(campaign)
    still_to_go = sheet.waiting + sheet.deferred + sheet.sending
    return {
        "campaign": campaign,
        "report": report,
        "sheet": sheet,
        "bar": figures.bar(sheet),
        "lines": figures.balance_lines(sheet, is_running=is_running),
        "arms": [replace(arm, content=text) for arm, text in zip(report.arms, texts, strict=True)],
        "text": texts[0],
        "verdict": figures.verdict(report.experiment),
        "caused": report.incremental,
        "audience": in_words(campaign.target_criteria),
        "failures": pages.failures(campaign_id) if campaign.failed_count else (),
        "sender": pages.sender(campaign.sender_id),
        "held_up": held_up.notices(held, status=campaign.status),
        "is_reason_told": any(one.why == campaign.status_reason for one in held),
        "was": held_up.token(held, status=campaign.status),
        "poll_seconds": _poll_seconds(report),
        "results_seconds": _RESULTS_SECONDS if _poll_seconds(report) else 0,
        "still_to_go": still_to_go,
        "done": sheet.audience - still_to_go,
        "is_started": campaign.started_at is not None,
        "now": clock.now(),
    }


def _poll_seconds(report: CampaignReport) -> int:
    """How often the page asks again: each second while sending, slower while the first answers come in, then never."""
    campaign = report.campaign
    if campaign.status == "sending":
        return _SENDING_SECONDS
    ended = campaign.completed_at or (campaign.updated_at if campaign.status == "paused" else None)
    is_settling = campaign.started_at is not None and ended is not None and clock.now() - ended < SETTLING
    return _SETTLING_SECONDS if is_settling else 0
