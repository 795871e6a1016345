"""The HTTP server below everything: what clients may do besides plain requests."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time

import pytest

from simulator.business import NUMBER, Business, template
from whatsapp_simulator import RunningSimulator
from whatsapp_simulator.fast_http import _is_loopback


async def talk(simulator: RunningSimulator, *parts: bytes, pause: float = 0.0) -> bytes:
    """Write the parts, close the writing side, read everything."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)
    data = b""
    try:
        while chunk := await asyncio.wait_for(reader.read(65536), 0.4):
            data += chunk
    except TimeoutError:
        pass
    writer.close()
    return data


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_requests_in_a_row_are_answered_in_their_order(simulator: RunningSimulator) -> None:
    data = await talk(simulator, GET + GET.replace(b"healthz", b"metrics") + GET)
    assert data.count(b"HTTP/1.1 200 OK") == 3
    assert data.index(b"# HELP") < data.rindex(b'"status"')


async def test_a_request_may_come_in_small_pieces(simulator: RunningSimulator) -> None:
    data = await talk(simulator, *[GET[index : index + 7] for index in range(0, len(GET), 7)], pause=0.001)
    assert data.startswith(b"HTTP/1.1 200 OK")


async def test_a_chunked_body_is_understood(business: Business) -> None:
    body = json.dumps(template("+254700000001", "o1")).encode()
    head = b"POST /v25.0/1065/messages HTTP/1.1\r\nHost: x\r\nAuthorization: bearer token\r\n"
    head += b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:50], body[50:])) + b"0\r\n\r\n"
    data = await talk(business.simulator, head, chunks)
    assert data.startswith(b"HTTP/1.1 100 Continue")
    assert b"HTTP/1.1 200 OK" in data
    assert (await business.ledger())["accepted"] == 1


async def test_a_closing_client_gets_its_answer_and_a_closed_connection(simulator: RunningSimulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    data = await asyncio.wait_for(reader.read(), 1)
    assert b"Connection: close" in data
    writer.close()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01 this is TLS\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"200"),
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404"),
    ],
)
async def test_what_cannot_be_answered_is_refused(simulator: RunningSimulator, raw: bytes, status: bytes) -> None:
    data = await talk(simulator, raw)
    assert data.startswith(b"HTTP/1.1 " + status)


async def test_a_body_beyond_all_measure_is_refused(simulator: RunningSimulator) -> None:
    head = b"POST /v25.0/1/messages HTTP/1.1\r\nContent-Length: 17000000\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(head)
    for _ in range(17):
        writer.write(b"x" * 1_000_000)
    data = await asyncio.wait_for(reader.read(100), 5)
    assert data.startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_client_that_leaves_early_harms_nobody(business: Business) -> None:
    await business.control("PUT", "config", {"accepting": {"latency_ms": {"median": 50, "sigma": 0}}})
    sending = asyncio.create_task(business.send("+254700000001", "o1"))
    await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.sleep(0.06)
    assert (await business.send("+254700000001", "o2"))[0] == 200
    assert (await business.ledger())["accepted"] == 2


async def test_the_accept_latency_is_kept(business: Business) -> None:
    await business.control("PUT", "config", {"accepting": {"latency_ms": {"median": 60, "sigma": 0}}})
    before = asyncio.get_running_loop().time()
    await asyncio.gather(*[business.send("+254700000001") for _ in range(5)])
    assert 0.06 <= asyncio.get_running_loop().time() - before < 0.3


async def test_a_fault_of_its_own_is_a_plain_500(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(context["message"]))
    monkeypatch.setattr(business.simulator.world, "ledger", None)
    status, _ = await business.send("+254700000001")
    assert status == 500
    assert seen == ["the simulator failed to answer a request"]


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        (("127.0.0.1", 5), True),
        (("127.8.8.8", 5), True),
        (("::1", 5, 0, 0), True),
        (("::ffff:127.0.0.1", 5, 0, 0), True),
        (("10.0.0.1", 5), False),
        (("fe80::1%eth0", 5, 0, 0), False),
        (("what", 5), False),
        ("", False),
        (None, False),
    ],
)
def test_loopback_peers_are_recognised(peer: object, local: bool) -> None:
    assert _is_loopback(peer) is local


async def test_numbers_of_two_accounts_do_not_mix(business: Business) -> None:
    await business.control("POST", "numbers", {**NUMBER, "phone_number_id": "2", "waba_id": "778"})
    assert (await business.post(template("+254700000001"), number="2"))[0] == 200
    assert (await business.graph("GET", "778/phone_numbers"))[1]["data"][0]["id"] == "2"
    assert (await business.ledger())["max_per_second"] == {"2": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when data came in")
@pytest.mark.parametrize("is_new", [True, False], ids=["a new connection", "a kept one"])
async def test_a_request_that_waited_in_the_socket_is_noted_as_having_come_before(
    business: Business, is_new: bool
) -> None:
    await business.control("PUT", "config", {"watch": True})
    body = json.dumps(template("+254700000001", "o1")).encode()
    head = b"POST /v25.0/1065/messages HTTP/1.1\r\nHost: x\r\nAuthorization: bearer token\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    address = ("127.0.0.1", business.simulator.port)
    kept = socket.create_connection(address)
    kept.sendall(GET)
    await asyncio.sleep(0.1)
    assert kept.recv(65536).startswith(b"HTTP/1.1 200 OK")
    # From here on the loop stands still: nobody even accepts the connection.
    client = socket.create_connection(address) if is_new else kept
    sent_at = time.time()
    client.sendall(request)
    time.sleep(0.3)
    watching = business.simulator.world.watching
    async with asyncio.timeout(5):
        while not watching.asked:
            await asyncio.sleep(0.01)
    client.close()
    kept.close()
    (asked,) = watching.asked
    assert asked.is_accepted
    assert abs(asked.came_at - sent_at) < 0.05
    assert asked.at - sent_at >= 0.3


async def test_who_does_not_watch_does_not_ask_when_a_request_came(
    business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("whatsapp_simulator.fast_http._came_at", lambda transport: asked.append(transport) or 1.0)
    await business.send("+254700000001", "o1")
    assert asked == []
    await business.control("PUT", "config", {"watch": True})
    await business.send("+254700000001", "o2")
    assert len(asked) == 1
    assert [one.came_at for one in business.simulator.world.watching.asked] == [1.0]


async def test_where_the_kernel_does_not_say_a_request_came_when_it_was_taken(
    business: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    await business.control("PUT", "config", {"watch": True})
    before = time.time()
    await business.send("+254700000001", "o1")
    (asked,) = business.simulator.world.watching.asked
    assert before <= asked.came_at <= asked.at
