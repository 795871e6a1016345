"""The people of a campaign: who is behind each number, with what happened to each and when."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tulia.campaign_service import CampaignService
from tulia.ledger.waterfall import Waterfall
from tulia.page_service import PageService
from tulia.reach_service import ReachService
from tulia.reports.balance import Balance
from tulia.web import figures, paging, words
from tulia.web.member import READS, Member, page, show

# Before the launch: what would become of somebody.
PLANNED = {"waiting": "Would get it", "deferred": "Would have to wait", "skipped": "Would be left out"}


@require_safe
@page(READS)
def people(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """One page of people, in no particular order but always the same; `?state=` and `?reason=` choose among them."""
    service = CampaignService(member.caller)
    state, reason = request.GET.get("state", ""), request.GET.get("reason", "")
    report = service.generate_report(campaign_id)
    is_planned = report.campaign.audience_frozen_at is None
    if state not in (PLANNED if is_planned else words.STATES):
        state = ""
    found = ReachService(member.caller).people(
        campaign_id, paging.requested(request, shape=(UUID,)), state=state or None, reason=reason[:60] or None
    )
    causes = {one.code: one.sentence for one in PageService(member.caller).failures(campaign_id)}
    arms = [arm.name for arm in report.arms] if report.campaign.is_ab_test else []
    rows = [
        {
            "person": one,
            "state": (PLANNED if is_planned else words.STATES).get(one.state, one.state),
            "reason": _why(one.reason, one.failure_class, one.failure_code, causes),
            "arm": arms[one.arm] if one.arm is not None and one.arm < len(arms) else "",
        }
        for one in found.results
    ]
    audience, filters = report.balance.audience, _filters(report.balance)
    if is_planned:
        audience, filters = _planned(ReachService(member.caller).of_campaign(campaign_id))
    chosen = next((one for one in filters if (one["state"], one["reason"]) == (state, reason)), None)
    context = {
        "campaign": report.campaign,
        "audience": audience,
        "is_planned": is_planned,
        "rows": rows,
        "filters": filters,
        "state": state,
        "reason": reason,
        "chosen": chosen,
        "has_arms": bool(arms),
        "links": paging.links(request, found),
    }
    return show(request, member, "people", context)


def _planned(counted: Waterfall) -> tuple[int, list[dict[str, Any]]]:
    """How many match, and where they would be after a launch now."""
    made = [{"state": "waiting", "reason": "", "label": PLANNED["waiting"], "people": counted.steps[-2].remaining}]
    for before, after in itertools.pairwise(counted.steps):
        if (lost := before.remaining - after.remaining) and after.name in words.REACH_REASONS:
            state, reason = words.REACH_REASONS[after.name]
            made.append({"state": state, "reason": reason, "label": words.reason(reason), "people": lost})
    return counted.total_matching, made


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
