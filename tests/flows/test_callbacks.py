"""Callbacks come twice, late, out of order, forged, or before our own record; the report stays true."""

from __future__ import annotations

import random
import time
from typing import Any

import httpx

from flows.conftest import OpenShop
from flows.shop import Shop, status, text_reply
from live_installation import eventually
from tulia.core import sql
from tulia.ingest.models import Callback
from tulia.ledger import record
from tulia.ledger.models import Recipient
from tulia.ledger.record import Evidence, Kind
from tulia.reports.verify import verify
from tulia.tenants.scope import tenant_scope


def applied(shop: Shop) -> None:
    """Waits until everything that was received is in the ledger."""

    def is_applied() -> bool:
        with tenant_scope(shop.tenant_id):
            return not Callback.objects.filter(applied_at=None).exists()

    eventually(is_applied)


def sent_campaign(shop: Shop, people: int, **fields: Any) -> tuple[str, list[Recipient]]:
    """A campaign that was sent without the simulator's people ever seeing it: its callbacks are made by the test."""
    campaign = shop.make(**fields)
    from datetime import UTC, datetime
    from uuid import UUID

    from tulia.campaigns import edit
    from tulia.campaigns.models import MessageCampaign
    from tulia.ledger import enqueue

    now = datetime.now(tz=UTC)
    with tenant_scope(shop.tenant_id):
        MessageCampaign.objects.filter(pk=campaign).update(status="sending", started_at=now)
        enqueue.freeze(edit.find(shop.tenant_id, UUID(campaign)), now=now)
        MessageCampaign.objects.filter(pk=campaign).update(status="completed", completed_at=now)
        rows = list(Recipient.objects.filter(campaign_id=campaign).order_by("id"))
        assert len(rows) == people
    record.record(
        shop.tenant_id,
        UUID(shop.sender_id),
        [Evidence(row.pk, Kind.ACCEPTED, now, message_id=f"wamid.{row.pk}") for row in rows],
    )
    return campaign, rows


def counters(shop: Shop, campaign: str) -> tuple[int, ...]:
    found = shop.get(f"/v1/campaigns/{campaign}")
    names = ("delivery_count", "delivered_count", "failed_count", "read_count", "response_count", "conversion_count")
    return tuple(found[name] for name in names)


def reference_of(campaign: str, row: Recipient) -> str:
    return f"t1:{campaign}:{row.pk}"


def test_replayed_three_times_in_random_order_the_report_does_not_change(open_shop: OpenShop) -> None:
    shop = open_shop(customers=60)
    campaign, rows = sent_campaign(shop, 60)
    now = time.time()
    values: list[dict[str, Any]] = []
    for i, row in enumerate(rows):
        reference = reference_of(campaign, row)
        values.append({"statuses": [status(f"wamid.{row.pk}", "sent", reference=reference, at=now)]})
        if i % 10 == 0:
            values.append(
                {"statuses": [status(f"wamid.{row.pk}", "failed", reference=reference, at=now + 1, code=131026)]}
            )
            continue
        if i % 3:
            values.append({"statuses": [status(f"wamid.{row.pk}", "delivered", reference=reference, at=now + 2)]})
        if i % 2:
            values.append({"statuses": [status(f"wamid.{row.pk}", "read", reference=reference, at=now + 60)]})
        if i % 5 == 1:
            values.append(text_reply(_phone(shop, row), "How much?", quoted=f"wamid.{row.pk}", at=now + 120))
    for value in values:
        assert shop.callback(value).status_code == 200
    applied(shop)
    first = shop.report(campaign)
    assert counters(shop, campaign)[0] == 60
    shuffled = random.Random(3)
    for _ in range(3):
        shuffled.shuffle(values)
        for value in values:
            shop.callback(value)
    applied(shop)
    again = shop.report(campaign)
    assert {**again, "duration_seconds": None} == {**first, "duration_seconds": None}
    assert verify([shop.tenant_id]).differences == ()


def _phone(shop: Shop, row: Recipient) -> str:
    with tenant_scope(shop.tenant_id):
        return row.customer.phone


