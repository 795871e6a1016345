"""Surface C: the ``/_sim/…`` control API, for whoever runs the simulator rather than for the business."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, Literal

from whatsapp_simulator import callbacks, reviewing
from whatsapp_simulator.config import ConfigError, as_json, merged
from whatsapp_simulator.draining import drain
from whatsapp_simulator.exchange import Reply, Request, Unreadable, answer
from whatsapp_simulator.faults import FaultError
from whatsapp_simulator.ledger import STATES
from whatsapp_simulator.living import prefer, receive
from whatsapp_simulator.outgoing import digits
from whatsapp_simulator.people import is_user_id
from whatsapp_simulator.senders import RegistrationError, Sender
from whatsapp_simulator.templates import CATEGORIES, QUALITIES
from whatsapp_simulator.templates import STATUSES as TEMPLATE_STATUSES
from whatsapp_simulator.verifying import ask, ask_until_verified
from whatsapp_simulator.wamid import INBOUND_BYTES, mint_inbound
from whatsapp_simulator.world import World

_Act = Callable[[Any, dict[str, str]], "Reply | Awaitable[Reply]"]


class Wrong(ValueError):
    """A control request that makes no sense; the text says why."""


class Control:
    """Answers control requests about one world. `token` (if not empty) must be presented as a bearer token."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token
        self._verifying: dict[str, asyncio.Task[None]] = {}
        self._acts: dict[tuple[str, str], _Act] = {
            ("GET", "config"): lambda _body, _query: answer(as_json(world.config)),
            ("PUT", "config"): self._configure,
            ("POST", "reset"): self._reset,
            ("GET", "numbers"): lambda _body, _query: answer({"numbers": [s.describe() for s in world.senders]}),
            ("POST", "numbers"): self._register,
            ("POST", "inbound"): self._inbound,
            ("POST", "preference"): self._preference,
            ("GET", "faults"): lambda _body, _query: answer({"faults": world.faults.describe()}),
            ("POST", "faults"): self._faults,
            ("GET", "clock"): lambda _body, _query: answer(self._time()),
            ("POST", "clock"): self._clock,
            ("GET", "messages"): self._messages,
            ("GET", "ledger"): self._ledger,
            ("GET", "webhooks/dead"): self._dead,
            ("GET", "watched"): lambda _body, _query: answer(world.watching.as_json()),
            ("POST", "drain"): self._drain,
        }

    async def close(self) -> None:
        """End the handshakes that are still being repeated."""
        tasks = list(self._verifying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        """Answer a request whose path begins with ``/_sim/``."""
        if self._token:
            if not hmac.compare_digest(request.credentials.encode(), self._token.encode()):
                return answer({"error": "the control token is missing or wrong"}, 401)
        elif not request.local:
            return answer({"error": "without a control token this is for the loopback interface only"}, 403)
        name = request.path.removeprefix("/_sim/").strip("/")
        try:
            body = request.json()
            if name.startswith("template/") and request.method == "POST":
                return self._template(name.split("/")[1:], body)
            act = self._acts.get((request.method, name))
            if act is None:
                known = any(name == path for _, path in self._acts)
                return answer({"error": "no such act"}, 405 if known else 404)
            if request.method != "GET" and name != "faults" and not isinstance(body, dict):
                return answer({"error": "the body must be an object"}, 400)
            return act(body, request.query)
        except (Wrong, ConfigError, FaultError, RegistrationError, Unreadable) as error:
            return answer({"error": str(error)}, 400)

    def _configure(self, body: Any, _query: dict[str, str]) -> Reply:
        self._world.config = merged(self._world.config, body)
        return answer(as_json(self._world.config))

    def _reset(self, body: Any, _query: dict[str, str]) -> Reply:
        seed = body.get("seed", self._world.seed)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise Wrong("seed must be a whole number")
        self._world.reset(seed)
        return answer({"seed": seed})

    async def _register(self, body: Any, _query: dict[str, str]) -> Reply:
        try:
            sender = self._world.senders.register(body)
        except RegistrationError as error:
            return answer({"error": str(error)}, 400)
        old = self._verifying.pop(sender.number_id, None)
        if old is not None:
            old.cancel()
        if sender.callback_url:
            session = self._world.delivering.session
            sender.verify_problem = await ask(session, sender)
            sender.verified = not sender.verify_problem
            if not sender.verified:
                again = ask_until_verified(session, sender, self._world.config.webhooks.verify_real_s)
                self._verifying[sender.number_id] = asyncio.create_task(again)
        return answer(sender.describe())

    def _inbound(self, body: Any, _query: dict[str, str]) -> Reply:
        world = self._world
        sender, key = self._sender(body, "to"), _person(body, "from")
        text, payload = body.get("text"), body.get("button_payload")
        quoted = body.get("context_id")
        if quoted is not None and not isinstance(quoted, str):
            raise Wrong("context_id must be a message id")
        if isinstance(text, str) and payload is None:
            content = callbacks.text(text)
        elif isinstance(payload, str) and text is None:
            content = callbacks.tap(payload, str(body.get("button_text", payload)), False)
        else:
            raise Wrong("inbound needs either text or button_payload")
        wamid = mint_inbound(key, world.tail("control", key, str(world.inbound_count))[:INBOUND_BYTES])
        receive(world, sender, key, wamid, content, quoted, world.stamp(world.clock.now()))
        return answer({"id": wamid})

    def _preference(self, body: Any, _query: dict[str, str]) -> Reply:
        key, value = _person(body, "wa_id"), body.get("value")
        if value not in ("stop", "resume"):
            raise Wrong("value must be stop or resume")
        wish: Literal["stop", "resume"] = "stop" if value == "stop" else "resume"
        senders = [self._sender(body, "to")] if body.get("to") else list(self._world.senders)
        for sender in senders:
            prefer(self._world, sender, key, wish, self._world.stamp(self._world.clock.now()))
        return answer({"told": [sender.number_id for sender in senders]})

    def _template(self, naming: list[str], body: Any) -> Reply:
        if len(naming) != 2 or not isinstance(body, dict):
            raise Wrong("name a template and its language: /_sim/template/<name>/<language>")
        found = self._world.templates.named(*naming)
        if not found:
            return answer({"error": "there is no such template"}, 404)
        status, quality, category = body.get("status"), body.get("quality"), body.get("category")
        if sum(given is not None for given in (status, quality, category)) != 1:
            raise Wrong("give one of status, quality and category")
        if category is not None and category not in CATEGORIES:
            raise Wrong(f"category must be one of {', '.join(CATEGORIES)}")
        if status is not None and status not in TEMPLATE_STATUSES:
            raise Wrong(f"status must be one of {', '.join(TEMPLATE_STATUSES)}")
        if quality is not None and quality not in QUALITIES:
            raise Wrong(f"quality must be one of {', '.join(QUALITIES)}")
        for waba_id, template in found:
            if status is not None:
                reviewing.set_status(self._world, waba_id, template, status)
            elif category is not None:
                reviewing.set_category(self._world, waba_id, template, category)
            else:
                reviewing.set_quality(self._world, waba_id, template, str(quality))
        return answer({"templates": [template.describe() for _, template in found]})

    def _faults(self, body: Any, _query: dict[str, str]) -> Reply:
        self._world.faults.replace(body)
        return answer({"faults": self._world.faults.describe()})

    def _time(self) -> dict[str, float]:
        return {"virtual_s": self._world.clock.now(), "scale": self._world.clock.scale}

    def _clock(self, body: Any, _query: dict[str, str]) -> Reply:
        for name in ("scale", "advance_s"):
            value = body.get(name, 0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                raise Wrong(f"{name} must be a number that is not negative")
        if "scale" in body:
            self._world.clock.set_scale(float(body["scale"]))
        if "advance_s" in body:
            self._world.clock.advance(float(body["advance_s"]))
        self._world.timeline.rearm()
        return answer(self._time())

    def _messages(self, _body: Any, query: dict[str, str]) -> Reply:
        state = query.get("state")
        if state is not None and state not in STATES:
            raise Wrong(f"state must be one of {', '.join(STATES)}")
        limit = query.get("limit", "100")
        if not limit.isdigit():
            raise Wrong("limit must be a whole number")
        to = query.get("to")
        to = to if to is None or is_user_id(to) else digits(to)
        found = islice(self._world.ledger.find(query.get("opaque"), to, state), int(limit))
        return answer({"messages": [self._world.ledger.describe(index) for index in found]})

    def _ledger(self, _body: Any, query: dict[str, str]) -> Reply:
        ledger = self._world.ledger
        content: dict[str, Any] = {
            "accepted": len(ledger),
            "by_state": dict(zip(STATES, ledger.by_state, strict=True)),
            "duplicates": ledger.duplicates(),
            "accepts_without_opaque": sum(ledger.bare_accepts.values()),
            "max_per_second": ledger.max_per_second(),
            "refused": dict(self._world.refused),
            "inbound": self._world.inbound_count,
        }
        if query.get("brief") != "1":
            content["accepts_by_opaque"] = ledger.accepts_by_opaque
        if query.get("by") == "to":
            content["accepts_by_to"] = ledger.accepts_by_to()
        return answer(content)

    def _dead(self, _body: Any, _query: dict[str, str]) -> Reply:
        delivering = self._world.delivering
        return answer({"updates": delivering.tally.dead, "batches": list(delivering.dead)})

    async def _drain(self, body: Any, _query: dict[str, str]) -> Reply:
        timeout = body.get("timeout_s", 60)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            return answer({"error": "timeout_s must be a number of seconds"}, 400)
        done = await drain(self._world, fast_forward=body.get("fast_forward") is True, timeout_s=float(timeout))
        tally = self._world.delivering.tally
        return answer(
            {
                "drained": done,
                "scheduled": len(self._world.timeline),
                "acknowledged": tally.acknowledged,
                "dead": tally.dead,
                **self._time(),
            }
        )

    def _sender(self, body: Any, name: str) -> Sender:
        wanted = body.get(name)
        if not isinstance(wanted, str):
            raise Wrong(f"{name} must be a phone number id or a display phone number")
        sender = self._world.senders.get(wanted) or self._world.senders.by_display(digits(wanted))
        if sender is None:
            raise Wrong(f"no number {wanted!r} is registered")
        return sender


def _person(body: Any, name: str) -> str:
    wanted = body.get(name)
    if not isinstance(wanted, str):
        raise Wrong(f"{name} must be a phone number or a user id")
    key = wanted if is_user_id(wanted) else digits(wanted)
    if not is_user_id(key) and not key.isdigit():
        raise Wrong(f"{name} must be a phone number or a user id")
    return key
