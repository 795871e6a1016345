"""The order in which a send request is judged, and the shape of the answers."""

from __future__ import annotations

from simulator.business import NUMBER, Business, template, wamid
from simulator.inbox import Inbox
from whatsapp_simulator import wamid as ids


async def code(answer: tuple[int, object]) -> tuple[int, int]:
    status, body = answer
    assert isinstance(body, dict)
    assert set(body["error"]) >= {"message", "type", "code", "fbtrace_id"}
    return status, body["error"]["code"]


async def test_an_accepted_template_is_answered_like_the_platform_does(business: Business) -> None:
    status, body = await business.send("+254 700 000001", "o1")
    assert status == 200
    (message,) = body["messages"]
    assert body == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+254 700 000001", "wa_id": "254700000001"}],
        "messages": [{"id": message["id"], "message_status": "accepted"}],
    }
    assert ids.read(message["id"]).phone == "254700000001"


async def test_an_accepted_text_carries_no_message_status(business: Business) -> None:
    _, body = await business.say("+254700000001")
    assert set(body["messages"][0]) == {"id"}


async def test_every_message_gets_an_id_of_its_own(business: Business) -> None:
    sent = [wamid(await business.send("+254700000001", opaque)) for opaque in ("a", "b", "a", None, None)]
    assert len(set(sent)) == 5


async def test_an_unknown_token_is_told_before_anything_else(business: Business) -> None:
    business.token = "stolen"
    assert await code(await business.graph("POST", "nobody/messages", data=b"{")) == (401, 190)


async def test_a_number_that_is_not_ones_own_does_not_exist(business: Business) -> None:
    await business.control("POST", "numbers", {**NUMBER, "phone_number_id": "2", "access_token": "other"})
    for number in ("2", "3"):
        status, body = await business.post({}, number=number)
        assert (status, body["error"]["code"], body["error"]["error_subcode"]) == (400, 100, 33)
        assert body["error"]["type"] == "GraphMethodException"


async def test_the_shape_is_judged_before_the_template_and_the_template_before_the_recipient(
    business: Business,
) -> None:
    await business.control("PUT", "config", {"strict_templates": True, "enforce_window": True})
    assert await code(await business.graph("POST", "1065/messages", data=b"{")) == (400, 100)
    assert await code(await business.post({**template("?"), "type": "fax"})) == (400, 131051)
    assert await code(await business.send("?")) == (404, 132001)
    assert await code(await business.say("?")) == (400, 131009)
    assert await code(await business.say("+254711000000")) == (400, 131021)
    assert await code(await business.say("+254700000429")) == (400, 131047)


async def test_a_refused_message_leaves_no_trace_but_a_count(business: Business, inbox: Inbox) -> None:
    await business.send("?", "o1")
    await business.drain()
    ledger = await business.ledger()
    assert ledger["accepted"] == 0
    assert ledger["refused"] == {"131009": 1}
    assert inbox.posts == []


async def test_free_text_needs_no_window_by_default(business: Business) -> None:
    assert (await business.say("+254700000001"))[0] == 200


async def test_an_enforced_window_opens_with_a_message_and_closes_after_a_day(business: Business) -> None:
    await business.control("PUT", "config", {"enforce_window": True})
    assert await code(await business.say("+254700000001")) == (400, 131047)
    await business.control("POST", "inbound", {"from": "+254700000001", "to": "1065", "text": "Hi"})
    assert (await business.say("+254700000001"))[0] == 200
    assert (await business.send("+254700000002"))[0] == 200
    await business.control("POST", "clock", {"advance_s": 86_400})
    assert await code(await business.say("+254700000001")) == (400, 131047)


async def test_messages_can_be_marked_as_read(business: Business) -> None:
    seen = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.ABC"}
    assert await business.post(seen) == (200, {"success": True})
    assert await code(await business.post({**seen, "message_id": "?"})) == (400, 100)
    assert (await business.ledger())["accepted"] == 0


async def test_the_marketing_endpoint_takes_marketing_templates_only(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send("+254700000220", "o1", edge="marketing_messages"))
    text = {"messaging_product": "whatsapp", "to": "+254700000001", "type": "text", "text": {"body": "Hi"}}
    assert await code(await business.post(text, edge="marketing_messages")) == (400, 131055)
    await business.drain()
    assert {status["pricing"]["category"] for status in inbox.statuses(sent)} == {"marketing_lite"}


async def test_a_number_describes_itself(business: Business) -> None:
    status, body = await business.graph("GET", "1065?fields=throughput,quality_rating,display_phone_number")
    assert status == 200
    assert body == {
        "id": "1065",
        "throughput": {"level": "HIGH"},
        "quality_rating": "GREEN",
        "display_phone_number": "+254711000000",
    }
    _, listed = await business.graph("GET", "777/phone_numbers")
    assert [number["id"] for number in listed["data"]] == ["1065"]


async def test_smaller_edges_answer_too(business: Business) -> None:
    assert await business.graph("POST", "777/subscribed_apps") == (200, {"success": True})
    _, media = await business.graph("POST", "1065/media", data=b"\xff\xd8 not json")
    assert media["id"].isdigit()
    assert (await code(await business.graph("GET", "1065/unheard_of"))) == (400, 100)
    assert (await code(await business.graph("POST", "1065/messages/more"))) == (400, 100)
