from __future__ import annotations

from typing import Any

import pytest

from simulator.business import Business, template, wamid
from simulator.inbox import Inbox

OFFER: dict[str, Any] = {
    "name": "harvest_offer",
    "language": "en",
    "category": "MARKETING",
    "components": [
        {"type": "BODY", "text": "Hello {{1}}, seeds are here."},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Tell me more"},
                                        {"type": "QUICK_REPLY", "text": "Stop promotions"}]},
    ],
}  # fmt: skip


async def create(business: Business, **changes: Any) -> dict[str, Any]:
    status, body = await business.graph("POST", "777/message_templates", json={**OFFER, **changes})
    assert status == 200, body
    return dict(body)


async def error(business: Business, body: dict[str, Any]) -> int:
    return int((await business.post(body))[1]["error"]["code"])


async def test_a_template_is_pending_then_approved_and_the_business_is_told(business: Business, inbox: Inbox) -> None:
    made = await create(business)
    assert (made["status"], made["category"]) == ("PENDING", "MARKETING")
    assert await error(business, template("+254700000001")) == 132001
    await business.drain()
    assert (await business.send("+254700000001"))[0] == 200
    (event,) = inbox.values("message_template_status_update")
    assert (event["event"], event["message_template_name"]) == ("APPROVED", "harvest_offer")
    assert event["message_template_id"] == int(made["id"])
    assert (await business.graph("GET", made["id"]))[1]["status"] == "APPROVED"


async def test_templates_are_listed_in_pages(business: Business) -> None:
    for index in range(3):
        await create(business, name=f"offer_{index}")
    _, first = await business.graph("GET", "777/message_templates?limit=2")
    assert [entry["name"] for entry in first["data"]] == ["offer_0", "offer_1"]
    after = first["paging"]["cursors"]["after"]
    _, second = await business.graph("GET", f"777/message_templates?limit=2&after={after}")
    assert [entry["name"] for entry in second["data"]] == ["offer_2"]
    assert "next" not in second["paging"]
    _, named = await business.graph("GET", "777/message_templates?name=offer_1")
    assert len(named["data"]) == 1
    assert await business.graph("DELETE", "777/message_templates?name=offer_1") == (200, {"success": True})
    _, left = await business.graph("GET", "777/message_templates")
    assert len(left["data"]) == 2


@pytest.mark.parametrize(
    "changes",
    [{"name": "Not Allowed"}, {"language": ""}, {"category": "SPAM"}, {"components": {}}, {"components": []}],
)
async def test_a_senseless_template_is_refused(business: Business, changes: dict[str, Any]) -> None:
    status, body = await business.graph("POST", "777/message_templates", json={**OFFER, **changes})
    assert (status, body["error"]["code"]) == (400, 100)


async def test_parameters_must_fit_the_template(business: Business) -> None:
    await create(business)
    await create(business, name="named", components=[{"type": "BODY", "text": "Hi {{first_name}} of {{city}}"}])
    await business.drain()
    body = template("+254700000001")
    body["template"]["components"] = []
    assert await error(business, body) == 132000
    body["template"]["name"] = "named"
    both = [{"type": "text", "parameter_name": name, "text": "x"} for name in ("city", "first_name")]
    body["template"]["components"] = [{"type": "body", "parameters": both}]
    assert (await business.post(body))[0] == 200
    both[0]["parameter_name"] = "town"
    assert await error(business, body) == 132000
    for given in both:
        del given["parameter_name"]
    assert await error(business, body) == 132000


RICH: dict[str, Any] = {
    "name": "rich", "components": [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "Hello {{1}}, seeds are here."},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Order", "url": "https://x.example/{{1}}"},
            {"type": "COPY_CODE", "example": "A1"},
            {"type": "QUICK_REPLY", "text": "Stop"},
        ]},
    ],
}  # fmt: skip
PICTURE = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x.example/a.jpg"}}]}
WORDS = {"type": "body", "parameters": [{"type": "text", "text": "Amina"}]}


def button(kind: str, index: Any, **parameter: str) -> dict[str, Any]:
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


ORDER = button("url", "0", type="text", text="m")
CODE = button("copy_code", "1", type="coupon_code", coupon_code="A1")
STOP = button("quick_reply", "2", type="payload", payload="STOP")


@pytest.mark.parametrize(
    ("components", "code"),
    [
        ([PICTURE, WORDS, ORDER, CODE, STOP], None),
        ([PICTURE, WORDS, ORDER, CODE], None),
        ([WORDS, ORDER, CODE], 132012),
        ([{"type": "header", "parameters": [{"type": "video", "video": {"id": "7"}}]}, WORDS, ORDER, CODE], 132012),
        ([{"type": "header", "parameters": [{"type": "image", "image": {}}]}, WORDS, ORDER, CODE], 131008),
        (
            [{"type": "header", "parameters": [{"type": "image", "image": {"link": "a.jpg"}}]}, WORDS, ORDER, CODE],
            131053,
        ),
        ([PICTURE, ORDER, CODE], 132000),
        ([PICTURE, WORDS, CODE], 131008),
        ([PICTURE, WORDS, ORDER], 131008),
        ([PICTURE, WORDS, ORDER, CODE, button("quick_reply", "1", type="payload", payload="x")], 132018),
        ([PICTURE, WORDS, ORDER, CODE, button("url", "9", type="text", text="x")], 132018),
        ([PICTURE, WORDS, ORDER, CODE, button("quick_reply", None, type="payload", payload="x")], 131008),
    ],
)
async def test_header_and_buttons_must_be_filled_as_the_template_says(
    business: Business, components: list[Any], code: int | None
) -> None:
    await create(business, **RICH)
    await business.drain()
    body = template("+254700000001", name="rich")
    body["template"]["components"] = components
    status, answer = await business.post(body)
    assert answer.get("error", {}).get("code") == code, answer
    assert (status == 200) == (code is None)


