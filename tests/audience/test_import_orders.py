"""Orders, bookings and messages of files find their customers and are stored once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tulia.audience import conversations, imports
from tulia.audience.conversations import Inbound
from tulia.audience.imports import ImportResult, Kind
from tulia.audience.models import Booking, Conversation, Customer, Message, Order
from tulia.core import sql
from tulia.core.errors import Invalid
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ORDERS = "external_id,customer_external_id,placed_at,total,currency,status\n"


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    people = b"external_id,phone\nA1,+254712000001\nA2,+254712000002\n"
    imports.run(tenant.id, "customers", io.BytesIO(people), actor="x")
    return tenant


def put(tenant: Tenant, kind: Kind, text: str, **options: object) -> ImportResult:
    return imports.run(tenant.id, kind, io.BytesIO(text.encode()), actor="x", **options)  # type: ignore[arg-type]


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.rejected, result.unchanged


def test_orders_are_stored_with_micros_and_midnights_of_the_tenants_zone(shop: Tenant) -> None:
    text = ORDERS + "O1,A1,2026-05-04,1250.50,kes,paid\nO2,A2,2026-05-04T09:30:00+03:00,0.000001,KES,Cancelled\n"
    assert counts(put(shop, "orders", text)) == (2, 0, 0, 0)
    with tenant_scope(shop.id):
        first, second = Order.objects.order_by("external_id")
    assert (first.total_micros, first.currency, first.status) == (1_250_500_000, "KES", "paid")
    assert first.placed_at == datetime(2026, 5, 3, 21, tzinfo=UTC)
    assert (second.total_micros, second.status) == (1, "canceled")
    assert second.placed_at == datetime(2026, 5, 4, 6, 30, tzinfo=UTC)


def test_the_same_orders_again_change_nothing_and_a_new_status_is_an_update(shop: Tenant) -> None:
    text = ORDERS + "O1,A1,2026-05-04,10,KES,pending\nO2,A1,2026-05-04,10,KES,paid\n"
    put(shop, "orders", text)
    with tenant_scope(shop.id):
        before = sorted(sql.fetch_all("SELECT xmin::text, xmax::text FROM orders"))
    assert counts(put(shop, "orders", text)) == (0, 0, 0, 2)
    with tenant_scope(shop.id):
        assert sorted(sql.fetch_all("SELECT xmin::text, xmax::text FROM orders")) == before
    assert counts(put(shop, "orders", text.replace("pending", "paid"))) == (0, 1, 0, 1)
    no_currency = "external_id,phone,placed_at,total,status\nO1,0712000001,2026-05-04,10,paid\n"
    assert counts(put(shop, "orders", no_currency)) == (0, 0, 0, 1)


def test_bad_orders_are_named_and_unknown_customers_too(shop: Tenant) -> None:
    text = ORDERS + (
        "O1,A1,2026-05-04,-1,KES,paid\nO2,A9,2026-05-04,1,KES,paid\nO3,A1,04/05/2026,1,KES,lost\n"
        ',A1,2026-05-04,"1,000.00",KESH,paid\nO5,A1,2026-05-04,1,KES,paid\nO5,A1,2026-05-04,2,KES,paid\n'
    )
    result = put(shop, "orders", text)
    assert counts(result) == (1, 0, 4, 1)
    assert [fault.line for fault in result.errors] == [2, 3, 4, 5]
    assert "there is no customer with external_id A9" in result.errors[1].error
    assert "placed_at must" in result.errors[2].error
    assert "status must be one of" in result.errors[2].error
    with tenant_scope(shop.id):
        assert Order.objects.get().total_micros == 2_000_000


def test_the_hook_is_told_of_what_was_stored_in_the_same_transaction(shop: Tenant) -> None:
    told: list[tuple[UUID, Kind, int]] = []

    def credit(tenant_id: UUID, kind: Kind, ids: Sequence[UUID]) -> None:
        told.append((tenant_id, kind, Order.objects.filter(pk__in=ids).count()))

    text = ORDERS + "".join(f"O{number},A1,2026-05-04,1,KES,paid\n" for number in range(5))
    put(shop, "orders", text, on_stored=credit, batch_lines=3)
    put(shop, "orders", text, on_stored=credit, batch_lines=3)
    assert told == [(shop.id, "orders", 3), (shop.id, "orders", 2)]

    def break_off(tenant_id: UUID, kind: Kind, ids: Sequence[UUID]) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        put(shop, "orders", ORDERS + "O9,A1,2026-05-04,1,KES,paid\n", on_stored=break_off)
    with tenant_scope(shop.id):
        assert not Order.objects.filter(external_id="O9").exists()


def test_an_order_file_without_a_way_to_name_customers_is_refused(shop: Tenant) -> None:
    with pytest.raises(Invalid, match="missing column customer_external_id or phone"):
        put(shop, "orders", "external_id,placed_at,total,status\n")


def test_bookings_are_stored_once_and_change(shop: Tenant) -> None:
    text = "external_id,phone,booked_at,starts_at,status\nB1,0712000001,2026-05-04,2026-05-09T10:00:00Z,confirmed\n"
    assert counts(put(shop, "bookings", text)) == (1, 0, 0, 0)
    assert counts(put(shop, "bookings", text)) == (0, 0, 0, 1)
    assert counts(put(shop, "bookings", text.replace("confirmed", "no-show"))) == (0, 1, 0, 0)
    with tenant_scope(shop.id):
        assert Booking.objects.get().status == "no_show"


def test_messages_make_a_conversation_and_are_stored_once(shop: Tenant) -> None:
    text = (
        "customer_external_id,direction,sent_at,text,conversation_status\n"
        'A1,inbound,2026-05-04T09:30:00Z,"Habari, dada",open\n'
        "A1,outbound,2026-05-04T09:31:00Z,Nzuri,closed\n"
        "A9,inbound,2026-05-04T09:31:00Z,Hi,\n"
        "A1,sideways,2999-01-01T00:00:00Z,Hi,\n"
    )
    result = put(shop, "messages", text)
    assert counts(result) == (2, 0, 2, 0)
    assert [fault.line for fault in result.errors] == [4, 5]
    assert counts(put(shop, "messages", text)) == (0, 0, 2, 2)
    with tenant_scope(shop.id):
        found = Conversation.objects.get()
        assert Message.objects.count() == 2
    assert (found.status, found.last_activity_at.minute, found.last_inbound_at and found.last_inbound_at.minute) == (
        "closed", 31, 30,
    )  # fmt: skip


def test_an_inbound_message_is_heard_once_and_a_stranger_becomes_a_customer(shop: Tenant) -> None:
    at = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    known = Inbound("+254712000001", at, "STOP", "wamid.1")
    stranger = Inbound("+255712000009", at, "Hi\x00\ud800", "wamid.2", profile_name="Zawadi")
    with tenant_scope(shop.id):
        heard = conversations.record_inbound(shop.id, [known, stranger, stranger])
        assert [row.message for row in heard] == [known, stranger]
        assert conversations.record_inbound(shop.id, [stranger, known]) == ()
        new = Customer.objects.get(phone="+255712000009")
        assert (new.name, new.country, new.consents_promotional, new.consents_reminder) == ("Zawadi", "TZ", False, True)
        assert heard[1].customer_id == new.id
        assert Message.objects.get(provider_message_id="wamid.2").text == "Hi"


def test_an_older_message_never_moves_a_conversation_back(shop: Tenant) -> None:
    late, early = datetime(2026, 5, 4, 12, tzinfo=UTC), datetime(2026, 5, 4, 9, tzinfo=UTC)
    with tenant_scope(shop.id):
        conversations.record_inbound(shop.id, [Inbound("+254712000001", late, "b", "w2")])
        conversations.record_inbound(shop.id, [Inbound("+254712000001", early, "a", "w1")])
        found = Conversation.objects.get()
    assert (found.last_activity_at, found.last_inbound_at) == (late, late)
