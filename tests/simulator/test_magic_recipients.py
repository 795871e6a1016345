"""Every magic suffix, over real HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from simulator.business import Business, template, wamid
from simulator.inbox import Inbox
from whatsapp_simulator.magic import SUFFIXES


def phone(suffix: str) -> str:
    return f"+25470000{suffix}"


@pytest.mark.parametrize(
    ("suffix", "code"), [("0026", 131026), ("0049", 131049), ("0050", 131050), ("0047", 131047), ("0072", 130472)]
)
async def test_a_message_fails_later_with_the_code_of_its_suffix(
    business: Business, inbox: Inbox, suffix: str, code: int
) -> None:
    sent = wamid(await business.send(phone(suffix), "o1"))
    await business.drain()
    (status,) = inbox.statuses(sent)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", code)
    assert status["biz_opaque_callback_data"] == "o1"
    assert (await business.ledger())["by_state"]["failed"] == 1


@pytest.mark.parametrize(
    ("suffix", "http", "code", "tries"), [("0429", 400, 130429, 2), ("0056", 400, 131056, 1), ("0500", 500, 131000, 2)]
)
async def test_the_first_tries_are_refused_and_the_next_one_is_accepted(
    business: Business, suffix: str, http: int, code: int, tries: int
) -> None:
    for _ in range(tries):
        status, body = await business.send(phone(suffix), "o1")
        assert (status, body["error"]["code"]) == (http, code)
    assert (await business.send(phone(suffix), "o1"))[0] == 200
    assert (await business.ledger())["accepts_by_opaque"] == {"o1": 1}
    status, _ = await business.send(phone(suffix), "another message starts from the beginning")
    assert status == http


async def test_0503_answers_html_without_a_code(business: Business) -> None:
    for _ in range(3):
        status, body = await business.send(phone("0503"), "o1")
        assert status == 503
        assert body.startswith("<html>")
    assert (await business.ledger())["accepted"] == 0


async def test_0408_is_accepted_but_never_answered(business: Business, inbox: Inbox) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(business.send(phone("0408"), "o1"), 0.3)
    await business.drain()
    assert (await business.ledger())["accepts_by_opaque"] == {"o1": 1}
    assert {status["biz_opaque_callback_data"] for status in inbox.statuses()} == {"o1"}


async def test_a_hanging_answer_ends_in_a_closed_connection(business: Business) -> None:
    await business.control("PUT", "config", {"accepting": {"hang_real_s": 0.05}})
    with pytest.raises(aiohttp.ClientError):
        await business.send(phone("0408"), "o1")


async def test_0599_is_accepted_and_the_connection_is_reset(business: Business) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", business.simulator.port)
    body = aiohttp.JsonPayload(template(phone("0599"), "o1"))
    raw = body.decode().encode()
    head = f"POST /v25.0/1065/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\nContent-Length: {len(raw)}"
    writer.write(head.encode() + b"\r\n\r\n" + raw)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert (await business.ledger())["accepts_by_opaque"] == {"o1": 1}


async def test_0200_reads_and_answers_with_a_quoting_text(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0200"), "o1"))
    await business.drain()
    assert inbox.states(sent) == ["sent", "delivered", "read"]
    (message,) = inbox.messages()
    assert message["type"] == "text"
    assert message["text"]["body"]
    assert message["from"] == "254700000200"
    assert message["context"] == {"from": "254711000000", "id": sent}


async def test_0210_taps_the_quick_reply_that_does_not_stop(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0210"), "o1"))
    await business.drain()
    (message,) = inbox.messages()
    assert message["type"] == "button"
    assert message["button"]["payload"] == "YES|c1"
    assert message["context"]["id"] == sent


async def test_0210_taps_the_button_of_an_interactive_message(business: Business, inbox: Inbox) -> None:
    action = {"buttons": [{"type": "reply", "reply": {"id": "slot_am", "title": "Morning"}}]}
    content = {"type": "button", "body": {"text": "When?"}, "action": action}
    await business.send(phone("0210"), "o1", type="interactive", interactive=content)
    await business.drain()
    (message,) = inbox.messages()
    reply = {"type": "button_reply", "button_reply": {"id": "slot_am", "title": "Morning"}}
    assert message["interactive"] == reply


async def test_0211_writes_stop(business: Business, inbox: Inbox) -> None:
    await business.send(phone("0211"), "o1")
    await business.drain()
    (message,) = inbox.messages()
    assert message["text"] == {"body": "STOP"}
    assert "context" not in message


async def test_0212_stops_natively_and_gets_no_marketing_afterwards(business: Business, inbox: Inbox) -> None:
    await business.send(phone("0212"), "o1")
    await business.drain()
    (preference,) = inbox.preferences()
    assert preference["value"] == "stop"
    assert preference["wa_id"] == "254700000212"
    assert isinstance(preference["timestamp"], int)
    second = wamid(await business.send(phone("0212"), "o2"))
    await business.drain()
    assert inbox.statuses(second)[0]["errors"][0]["code"] == 131050


async def test_0220_is_delivered_but_sends_no_receipts(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0220"), "o1"))
    await business.drain()
    assert inbox.states(sent) == ["sent", "delivered"]


async def test_0221_is_read_without_being_delivered(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0221"), "o1"))
    await business.drain()
    assert inbox.states(sent) == ["sent", "read"]
    assert "pricing" in inbox.statuses(sent)[1]


async def test_0230_fails_and_is_delivered_after_all(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0230"), "o1"))
    await business.drain()
    assert inbox.states(sent) == ["failed", "delivered"]
    assert (await business.ledger())["by_state"]["delivered"] == 1


async def test_0240_hides_the_phone_number_behind_a_user_name(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send(phone("0240"), "o1"))
    await business.drain()
    statuses, (message,) = inbox.statuses(sent), inbox.messages()
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert not any("recipient_id" in status for status in statuses)
    assert "from" not in message
    assert message["from_user_id"] == statuses[0]["recipient_user_id"]
    assert message["from_user_id"].startswith("KE.")
    assert not any("wa_id" in contact for value in inbox.values() for contact in value.get("contacts", []))
    answer = {"messaging_product": "whatsapp", "recipient": message["from_user_id"], "type": "text"}
    status, body = await business.post({**answer, "text": {"body": "Hello"}})
    assert status == 200
    assert body["contacts"] == [{"input": message["from_user_id"], "user_id": message["from_user_id"]}]


def test_all_suffixes_of_the_table_are_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [suffix for suffix in SUFFIXES if f'"{suffix}"' not in text] == []
