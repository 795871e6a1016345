"""The provider's news of templates: the latest counts, whatever order they come in, and campaigns stop that must."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cast import NOW, add_campaign, add_people, add_sender, add_template, reloaded, start
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import MessageTemplate
from tulia.channels.types import TemplateChange
from tulia.ingest import template_news
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

VALUES = {"1": "there"}


def news(template: MessageTemplate, minute: int = 0, **what: Any) -> TemplateChange:
    return TemplateChange(template.name, "en", NOW + timedelta(minutes=minute), **{"provider_id": "7001"} | what)


def take_in(tenant: Tenant, *changes: TemplateChange) -> None:
    with tenant_scope(tenant.id):
        template_news.take_in(tenant.id, changes, now=NOW)


def now(template: MessageTemplate) -> MessageTemplate:
    with tenant_scope(template.tenant_id):
        return MessageTemplate.objects.get(pk=template.pk)


def running(tenant: Tenant, **fields: Any) -> MessageCampaign:
    add_people(tenant, 2)
    return start(add_campaign(tenant, **fields))


@pytest.mark.parametrize("reverse", [False, True])
def test_the_latest_news_counts_in_whatever_order_it_comes(tenant: Tenant, *, reverse: bool) -> None:
    template = add_template(tenant)
    told = [news(template, 1, status="paused", reason="Low"), news(template, 2, status="approved")]
    for change in reversed(told) if reverse else told:
        take_in(tenant, change)
    take_in(tenant, *told)
    assert (now(template).status, now(template).status_reason) == ("approved", "")


def test_quality_and_category_have_clocks_of_their_own(tenant: Tenant) -> None:
    template = add_template(tenant)
    take_in(
        tenant,
        news(template, 5, quality="red"),
        news(template, 1, category="utility"),
        news(template, 0, status="paused"),
    )
    take_in(tenant, news(template, 4, quality="green"))
    changed = now(template)
    assert (changed.status, changed.quality, changed.category, changed.provider_id) == (
        "paused",
        "red",
        "utility",
        "7001",
    )


def test_a_template_is_known_by_the_providers_id_once_it_was_told(tenant: Tenant) -> None:
    template, other = add_template(tenant), add_template(tenant)
    take_in(tenant, news(template, 0, status="approved"))
    renamed = TemplateChange(other.name, "en", NOW, "7001", status="disabled")
    take_in(tenant, renamed)
    assert now(template).status == "disabled"
    assert now(other).status == "disabled"  # nobody told us its id, and its name is the one that was told
    take_in(tenant, TemplateChange(template.name, "en", NOW + timedelta(1), "9", status="approved"))
    assert now(template).status == "disabled"


def test_news_of_templates_that_we_do_not_know_changes_nothing(tenant: Tenant) -> None:
    template = add_template(tenant)
    take_in(tenant, TemplateChange("unheard_of", "en", NOW, status="paused"))
    take_in(tenant, TemplateChange(template.name, "sw", NOW, status="paused"))
    assert now(template).status == "approved"


@pytest.mark.parametrize("status", ["paused", "disabled", "rejected", "deleted"])
def test_a_campaign_is_paused_with_the_reason_when_its_template_stops(tenant: Tenant, status: str) -> None:
    add_sender(tenant)
    template, other = add_template(tenant), add_template(tenant)
    with_it = running(tenant, template_id=str(template.pk), template_variables=VALUES)
    in_an_arm = running(tenant, is_ab_test=True, variants=[
        {"name": "A", "content": "Hi"}, {"name": "B", "template_id": str(template.pk), "template_variables": VALUES},
    ])  # fmt: skip
    only_named = running(tenant, template_id=str(template.pk), template_variables=VALUES, is_ab_test=True, variants=[
        {"name": "A", "content": "Hi"}, {"name": "B", "content": "Hello"},
    ])  # fmt: skip
    without = running(tenant, template_id=str(other.pk), template_variables=VALUES)
    take_in(tenant, news(template, 0, status=status, reason="People blocked it"))
    for campaign in (with_it, in_an_arm):
        paused = reloaded(campaign)
        assert paused.status == "paused"
        assert paused.status_reason == f"The template {template.name!r} (en) is {status}: People blocked it."
    assert [reloaded(campaign).status for campaign in (only_named, without)] == ["sending", "sending"]


def test_a_pause_that_was_over_before_we_heard_of_it_pauses_nothing(tenant: Tenant) -> None:
    add_sender(tenant)
    template = add_template(tenant)
    campaign = running(tenant, template_id=str(template.pk), template_variables=VALUES)
    take_in(tenant, news(template, 2, status="approved"), news(template, 1, status="paused"))
    assert reloaded(campaign).status == "sending"
