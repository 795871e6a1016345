"""The people of a campaign: who is behind each number, with what happened to each and when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tulia.campaign_service import CampaignService
from tulia.page_service import PageService
from tulia.reach_service import ReachService
from tulia.reports.balance import Balance
from tulia.web import figures, paging, words
from tulia.web.member import READS, Member, page, show


@require_safe
@page(READS)
def people(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """One page of people, in no particular order but always the same; `?state=` and `?reason=` choose among them."""
    service = CampaignService(member.caller)
    state, reason = request.GET.get("state", ""), request.GET.get("reason", "")
    if state not in words.STATES:
        state = ""
    report = service.generate_report(campaign_id)
    found = ReachService(member.caller).people(
        campaign_id, paging.requested(request, shape=(UUID,)), state=state or None, reason=reason[:60] or None
    )
    causes = {one.code: one.sentence for one in PageService(member.caller).failures(campaign_id)}
    arms = [arm.name for arm in report.arms] if report.campaign.is_ab_test else []
    rows = [
        {
            "person": one,
            "state": words.STATES.get(one.state, one.state),
            "reason": _why(one.reason, one.failure_class, one.failure_code, causes),
            "arm": arms[one.arm] if one.arm is not None and one.arm < len(arms) else "",
        }
        for one in found.results
    ]
    filters = _filters(report.balance)
    chosen = next((one for one in filters if (one["state"], one["reason"]) == (state, reason)), None)
    context = {
        "campaign": report.campaign,
        "audience": report.balance.audience,
        "rows": rows,
        "filters": filters,
        "state": state,
        "reason": reason,
        "chosen": chosen,
        "has_arms": bool(arms),
        "links": paging.links(request, found),
    }
    return show(request, member, "people", context)


def _filters(sheet: Balance) -> list[dict[str, Any]]:
    """The lines of the balance sheet, and how far the sent ones came."""
    made: list[dict[str, Any]] = []
    for line in figures.balance_lines(sheet):
        made.append(
            {
                "state": line.state,
                "reason": line.reason,
                "label": line.label,
                "people": line.people,
                "is_part": line.is_part,
            }
        )
        if line.state == "sent":
            made += [
                {"state": state, "reason": "", "label": label, "people": sheet.sent_by_evidence[state], "is_part": True}
                for state, label in (("delivered", "Delivered, not read yet"), ("read", "Read"))
                if sheet.sent_by_evidence.get(state)
            ]
    return made


def _why(reason: str, failure_class: str | None, failure_code: str | None, causes: dict[str, str]) -> str:
    if failure_class:
        return causes.get(failure_code or "") or words.reason(failure_class)
    return words.reason(reason) if reason else ""
