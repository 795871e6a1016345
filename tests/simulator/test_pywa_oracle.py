"""An independent client library sends to the simulator and reads what the simulator tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import httpx
import pytest
from pywa import WhatsApp
from pywa import errors as pywa_errors
from pywa.types import CallbackButton, Message, MessageStatus, RawUpdate
from pywa.types.message_status import MessageStatusType, PricingCategory, PricingType
from pywa.types.templates import BodyText, QuickReplyButton, TemplateLanguage
from pywa.types.user_preferences import MarketingPreference, UserMarketingPreferences
from pywa.utils import webhook_updates_validator

from simulator.business import Business
from simulator.inbox import Inbox


@pytest.fixture
def client(business: Business) -> Iterator[WhatsApp]:
    with httpx.Client() as session:
        whatsapp = WhatsApp(phone_id="1065", token="token", session=session, waba_id="777")
        session.base_url = httpx.URL(f"{business.simulator.url}/v25.0")
        yield whatsapp


def updates(inbox: Inbox, field: str, key: str) -> list[RawUpdate]:
    """Every POST as the library wraps it, of one field and one kind."""
    raws = [
        RawUpdate(body, hmac_header=headers["X-Hub-Signature-256"], update_hash=str(index))
        for index, (headers, body) in enumerate(inbox.posts)
    ]
    return [raw for raw in raws if raw.field == field and key in raw["entry"][0]["changes"][0]["value"]]


async def tell_one_by_one(business: Business) -> None:
    # The library reads the first update of a POST only, so every update gets one of its own.
    await business.control("PUT", "config", {"webhooks": {"batch_max": 1, "in_flight_max": 1}})


async def test_it_sends_a_text_and_understands_its_statuses(client: WhatsApp, business: Business, inbox: Inbox) -> None:
    await tell_one_by_one(business)
    sent = await asyncio.to_thread(client.send_message, "+254700000220", "Hello", tracker="v1|c1")
    await business.drain()
    statuses = [MessageStatus.from_update(client, raw) for raw in updates(inbox, "messages", "statuses")]
    assert [status.status for status in statuses] == [MessageStatusType.SENT, MessageStatusType.DELIVERED]
    assert {status.id for status in statuses} == {sent.id}
    assert {status.tracker for status in statuses} == {"v1|c1"}
    assert {status.from_user.wa_id for status in statuses} == {"254700000220"}
    assert {status.from_user.country_code for status in statuses} == {"KE"}
    assert all(status.conversation is None for status in statuses)
    assert statuses[0].pricing is not None
    assert statuses[0].pricing.category == PricingCategory.SERVICE
    assert statuses[0].pricing.type == PricingType.FREE_CUSTOMER_SERVICE
    assert statuses[0].metadata.phone_number_id == "1065"


async def test_it_sends_a_template_and_understands_the_tap(client: WhatsApp, business: Business, inbox: Inbox) -> None:
    await tell_one_by_one(business)
    sent = await asyncio.to_thread(
        client.send_template,
        "+254700000210",
        "harvest_offer",
        TemplateLanguage.ENGLISH,
        [BodyText.params("Amina"), QuickReplyButton.params(callback_data="YES|c1", index=0)],
        tracker="v1|c2",
    )
    assert sent.status == "accepted"
    await business.drain()
    (raw,) = updates(inbox, "messages", "messages")
    tap = CallbackButton.from_update(client, raw)
    assert tap.data == "YES|c1"
    assert tap.reply_to_message is not None
    assert tap.reply_to_message.id == sent.id
    assert tap.from_user.wa_id == "254700000210"


async def test_it_understands_what_people_write(client: WhatsApp, business: Business, inbox: Inbox) -> None:
    await tell_one_by_one(business)
    await business.send("+254700000200", "o1")
    await business.send("+254700000240", "o2")
    await business.drain()
    messages = [Message.from_update(client, raw) for raw in updates(inbox, "messages", "messages")]
    known, hidden = sorted(messages, key=lambda message: message.from_user.wa_id is None)
    assert known.text
    assert known.reply_to_message is not None
    assert (known.from_user.wa_id, hidden.from_user.wa_id) == ("254700000200", None)
    assert hidden.from_user.bsuid.startswith("KE.")
    assert hidden.from_user.username


async def test_it_understands_a_native_stop(client: WhatsApp, business: Business, inbox: Inbox) -> None:
    await tell_one_by_one(business)
    await business.send("+254700000212", "o1")
    await business.drain()
    (raw,) = updates(inbox, "user_preferences", "user_preferences")
    preference = UserMarketingPreferences.from_update(client, raw)
    assert preference.value == MarketingPreference.STOP
    assert preference.from_user.wa_id == "254700000212"


async def test_it_agrees_with_every_signature(client: WhatsApp, business: Business, inbox: Inbox) -> None:
    await business.send("+254700000200", "o1")
    await business.drain()
    for headers, body in inbox.posts:
        assert webhook_updates_validator("secret", body, headers["X-Hub-Signature-256"])
        assert not webhook_updates_validator("another", body, headers["X-Hub-Signature-256"])


@pytest.mark.parametrize(
    ("to", "wanted"),
    [
        ("+254700000429", pywa_errors.RateLimitHit),
        ("+254700000056", pywa_errors.ThrottlingError),
        ("+254700000500", pywa_errors.UnknownError),
    ],
)
async def test_it_raises_its_own_errors_for_refusals(
    client: WhatsApp, to: str, wanted: type[pywa_errors.WhatsAppError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with pytest.raises(wanted) as caught:
        await asyncio.to_thread(client.send_message, to, "Hello")
    assert caught.value.fbtrace_id
    assert caught.value.details


async def test_it_understands_an_asynchronous_failure(business: Business, inbox: Inbox) -> None:
    await business.send("+254700000049", "o1")
    await business.drain()
    (error,) = inbox.statuses()[0]["errors"]
    understood = pywa_errors.WhatsAppError.from_dict(error)
    assert understood.code == 131049
    assert type(understood) is not pywa_errors.WhatsAppError
