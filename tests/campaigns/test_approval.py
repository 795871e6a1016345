"""Four eyes: what a second person approved is what is sent, whichever way somebody tries to get around it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import cast
from tulia.campaign_service import CampaignService
from tulia.campaigns import approval
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock, sql
from tulia.core.errors import Conflict, Forbidden, Invalid, Refusal
from tulia.dispatch import scheduler
from tulia.governance_service import GovernanceService
from tulia.tenants import access, api_keys, queries
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from tulia.tenants.api_keys import Caller


@dataclass(frozen=True)
class Person:
    """Somebody at work, with both services."""

    caller: Caller

    @property
    def campaigns(self) -> CampaignService:
        return CampaignService(self.caller)

    @property
    def governance(self) -> GovernanceService:
        return GovernanceService(self.caller)


def by_key(tenant: Tenant, *, of: Person | None = None) -> Person:
    """A program with a key, made by this person, else by the operator."""
    maker = of.caller if of else api_keys.operator(tenant.id)
    _, key = GovernanceService(maker).create_api_key(name="n", role="admin" if of else "owner")
    caller = api_keys.recognise(key)
    assert isinstance(caller, api_keys.Caller)
    return Person(caller)


def member(tenant: Tenant, role: str = "owner") -> Person:
    added = GovernanceService(api_keys.operator(tenant.id)).add_member(
        email=f"{uuid.uuid4().hex}@example.com", name="Asha", role=role, password="long enough by far"
    )
    caller = queries.caller_for(added.user, tenant_id=tenant.id)
    assert caller is not None
    return Person(caller)


@pytest.fixture
def careful(tenant: Tenant) -> Tenant:
    """A tenant with a sender and people, where a second person approves."""
    cast.add_sender(tenant)
    cast.add_people(tenant, 3)
    Tenant.objects.filter(pk=tenant.pk).update(approval_required=True)
    return tenant


@pytest.fixture
def author(careful: Tenant) -> Person:
    return member(careful)


@pytest.fixture
def second(careful: Tenant) -> Person:
    return member(careful)


def draft(person: Person, **fields: Any) -> MessageCampaign:
    given: dict[str, Any] = {"name": "M", "message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}
    return person.campaigns.create_campaign(given | fields)


def approved(author: Person, second: Person, **fields: Any) -> MessageCampaign:
    campaign = draft(author, **fields)
    author.governance.request_approval(campaign.pk)
    second.governance.approve(campaign.pk, note="fine")
    return campaign


def code_of(attempt: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as refused:
        attempt()
    return refused.value.code


def in_an_hour() -> str:
    return (clock.now() + timedelta(hours=1)).isoformat()


def test_nothing_unapproved_is_executed_or_scheduled(author: Person, second: Person) -> None:
    campaign = draft(author)
    for person in (author, second):
        assert code_of(lambda person=person: person.campaigns.execute_campaign(campaign.pk)) == "approval_required"
        assert code_of(lambda person=person: person.campaigns.schedule_campaign(campaign.pk, in_an_hour())) == (
            "approval_required"
        )
    assert code_of(lambda: draft(author, scheduled_at=in_an_hour())) == "approval_required"
    author.governance.request_approval(campaign.pk)
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"


def test_what_was_approved_goes_out(author: Person, second: Person) -> None:
    campaign = approved(author, second)
    standing = author.governance.approval(campaign.pk)
    assert (standing.state, standing.by, standing.note) == ("approved", second.caller.label, "fine")
    assert author.campaigns.execute_campaign(campaign.pk).status == "sending"
    other = approved(author, second)
    assert author.campaigns.schedule_campaign(other.pk, in_an_hour()).status == "scheduled"


def test_where_no_approval_is_asked_for_nothing_changes(tenant: Tenant) -> None:
    cast.add_sender(tenant)
    person = member(tenant)
    campaign = draft(person)
    assert person.governance.approval(campaign.pk).state == "not_requested"
    assert person.campaigns.execute_campaign(campaign.pk).status == "sending"


def test_nobody_approves_what_they_had_a_hand_in(author: Person, second: Person, careful: Tenant) -> None:
    campaign = draft(author)
    editor = member(careful)
    editor.campaigns.update_campaign(campaign.pk, {"message_content": "Ripe mangoes!"})
    author.governance.request_approval(campaign.pk)
    for person in (author, editor):
        assert code_of(lambda person=person: person.governance.approve(campaign.pk)) == "self_approval"
    second.governance.approve(campaign.pk)


def test_nobody_approves_with_another_key_of_their_own(author: Person, second: Person, careful: Tenant) -> None:
    campaign = draft(author)
    author.governance.request_approval(campaign.pk)
    own_key = by_key(careful, of=author)
    key_of_the_key = by_key(careful, of=own_key)
    for person in (own_key, key_of_the_key):
        assert code_of(lambda person=person: person.governance.approve(campaign.pk)) == "self_approval"
    made_by_key = draft(own_key)
    author.governance.request_approval(made_by_key.pk)
    assert code_of(lambda: author.governance.approve(made_by_key.pk)) == "self_approval"
    by_key(careful, of=second).governance.approve(made_by_key.pk)


def test_two_keys_of_the_operator_are_two_actors_and_a_key_made_by_a_key_is_not(careful: Tenant) -> None:
    first, other = by_key(careful), by_key(careful)
    campaign = draft(first)
    first.governance.request_approval(campaign.pk)
    assert code_of(lambda: first.governance.approve(campaign.pk)) == "self_approval"
    assert code_of(lambda: by_key(careful, of=first).governance.approve(campaign.pk)) == "self_approval"
    other.governance.approve(campaign.pk)
    first.campaigns.execute_campaign(campaign.pk)


def test_approving_needs_the_permission_and_a_request(author: Person, second: Person, careful: Tenant) -> None:
    campaign = draft(author)
    assert code_of(lambda: second.governance.approve(campaign.pk)) == "approval_not_requested"
    author.governance.request_approval(campaign.pk)
    analyst = member(careful, "analyst")
    assert code_of(lambda: analyst.governance.approve(campaign.pk)) == "scope_missing"
    assert code_of(lambda: analyst.governance.request_approval(campaign.pk)) == "scope_missing"
    assert analyst.governance.approval(campaign.pk).state == "requested"
    second.governance.approve(campaign.pk)
    assert code_of(lambda: second.governance.approve(campaign.pk)) == "approval_not_requested"


CHANGES: dict[str, Any] = {
    "name": "Other",
    "description": "Other",
    "message_content": "Rotten mangoes!",
    "template_variables": {"1": "x"},
    "target_criteria": {"tags": ["everybody else"]},
    "as_of": "2026-05-04T09:30:00Z",
    "seed": 7,
    "primary_metric": "read",
    "holdout_percent": 10,
    "expected_rate_percent": 2.5,
    "outcome_window_minutes": 60,
    "quiet_hours": None,
    "budget_micros": 5_000_000,
    "local_time": True,
    "frequency_cap_exempt_reason": "because",
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_change_voids_the_approval_and_the_request(author: Person, second: Person, field: str) -> None:
    campaign = approved(author, second)
    author.campaigns.update_campaign(campaign.pk, {field: CHANGES[field]})
    assert author.governance.approval(campaign.pk).state == "not_requested"
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) in ("approval_required", "needs_time")
    assert code_of(lambda: author.campaigns.schedule_campaign(campaign.pk, in_an_hour())) == "approval_required"
    assert code_of(lambda: second.governance.approve(campaign.pk)) == "approval_not_requested"


def test_every_column_is_content_unless_the_system_keeps_account_in_it() -> None:
    columns = {field.attname for field in MessageCampaign._meta.concrete_fields}
    assert columns >= approval.NOT_CONTENT
    from tulia.campaigns import draft as drafts

    stored = {name.removesuffix("_id") for name in columns - approval.NOT_CONTENT}
    for field in drafts._READERS:
        if field != "scheduled_at":
            assert any(column.startswith(field.removesuffix("_id").removesuffix("_percent")) for column in stored), (
                field
            )


def test_variants_and_sender_are_content_too(author: Person, second: Person, careful: Tenant) -> None:
    arms = [{"name": "a", "content": "A"}, {"name": "b", "content": "B"}]
    campaign = approved(author, second, is_ab_test=True, variants=arms)
    author.campaigns.update_campaign(campaign.pk, {"variants": [arms[0], {"name": "b", "content": "C"}]})
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"
    campaign = approved(author, second)
    other = cast.add_sender(careful)
    author.campaigns.update_campaign(campaign.pk, {"sender_id": str(other.pk)})
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"


def test_a_template_that_was_changed_after_the_approval_is_other_content(
    author: Person, second: Person, careful: Tenant
) -> None:
    from tulia.channels.models import MessageTemplate

    template = cast.add_template(careful, body="Fresh mangoes")
    campaign = approved(author, second, template_id=str(template.pk))
    with tenant_scope(careful.id):
        MessageTemplate.objects.filter(pk=template.pk).update(body="Rotten mangoes")
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"


def test_a_copy_of_an_approved_campaign_is_not_approved(author: Person, second: Person) -> None:
    twin = author.campaigns.clone_campaign(approved(author, second).pk)
    assert code_of(lambda: author.campaigns.execute_campaign(twin.pk)) == "approval_required"


def test_changing_it_back_makes_it_what_was_approved(author: Person, second: Person) -> None:
    campaign = approved(author, second)
    author.campaigns.update_campaign(campaign.pk, {"message_content": "Rotten"})
    author.campaigns.update_campaign(campaign.pk, {"message_content": "Fresh mangoes!"})
    assert author.campaigns.execute_campaign(campaign.pk).status == "sending"


def test_an_approver_approves_what_they_looked_at(author: Person, second: Person) -> None:
    campaign = draft(author)
    looked_at = author.governance.request_approval(campaign.pk).version
    author.campaigns.update_campaign(campaign.pk, {"message_content": "Rotten"})
    author.governance.request_approval(campaign.pk)
    assert code_of(lambda: second.governance.approve(campaign.pk, version=looked_at)) == "approval_not_requested"
    assert author.governance.approval(campaign.pk).state == "requested"


def test_a_rejection_says_why_and_takes_an_approval_back(author: Person, second: Person) -> None:
    campaign = approved(author, second)
    with pytest.raises(Invalid):
        second.governance.reject(campaign.pk, note=" ")
    second.governance.reject(campaign.pk, note="the price is wrong")
    with pytest.raises(Forbidden, match="the price is wrong"):
        author.campaigns.execute_campaign(campaign.pk)
    author.governance.request_approval(campaign.pk)
    second.governance.approve(campaign.pk)
    author.campaigns.execute_campaign(campaign.pk)


def test_an_approval_for_a_time_is_for_that_time_only(author: Person, second: Person) -> None:
    campaign = draft(author)
    at = clock.now() + timedelta(hours=2)
    author.governance.request_approval(campaign.pk, scheduled_at=at)
    second.governance.approve(campaign.pk)
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"
    assert code_of(lambda: author.campaigns.schedule_campaign(campaign.pk, in_an_hour())) == "approval_required"
    author.campaigns.schedule_campaign(campaign.pk, at.isoformat())
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"
    assert code_of(lambda: author.campaigns.schedule_campaign(campaign.pk, in_an_hour())) == "approval_required"
    assert scheduler.start_due([(campaign.tenant_id, campaign.pk)], now=at) == 1


def test_a_scheduled_campaign_is_compared_once_more_when_its_time_comes(author: Person, second: Person) -> None:
    campaign = approved(author, second)
    author.campaigns.schedule_campaign(campaign.pk, in_an_hour())
    with tenant_scope(campaign.tenant_id):  # past every door that is there
        MessageCampaign.objects.filter(pk=campaign.pk).update(message_content="Rotten")
    assert scheduler.start_due([(campaign.tenant_id, campaign.pk)], now=clock.now() + timedelta(hours=2)) == 0
    found = cast.reloaded(campaign)
    assert found.status == "draft"
    assert "approve" in found.status_reason


def test_what_was_scheduled_before_the_rule_waits_for_its_approval(tenant: Tenant) -> None:
    cast.add_sender(tenant)
    author, second = member(tenant), member(tenant)
    campaign = draft(author, scheduled_at=in_an_hour())
    Tenant.objects.filter(pk=tenant.pk).update(approval_required=True)
    author.governance.request_approval(campaign.pk)
    assert code_of(lambda: author.governance.approve(campaign.pk)) == "self_approval"
    second.governance.approve(campaign.pk)
    assert code_of(lambda: author.campaigns.execute_campaign(campaign.pk)) == "approval_required"
    assert scheduler.start_due([(tenant.id, campaign.pk)], now=clock.now() + timedelta(hours=2)) == 1


def test_a_change_at_the_very_moment_of_the_start_is_sent_never(author: Person, second: Person) -> None:
    for _ in range(10):
        campaign = approved(author, second)
        done = cast.all_at_once(
            lambda c=campaign: author.campaigns.execute_campaign(c.pk),
            lambda c=campaign: author.campaigns.update_campaign(c.pk, {"message_content": "Rotten"}),
        )
        found = cast.reloaded(campaign)
        if found.status == "sending":
            assert found.message_content == "Fresh mangoes!"
            assert isinstance(done[1], Conflict)
        else:
            assert isinstance(done[0], Forbidden)


def test_a_change_at_the_very_moment_of_the_approval_is_not_approved(author: Person, second: Person) -> None:
    for _ in range(10):
        campaign = draft(author)
        author.governance.request_approval(campaign.pk)
        cast.all_at_once(
            lambda c=campaign: second.governance.approve(c.pk),
            lambda c=campaign: author.campaigns.update_campaign(c.pk, {"message_content": "Rotten"}),
        )
        assert author.governance.approval(campaign.pk).state == "not_requested"
        assert code_of(lambda c=campaign: author.campaigns.execute_campaign(c.pk)) == "approval_required"


def test_only_who_manages_people_switches_the_rule_off(careful: Tenant) -> None:
    from tulia.account_service import AccountService

    integrator = api_keys.Caller(careful.id, frozenset({"integrations:manage"}), "integrator", api_key_id=uuid.uuid4())
    with pytest.raises(Forbidden, match="users:manage"):
        AccountService(integrator).change_settings({"approval_required": False})
    AccountService(integrator).change_settings({"approval_required": True, "country": "TZ"})
    owner = api_keys.Caller(careful.id, access.SCOPES, "owner", api_key_id=uuid.uuid4())
    assert AccountService(owner).change_settings({"approval_required": False}).approval_required is False


def test_decisions_are_never_rewritten_and_outlive_a_deleted_draft(author: Person, second: Person) -> None:
    from django.db import ProgrammingError

    campaign = approved(author, second)
    author.campaigns.delete_campaign(campaign.pk)
    count = "SELECT count(*) FROM campaign_approvals WHERE campaign_id = %(id)s"
    with tenant_scope(campaign.tenant_id):
        assert sql.fetch_one(count, {"id": campaign.pk}) == (2,)
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(campaign.tenant_id):
        sql.execute("UPDATE campaign_approvals SET state = 'approved'")
