"""The control API: for whoever runs the simulator."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest

from simulator.business import NUMBER, Business, wamid
from simulator.inbox import Inbox
from whatsapp_simulator import serve
from whatsapp_simulator.control import Control
from whatsapp_simulator.exchange import Reply, Request


async def test_a_number_is_registered_changed_and_listed_without_its_secrets(stranger: Business) -> None:
    assert (await stranger.control("GET", "numbers")) == {"numbers": []}
    await stranger.control("POST", "numbers", NUMBER)
    await stranger.send("+254700000001", "o1")
    await stranger.control("POST", "numbers", {**NUMBER, "access_token": "renewed", "rate": 10})
    assert (await stranger.send("+254700000001"))[0] == 401
    stranger.token = "renewed"
    assert (await stranger.send("+254700000001"))[0] == 200
    (number,) = (await stranger.control("GET", "numbers"))["numbers"]
    assert (number["phone_number_id"], number["rate"], number["waba_id"]) == ("1065", 10, "777")
    assert not {"access_token", "app_secret", "verify_token"} & set(number)
    assert (await stranger.ledger())["accepted"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"phone_number_id": None},
        {"phone_number_id": 5},
        {"display_phone_number": "the office"},
        {"rate": -1},
        {"rate": "fast"},
        {"callback_url": "ftp://x"},
        {"colour": "red"},
    ],
)
async def test_a_senseless_registration_is_refused(stranger: Business, changes: dict[str, Any]) -> None:
    answer = await stranger.control("POST", "numbers", {**NUMBER, **changes}, status=400)
    assert answer["error"]


async def test_settings_are_read_changed_and_checked(business: Business) -> None:
    changed = await business.control("PUT", "config", {"behaviour": {"marketing": {"read_p": 0}}})
    assert changed["behaviour"]["marketing"]["read_p"] == 0
    assert await business.control("GET", "config") == changed
    refused = await business.control("PUT", "config", {"behaviour": {"marketing": {"reed_p": 0}}}, status=400)
    assert "behaviour.marketing.reed_p" in refused["error"]


async def test_a_person_writes_taps_and_stops_on_command(business: Business, inbox: Inbox) -> None:
    sent = wamid(await business.send("+254700000220", "o1"))
    who = {"from": "+254 700 000220", "to": "+254 711 000000"}
    said = await business.control("POST", "inbound", {**who, "text": "How much?"})
    tapped = await business.control("POST", "inbound", {**who, "button_payload": "YES|1", "context_id": sent})
    await business.control("POST", "preference", {"wa_id": "254700000220", "value": "stop"})
    await business.control("POST", "preference", {"wa_id": "254700000220", "value": "resume", "to": "1065"})
    await business.drain()
    first, second = inbox.messages()
    assert (first["id"], first["text"]["body"], first["from"]) == (said["id"], "How much?", "254700000220")
    assert (second["id"], second["button"]["payload"]) == (tapped["id"], "YES|1")
    assert second["context"] == {"from": "254711000000", "id": sent}
    assert [preference["value"] for preference in inbox.preferences()] == ["stop", "resume"]
    again = wamid(await business.send("+254700000220", "o2"))
    await business.drain()
    assert "delivered" in inbox.states(again)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("inbound", {"from": "+254700000001", "to": "1065"}),
        ("inbound", {"from": "+254700000001", "to": "1065", "text": "a", "button_payload": "b"}),
        ("inbound", {"from": "somebody", "to": "1065", "text": "a"}),
        ("inbound", {"from": "+254700000001", "to": "9", "text": "a"}),
        ("preference", {"wa_id": "254700000001", "value": "maybe"}),
        ("clock", {"scale": -1}),
        ("clock", {"advance_s": "far"}),
        ("reset", {"seed": "x"}),
        ("drain", {"timeout_s": "x"}),
        ("faults", {"do": {"error": 1}}),
        ("inbound", [1]),
        ("template/only_a_name", {"status": "PAUSED"}),
    ],
)
async def test_a_senseless_command_is_refused(business: Business, path: str, body: Any) -> None:
    assert (await business.control("POST", path, body, status=400))["error"]


async def test_unknown_acts_and_methods_are_told_apart(business: Business) -> None:
    await business.control("GET", "nonsense", status=404)
    await business.control("DELETE", "ledger", status=405)


async def test_messages_can_be_found(business: Business) -> None:
    sent = wamid(await business.send("+254700000220", "o1"))
    await business.send("+254700000026", "o2")
    await business.drain()
    (found,) = (await business.control("GET", "messages?opaque=o1"))["messages"]
    assert (found["id"], found["state"], found["to"]) == (sent, "delivered", "254700000220")
    (failed,) = (await business.control("GET", "messages?state=failed"))["messages"]
    assert (failed["opaque"], failed["code"]) == ("o2", 131026)
    assert len((await business.control("GET", "messages?to=%2B254700000026"))["messages"]) == 1
    assert len((await business.control("GET", "messages?limit=1"))["messages"]) == 1
    await business.control("GET", "messages?state=lost", status=400)


async def test_the_ledger_counts_accepts_and_states(business: Business) -> None:
    for opaque in ("a", "b", "a", None):
        await business.send("+254700000220", opaque)
    await business.send("+254700000026", "c")
    await business.drain()
    ledger = await business.ledger("?by=to")
    assert ledger["accepted"] == 5
    assert ledger["by_state"] == {"accepted": 0, "sent": 0, "delivered": 4, "read": 0, "failed": 1}
    assert ledger["accepts_by_opaque"] == {"a": 2, "b": 1, "c": 1}
    assert ledger["duplicates"] == ["a"]
    assert ledger["accepts_without_opaque"] == 1
    assert ledger["accepts_by_to"] == {"254700000220": 4, "254700000026": 1}
    assert 1 <= ledger["max_per_second"]["1065"] <= 5
    assert "accepts_by_opaque" not in await business.ledger("?brief=1")


async def test_time_runs_faster_when_scaled_and_a_drain_waits_for_it(business: Business, inbox: Inbox) -> None:
    await business.control("POST", "clock", {"scale": 2000})
    before = time.monotonic()
    await business.send("+254700000200", "o1")
    drained = await business.control("POST", "drain", {"timeout_s": 10})
    assert drained["drained"]
    assert 0.2 < time.monotonic() - before < 2.0
    assert len(inbox.messages()) == 1


async def test_a_drain_gives_up_in_time(business: Business) -> None:
    await business.send("+254700000200", "o1")
    drained = await business.control("POST", "drain", {"timeout_s": 0.05})
    assert not drained["drained"]
    assert drained["scheduled"] == 1


async def test_time_can_stand_still(business: Business) -> None:
    await business.control("POST", "clock", {"scale": 0})
    moment = await business.control("GET", "clock")
    await business.send("+254700000200", "o1")
    assert await business.control("GET", "clock") == moment
    await business.drain()


async def test_stamps_of_accelerated_people_are_not_from_the_future(business: Business, inbox: Inbox) -> None:
    await business.send("+254700000200", "o1")
    await business.drain()
    assert all(abs(int(status["timestamp"]) - time.time()) < 5 for status in inbox.statuses())
    await business.control("PUT", "config", {"timestamps": "virtual"})
    await business.send("+254700000200", "o2")
    await business.drain()
    assert int(inbox.statuses()[-1]["timestamp"]) - time.time() > 400


async def test_a_reset_forgets_messages_but_not_numbers(business: Business, inbox: Inbox) -> None:
    await business.send("+254700000200", "o1")
    await business.control("POST", "faults", [{"do": {"error": 131016}}])
    assert await business.control("POST", "reset", {"seed": 5}) == {"seed": 5}
    assert (await business.ledger())["accepted"] == 0
    await business.drain()
    assert inbox.posts == []
    assert (await business.send("+254700000200", "o1"))[0] == 200


async def test_figures_are_exposed(business: Business) -> None:
    await business.send("+254700000220", "o1")
    await business.send("?", "o2")
    await business.drain()
    async with business.session.get(f"{business.simulator.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    assert "whatsapp_simulator_accepted_total 1" in lines
    assert 'whatsapp_simulator_messages{state="delivered"} 1' in lines
    assert 'whatsapp_simulator_refused_total{code="131009"} 1' in lines
    assert "whatsapp_simulator_callback_acknowledged_total 2" in lines
    async with business.session.get(f"{business.simulator.url}/healthz") as answer:
        assert (await answer.json())["status"] == "ok"


async def test_a_control_token_is_asked_for_when_there_is_one() -> None:
    simulator = await serve(control_token="sesame")
    try:
        async with aiohttp.ClientSession() as session:
            url = f"{simulator.url}/_sim/ledger"
            for headers, status in (({}, 401), ({"Authorization": "Bearer sesame"}, 200)):
                async with session.get(url, headers=headers) as answer:
                    assert answer.status == status
            async with session.get(f"{simulator.url}/healthz") as answer:
                assert answer.status == 200
    finally:
        await simulator.close()


@pytest.mark.parametrize(
    ("token", "given", "local", "status"),
    [
        ("", "", True, 200),
        ("", "", False, 403),
        ("sesame", "", True, 401),
        ("sesame", "sésame", True, 401),
        ("sesame", "sesame", False, 200),
    ],
)
async def test_strangers_need_a_token_and_the_own_machine_only_if_there_is_one(
    business: Business, token: str, given: str, local: bool, status: int
) -> None:
    control = Control(business.simulator.world, token)
    reply = control.handle(Request("GET", "/_sim/clock", "", given, b"", local))
    assert isinstance(reply, Reply)
    assert reply.status == status


async def test_who_watches_sees_each_request_and_each_acknowledgement(business: Business, inbox: Inbox) -> None:
    await business.control("PUT", "config", {"watch": True})
    await business.send("+254700000220", "o1")
    await business.control("POST", "faults", [{"do": {"accept_then": "gateway"}}])
    assert (await business.send("+254700000221", "o2"))[0] == 502
    await business.control("POST", "faults", [{"do": {"http": 429}}])
    await business.send("+254700000221", "o3")
    await business.control("POST", "faults", [])
    before = time.time()
    await business.control("POST", "inbound", {"from": "+254700000220", "to": "1065", "text": "STOP"})
    await business.control("POST", "drain", {"fast_forward": True})
    watched = await business.control("GET", "watched")
    asked = [dict(zip(watched["asked"]["columns"], row, strict=True)) for row in watched["asked"]["rows"]]
    assert [(one["opaque"], one["status"], one["is_accepted"], one["doubt"]) for one in asked] == [
        ("o1", 200, True, ""),
        ("o2", 502, True, "gateway"),
        ("o3", 429, False, ""),
    ]
    told = [dict(zip(watched["told"]["columns"], row, strict=True)) for row in watched["told"]["rows"]]
    (stop,) = [one for one in told if one["text"] == "STOP"]
    assert stop["person"] == "254700000220"
    assert before <= stop["at"] <= time.time()
