"""Where a second person approves, one yes to a recurring campaign holds for all that is made from it, as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

import cast
from campaigns.test_approval import Person, by_key, member
from tulia.api import recurring as api
from tulia.campaigns import recurring
from tulia.campaigns.approval import NotRequested, SelfApproval
from tulia.campaigns.models import CampaignRecurrence, MessageCampaign
from tulia.channels.models import MessageTemplate
from tulia.core import clock
from tulia.dispatch import occurrences
from tulia.recurring_service import Recurring, RecurringService
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

DAY = timedelta(days=1)


@pytest.fixture
def careful(tenant: Tenant) -> Iterator[Tenant]:
    """A tenant with a sender and people, where a second person approves."""
    cast.add_sender(tenant)
    cast.add_people(tenant, 3)
    Tenant.objects.filter(pk=tenant.pk).update(approval_required=True)
    yield tenant
    with tenant_scope(tenant.id):  # nothing is left for the workers of other tests
        CampaignRecurrence.objects.all().update(status="paused", next_at=None)
        MessageCampaign.objects.all().update(status="canceled")


@pytest.fixture
def author(careful: Tenant) -> Person:
    return member(careful)


@pytest.fixture
def second(careful: Tenant) -> Person:
    return member(careful)


def daily(author: Person, **fields: object) -> Recurring:
    starts_at = (clock.now() + timedelta(hours=1)).isoformat()
    configuration = {"message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}
    given = {"name": "Daily", "campaign": configuration, "rrule": "FREQ=DAILY", "starts_at": starts_at}
    return RecurringService(author.caller).create(given | fields)


def next_campaign(made: Recurring) -> MessageCampaign:
    """What a worker makes of the next occurrence at its time."""
    with tenant_scope(made.recurrence.tenant_id):
        held = recurring.find(made.recurrence.tenant_id, made.recurrence.pk)
    assert held.next_at is not None
    campaign = occurrences.take_turn(held.tenant_id, held.pk, now=held.next_at)
    assert campaign is not None
    return campaign


def test_without_a_yes_each_campaign_waits_for_its_own(author: Person, second: Person) -> None:
    made = daily(author)
    campaign = next_campaign(made)
    assert campaign.status == "draft"
    assert "A second person has to approve this campaign first" in campaign.status_reason
    assert "A second person" in RecurringService(author.caller).get(made.recurrence.pk).recurrence.last_problem
    author.governance.request_approval(campaign.pk)
    with pytest.raises(SelfApproval):
        author.governance.approve(campaign.pk)
    second.governance.approve(campaign.pk)
    assert author.campaigns.execute_campaign(campaign.pk).status == "sending"


def test_one_yes_holds_for_every_campaign_until_something_is_changed(author: Person, second: Person) -> None:
    made = daily(author)
    identity = made.recurrence.pk
    found = second.governance.approve_recurring(identity, version=made.approval.version)
    assert (found.is_approved, found.by) == (True, second.caller.label)
    assert [next_campaign(made).status for _ in range(3)] == ["sending"] * 3
    service = RecurringService(author.caller)
    service.skip_next(identity)
    service.pause(identity)
    assert service.resume(identity).approval.is_approved
    changed = {"message_content": "Ripe mangoes!", "target_criteria": {"tags": ["vip"]}}
    assert not service.update(identity, {"campaign": changed}).approval.is_approved
    assert next_campaign(made).status == "draft"


@pytest.mark.parametrize(
    "change", [{"rrule": "FREQ=WEEKLY"}, {"timezone": "Europe/Berlin"}, {"name": "Other"}, {"confirm_everyone": True}]
)
def test_whatever_is_changed_is_not_approved(author: Person, second: Person, change: dict[str, object]) -> None:
    made = daily(author)
    second.governance.approve_recurring(made.recurrence.pk)
    assert not RecurringService(author.caller).update(made.recurrence.pk, change).approval.is_approved


def test_other_words_in_its_template_are_not_approved(careful: Tenant, author: Person, second: Person) -> None:
    template = cast.add_template(careful, body="Hello")
    made = daily(author, campaign={"template_id": str(template.pk), "target_criteria": {"tags": ["vip"]}})
    second.governance.approve_recurring(made.recurrence.pk)
    with tenant_scope(careful.id):
        MessageTemplate.objects.filter(pk=template.pk).update(body="Goodbye")
    assert next_campaign(made).status == "draft"


def test_nobody_approves_what_they_had_a_hand_in(careful: Tenant, author: Person, second: Person) -> None:
    made = daily(author)
    identity = made.recurrence.pk
    for maker in (author, by_key(careful, of=author)):
        with pytest.raises(SelfApproval):
            maker.governance.approve_recurring(identity)
    with pytest.raises(NotRequested):
        second.governance.approve_recurring(identity, version=made.approval.version[::-1])
    RecurringService(second.caller).update(identity, {"name": "Mine too"})
    with pytest.raises(SelfApproval):
        second.governance.approve_recurring(identity)
    assert member(careful).governance.approve_recurring(identity).is_approved
    assert api.shown(RecurringService(author.caller).get(identity))["approval"]["is_approved"]


def test_whoever_made_the_recurring_campaign_does_not_approve_what_it_made(careful: Tenant) -> None:
    program = by_key(careful)
    made = daily(program)
    campaign = next_campaign(made)
    program.governance.request_approval(campaign.pk)
    RecurringService(program.caller).delete(made.recurrence.pk)
    with pytest.raises(SelfApproval):
        program.governance.approve(campaign.pk)