def test_a_read_without_a_delivery_is_delivered_and_a_delivery_after_a_failure_is_no_failure(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(customers=4)
    campaign, rows = sent_campaign(shop, 4)
    shop.statuses(status(f"wamid.{rows[0].pk}", "read"))
    shop.statuses(status(f"wamid.{rows[1].pk}", "failed", code=131026))
    applied(shop)
    assert counters(shop, campaign) == (4, 1, 1, 1, 0, 0)
    shop.statuses(status(f"wamid.{rows[1].pk}", "delivered"))
    shop.statuses(status(f"wamid.{rows[2].pk}", "delivered"), status(f"wamid.{rows[2].pk}", "sent"))
    shop.statuses(status(f"wamid.{rows[2].pk}", "failed", code=131026))
    applied(shop)
    assert counters(shop, campaign) == (4, 3, 0, 1, 0, 0)
    assert verify([shop.tenant_id]).differences == ()


def test_a_batch_of_a_thousand_updates_is_taken_whole(open_shop: OpenShop) -> None:
    shop = open_shop(customers=500)
    campaign, rows = sent_campaign(shop, 500)
    updates = [
        status(f"wamid.{row.pk}", what, reference=reference_of(campaign, row))
        for row in rows
        for what in ("sent", "delivered")
    ]
    assert shop.statuses(*updates).status_code == 200
    applied(shop)
    assert counters(shop, campaign) == (500, 500, 0, 0, 0, 0)


def test_a_wrong_signature_is_refused_and_nothing_is_stored(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    campaign, rows = sent_campaign(shop, 1)
    assert shop.statuses(status(f"wamid.{rows[0].pk}", "read"), secret="not the secret").status_code == 401
    unsigned = httpx.post(f"{shop.installation.web_url}/v1/webhooks/whatsapp/{shop.sender_id}", content=b"{}")
    assert unsigned.status_code == 401
    with tenant_scope(shop.tenant_id):
        assert not Callback.objects.exists()
    assert counters(shop, campaign) == (1, 0, 0, 0, 0, 0)


def test_the_address_is_verified_by_its_token(open_shop: OpenShop) -> None:
    shop = open_shop()
    address = f"{shop.installation.web_url}/v1/webhooks/whatsapp/{shop.sender_id}"
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "verify-token"}
    right = httpx.get(address, params=query)
    assert (right.status_code, right.text) == (200, "1158201444")
    assert httpx.get(address, params=query | {"hub.verify_token": "guess"}).status_code == 403


def test_statuses_for_messages_of_nobody_or_of_another_tenant_change_nothing(open_shop: OpenShop) -> None:
    shop, other = open_shop(customers=2), open_shop(customers=2)
    campaign, rows = sent_campaign(shop, 2)
    theirs, their_rows = sent_campaign(other, 2)
    assert (
        shop.statuses(
            status("wamid.unknown", "read"),
            status("wamid.x", "read", reference=f"t1:{campaign}:999999999999"),
            status("wamid.x", "read", reference="t1:nonsense"),
            status(f"wamid.{their_rows[0].pk}", "read"),
            status(f"wamid.{their_rows[1].pk}", "read", reference=reference_of(theirs, their_rows[1])),
            status(f"wamid.{rows[0].pk}", "read", reference=reference_of(theirs, rows[0])),
        ).status_code
        == 200
    )
    assert shop.callback({"statuses": [{"nonsense": True}, 7]}).status_code == 200
    applied(shop)
    assert counters(other, theirs) == (2, 0, 0, 0, 0, 0)
    assert counters(shop, campaign) == (2, 0, 0, 0, 0, 0)
    assert verify([shop.tenant_id, other.tenant_id]).differences == ()


def test_a_status_that_comes_before_our_own_record_of_the_send_counts_in_the_end(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    campaign, rows = sent_campaign(shop, 1)
    with tenant_scope(shop.tenant_id):  # as if the answer to the send had not been written down yet
        sql.execute("UPDATE ledger_recipients SET message_id = NULL, accepted_at = NULL, state = 5, sending_at = now()")
    shop.statuses(status("wamid.late", "delivered"))
    applied(shop)
    assert counters(shop, campaign) == (0, 0, 0, 0, 0, 0)
    from datetime import UTC, datetime
    from uuid import UUID

    record.record(
        shop.tenant_id, UUID(shop.sender_id),
        [Evidence(rows[0].pk, Kind.ACCEPTED, datetime.now(tz=UTC), message_id="wamid.late")],
    )  # fmt: skip
    eventually(lambda: counters(shop, campaign) == (1, 1, 0, 0, 0, 0))
    assert verify([shop.tenant_id]).differences == ()


def test_a_reply_that_quotes_a_message_before_its_status_names_it_counts_in_the_end(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    campaign, rows = sent_campaign(shop, 1)
    with tenant_scope(shop.tenant_id):  # as after a kill: nobody knows whether it was sent
        sql.execute("UPDATE ledger_recipients SET message_id = NULL, accepted_at = NULL, state = 6")
    shop.callback(text_reply(_phone(shop, rows[0]), "Thanks", quoted="wamid.unheard"))
    applied(shop)
    assert counters(shop, campaign) == (0, 0, 0, 0, 0, 0)
    shop.statuses(status("wamid.unheard", "sent", reference=reference_of(campaign, rows[0])))
    eventually(lambda: counters(shop, campaign) == (1, 1, 0, 0, 1, 0))
    assert verify([shop.tenant_id]).differences == ()


def test_a_reply_without_a_quote_goes_to_the_latest_campaign_message_of_72_hours(open_shop: OpenShop) -> None:
    shop = open_shop(customers=2)
    older, _ = sent_campaign(shop, 2, name="older")
    with tenant_scope(shop.tenant_id):
        sql.execute("UPDATE ledger_recipients SET accepted_at = accepted_at - interval '10 hours'")
    newer, rows = sent_campaign(shop, 2, name="newer")
    shop.callback(text_reply(_phone(shop, rows[0]), "Yes please"))
    shop.callback(text_reply(_phone(shop, rows[1]), "Too late", at=time.time() + 80 * 3600))
    applied(shop)
    assert counters(shop, newer) == (2, 1, 0, 0, 1, 0)
    assert counters(shop, older) == (2, 0, 0, 0, 0, 0)


def test_a_quoted_reply_is_credited_to_the_message_it_quotes(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    older, old_rows = sent_campaign(shop, 1, name="older")
    newer, rows = sent_campaign(shop, 1, name="newer")
    shop.callback(text_reply(_phone(shop, rows[0]), "About the old one", quoted=f"wamid.{old_rows[0].pk}"))
    applied(shop)
    assert (counters(shop, older)[4], counters(shop, newer)[4]) == (1, 0)


def test_an_inbound_message_is_stored_once_with_its_conversation(open_shop: OpenShop) -> None:
    from tulia.audience.models import Conversation, Message

    shop = open_shop(customers=1)
    _, rows = sent_campaign(shop, 1)
    value = text_reply(_phone(shop, rows[0]), "Hello \x00 there")
    for _ in range(3):
        shop.callback(value)
    shop.callback(text_reply("+254733000111", "I am new here"))
    applied(shop)
    with tenant_scope(shop.tenant_id):
        assert Conversation.objects.count() == 2
        assert sorted(Message.objects.values_list("text", flat=True)) == ["Hello  there", "I am new here"]
