"""Writing a campaign: one page, with reach and preview beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST

from tulia.campaign_service import CampaignService
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.ledger.waterfall import Waterfall
from tulia.page_service import PageService, in_words
from tulia.reach_service import ReachService
from tulia.tenants.api_keys import Caller
from tulia.web import composer_form, phone_text, words
from tulia.web.composer_form import ComposerForm
from tulia.web.member import COMPOSES, Member, page, show

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the waterfall, with its share of the widest."""

    label: str
    people: int
    percent: float


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def new(request: HttpRequest, member: Member) -> HttpResponse:
    """An empty form, or the form that was sent: looked at again, saved, or saved and reviewed."""
    if request.method == "GET":
        return _form(request, member, ComposerForm())
    return _posted(request, member, composer_form.of_post(dict(request.POST.lists())), campaign=None)


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def edit(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """The same for a draft that is stored already."""
    campaign = CampaignService(member.caller).get_campaign(campaign_id)
    if campaign.status != "draft":
        messages.info(request, "Only a draft can be changed. Copy the campaign to make another like it.")
        return HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
    if request.method == "GET":
        return _form(request, member, _form_of(campaign), campaign=campaign)
    return _posted(request, member, _sent_form(request, campaign), campaign=campaign)


def _form_of(campaign: MessageCampaign) -> ComposerForm:
    return composer_form.of_campaign(
        name=campaign.name,
        message=campaign.message_content,
        target_criteria=campaign.target_criteria,
        is_ab_test=campaign.is_ab_test,
        variants=campaign.variants,
        has_template=campaign.template_id is not None,
    )


def _sent_form(request: HttpRequest, campaign: MessageCampaign | None) -> ComposerForm:
    if campaign is None:
        return composer_form.of_post(dict(request.POST.lists()))
    return composer_form.of_post(
        dict(request.POST.lists()), stored=campaign.target_criteria, has_template=campaign.template_id is not None
    )


def _posted(
    request: HttpRequest, member: Member, form: ComposerForm, *, campaign: MessageCampaign | None
) -> HttpResponse:
    wanted = request.POST.get("do", "save")
    if wanted == "look":
        return _form(request, member, form, campaign=campaign)
    service = CampaignService(member.caller)
    try:
        stored = (
            service.update_campaign(campaign.pk, form.fields()) if campaign else service.create_campaign(form.fields())
        )
    except Invalid as refused:
        errors = composer_form.errors_by_field(refused.details, is_ab_test=form.is_ab_test)
        return _form(request, member, form, campaign=campaign, errors=errors or {"form": refused.message}, status=400)
    except (Forbidden, Conflict) as refused:
        return _form(request, member, form, campaign=campaign, errors={"form": refused.message}, status=409)
    if wanted == "review":
        return HttpResponseRedirect(reverse("campaign_review", args=[stored.pk]))
    messages.success(request, "The draft is saved.")
    return HttpResponseRedirect(reverse("campaign_edit", args=[stored.pk]))


def _form(
    request: HttpRequest,
    member: Member,
    form: ComposerForm,
    *,
    campaign: MessageCampaign | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    pages = PageService(member.caller)
    known = pages.tags()
    listed = {tag.tag for tag in known}
    kept = in_words(form.kept) if form.kept else ""
    context = {
        "form": form,
        "campaign": campaign,
        "errors": errors or {},
        "tags": [{"tag": tag.tag, "people": tag.people, "is_chosen": tag.tag in form.tags} for tag in known]
        + [{"tag": tag, "people": None, "is_chosen": True} for tag in form.tags if tag not in listed],
        "statuses": [
            {"status": key, "label": label, "is_chosen": key in form.statuses}
            for key, label in composer_form.CONVERSATION_STATUSES.items()
        ],
        "variants": [
            {
                "index": index,
                "letter": "ABCD"[index],
                "name": one.name,
                "content": one.content,
                "name_error": (errors or {}).get(f"variant_{index}_name", ""),
                "content_error": (errors or {}).get(f"variant_{index}_content", ""),
            }
            for index, one in enumerate(form.variants)
        ],
        "numbers": form.numbers,
        "kept": kept,
        "sender": pages.sender(campaign.sender_id if campaign else None),
        "reach": reach_of(member.caller, form.criteria),
        "trial": trial_of(member.caller, form, person=request.POST.get("person", "")),
    }
    return show(request, member, "composer", context, status=status)


@require_POST
@page(COMPOSES)
def reach(request: HttpRequest, member: Member) -> HttpResponse:
    """The part of the page that says whom the criteria reach."""
    form = _sent_form(request, _named_draft(request, member))
    return show(request, member, "_reach", {"reach": reach_of(member.caller, form.criteria)})


@require_POST
@page(COMPOSES)
def preview(request: HttpRequest, member: Member) -> HttpResponse:
    """The part of the page that shows the message as a phone does."""
    form = _sent_form(request, _named_draft(request, member))
    trial = trial_of(member.caller, form, person=request.POST.get("person", ""))
    return show(request, member, "_preview", {"trial": trial})


def _named_draft(request: HttpRequest, member: Member) -> MessageCampaign | None:
    """The stored draft that the form is about, whose further criteria count too."""
    try:
        campaign_id = UUID(request.POST.get("campaign", ""))
    except ValueError:
        return None
    return CampaignService(member.caller).get_campaign(campaign_id)


_SOME_TEXT = "."
"""The page writes free text: whom that reaches depends on no word of it."""


def reach_of(caller: Caller, target_criteria: dict[str, Any]) -> dict[str, Any]:
    """What the reach panel shows: the waterfall, or what is wrong with the criteria."""
    service = ReachService(caller)
    try:
        counted = service.of_draft({"target_criteria": target_criteria, "message_content": _SOME_TEXT})
    except Invalid as refused:
        errors = composer_form.errors_by_field(refused.details, is_ab_test=False)
        return {"problems": [{"field": _LABELS.get(name, ""), "reason": reason} for name, reason in errors.items()]}
    everyone = counted.total_matching
    if target_criteria:
        everyone = CampaignService(caller).calculate_reach({})[0]
    return {
        "total": counted.total_matching,
        "lost": counted.total_matching - counted.remaining,
        "losses": _losses(counted),
        "bars": _bars(counted, everyone),
        "reached": counted.remaining,
        "notes": counted.notes,
        "is_everyone": not target_criteria,
    }


_LABELS = {
    "ordered_in_last_days": "Ordered in the last … days",
    "min_order_count": "Orders, at least",
    "active_in_last_days": "Chatted in the last … days",
    "tags": "Tags",
    "statuses": "Conversation",
}


def _losses(counted: Waterfall) -> list[Bar]:
    """How many each step leaves out, for those that leave anybody out."""
    pairs = zip(counted.steps, counted.steps[1:], strict=False)
    lost = [(words.REACH_LOSSES.get(after.name, ""), before.remaining - after.remaining) for before, after in pairs]
    return [Bar(label, people, 0.0) for label, people in lost if people]


def _bars(counted: Waterfall, everyone: int) -> list[Bar]:
    widest = max(everyone, counted.total_matching, 1)
    steps = [("customers in all", everyone)]
    lasting = [step for i, step in enumerate(counted.steps) if i < 2 or step.remaining < counted.steps[i - 1].remaining]
    steps += [(words.REACH_STEPS.get(step.name, step.name.replace("_", " ")), step.remaining) for step in lasting]
    return [Bar(label, people, round(100 * people / widest, 2)) for label, people in steps]


def trial_of(caller: Caller, form: ComposerForm, *, person: str) -> dict[str, Any]:
    """What the phone shows: the message of each arm, made for one of a few real people."""
    pages = PageService(caller)
    texts = [text for text in form.texts if text.strip()]
    trial = pages.try_texts(texts, form.criteria)
    people = [
        {"id": str(one.id), "name": one.name or one.phone, "label": label, "is_chosen": str(one.id) == person}
        for label, one in trial.people
    ]
    chosen = next((one for _, one in trial.people if str(one.id) == person), None)
    if chosen is None and trial.people:
        chosen = trial.people[0][1]
        people[0]["is_chosen"] = True
    bubbles: list[dict[str, Any]] = []
    for index, text in enumerate(form.texts):
        if not text.strip():
            continue
        label = (form.variants[index].name or "ABCD"[index]) if form.is_ab_test else ""
        made = pages.try_text(text, chosen) if chosen else None
        bubbles.append(
            {
                "label": label,
                "html": mark_safe(phone_text.to_html(made.text if made else text)),  # noqa: S308 - escaped there
                "problem": made.problem if made else "",
            }
        )
    return {
        "people": people,
        "person": (chosen.name or chosen.phone) if chosen else "",
        "bubbles": bubbles,
        "tried": trial.tried,
        "skipped": trial.skipped if texts else 0,
        "problem": trial.example_problem,
    }
