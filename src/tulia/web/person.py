"""One person of a campaign: why they are where they are, rule by rule, and what happened to them."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tulia.campaign_service import CampaignService
from tulia.ledger.verdicts import RuleVerdict
from tulia.reach_service import ReachService
from tulia.web import words
from tulia.web.member import READS, Member, page, show
from tulia.web.people import PLANNED

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")


@require_safe
@page(READS)
def person(request: HttpRequest, member: Member, campaign_id: UUID, customer_id: UUID) -> HttpResponse:
    """Before the launch: what would become of them."""
    campaign = CampaignService(member.caller).get_campaign(campaign_id)
    told = ReachService(member.caller).explain(campaign_id, customer_id)
    names = words.STATES if told.is_launched else PLANNED
    context = {
        "campaign": campaign,
        "told": told,
        "state": names.get(told.state, told.state) if told.state else "Isn't in the audience",
        "reason": words.reason(told.reason) if told.reason else "",
        "arm": _arm(campaign.variants, told.arm) if campaign.is_ab_test else "",
        "rules": [
            {
                "name": words.RULES.get(one.rule, one.rule),
                "verdict": one.verdict,
                "word": words.VERDICTS[one.verdict],
                "detail": _detail(one),
                "until": one.until,
            }
            for one in told.rules
        ],
        "history": [
            {"what": words.happening(one.what), "at": one.at, "reason": words.reason(one.reason) if one.reason else "",
             "until": one.until}
            for one in told.history
        ],
    }  # fmt: skip
    return show(request, member, "person", context)


def _arm(variants: list[dict[str, object]], arm: int | None) -> str:
    return str(variants[arm].get("name", "")) if arm is not None and arm < len(variants) else ""


def _detail(one: RuleVerdict) -> str:
    """The detail of a rule; a reason of the ledger in words."""
    if one.detail and one.detail in words.REASONS:
        return words.reason(one.detail)
    detail = _INSTANT.sub(lambda found: _clock(found[0]), one.detail)
    return f"{detail[:1].upper()}{detail[1:]}"


def _clock(text: str) -> str:
    """An instant on the workplace's clock."""
    local = timezone.localtime(datetime.fromisoformat(text))
    return f"{local:%H:%M} on {local.day} {local:%b %Y}"
