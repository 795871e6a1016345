"""What the reach panel shows: who is left after each rule, where the others are listed, and what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from tulia.campaign_service import CampaignService
from tulia.campaigns import experiment_plan
from tulia.core.errors import Forbidden, Invalid
from tulia.ledger.waterfall import Waterfall
from tulia.reach_service import ReachService
from tulia.tenants.api_keys import Caller
from tulia.web import form_errors, words
from tulia.web.composer_form import ComposerForm

_SOME_TEXT = "."
"""Whom free text reaches depends on no word of it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the waterfall, with its share of the widest, and the people it leaves out."""

    label: str
    people: int
    percent: float
    lost: int = 0
    loss: str = ""
    address: str = ""
    """Where those who are left out are listed, empty where they aren't."""


def of_form(
    caller: Caller, form: ComposerForm, *, sender_id: UUID | None = None, saved: tuple[UUID, ComposerForm] | None = None
) -> dict[str, Any]:
    """The panel beside the form; `saved` is the stored draft, to whose lists of people it leads while they say the same."""
    fields = _fields(form) | ({"sender_id": str(sender_id)} if sender_id else {})
    try:
        counted = ReachService(caller).of_draft(fields)
    except (Invalid, Forbidden) as refused:
        errors = (
            form_errors.by_field(refused.details, is_ab_test=form.is_ab_test) if isinstance(refused, Invalid) else {}
        )
        wrong = errors or {"form": refused.message}
        return {"problems": [{"field": words.FIELDS.get(name, ""), "reason": reason} for name, reason in wrong.items()]}
    listed = saved[0] if saved and _fields(saved[1]) == _fields(form) else None
    kinds = {one.kind for one in form.messages.values()}
    return _shown(caller, counted, form.criteria, listed=listed) | {"is_mixed": len(kinds) > 1}


def of_campaign(caller: Caller, campaign_id: UUID, target_criteria: dict[str, Any]) -> dict[str, Any]:
    """The panel of a stored campaign that hasn't started."""
    return _shown(caller, ReachService(caller).of_campaign(campaign_id), target_criteria, listed=campaign_id)


def _shown(
    caller: Caller, counted: Waterfall, target_criteria: dict[str, Any], *, listed: UUID | None
) -> dict[str, Any]:
    everyone = counted.total_matching
    if target_criteria:
        everyone = CampaignService(caller).calculate_reach({})[0]
    bars = _bars(counted, everyone, listed)
    # Whom a budget leaves out is decided while it sends: nobody can be listed for it.
    # Nor is anybody held out before the launch.
    listable = next(step for step in reversed(counted.steps) if step.name not in ("not_held_out", "within_limits"))
    are_all_listed = counted.remaining == listable.remaining
    return {
        "total": counted.total_matching,
        "lost": counted.total_matching - counted.remaining,
        "losses": [bar for bar in bars if bar.lost],
        "bars": bars,
        "reached": counted.remaining,
        "people": people_address(listed, state="waiting") if listed and are_all_listed else "",
        "cost_micros": counted.estimate.cost_micros,
        "is_free": not counted.estimate.cost_micros,
        "markets": counted.estimate.markets if len(counted.estimate.markets) > 1 else (),
        "notes": counted.notes,
        "is_everyone": not target_criteria,
        "plan": counted.plan,
        "plan_said": experiment_plan.sentences(counted.plan) if counted.plan else (),
    }


def _fields(form: ComposerForm) -> dict[str, Any]:
    """What reach depends on. A message that isn't written yet counts as it will be."""
    arms = [_message(one.is_template, one.template_id) for one in form.messages.values()]
    said = [arm for arm in arms if arm]
    fields: dict[str, Any] = {"target_criteria": form.criteria}
    limits = form.limits.fields()
    fields |= {name: limits[name] for name in ("budget_micros", "frequency_cap_exempt_reason")}
    if len(said) > 1:
        variants = [
            {
                "name": "ABCD"[index],
                **({"content": _SOME_TEXT} if "message_content" in arm else arm),
                **form.experiment.weight(index),
            }
            for index, arm in enumerate(arms)
            if arm
        ]
        return {**fields, **form.experiment.fields(is_ab_test=True), "is_ab_test": True, "variants": variants}
    fields |= form.experiment.fields(is_ab_test=False)
    return {**fields, **(said[0] if said else {})}


def _message(is_template: bool, template_id: str) -> Mapping[str, Any]:
    if is_template:
        return {"template_id": template_id} if template_id else {}
    return {"message_content": _SOME_TEXT}


def _bars(counted: Waterfall, everyone: int, listed: UUID | None) -> list[Bar]:
    widest = max(everyone, counted.total_matching, 1)
    bars = [Bar("customers in all", everyone, round(100 * everyone / widest, 2))]
    for index, step in enumerate(counted.steps):
        before = counted.steps[index - 1].remaining if index else step.remaining
        lost = before - step.remaining
        if index > 1 and not lost:
            continue
        state, reason = words.REACH_REASONS.get(step.name, ("", ""))
        if index == 0:
            address = people_address(listed) if listed else ""
        else:
            address = people_address(listed, state=state, reason=reason) if listed and lost and state else ""
        label, loss = words.REACH_STEPS.get(step.name, step.name), words.REACH_LOSSES.get(step.name, "are left out")
        percent = round(100 * step.remaining / widest, 2)
        bars.append(Bar(label, step.remaining, percent, lost, loss, address))
    return bars


def people_address(campaign_id: UUID, **chosen: str) -> str:
    query = urlencode({name: text for name, text in chosen.items() if text})
    return reverse("campaign_people", args=[campaign_id]) + (f"?{query}" if query else "")
