"""A customer's rights over the API: the copy, the record of refused sends, and erasure that leaves the numbers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from api_client import ApiClient
from cast import add_campaign, add_people, add_sender, recipients, start
from tulia.audience import confirmations, consent, conversations, suppression
from tulia.audience.models import Customer, CustomerTag, Message, Suppression
from tulia.core import clock, sql
from tulia.ingest import apply, inbound
from tulia.ingest.models import Callback
from tulia.ledger import claim, record
from tulia.ledger.record import Evidence, Kind
from tulia.reports.verify import verify
from tulia.tenants import accounts, api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope
from whatsapp_simulator.wamid import mint_outbound

NAME = "Wanjiru Kamau-Njeri"
PHONE = "+254712987654"
PERSONAL = (NAME, PHONE, PHONE.lstrip("+"), "W-778899", "left-handed", "mangoes for my mother")


def shop_with_one_person(tenant: Tenant, api: ApiClient) -> tuple[str, Any]:
    """A person with one of everything, and a campaign that one of her messages was sent for; her id and the campaign."""
    made = api(
        "POST", "/v1/customers",
        {"phone": PHONE, "name": NAME, "external_id": "W-778899", "tags": ["vip", "regular of " + NAME],
         "attributes": {"hand": "left-handed"}, "consent_promotional": True},
        Idempotency_Key="make-her",
    )  # fmt: skip
    assert made.status_code == 201, made.content
    customer_id = made.json()["id"]
    with tenant_scope(tenant.id):  # her window is open, so a text may be sent
        conversations.record_inbound(tenant.id, [conversations.Inbound(PHONE, clock.now(), "Hello", "wamid.IN0")])
    add_people(tenant, 5)
    sender = add_sender(tenant)
    campaign = start(add_campaign(tenant, message_content="Hello {{ name }}"), now=clock.now())
    now = clock.now()
    claimed = claim.claim(tenant.id, campaign.pk, now=now, batch=10)
    assert len(claimed.people) == 6
    ids = {person.phone: person.recipient_id for person in claimed.people}
    wamids = {phone: mint_outbound(phone.lstrip("+"), bytes(range(9))) for phone in ids}
    record.record(
        tenant.id,
        sender.pk,
        [Evidence(ids[phone], Kind.ACCEPTED, now, message_id=wamids[phone]) for phone in ids],
    )
    placed = (now + timedelta(minutes=5)).isoformat()
    for address, body in (
        (
            "orders",
            {"external_id": "ORD-5551", "placed_at": placed, "total": "120", "currency": "KES", "status": "paid"},
        ),
        ("bookings", {"external_id": "B-5551", "booked_at": placed, "starts_at": placed, "status": "confirmed"}),
    ):
        answer = api("POST", f"/v1/{address}", {"customer_id": customer_id} | body)
        assert answer.status_code == 201, answer.content
    updates = [
        {
            "id": wamids[phone], "status": what, "timestamp": str(int(now.timestamp()) + 2),
            "recipient_id": phone.lstrip("+"), "biz_opaque_callback_data": f"t1:{campaign.pk}:{ids[phone]}",
        }
        for phone in ids
        for what in ("delivered", "read")
    ]  # fmt: skip
    said = {
        "from": PHONE.lstrip("+"), "id": "wamid.IN1", "timestamp": str(int(now.timestamp()) + 60), "type": "text",
        "text": {"body": "mangoes for my mother"}, "context": {"id": wamids[PHONE]},
    }  # fmt: skip
    value = {
        "messaging_product": "whatsapp", "metadata": {"phone_number_id": sender.external_id}, "statuses": updates,
        "contacts": [{"wa_id": PHONE.lstrip("+"), "profile": {"name": NAME}}], "messages": [said],
    }  # fmt: skip
    body = orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}
    )
    with tenant_scope(tenant.id):
        Callback.objects.create(tenant=tenant, sender=sender, body=body)
    return customer_id, campaign


def everything_stored(tenant: Tenant) -> str:
    """Every row of every table with a tenant, as text; bodies and answers opened."""
    from tulia.core import crypto
    from tulia.tenants.models import IdempotentRequest

    with tenant_scope(tenant.id):
        tables = [
            name
            for (name,) in sql.fetch_all(
                "SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id'"
                " AND table_schema = 'public'"
            )
        ]
        said = [repr(sql.fetch_all(f"SELECT * FROM {table}")) for table in tables]
        said += [bytes(body).decode() for body in Callback.objects.values_list("body", flat=True)]
        said += [
            crypto.decrypt(answer)
            for answer in IdempotentRequest.objects.values_list("answer_encrypted", flat=True)
            if answer
        ]
    jobs = sql.fetch_all("SELECT args::text FROM procrastinate_jobs")
    return "\n".join([*said, repr(jobs)])


def figures(api: ApiClient, campaign: Any) -> Any:
    report = api("GET", f"/v1/campaigns/{campaign.pk}/report").json()
    return {**report, "duration_seconds": None}


def erase(api: ApiClient, customer_id: str, **body: Any) -> Any:
    return api("POST", f"/v1/customers/{customer_id}/erase", {"confirm": True, "reason": "asked for it"} | body)


def test_erasing_removes_a_person_everywhere_and_leaves_every_figure(tenant: Tenant, api: ApiClient) -> None:
    customer_id, campaign = shop_with_one_person(tenant, api)
    reason = f"{NAME} called"
    api("PUT", f"/v1/customers/{customer_id}/preferences", {"reminder_messages": False, "reason": reason})
    apply.apply_waiting(tenant.id)
    before = figures(api, campaign)
    assert before["engagement"]["response_count"] == before["engagement"]["conversion_count"] == 1
    assert all(text in everything_stored(tenant) for text in PERSONAL), "or the test looks in the wrong place"
    erased = erase(api, customer_id)
    assert (erased.status_code, erased.json()["unsent_count"]) == (200, 0)
    held = everything_stored(tenant)
    marks = (reason, mint_outbound(PHONE.lstrip("+"), bytes(range(9))))
    for text in (*PERSONAL, *marks):
        assert not [line[:60] for line in held.splitlines() if text in line], text
    assert figures(api, campaign) == before
    assert verify([tenant.id]).differences == ()
    again = erase(api, customer_id)
    assert (again.status_code, again.json()["erased_at"]) == (200, erased.json()["erased_at"])
    for address in ("", "/export", "/preferences", "/consent-history"):
        assert api("GET", f"/v1/customers/{customer_id}{address}").status_code == 404
    repeated = api(
        "POST", "/v1/customers",
        {"phone": PHONE, "name": NAME, "external_id": "W-778899", "tags": ["vip", "regular of " + NAME],
         "attributes": {"hand": "left-handed"}, "consent_promotional": True},
        Idempotency_Key="make-her",
    )  # fmt: skip
    assert (repeated.status_code, repeated.json()) == (201, {})


def test_replaying_what_is_left_of_the_callbacks_changes_nothing(tenant: Tenant, api: ApiClient) -> None:
    customer_id, campaign = shop_with_one_person(tenant, api)
    erase(api, customer_id)  # what waits is applied first
    figures_then = figures(api, campaign)
    assert figures_then["engagement"]["read_count"] == 6
    apply.replay(tenant.id, received_since=clock.now() - timedelta(hours=1))
    apply.apply_waiting(tenant.id)
    assert figures(api, campaign) == figures_then
    assert verify([tenant.id]).differences == ()
    with tenant_scope(tenant.id):
        (row,) = [one for one in recipients(campaign) if str(one.customer_id) == customer_id]
    late = Evidence(row.pk, Kind.READ, clock.now(), message_id=mint_outbound(PHONE.lstrip("+"), bytes(9)))
    record.record(tenant.id, row.sender_id, [late])
    assert next(one.message_id for one in recipients(campaign) if one.pk == row.pk) == "erased"


def test_a_receipt_that_comes_after_the_erasure_is_counted_and_brings_the_number_back_nowhere(
    tenant: Tenant, api: ApiClient
) -> None:
    customer_id, campaign = shop_with_one_person(tenant, api)
    with tenant_scope(tenant.id):
        late = Callback.objects.get()
        body = bytes(late.body)
        Callback.objects.all().delete()
    erase(api, customer_id)
    assert figures(api, campaign)["engagement"]["read_count"] == 0
    with tenant_scope(tenant.id):
        content = orjson.loads(body)
        for name in ("messages", "contacts"):  # she writes no more
            del content["entry"][0]["changes"][0]["value"][name]
        Callback.objects.create(tenant=tenant, sender_id=late.sender_id, body=orjson.dumps(content))
    assert apply.apply_waiting(tenant.id) == 1
    assert figures(api, campaign)["engagement"]["read_count"] == 6
    held = everything_stored(tenant)
    assert not [line[:60] for line in held.splitlines() if PHONE.lstrip("+") in line]
    assert mint_outbound(PHONE.lstrip("+"), bytes(range(9))) not in held


def test_who_waits_for_a_message_is_skipped_and_what_waits_for_them_is_not_sent(tenant: Tenant, api: ApiClient) -> None:
    sender, (person, other) = add_sender(tenant), add_people(tenant, 2)
    campaign = start(add_campaign(tenant), now=clock.now())
    with tenant_scope(tenant.id):
        consent.withdraw(
            tenant.id, [person.pk], at=clock.now(), source="customer_initiated", actor="customer", reason="STOP"
        )
        confirmations.ask(
            tenant.id, sender_id=sender.pk, phone=person.phone, kind="stopped", text="Bye", message_id="1",
            at=clock.now(), now=clock.now(),
        )  # fmt: skip
    assert erase(api, str(person.pk)).json()["unsent_count"] == 1
    assert confirmations.claim(tenant.id, sender.pk, now=clock.now(), batch=5) == ()
    states = {row.customer_id: (row.state, row.reason) for row in recipients(campaign)}
    assert states == {person.pk: (11, "erased"), other.pk: (0, "")}
    assert api("GET", f"/v1/campaigns/{campaign.pk}/report").json()["balance"]["is_balanced"] is True


def test_the_number_of_an_erased_person_who_had_opted_out_is_opted_in_by_themselves_only(
    tenant: Tenant, api: ApiClient
) -> None:
    made = api("POST", "/v1/customers", {"phone": PHONE, "name": NAME, "consent_promotional": True}).json()
    withdrawn = {"promotional_messages": False, "source": "customer_initiated", "reason": "said so"}
    api("PUT", f"/v1/customers/{made['id']}/preferences", withdrawn)
    erase(api, made["id"])
    with tenant_scope(tenant.id):
        assert PHONE.lstrip("+") not in repr(list(Suppression.objects.values()))
    again = api("POST", "/v1/customers", {"phone": PHONE, "consent_promotional": True}).json()
    assert again["id"] != made["id"]
    assert (again["preferences"]["promotional_messages"], again["preferences"]["reminder_messages"]) == (False, False)
    file = f"phone,name,consent_promotional\n{PHONE},New,true\n".encode()
    imported = api("POST", "/v1/customers/import", file, content_type="text/csv")
    assert imported.json()["updated"] == 1
    path = f"/v1/customers/{again['id']}"
    assert api("GET", f"{path}/preferences").json()["promotional_messages"] is False
    told = api("GET", f"{path}/consent-history").json()["results"]
    assert "an erased person with this number had opted out" in {line["reason"] for line in told}
    api("DELETE", path)
    api("POST", "/v1/customers/import", file, content_type="text/csv")
    (third,) = api("GET", "/v1/customers?phone=" + PHONE.replace("+", "%2B")).json()["results"]
    assert third["preferences"]["promotional_messages"] is False
    with tenant_scope(tenant.id):
        conversations.record_inbound(tenant.id, [conversations.Inbound(PHONE, clock.now(), "hello", "wamid.h")])
        assert suppression.among(tenant.id, [PHONE, "+254700000000"]) == {PHONE}
        from tulia.channels.types import InboundMessage

        start_again = InboundMessage("wamid.s", clock.now(), PHONE, "text", "START")
        inbound.obey(tenant.id, uuid.uuid4(), [start_again], [])
        assert suppression.among(tenant.id, [PHONE]) == frozenset()
    assert api("GET", f"/v1/customers/{third['id']}/preferences").json()["promotional_messages"] is True


def test_who_never_opted_out_is_a_new_person_when_the_number_comes_again(tenant: Tenant, api: ApiClient) -> None:
    made = api("POST", "/v1/customers", {"phone": PHONE, "consent_promotional": True}).json()
    erase(api, made["id"])
    again = api("POST", "/v1/customers", {"phone": PHONE, "consent_promotional": True}).json()
    assert again["id"] != made["id"]
    assert again["preferences"]["promotional_messages"] is True


def test_erasing_asks_for_confirmation_a_reason_and_the_permission(
    tenant: Tenant, api: ApiClient, api_of: Callable[..., ApiClient]
) -> None:
    made = api("POST", "/v1/customers", {"phone": PHONE}).json()
    for body, field in (
        ({"reason": "x"}, "confirm"), ({"confirm": True}, "reason"), ({"confirm": True, "reason": " "}, "reason")
    ):  # fmt: skip
        refused = api("POST", f"/v1/customers/{made['id']}/erase", body)
        assert (refused.status_code, set(refused.json()["error"]["details"])) == (400, {field})
    assert erase(api, str(uuid.uuid4())).status_code == 404
    clerk = ApiClient(api_keys.create(tenant.id, name="clerk", scopes=["conversations:view"]))
    assert erase(clerk, made["id"]).status_code == 403
    assert clerk("GET", f"/v1/customers/{made['id']}/export").json()["error"]["code"] == "scope_missing"
    stranger = api_of(accounts.create_tenant(f"o-{tenant.slug}", name="Other", tier="starter"))
    assert erase(stranger, made["id"]).status_code == 404
    with tenant_scope(tenant.id):
        assert Customer.objects.get(pk=made["id"]).erased_at is None


def test_the_copy_holds_everything_of_one_person_and_nothing_of_others(tenant: Tenant, api: ApiClient) -> None:
    customer_id, campaign = shop_with_one_person(tenant, api)
    apply.apply_waiting(tenant.id)
    held = api("GET", f"/v1/customers/{customer_id}/export").json()
    assert held["profile"]["name"] == NAME
    assert held["preferences"]["promotional_messages"] is True
    assert [line["source"] for line in held["consent_history"]][-1] == "tenant_updated"
    assert [order["external_id"] for order in held["orders"]] == ["ORD-5551"]
    assert [booking["external_id"] for booking in held["bookings"]] == ["B-5551"]
    assert [message["text"] for message in held["messages"]] == ["Hello", "mangoes for my mother"]
    (sent,) = held["campaign_messages"]
    assert (sent["campaign_id"], sent["campaign_name"], sent["state"]) == (str(campaign.pk), "Mangoes", "read")
    assert sorted(one["kind"] for one in sent["conversions"]) == ["booking", "order"]
    assert all(sent[name] for name in ("accepted_at", "delivered_at", "read_at", "replied_at", "converted_at"))
    assert "Person 1" not in orjson.dumps(held).decode()


def test_a_refused_test_message_and_those_whom_a_run_passed_over_are_on_one_list(
    tenant: Tenant, api: ApiClient
) -> None:
    add_sender(tenant)
    (unwilling,), (willing, stopping) = add_people(tenant, 1, consenting=False), add_people(tenant, 2)
    campaign = start(add_campaign(tenant), now=clock.now())
    with tenant_scope(tenant.id):
        consent.withdraw(
            tenant.id, [stopping.pk], at=clock.now(), source="customer_initiated", actor="customer", reason="STOP"
        )
    claim.claim(tenant.id, campaign.pk, now=clock.now(), batch=5)
    refused = api("POST", f"/v1/campaigns/{campaign.pk}/test-send", {"customer_id": str(unwilling.pk)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_consent")
    listed = api("GET", "/v1/compliance/refusals").json()["results"]
    assert {(one["customer_id"], one["act"], one["reason"]) for one in listed} == {
        (str(unwilling.pk), "test_send", "no_consent"),
        (str(unwilling.pk), "campaign", "no_consent"),
        (str(stopping.pk), "campaign", "opted_out"),
    }
    assert listed[0]["act"] == "test_send"
    assert {one["campaign_id"] for one in listed} == {str(campaign.pk)}
    first = api("GET", "/v1/compliance/refusals?limit=2").json()
    second = api("GET", first["next"].partition("testserver")[2]).json()
    assert [*first["results"], *second["results"]] == listed
    assert api("GET", second["previous"].partition("testserver")[2]).json()["results"] == first["results"]
    of_one = api("GET", f"/v1/compliance/refusals?customer_id={stopping.pk}").json()["results"]
    assert [one["reason"] for one in of_one] == ["opted_out"]
    assert api("GET", f"/v1/compliance/refusals?customer_id={willing.pk}").json()["results"] == []
    assert api("GET", "/v1/compliance/refusals?customer=1").status_code == 400


def test_no_field_of_any_body_or_address_switches_the_consent_check_off(api: ApiClient) -> None:
    description = api("GET", "/v1/openapi.json").content.decode().lower()
    for word in ("skip_consent", "ignore_consent", "force", "override_consent", "bypass"):
        assert f'"{word}' not in description


def test_tags_and_messages_of_an_erased_person_are_empty(tenant: Tenant, api: ApiClient) -> None:
    customer_id, _ = shop_with_one_person(tenant, api)
    erase(api, customer_id)
    with tenant_scope(tenant.id):
        assert not CustomerTag.objects.filter(customer_id=customer_id).exists()
        assert set(Message.objects.filter(conversation__customer_id=customer_id).values_list("text", flat=True)) == {""}
