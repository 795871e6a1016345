"""Faults on order, each kind of them, over real HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from simulator.business import Business
from whatsapp_simulator.faults import FaultError, Faults


async def order(business: Business, do: dict[str, Any], **rule: Any) -> None:
    await business.control("POST", "faults", [{"do": do, **rule}])


async def test_an_error_code_is_answered_in_the_platforms_shape(business: Business) -> None:
    await order(business, {"error": 130429})
    status, body = await business.send("+254700000001", "o1")
    assert (status, body["error"]["code"]) == (400, 130429)
    assert (await business.ledger())["accepted"] == 0


async def test_a_bare_http_answer_carries_its_headers_and_body(business: Business) -> None:
    await order(business, {"http": 429, "headers": {"Retry-After": "2"}, "body": '{"hold": "on"}'})
    url = f"{business.simulator.url}/v25.0/1065/messages"
    async with business.session.post(url, json={}) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
        assert await answer.json() == {"hold": "on"}
    await order(business, {"http": 502, "body": "<html>bad gateway</html>"})
    assert await business.send("+254700000001") == (502, "<html>bad gateway</html>")


async def test_a_delay_accepts_at_once_and_answers_late(business: Business) -> None:
    await order(business, {"delay_ms": 200})
    before = time.monotonic()
    sending = asyncio.create_task(business.send("+254700000001", "o1"))
    await asyncio.sleep(0.05)
    assert (await business.ledger())["accepted"] == 1
    assert (await sending)[0] == 200
    assert time.monotonic() - before >= 0.2


async def test_accepting_and_then_failing_leaves_an_accepted_message(business: Business) -> None:
    await order(business, {"accept_then": "http500"})
    status, body = await business.send("+254700000001", "o1")
    assert (status, body["error"]["code"]) == (500, 131000)
    await order(business, {"accept_then": "reset"})
    with pytest.raises(aiohttp.ClientError):
        await business.send("+254700000001", "o2")
    await order(business, {"accept_then": "hang"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(business.send("+254700000001", "o3"), 0.1)
    await business.control("POST", "faults", [])
    assert (await business.ledger())["accepts_by_opaque"] == {"o1": 1, "o2": 1, "o3": 1}


async def test_a_refused_connection_closes_before_the_body_is_read(business: Business) -> None:
    await order(business, {"refuse": True}, match={"path": "messages"})
    with pytest.raises(aiohttp.ClientError):
        await business.send("+254700000001", "o1")
    assert (await business.graph("GET", "1065"))[0] == 200
    assert (await business.ledger())["accepted"] == 0


async def test_a_trickling_answer_arrives_whole_in_the_end(business: Business) -> None:
    await business.control("PUT", "config", {"accepting": {"trickle_ms": 1}})
    await order(business, {"trickle": True})
    before = time.monotonic()
    assert (await business.send("+254700000001", "o1"))[0] == 200
    assert time.monotonic() - before > 0.1
    await business.control("POST", "faults", [])
    assert (await business.send("+254700000001", "o2"))[0] == 200


async def test_an_expired_token_is_an_authentication_error(business: Business) -> None:
    await order(business, {"token": "expire"}, when={"first": 1})
    status, body = await business.send("+254700000001")
    assert (status, body["error"]["code"]) == (401, 190)
    assert (await business.send("+254700000001"))[0] == 200


async def test_a_fault_comes_before_the_authentication(business: Business) -> None:
    await order(business, {"error": 131057})
    business.token = "stolen"
    assert (await business.send("+254700000001"))[1]["error"]["code"] == 131057


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"pnid": "*"}, True),
        ({"pnid": "1065"}, True),
        ({"pnid": "1066"}, False),
        ({"path": "messages"}, True),
        ({"path": "media"}, False),
        ({"to_suffix": "0001"}, True),
        ({"to_suffix": "0002"}, False),
        ({"template": "harvest_offer"}, True),
        ({"template": "other"}, False),
    ],
)
async def test_a_rule_only_meets_what_it_speaks_of(business: Business, match: dict[str, str], hit: bool) -> None:
    await order(business, {"error": 131016}, match=match)
    assert ((await business.send("+254700000001"))[0] == 500) is hit


async def test_first_and_every_count_the_matching_requests(business: Business) -> None:
    await order(business, {"error": 131016}, when={"first": 2})
    assert [(await business.send("+254700000001"))[0] for _ in range(4)] == [500, 500, 200, 200]
    await order(business, {"error": 131016}, when={"every": 3})
    assert [(await business.send("+254700000001"))[0] for _ in range(6)] == [200, 200, 500, 200, 200, 500]
    (rule,) = (await business.control("GET", "faults"))["faults"]
    assert (rule["seen"], rule["fired"]) == (6, 2)


def test_chance_decides_by_recipient_and_try_and_not_by_order() -> None:
    def fired(recipients: list[str]) -> dict[str, list[bool]]:
        faults = Faults(lambda: 0.0)
        faults.replace([{"when": {"p": 0.3}, "do": {"error": 131016}}])
        hits: dict[str, list[bool]] = {}
        for to in recipients:
            hits.setdefault(to, []).append(faults.strike(1, "n", "messages", to, "o", "").error > 0)
        return hits

    recipients = [str(index) for index in range(500)] * 2
    hits = fired(recipients)
    assert hits == fired(sorted(recipients))
    share = sum(sum(tries) for tries in hits.values()) / 1000
    assert 0.24 < share < 0.36
    assert any(first != second for first, second in hits.values())


def test_rules_end_and_begin_by_the_clock() -> None:
    moment = 100.0
    faults = Faults(lambda: moment)
    faults.replace([{"when": {"between": [5, 10]}, "do": {"error": 1}}, {"do": {"error": 2}, "ttl": 20}])
    seen: dict[float, int] = {}
    for moment in (100.0, 105.0, 110.0, 120.0):
        seen[moment] = faults.strike(1, "n", "messages", "t", "o", "").error
    assert seen == {100.0: 2, 105.0: 1, 110.0: 2, 120.0: 0}


@pytest.mark.parametrize(
    "rule",
    [
        "all",
        {},
        {"do": {}},
        {"do": {"error": 1, "http": 500}},
        {"do": {"explode": True}},
        {"do": {"error": "many"}},
        {"do": {"accept_then": "sing"}},
        {"do": {"token": "renew"}},
        {"do": {"http": 500, "headers": {"A": "b\r\nC: d"}}},
        {"do": {"error": 1}, "when": {"p": 0.1, "first": 2}},
        {"do": {"error": 1}, "when": {"every": 0}},
        {"do": {"error": 1}, "when": {"between": [1]}},
        {"do": {"error": 1}, "match": {"colour": "red"}},
        {"do": {"refuse": True}, "match": {"to_suffix": "1"}},
    ],
)
async def test_a_senseless_rule_is_refused(rule: Any) -> None:
    with pytest.raises(FaultError):
        Faults(lambda: 0.0).replace([rule])