async def test_a_template_in_another_category_costs_another_price_and_the_business_is_told(
    business: Business, inbox: Inbox
) -> None:
    await create(business)
    await business.control("POST", "template/harvest_offer/en", {"category": "UTILITY"})
    await business.drain()
    (event,) = inbox.values("template_category_update")
    assert (event["previous_category"], event["new_category"]) == ("MARKETING", "UTILITY")
    assert (await business.graph("GET", "777/message_templates"))[1]["data"][0]["category"] == "UTILITY"
    await business.control("POST", "template/harvest_offer/en", {"category": "SPAM"}, status=400)
    await business.control("POST", "template/harvest_offer/en", {"category": "UTILITY", "status": "PAUSED"}, status=400)


async def test_a_known_template_in_another_language_does_not_exist(business: Business) -> None:
    await create(business)
    await business.drain()
    body = template("+254700000001")
    body["template"]["language"]["code"] = "sw"
    assert await error(business, body) == 132001


async def test_paused_and_disabled_templates_have_codes_of_their_own(business: Business, inbox: Inbox) -> None:
    await create(business)
    await business.drain()
    for status, code in (("PAUSED", 132015), ("DISABLED", 132016), ("REJECTED", 132001)):
        await business.control("POST", "template/harvest_offer/en", {"status": status})
        assert await error(business, template("+254700000001")) == code
    await business.drain()
    events = [event["event"] for event in inbox.values("message_template_status_update")]
    assert events == ["APPROVED", "PAUSED", "DISABLED", "REJECTED"]
    await business.control("POST", "template/unheard_of/en", {"status": "PAUSED"}, status=404)
    await business.control("POST", "template/harvest_offer/en", {"status": "ODD"}, status=400)


async def test_a_red_template_is_paused_twice_and_then_disabled(business: Business, inbox: Inbox) -> None:
    made = await create(business)
    await business.drain()
    for _ in range(3):
        await business.control("POST", "template/harvest_offer/en", {"quality": "RED"})
        await business.drain()
    told = [(event["event"], event.get("other_info", {}).get("title"))
            for event in inbox.values("message_template_status_update")]  # fmt: skip
    assert told[1:] == [
        ("PAUSED", "FIRST_PAUSE"),
        ("REINSTATED", "UNPAUSE"),
        ("PAUSED", "SECOND_PAUSE"),
        ("REINSTATED", "UNPAUSE"),
        ("DISABLED", "DISABLED"),
    ]
    assert inbox.values("message_template_quality_update")[0]["new_quality_score"] == "RED"
    assert (await business.graph("POST", f"{made['id']}/unpause"))[0] == 400


async def test_a_paused_template_can_be_unpaused(business: Business) -> None:
    made = await create(business)
    await business.drain()
    await business.control("POST", "template/harvest_offer/en", {"status": "PAUSED"})
    assert await business.graph("POST", f"{made['id']}/unpause") == (200, {"success": True})
    assert (await business.send("+254700000001"))[0] == 200


async def test_people_who_stop_in_numbers_turn_a_template_red(business: Business, inbox: Inbox) -> None:
    await create(business)
    await business.drain()
    changes = {"quality_min": 5, "quality_span": 20}
    await business.control("PUT", "config", {"templates": changes})
    for index in range(8):
        await business.send(f"+2547000{index:02d}0211", f"o{index}")
        await business.drain()
        if inbox.values("message_template_quality_update"):
            break
    assert inbox.values("message_template_quality_update")[-1]["new_quality_score"] == "RED"
    assert "PAUSED" in [event["event"] for event in inbox.values("message_template_status_update")]


async def test_a_new_template_is_paced_and_released(business: Business, inbox: Inbox) -> None:
    await create(business)
    await business.drain()
    await business.control("PUT", "config", {"templates": {"pacing_after": 1, "pacing_hold_s": 300}})
    _, first = await business.send("+254700000220", "o1")
    _, second = await business.send("+254700010220", "o2")
    assert first["messages"][0]["message_status"] == "accepted"
    assert second["messages"][0]["message_status"] == "held_for_quality_assessment"
    await business.drain()
    assert inbox.states(second["messages"][0]["id"]) == ["sent", "delivered"]


async def test_a_badly_received_paced_template_drops_what_was_held(business: Business, inbox: Inbox) -> None:
    await create(business)
    await business.drain()
    pacing = {"pacing_after": 1, "pacing_drop_p": 1}
    await business.control("PUT", "config", {"templates": pacing})
    await business.send("+254700000220", "o1")
    held = wamid(await business.send("+254700010220", "o2"))
    await business.drain()
    assert inbox.statuses(held)[0]["errors"][0]["code"] == 132015


async def test_taps_show_the_title_of_the_templates_button(business: Business, inbox: Inbox) -> None:
    await create(business)
    await business.drain()
    await business.send("+254700000210", "o1")
    await business.drain()
    assert inbox.messages()[0]["button"] == {"payload": "YES|c1", "text": "Tell me more"}


async def test_the_category_of_the_template_prices_the_message(business: Business, inbox: Inbox) -> None:
    await create(business, category="UTILITY")
    await business.drain()
    await business.send("+254700000220", "o1")
    assert (await business.send("+254700000220", edge="marketing_messages"))[1]["error"]["code"] == 134100
    await business.drain()
    assert {status["pricing"]["category"] for status in inbox.statuses()} == {"utility"}
