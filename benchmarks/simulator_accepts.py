"""How many sends a second one core of simulator accepts while it also calls back.

Three processes on the loopback interface: the simulator alone on one core; a client (aiohttp) and a callback receiver
share another. Bounded by ``--messages``. Prints accepts a second, and callbacks until everything is told.

    python benchmarks/simulator_accepts.py --messages 20000 --connections 64
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import orjson
import uvloop

CONFIG = {
    "accepting": {"latency_ms": {"median": 5.0, "sigma": 0.45}},
    "limits": {"number_per_s": 0},
    "webhooks": {"batch_max": 1000},
}


def pin(core: int) -> None:
    """Keep this process on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {available[core % len(available)]})


class Receiver(asyncio.Protocol):
    """A callback receiver that does next to nothing: it answers every complete request with 200."""

    posts = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while True:
            end = self.rest.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.rest[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length :]
            Receiver.posts += 1
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def cpu_seconds(process: int) -> float:
    """Processor time that another process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(url: str, messages: int, connections: int, process: int) -> None:
    """Register a number, send everything, and report."""
    receiver = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    port = receiver.sockets[0].getsockname()[1]
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        number = {
            "phone_number_id": "1065",
            "display_phone_number": "254711000000",
            "access_token": "bench",
            "app_secret": "secret",
            "callback_url": f"http://127.0.0.1:{port}/",
            "verify_token": "v",
            "rate": 0,
        }
        async with session.post(f"{url}/_sim/numbers", json=number) as answer:
            answer.raise_for_status()
        headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
        target = f"{url}/v25.0/1065/messages"
        indices = iter(range(messages))
        latencies: list[float] = []

        async def sender() -> None:
            for index in indices:
                body = orjson.dumps(
                    {
                        "messaging_product": "whatsapp",
                        "recipient_type": "individual",
                        "to": f"+2547{10_000_000 + index * 10 + 1}",
                        "type": "template",
                        "biz_opaque_callback_data": f"v1|t42|c981|r{index}",
                        "template": {
                            "name": "harvest_offer_v3",
                            "language": {"code": "en"},
                            "components": [
                                {"type": "body", "parameters": [{"type": "text", "text": "Amina"}]},
                                {
                                    "type": "button",
                                    "sub_type": "quick_reply",
                                    "index": "0",
                                    "parameters": [{"type": "payload", "payload": f"YES|{index}"}],
                                },
                            ],
                        },
                    }
                )
                before = time.perf_counter()
                async with session.post(target, data=body, headers=headers) as reply:
                    await reply.read()
                    if reply.status != 200:
                        raise RuntimeError(f"HTTP {reply.status}: {await reply.text()}")
                latencies.append(time.perf_counter() - before)

        used = cpu_seconds(process)
        start = time.perf_counter()
        await asyncio.gather(*[sender() for _ in range(connections)])
        took = time.perf_counter() - start
        used = cpu_seconds(process) - used
        async with session.get(f"{url}/metrics") as answer:
            during = await answer.text()
        async with session.post(f"{url}/_sim/drain", json={"fast_forward": True, "timeout_s": 60}) as answer:
            drained = await answer.json()
        async with session.get(f"{url}/_sim/ledger?brief=1") as answer:
            ledger = await answer.json()
    receiver.close()
    latencies.sort()
    told = next(line.split()[-1] for line in during.splitlines() if line.startswith("whatsapp_simulator_callback_ack"))
    print(
        json.dumps(
            {
                "messages": messages,
                "connections": connections,
                "accepts_per_second": round(messages / took),
                "simulator_core_busy": round(used / took, 2),
                "median_ms": round(1000 * latencies[len(latencies) // 2], 1),
                "p99_ms": round(1000 * latencies[int(len(latencies) * 0.99)], 1),
                "updates_told_meanwhile": int(float(told)),
                "updates_per_second_meanwhile": round(float(told) / took),
                "posts": Receiver.posts,
                "drained": drained["drained"],
                "by_state": ledger["by_state"],
                "max_per_second": ledger["max_per_second"],
            },
            indent=2,
        )
    )


def main() -> int:
    """Start the simulator in a process of its own, load it, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--scale", type=float, default=60.0)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        pin(1)
        uvloop.run(load(options.url, options.messages, options.connections, options.process))
        return 0
    settings = Path(f"/tmp/simulator_accepts.{os.getpid()}.json")
    settings.write_text(json.dumps(CONFIG))
    command = [sys.executable, "-m", "whatsapp_simulator", "--port", "0", "--scale", str(options.scale)]
    simulator = subprocess.Popen(
        [*command, "--config", str(settings)], stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(0)
    )
    try:
        assert simulator.stdout is not None
        url = simulator.stdout.readline().split()[-1]
        again = [sys.executable, __file__, "--generate", "--url", url, "--process", str(simulator.pid)]
        amounts = ["--messages", str(options.messages), "--connections", str(options.connections)]
        return subprocess.run([*again, *amounts], check=False).returncode
    finally:
        simulator.terminate()
        simulator.wait(10)
        settings.unlink()


if __name__ == "__main__":
    sys.exit(main())
