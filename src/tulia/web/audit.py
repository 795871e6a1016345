"""Who did what: the record of acts, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tulia.governance_service import MANAGES, GovernanceService
from tulia.tenants.audit import Filter
from tulia.web import paging, words
from tulia.web.member import Member, page, show

_LONGEST_TEXT = 160
_LONGEST_FILTER = 300


@require_safe
@page(MANAGES)
def audit(request: HttpRequest, member: Member) -> HttpResponse:
    """One page; `?action=`, `?actor=` and `?target=` choose among the entries."""
    asked = {name: request.GET.get(name, "")[:_LONGEST_FILTER] for name in ("action", "actor", "target")}
    if any("\x00" in text for text in asked.values()):
        asked = dict.fromkeys(asked, "")
    found = GovernanceService(member.caller).audit(
        paging.requested(request, shape=(datetime, int)),
        Filter(action=asked["action"], actor=asked["actor"], target=asked["target"]),
    )
    rows = [
        {
            "entry": one,
            "what": words.action(one.action),
            "kind": words.kind_of_target(one.target_kind),
            "from": words.ORIGINS.get(one.via, one.via),
            "changes": [
                {"field": words.reason(name), "old": _text(one.old.get(name)), "new": _text(one.new.get(name))}
                for name in dict.fromkeys((*one.old, *one.new))
            ],
        }
        for one in found.results
    ]
    context = {
        "rows": rows,
        "kinds": [{"action": "", "label": "Everything"}, *words.RECORDED],
        "asked": asked,
        "is_narrow": bool(asked["actor"] or asked["target"]),
        "links": paging.links(request, found),
    }
    return show(request, member, "audit", context)


def _text(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
