"""Writing a campaign: one page, with reach and preview beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from tulia.campaign_service import CampaignService
from tulia.core.errors import Conflict, Forbidden, Invalid
from tulia.page_service import PageService, in_words
from tulia.web import (
    composer_form,
    experiment_form,
    form_errors,
    limits_form,
    preview_panel,
    reach_panel,
    template_choices,
)
from tulia.web.composer_form import ComposerForm
from tulia.web.member import COMPOSES, Member, page, show
from tulia.web.message_form import TEMPLATE, TEXT, MessageForm, TemplateChoice

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

RESTORED = "You were signed out while you wrote. Here is what you had written; it is not saved yet."


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def new(request: HttpRequest, member: Member) -> HttpResponse:
    """An empty form, or the form that was sent: looked at again, saved, or saved and reviewed."""
    if request.method == "GET":
        templates = template_choices.offered(member.caller)
        form = composer_form.empty(kind=TEMPLATE if templates else TEXT)
        return _form(request, member, form, templates)
    return _posted(request, member, campaign=None)


@require_http_methods(["GET", "POST"])
@page(COMPOSES)
def edit(request: HttpRequest, member: Member, campaign_id: UUID) -> HttpResponse:
    """The same for a draft that is stored already."""
    campaign = CampaignService(member.caller).get_campaign(campaign_id)
    if campaign.status != "draft":
        messages.info(request, "Only a draft can be changed. Copy the campaign to make another like it.")
        return HttpResponseRedirect(reverse("campaign", args=[campaign_id]))
    if request.method == "GET":
        form, templates = stored_form(member, campaign)
        return _form(request, member, form, templates, campaign=campaign)
    return _posted(request, member, campaign=campaign)


def stored_form(member: Member, campaign: MessageCampaign) -> tuple[ComposerForm, dict[str, TemplateChoice]]:
    """The form of a stored campaign, and the templates it may choose from."""
    also = {str(campaign.template_id or ""), *(str(one.get("template_id") or "") for one in campaign.variants)} - {""}
    templates = template_choices.offered(member.caller, also=sorted(also))
    return composer_form.of_campaign(campaign, templates), templates


def _sent_form(
    request: HttpRequest, member: Member, campaign: MessageCampaign | None
) -> tuple[ComposerForm, dict[str, TemplateChoice]]:
    form = composer_form.of_post(dict(request.POST.lists()), stored=campaign)
    return form, template_choices.offered(member.caller, also=form.template_ids)


def _posted(request: HttpRequest, member: Member, *, campaign: MessageCampaign | None) -> HttpResponse:
    wanted = request.POST.get("do", "save")
    form, templates = _sent_form(request, member, campaign)
    if wanted == "look":
        if request.POST.get("restored"):
            messages.warning(request, RESTORED)
        return _form(request, member, form, templates, campaign=campaign)
    if errors := form.problems(templates):
        return _form(request, member, form, templates, campaign=campaign, errors=errors, status=400)
    service, fields = CampaignService(member.caller), form.fields(templates)
    try:
        stored = service.update_campaign(campaign.pk, fields) if campaign else service.create_campaign(fields)
    except Invalid as refused:
        errors = form_errors.by_field(refused.details, is_ab_test=form.is_ab_test) or {"form": refused.message}
        return _form(request, member, form, templates, campaign=campaign, errors=errors, status=400)
    except (Forbidden, Conflict) as refused:
        errors = {"form": refused.message}
        return _form(request, member, form, templates, campaign=campaign, errors=errors, status=409)
    if wanted == "review":
        return HttpResponseRedirect(reverse("campaign_review", args=[stored.pk]))
    messages.success(request, "The draft is saved.")
    return HttpResponseRedirect(reverse("campaign_edit", args=[stored.pk]))


def _form(
    request: HttpRequest,
    member: Member,
    form: ComposerForm,
    templates: dict[str, TemplateChoice],
    *,
    campaign: MessageCampaign | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    pages = PageService(member.caller)
    known = pages.tags()
    listed = {tag.tag for tag in known}
    wrong = errors or {}
    context = {
        "form": form,
        "campaign": campaign,
        "errors": wrong,
        "tags": [{"tag": tag.tag, "people": tag.people, "is_chosen": tag.tag in form.tags} for tag in known]
        + [{"tag": tag, "people": None, "is_chosen": True} for tag in form.tags if tag not in listed],
        "statuses": [
            {"status": key, "label": label, "is_chosen": key in form.statuses}
            for key, label in composer_form.CONVERSATION_STATUSES.items()
        ],
        "templates": list(templates.values()),
        "single": _arm("message", "message", form.message, templates, wrong),
        "variants": [
            _arm(f"variant_{index}", f"variant_{index}_content", one, templates, wrong)
            | {"letter": "ABCD"[index]}
            | _weight(form, index, wrong)
            for index, one in enumerate(form.variants)
        ],
        "experiment": form.experiment,
        "parts_open": form.experiment.is_uneven or any(name.endswith("_weight") for name in wrong),
        "measure_open": form.experiment.is_measuring or "holdout" in wrong,
        "counts": _choices(experiment_form.COUNTS, form.experiment.counts),
        "undecided": _choices(form.experiment.undecided, form.experiment.if_undecided),
        "numbers": form.numbers,
        "limits": form.limits,
        "limits_open": form.limits.is_set or any(name in wrong for name in ("budget", "quiet", "exempt_reason")),
        "quiet_choices": _choices(limits_form.QUIET, form.limits.quiet),
        "house": pages.workplace(),
        "kept": in_words(form.kept) if form.kept else "",
        "sender": pages.sender(campaign.sender_id if campaign else None),
        "reach": _reach(member, form, campaign),
        "trial": preview_panel.of_form(member.caller, form, templates, person=request.POST.get("person", "")),
    }
    return show(request, member, "composer", context, status=status)


def _choices(labels: Mapping[str, str], chosen: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": label, "is_chosen": value == chosen} for value, label in labels.items()]


def _weight(form: ComposerForm, index: int, errors: dict[str, str]) -> dict[str, str]:
    typed = form.experiment.weights
    name = f"variant_{index}_weight"
    return {
        "weight_field": name, "weight": typed[index] if index < len(typed) else "", "weight_error": errors.get(name, ""),
    }  # fmt: skip


def _arm(
    prefix: str, content_field: str, message: MessageForm, templates: dict[str, TemplateChoice], errors: dict[str, str]
) -> dict[str, Any]:
    """One message of the form, as the page shows it."""
    chosen = templates.get(message.template_id)
    return {
        "prefix": prefix,
        "content_field": content_field,
        "name": message.name,
        "content": message.content,
        "is_template": message.is_template and bool(templates),
        "template_id": message.template_id,
        "chosen": chosen,
        "places": [
            {
                "name": f"{prefix}_value.{place.key}",
                "place": place,
                "value": message.value_of(place),
                "error": errors.get(f"{prefix}_value.{place.key}", ""),
            }
            for place in (chosen.places if chosen else ())
        ],
        "name_error": errors.get(f"{prefix}_name", ""),
        "content_error": errors.get(content_field, ""),
        "template_error": errors.get(f"{prefix}_template", ""),
    }


def _reach(member: Member, form: ComposerForm, campaign: MessageCampaign | None) -> dict[str, Any]:
    if campaign is None:
        return reach_panel.of_form(member.caller, form)
    saved = (campaign.pk, composer_form.of_campaign(campaign, {}))
    return reach_panel.of_form(member.caller, form, sender_id=campaign.sender_id, saved=saved)


@require_POST
@page(COMPOSES)
def reach(request: HttpRequest, member: Member) -> HttpResponse:
    """The part of the page that says whom the campaign reaches."""
    campaign = _named_draft(request, member)
    form = composer_form.of_post(dict(request.POST.lists()), stored=campaign)
    return show(request, member, "_reach", {"reach": _reach(member, form, campaign)})


@require_POST
@page(COMPOSES)
def preview(request: HttpRequest, member: Member) -> HttpResponse:
    """The part of the page that shows the message as a phone does."""
    form, templates = _sent_form(request, member, _named_draft(request, member))
    trial = preview_panel.of_form(member.caller, form, templates, person=request.POST.get("person", ""))
    return show(request, member, "_preview", {"trial": trial})


@require_POST
@page(COMPOSES)
def places(request: HttpRequest, member: Member) -> HttpResponse:
    """The places of the template that was just chosen for a message, with what usually stands there."""
    form, templates = _sent_form(request, member, None)
    prefix = request.GET.get("of", "message")
    arms = {"message": form.message} | {f"variant_{index}": one for index, one in enumerate(form.variants)}
    if prefix not in arms:
        raise Http404
    return show(request, member, "_places", {"arm": _arm(prefix, "", arms[prefix], templates, {})})


def _named_draft(request: HttpRequest, member: Member) -> MessageCampaign | None:
    """The stored draft that the form is about, whose further criteria count too."""
    try:
        campaign_id = UUID(request.POST.get("campaign", ""))
    except ValueError:
        return None
    return CampaignService(member.caller).get_campaign(campaign_id)
