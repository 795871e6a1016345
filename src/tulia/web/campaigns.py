"""The list of campaigns."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tulia import page_service
from tulia.campaign_service import CampaignService
from tulia.web import paging, words
from tulia.web.member import READS, Member, page, show


@require_safe
@page(READS)
def campaigns(request: HttpRequest, member: Member) -> HttpResponse:
    """Newest first, one page; `?status=` keeps those in one state."""
    status = request.GET.get("status", "")
    if status not in words.STATUSES:
        status = ""
    found = CampaignService(member.caller).list_campaigns(
        paging.requested(request, shape=(datetime, UUID)), status=status or None
    )
    rows = [{"campaign": one, "audience": page_service.in_words(one.target_criteria)} for one in found.results]
    filters = [
        {"status": "", "label": "All"},
        *({"status": key, "label": label} for key, label in words.STATUSES.items()),
    ]
    context = {"rows": rows, "status": status, "filters": filters, "links": paging.links(request, found)}
    return show(request, member, "campaigns", context)
