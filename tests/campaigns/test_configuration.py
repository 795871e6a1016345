"""What a campaign was made from can be saved whole, and made again."""

from __future__ import annotations

from typing import Any

import pytest

from cast import NOW, add_campaign, add_sender, add_template
from tulia.campaigns import campaign_templates, configuration, draft, edit
from tulia.campaigns.models import CampaignTemplate, MessageCampaign
from tulia.core.errors import Invalid
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

OWN_EACH_TIME = {"name", "scheduled_at", "seed"}
NOT_ASKED = {"id", "created_at", "updated_at", "metadata", "name", "seed"}


TESTS: list[dict[str, Any]] = [
    {"holdout_percent": 2.5, "auto_winner": {"test_percent": 30, "decide_after_minutes": 600, "if_undecided": "wait"}},
    {"holdout_percent": 12.34, "local_time": True},
    {"assignment": {"attribute": "segment", "holdout": "none"}, "local_time": True},
]
"""Fields that don't go with one another."""


def everything(tenant: Tenant) -> dict[str, Any]:
    """A value for each field that a campaign is made from, none of them the default, but for those of `TESTS`."""
    return {
        "description": "For June",
        "message_content": "Fresh {{ first_name }}!",
        "template_id": str(add_template(tenant).id),
        "template_variables": {"1": "Amina"},
        "target_criteria": {"tags": ["vip"]},
        "as_of": "2026-05-01T00:00:00+00:00",
        "is_ab_test": True,
        "variants": [{"name": "A", "content": "A"}, {"name": "B", "content": "B"}],
        "primary_metric": "read",
        "control_variant": 0,
        "expected_rate_percent": 62.5,
        "outcome_window_minutes": 90,
        "sender_id": str(add_sender(tenant).id),
        "quiet_hours": {"start": "21:00", "end": "07:30"},
        "budget_micros": 5_000_000,
        "frequency_cap_exempt_reason": "An outage",
    }


def columns(campaign: MessageCampaign) -> dict[str, Any]:
    return {
        field.attname: getattr(campaign, field.attname)
        for field in MessageCampaign._meta.concrete_fields
        if field.attname not in NOT_ASKED
    }


@pytest.mark.parametrize("test", TESTS)
def test_no_field_is_lost_when_a_campaign_is_cloned_or_saved(tenant: Tenant, test: dict[str, Any]) -> None:
    given = everything(tenant) | test
    readable = set(draft._READERS) - OWN_EACH_TIME
    assert set(given).union(*TESTS) == readable, (
        "a new field of campaigns: edit.clone and configuration.of_campaign must know it"
    )
    original = add_campaign(tenant, **given)
    with tenant_scope(tenant.id):
        twin = edit.clone(original, name=None, created_by_id=None)
        saved = campaign_templates.create(
            tenant.id, name="June", from_campaign_id=original.pk, created_by_id=None, now=NOW
        )
        again = campaign_templates.start(saved, overrides={}, created_by_id=None, now=NOW)
    assert saved.campaign == given
    assert columns(twin) == columns(again) == columns(original)
    assert (twin.name, again.name) == ("Mangoes (copy)", "June")
    assert len({original.seed, twin.seed, again.seed}) == 3


def test_no_quiet_hours_are_saved_as_such_and_those_of_the_tenant_are_left_to_it(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        assert configuration.of_campaign(add_campaign(tenant, quiet_hours=None))["quiet_hours"] is None
        assert "quiet_hours" not in configuration.of_campaign(add_campaign(tenant))


def test_a_campaign_for_everybody_is_saved_as_one(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        assert configuration.of_campaign(add_campaign(tenant, target_criteria={}))["target_criteria"] == {}


def test_an_override_stands_in_the_place_of_what_was_saved(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        saved = campaign_templates.create(
            tenant.id, name="June", campaign={"message_content": "Hi", "name": "Weekly"}, created_by_id=None, now=NOW
        )
        made = campaign_templates.start(
            saved, overrides={"target_criteria": {"tags": ["vip"]}}, created_by_id=None, now=NOW
        )
        assert (made.name, made.message_content, made.target_criteria) == ("Weekly", "Hi", {"tags": ["vip"]})
        assert made.status == "draft"


def test_what_is_not_right_any_more_is_named(tenant: Tenant) -> None:
    template = add_template(tenant)
    with tenant_scope(tenant.id):
        saved = campaign_templates.create(
            tenant.id, name="June", campaign={"template_id": str(template.pk)}, created_by_id=None, now=NOW
        )
        template.delete()
        with pytest.raises(Invalid) as refused:
            campaign_templates.start(saved, overrides={}, created_by_id=None, now=NOW)
        assert refused.value.details == {"template_id": "is not a template of yours"}
        assert CampaignTemplate.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"colour": "red"}, "campaign.colour"),
        ({"target_criteria": {"tag": ["vip"]}}, "campaign.target_criteria.tag"),
        ({"scheduled_at": "2026-12-01T09:00:00Z"}, "campaign.scheduled_at"),
        ({"sender_id": "00000000-0000-4000-8000-000000000001"}, "campaign.sender_id"),
        ({"variants": [{"name": "A"}, {"name": "B", "content": "b"}]}, "campaign.variants[0].content"),
        ("everything", "campaign"),
    ],
)
def test_a_configuration_that_will_not_do_is_refused_when_it_is_saved(tenant: Tenant, fields: Any, path: str) -> None:
    with tenant_scope(tenant.id), pytest.raises(Invalid) as refused:
        configuration.read(tenant.id, fields, now=NOW)
    assert path in (refused.value.details or {})


def test_a_complete_one_has_all_that_its_template_asks_for(tenant: Tenant) -> None:
    template = str(add_template(tenant, body="Hello {{1}}").pk)
    with tenant_scope(tenant.id):
        for fields, path in (
            ({"target_criteria": {"tags": ["vip"]}}, "campaign.message_content"),
            ({"template_id": template}, "campaign.template_variables.1"),
        ):
            with pytest.raises(Invalid) as refused:
                configuration.read(tenant.id, fields, now=NOW, is_complete=True)
            assert set(refused.value.details or {}) == {path}
        configuration.read(
            tenant.id, {"template_id": template, "template_variables": {"1": "x"}}, now=NOW, is_complete=True
        )
