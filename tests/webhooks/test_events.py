"""Facts become events: in their transaction, once each, and only for those who listen."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from cast import NOW, add_campaign, add_people, add_sender, recipients, start
from webhooks.listening import deliveries, events, subscribe, types_of

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign
    from tulia.tenants.models import Tenant

LATER = NOW + timedelta(minutes=1)


def _launch(tenant: Tenant, people: int = 3) -> MessageCampaign:
    sender = add_sender(tenant)
    add_people(tenant, people)
    return start(add_campaign(tenant, sender_id=str(sender.pk)))


def _claim(campaign: MessageCampaign) -> list[int]:
    from tulia.ledger import claim

    return [one.recipient_id for one in claim.claim(campaign.tenant_id, campaign.pk, now=NOW, batch=100).people]


def _record(campaign: MessageCampaign, recipient_ids: list[int], *kinds: Any) -> None:
    from tulia.ledger import record
    from tulia.ledger.record import Evidence

    assert campaign.sender_id
    evidence = [
        Evidence(id_, kind, NOW + timedelta(seconds=rank), message_id=f"wamid.{id_}")
        for id_ in recipient_ids
        for rank, kind in enumerate(kinds)
    ]
    record.record(campaign.tenant_id, campaign.sender_id, evidence)


def test_nothing_is_written_for_a_tenant_that_does_not_listen(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    campaign = _launch(tenant)
    _record(campaign, _claim(campaign), Kind.ACCEPTED, Kind.DELIVERED, Kind.READ)
    assert events(tenant) == []


def test_freezing_an_audience_is_no_event_for_those_who_do_not_consent(tenant: Tenant) -> None:
    subscribe(tenant)
    sender = add_sender(tenant)
    add_people(tenant, 2)
    add_people(tenant, 5, consenting=False)
    start(add_campaign(tenant, sender_id=str(sender.pk)))
    assert types_of(events(tenant)) == ["campaign.started"]


def test_each_step_of_a_person_is_one_event_however_often_it_is_told(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    subscribe(tenant, "recipient.sent", "recipient.delivered", "recipient.read", "recipient.replied")
    campaign = _launch(tenant)
    claimed = _claim(campaign)
    for _ in range(2):
        _record(campaign, claimed, Kind.ACCEPTED)
        _record(campaign, claimed, Kind.READ)
        _record(campaign, claimed, Kind.REPLIED, Kind.DELIVERED, Kind.SENT)
    found = events(tenant)
    assert Counter(types_of(found)) == {
        "recipient.sent": 3, "recipient.delivered": 3, "recipient.read": 3, "recipient.replied": 3
    }  # fmt: skip
    person = recipients(campaign)[0]
    mine = [event for event in found if event.data["customer_id"] == str(person.customer_id)]
    assert len(mine) == 4
    for event in mine:
        assert event.data == {
            "campaign_id": str(campaign.pk), "customer_id": str(person.customer_id), "variant": person.arm
        }  # fmt: skip
    assert {event.type: event.occurred_at for event in mine}["recipient.sent"] == person.accepted_at


def test_all_of_one_statement_come_in_the_order_they_happened(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    subscribe(tenant)
    campaign = _launch(tenant, people=1)
    _record(campaign, _claim(campaign), Kind.ACCEPTED, Kind.DELIVERED, Kind.READ, Kind.REPLIED)
    told = events(tenant)
    assert Counter(types_of(told))["recipient.replied"] == 1
    in_order = sorted((one for one in told if one.type.startswith("recipient")), key=lambda one: one.occurred_at)
    assert types_of(in_order) == ["recipient.sent", "recipient.delivered", "recipient.read", "recipient.replied"]


def test_a_failure_names_its_kind_and_code_and_a_skip_its_reason(tenant: Tenant) -> None:
    from tulia.audience import consent
    from tulia.channels.types import Failure, FailureKind
    from tulia.ledger import record
    from tulia.ledger.record import Evidence, Kind
    from tulia.tenants.scope import tenant_scope

    subscribe(tenant, "recipient.failed", "recipient.skipped")
    campaign = _launch(tenant)
    stopped, refused, _ = recipients(campaign)
    with tenant_scope(tenant.id):
        consent.withdraw(
            tenant.id, [stopped.customer_id], at=NOW, source="customer_initiated", actor="customer", reason="STOP"
        )
    _claim(campaign)
    assert campaign.sender_id
    failure = Failure(FailureKind.RECIPIENT, "131026", "can't be reached")
    record.record(tenant.id, campaign.sender_id, [Evidence(refused.pk, Kind.REJECTED, NOW, failure=failure)])
    by_type = {event.type: event.data for event in events(tenant)}
    assert set(by_type) == {"recipient.failed", "recipient.skipped"}
    assert by_type["recipient.failed"]["customer_id"] == str(refused.customer_id)
    assert (by_type["recipient.failed"]["failure_kind"], by_type["recipient.failed"]["failure_code"]) == (
        "recipient", "131026"
    )  # fmt: skip
    assert by_type["recipient.skipped"]["reason"] == "opted_out"


def test_a_conversion_is_told_once_with_its_money(tenant: Tenant) -> None:
    from tulia.ledger import record
    from tulia.ledger.record import Conversion, Kind

    subscribe(tenant, "recipient.converted")
    campaign = _launch(tenant, people=1)
    _record(campaign, _claim(campaign), Kind.ACCEPTED)
    person = recipients(campaign)[0]
    orders = [Conversion(uuid4(), person.customer_id, LATER, 5_000_000, "KES") for _ in range(2)]
    for _ in range(2):
        record.credit(tenant.id, "order", orders, window=record.CONVERSION_WINDOW)
    told = events(tenant)
    assert types_of(told) == ["recipient.converted"] * 2
    assert {event.data["source_id"] for event in told} == {str(order.source_id) for order in orders}
    data = told[0].data
    assert (data["kind"], data["revenue_micros"], data["currency"]) == ("order", 5_000_000, "KES")
    assert (data["campaign_id"], data["customer_id"]) == (str(campaign.pk), str(person.customer_id))


def test_a_campaigns_moves_are_told_in_their_order(tenant: Tenant) -> None:
    from tulia.campaigns import lifecycle
    from tulia.tenants.scope import tenant_scope

    subscribe(tenant)
    sender = add_sender(tenant)
    campaign = add_campaign(tenant, sender_id=str(sender.pk), scheduled_at=LATER.isoformat())
    with tenant_scope(tenant.id):
        lifecycle.schedule(campaign, at=LATER + timedelta(days=1), now=NOW, confirm_everyone=False)
    start(campaign)
    with tenant_scope(tenant.id):
        lifecycle.pause(campaign, reason="wait", now=NOW)
        lifecycle.resume(campaign, now=NOW)
        lifecycle.cancel(campaign, now=LATER)
    told = events(tenant)
    assert sorted(types_of(told)) == sorted(
        [
            "campaign.scheduled", "campaign.scheduled", "campaign.started", "campaign.paused", "campaign.resumed",
            "campaign.canceled",
        ]
    )  # fmt: skip
    by_type = {event.type: event.data for event in told}
    assert by_type["campaign.paused"]["reason"] == "wait"
    assert by_type["campaign.canceled"]["status"] == "canceled"
    assert {data["campaign_id"] for data in by_type.values()} == {str(campaign.pk)}
    assert by_type["campaign.started"]["started_at"]


def test_a_draft_and_its_changes_are_no_events(tenant: Tenant) -> None:
    from tulia.campaigns import edit
    from tulia.tenants.scope import tenant_scope

    subscribe(tenant)
    campaign = add_campaign(tenant)
    with tenant_scope(tenant.id):
        edit.update(campaign, {"name": "Other"}, now=NOW)
    assert events(tenant) == []


def test_a_stop_is_one_event_that_names_the_consents(tenant: Tenant) -> None:
    from tulia.audience import consent
    from tulia.tenants.scope import tenant_scope

    subscribe(tenant, "customer.opted_out", "customer.opted_in")
    (person,) = add_people(tenant, 1)
    said = {"source": "customer_initiated", "actor": "customer", "reason": ""}
    with tenant_scope(tenant.id):
        consent.withdraw(tenant.id, [person.pk], at=NOW, **said)  # type: ignore[arg-type]
        consent.withdraw(tenant.id, [person.pk], at=NOW, **said)  # type: ignore[arg-type]
        consent.restore(tenant.id, [person.pk], at=LATER, **said)  # type: ignore[arg-type]
    told = events(tenant)
    assert sorted(types_of(told)) == ["customer.opted_in", "customer.opted_out"]
    for event in told:
        assert event.data == {
            "customer_id": str(person.pk), "source": "customer_initiated",
            "consents": ["promotional_messages", "reminder_messages"],
        }  # fmt: skip


def test_what_is_taken_back_was_never_told(tenant: Tenant) -> None:
    from tulia.core import sql
    from tulia.tenants.scope import tenant_scope

    subscribe(tenant)
    campaign = add_campaign(tenant)

    def fail_after_moving() -> None:
        with tenant_scope(tenant.id), sql.transaction_scope():
            campaign.mark_sending(at=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_moving()
    assert events(tenant) == []


def test_each_subscription_gets_what_it_asked_for_and_an_event_is_one_for_all(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    everything = subscribe(tenant)
    reads = subscribe(tenant, "recipient.read", "campaign.completed")
    off = subscribe(tenant, is_enabled=False)
    campaign = _launch(tenant, people=2)
    _record(campaign, _claim(campaign), Kind.ACCEPTED, Kind.READ)
    of_everything = deliveries(tenant, everything.subscription.pk)
    assert Counter(one.event.type for one in of_everything) == {
        "campaign.started": 1, "recipient.sent": 2, "recipient.delivered": 2, "recipient.read": 2
    }  # fmt: skip
    of_reads = deliveries(tenant, reads.subscription.pk)
    assert [one.event.type for one in of_reads] == ["recipient.read"] * 2
    assert {one.event_id for one in of_reads} <= {one.event_id for one in of_everything}
    assert deliveries(tenant, off.subscription.pk) == []


def test_types_that_nobody_asked_for_are_not_written(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    subscribe(tenant, "recipient.read")
    campaign = _launch(tenant, people=2)
    _record(campaign, _claim(campaign), Kind.ACCEPTED, Kind.READ)
    assert types_of(events(tenant)) == ["recipient.read"] * 2


def test_events_hold_no_phone_number_no_name_and_no_text(tenant: Tenant) -> None:
    from tulia.ledger.record import Kind

    subscribe(tenant)
    campaign = _launch(tenant)
    people = [(one.phone, one.name) for one in add_people(tenant, 1)]
    _record(campaign, _claim(campaign), Kind.ACCEPTED, Kind.READ, Kind.REPLIED)
    said = " ".join(str(event.data) for event in events(tenant))
    assert said
    assert campaign.message_content not in said
    assert "wamid" not in said  # the provider's id holds the number, in base64
    assert "+254" not in said
    assert not any(name in said for _, name in people)


def test_ids_of_events_rise_with_time(tenant: Tenant) -> None:
    subscribe(tenant)
    campaigns = [add_campaign(tenant) for _ in range(3)]
    add_sender(tenant)
    for campaign in campaigns:
        start(campaign)
    told = events(tenant)
    assert [event.id.version for event in told] == [7, 7, 7]
    assert [event.data["campaign_id"] for event in told] == [str(campaign.pk) for campaign in campaigns]
