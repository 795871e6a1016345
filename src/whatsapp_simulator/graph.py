"""Surface A: the Graph API that a business calls, in any version (``/v25.0/…``)."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson

from whatsapp_simulator import faults, outgoing, reviewing
from whatsapp_simulator.accepting import Accepted, Bare503, accept
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.exchange import Reply, Request, Unreadable, answer
from whatsapp_simulator.faults import Effect
from whatsapp_simulator.graph_errors import Refusal, unknown_object
from whatsapp_simulator.outgoing import Outgoing
from whatsapp_simulator.people import is_user_id
from whatsapp_simulator.senders import Sender
from whatsapp_simulator.templates import Template
from whatsapp_simulator.watching import Asked, doubt_about
from whatsapp_simulator.world import WINDOW_S, World

VERSION = re.compile(r"v\d+\.\d+")
_SENDING = ("messages", "marketing_messages")
_HTML_503 = b"<html><head><title>503 Service Unavailable</title></head><body>Service Unavailable</body></html>"
_HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"


class Graph:
    """Answers Graph requests about one world."""

    __slots__ = ("_world",)

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request, segments: list[str]) -> Reply:
        """Answer a request whose path is ``/<version>/<id>[/<edge>]``, already split."""
        identity = segments[1]
        edge = segments[2] if len(segments) == 3 else ""
        try:
            body = request.json() if edge != "media" else {}
        except Unreadable:
            body = None
        effect = self._strike(identity, edge, body)
        spoiled = self._spoil(effect)
        if spoiled is not None:
            self._watch(request, identity, body, spoiled, effect, is_accepted=False)
            return spoiled
        if request.method == "POST" and edge in _SENDING:
            before = len(self._world.ledger)
            reply = self._send(request, identity, body, effect, lite=edge == "marketing_messages")
            self._watch(request, identity, body, reply, effect, is_accepted=len(self._world.ledger) > before)
        else:
            outcome = self._manage(request, identity, edge, body, len(segments))
            reply = self._refuse(outcome) if isinstance(outcome, Refusal) else answer(outcome)
        return _delayed(reply, effect, self._world.config.accepting.trickle_ms)

    def _strike(self, identity: str, edge: str, body: Any) -> Effect:
        if not self._world.faults:
            return faults.NONE
        to, opaque, template = outgoing.peek(body)
        return self._world.faults.strike(self._world.seed, identity, edge, to, opaque, template)

    def _watch(
        self, request: Request, number_id: str, body: Any, reply: Reply, effect: Effect, *, is_accepted: bool
    ) -> None:
        if self._world.config.watch:
            to, opaque, _ = outgoing.peek(body)
            doubt = doubt_about(reply, effect)
            now = time.time()
            came_at = request.came_at or now
            self._world.watching.asked.append(
                Asked(now, number_id, to, opaque, reply.status, is_accepted, doubt, came_at)
            )

    def _spoil(self, effect: Effect) -> Reply | None:
        """The answer of a fault that lets nothing through."""
        if effect.token_expired:
            return self._refuse(Refusal(190, subcode=463))
        if effect.error:
            return self._refuse(Refusal(effect.error, headers=effect.headers))
        if effect.http:
            self._world.refused[effect.http] += 1
            kind = "text/html" if effect.body.lstrip().startswith("<") else "application/json"
            return Reply(effect.http, effect.body.encode(), kind, effect.headers)
        return None

    def _refuse(self, refusal: Refusal) -> Reply:
        self._world.refused[refusal.code] += 1
        return Reply(refusal.status, refusal.body(self._world.trace()), headers=refusal.headers)

    def _send(self, request: Request, number_id: str, body: Any, effect: Effect, *, lite: bool) -> Reply:
        sender = self._authorised(request, number_id)
        if isinstance(sender, Refusal):
            return self._refuse(sender)
        if isinstance(body, dict) and body.get("status") == "read":
            known = isinstance(body.get("message_id"), str) and body["message_id"].startswith("wamid.")
            return answer({"success": True}) if known else self._refuse(Refusal(100, "message_id is not valid."))
        wanted = outgoing.read(body)
        if isinstance(wanted, Refusal):
            return self._refuse(wanted)
        template = self._fitting(sender, wanted, lite)
        if isinstance(template, Refusal):
            return self._refuse(template)
        obstacle = outgoing.recipient(wanted, sender.display) or self._closed_window(sender, wanted)
        if obstacle:
            return self._refuse(obstacle)
        try:
            taken = accept(self._world, sender, wanted, template, lite=lite)
        except Bare503:
            self._world.refused[503] += 1
            return Reply(503, _HTML_503, "text/html")
        if isinstance(taken, Refusal):
            return self._refuse(taken)
        return self._receipt(wanted, taken, effect)

    def _authorised(self, request: Request, number_id: str) -> Sender | Refusal:
        opened = self._world.senders.opened_by(request.credentials)
        if not opened:
            return Refusal(190)
        sender = self._world.senders.get(number_id) if number_id in opened else None
        return sender or unknown_object(number_id)

    def _fitting(self, sender: Sender, wanted: Outgoing, lite: bool) -> Template | Refusal | None:
        if wanted.kind != "template":
            return Refusal(131055) if lite else None
        template = self._world.templates.check(sender.waba_id, wanted, self._world.config.strict_templates)
        if lite and isinstance(template, Template) and template.category != "MARKETING":
            return Refusal(134100)
        return template

    def _closed_window(self, sender: Sender, wanted: Outgoing) -> Refusal | None:
        if not self._world.config.enforce_window or wanted.kind == "template":
            return None
        heard = sender.windows.get(wanted.person)
        is_open = heard is not None and self._world.clock.now() - heard < WINDOW_S
        return None if is_open else Refusal(131047)

    def _receipt(self, wanted: Outgoing, taken: Accepted, effect: Effect) -> Reply:
        message = {"id": taken.wamid}
        if wanted.kind == "template":
            message["message_status"] = "held_for_quality_assessment" if taken.held else "accepted"
        identity = "user_id" if is_user_id(wanted.person) else "wa_id"
        content = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": wanted.entered, identity: wanted.person}],
            "messages": [message],
        }
        if effect.accept_then == "http500":
            return self._refuse(Refusal(131000))
        if effect.accept_then == "gateway":
            self._world.refused[502] += 1
            return Reply(502, _HTML_502, "text/html")
        ending = taken.magic.ending
        if effect.accept_then == "hang":
            ending = "hang"
        elif effect.accept_then == "reset":
            ending = "reset"
        return Reply(
            200,
            orjson.dumps(content),
            ending=ending,
            wait_s=taken.latency_ms / 1000.0,
            hang_s=self._world.config.accepting.hang_real_s,
        )

    def _manage(self, request: Request, identity: str, edge: str, body: Any, depth: int) -> Any:
        """Everything but sending: content for a 200, or a refusal."""
        world, method = self._world, request.method
        opened = world.senders.opened_by(request.credentials)
        if not opened:
            return Refusal(190)
        reachable = [sender for sender in world.senders if sender.number_id in opened]
        number = next((sender for sender in reachable if sender.number_id == identity), None)
        owns = any(sender.waba_id == identity for sender in reachable)
        found = world.templates.by_id(identity)
        if found is not None and not any(sender.waba_id == found[0] for sender in reachable):
            found = None
        if depth > 3:
            return unknown_object(identity)
        if owns and edge == "message_templates":
            return self._templates(request, identity, body)
        if owns and edge == "phone_numbers" and method == "GET":
            return {"data": [_number(sender) for sender in world.senders.of_account(identity)]}
        if owns and edge == "subscribed_apps" and method == "POST":
            return {"success": True}
        if number and edge == "media" and method == "POST":
            return {"id": str(int.from_bytes(Draws(0, request.body.hex()).raw("media")[:7], "big"))}
        if number and not edge and method == "GET":
            wanted = [name for name in request.query.get("fields", "").split(",") if name]
            shown = _number(number)
            return shown if not wanted else {"id": shown["id"], **{k: shown[k] for k in wanted if k in shown}}
        if found and not edge and method == "GET":
            return found[1].describe()
        if found and edge == "unpause" and method == "POST":
            if found[1].status != "PAUSED":
                return Refusal(100, "The template is not paused.")
            reviewing.unpause(world, *found)
            return {"success": True}
        return unknown_object(identity)

    def _templates(self, request: Request, waba_id: str, body: Any) -> Any:
        registry, query = self._world.templates, request.query
        if request.method == "POST":
            made = registry.create(waba_id, body)
            if isinstance(made, Refusal):
                return made
            reviewing.submit(self._world, waba_id, made)
            return {"id": made.id, "status": made.status, "category": made.category}
        if request.method == "DELETE":
            if registry.delete(waba_id, query.get("name", "")):
                return {"success": True}
            return Refusal(100, "There is no template with that name.")
        listed = [
            template.describe()
            for template in registry.of_account(waba_id, query.get("name"))
            if query.get("status", template.status) == template.status
            and query.get("language", template.language) == template.language
        ]
        limit, after = query.get("limit", "25"), query.get("after", "0")
        if not (limit.isdigit() and after.isdigit() and int(limit) > 0):
            return Refusal(100, "limit and after must be what a page said.")
        end = int(after) + int(limit)
        page: dict[str, Any] = {"data": listed[int(after) : end]}
        if page["data"]:
            page["paging"] = {"cursors": {"before": after, "after": str(end)}}
            if end < len(listed):
                page["paging"]["next"] = f"{request.path}?limit={limit}&after={end}"
        return page


def _number(sender: Sender) -> dict[str, Any]:
    level = "HIGH" if sender.rate is not None and (sender.rate == 0 or sender.rate > 80) else "STANDARD"
    return {
        "id": sender.number_id,
        "display_phone_number": f"+{sender.display}",
        "verified_name": f"Business {sender.display[-4:]}",
        "quality_rating": "GREEN",
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
    }


def _delayed(reply: Reply, effect: Effect, trickle_ms: float) -> Reply:
    if not effect.delay_ms and not effect.trickle:
        return reply
    return Reply(
        reply.status,
        reply.body,
        reply.content_type,
        reply.headers,
        reply.ending,
        reply.wait_s + effect.delay_ms / 1000.0,
        reply.hang_s,
        trickle_ms / 1000.0 if effect.trickle else 0.0,
    )
