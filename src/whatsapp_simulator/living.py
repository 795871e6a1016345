"""Letting happenings happen: the ledger moves on, callbacks are written, people answer."""

from __future__ import annotations

import time
from typing import Literal

from whatsapp_simulator import callbacks, magic
from whatsapp_simulator.buckets import spend
from whatsapp_simulator.callbacks import Json, Update
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.fates import Happening, Kind
from whatsapp_simulator.ledger import DELIVERED, FAILED, READ, SENT
from whatsapp_simulator.people import is_user_id, person
from whatsapp_simulator.reviewing import annoyed, delivered
from whatsapp_simulator.senders import Sender
from whatsapp_simulator.templates import Template
from whatsapp_simulator.wamid import INBOUND_BYTES, mint_inbound
from whatsapp_simulator.world import CATEGORIES, World

_STATES = {Kind.SENT: SENT, Kind.DELIVERED: DELIVERED, Kind.READ: READ, Kind.FAILED: FAILED}
Plan = tuple[Happening, ...]


def live(
    world: World, number_id: str, index: int, plan: Plan, born: float, template: Template | None, step: int = 0
) -> None:
    """Schedule the next step of a message's life, which began at the virtual moment `born`."""
    if step < len(plan):
        due = born + plan[step].let_go
        world.timeline.at(due, _take_step, world, number_id, index, plan, born, template, step)


def _take_step(
    world: World, number_id: str, index: int, plan: Plan, born: float, template: Template | None, step: int
) -> None:
    sender = world.senders.get(number_id)
    if sender is not None:
        _happen(world, sender, index, plan, plan[step], born, template)
    live(world, number_id, index, plan, born, template, step + 1)


def _happen(
    world: World, sender: Sender, index: int, plan: Plan, step: Happening, born: float, template: Template | None
) -> None:
    key = world.ledger.person(index)
    wamid = world.ledger.wamid(index)
    hidden = is_hidden(key)
    stamp = world.stamp(born + step.happened)
    state = _STATES.get(step.kind)
    if state is None:
        _act(world, sender, key, wamid, step, stamp, template)
        return
    if not step.detail.repeat:
        world.ledger.advance(index, state, step.detail.code)
        if template is not None and step.kind == Kind.DELIVERED:
            delivered(world, sender.waba_id, template)
    if step.detail.lost:
        return
    who = person(key)
    opaque = world.ledger.opaque(index)
    if step.kind == Kind.FAILED:
        item, contact = callbacks.failed(wamid, step.detail.code, stamp, who, hidden, opaque), None
    else:
        price = None
        if step.kind == Kind.SENT or step.kind == _priced_arrival(plan):
            category = CATEGORIES[world.ledger.category(index)]
            free = category == "service_free"
            price = callbacks.pricing("service" if free else category, "free_customer_service" if free else "regular")
        item = callbacks.status(wamid, step.kind.name.lower(), stamp, who, hidden, opaque, price)
        contact = callbacks.contact(who, hidden)
    tell(world, sender, Update("statuses", f"{wamid} {step.kind.name}", item, contact, step.detail.repeat))


def _priced_arrival(plan: Plan) -> Kind:
    """Pricing comes with `delivered`, or with `read` where there is no `delivered`."""
    return Kind.DELIVERED if any(step.kind == Kind.DELIVERED for step in plan) else Kind.READ


def _act(
    world: World,
    sender: Sender,
    key: str,
    wamid: str,
    step: Happening,
    stamp: int,
    template: Template | None,
) -> None:
    if not step.detail.repeat and template is not None and _annoys(step):
        annoyed(world, sender.waba_id, template)
    if step.kind == Kind.NATIVE_STOP:
        prefer(world, sender, key, "stop", stamp, lost=step.detail.lost, repeat=step.detail.repeat)
    elif step.kind in (Kind.TEXT, Kind.BUTTON):
        content = (
            callbacks.text(step.detail.text)
            if step.kind == Kind.TEXT
            else callbacks.tap(step.detail.payload, step.detail.text, step.detail.interactive)
        )
        own = mint_inbound(key, world.tail("inbound", wamid, step.kind.name)[:INBOUND_BYTES])
        quoted = wamid if step.detail.quoted else None
        receive(world, sender, key, own, content, quoted, stamp, lost=step.detail.lost, repeat=step.detail.repeat)


def _annoys(step: Happening) -> bool:
    says_stop = step.detail.text.upper().startswith("STOP") or step.detail.payload.upper().startswith("STOP")
    return step.kind in (Kind.BLOCK, Kind.NATIVE_STOP) or says_stop


def is_hidden(key: str) -> bool:
    """Whether this person shows a user name instead of a phone number."""
    return magic.of(key).act == "username" or is_user_id(key)


def receive(
    world: World,
    sender: Sender,
    key: str,
    wamid: str,
    content: Json,
    quoted: str | None,
    stamp: int,
    *,
    lost: bool = False,
    repeat: bool = False,
) -> None:
    """A message from the person `key` arrives: it opens the window, uses up throughput and is told."""
    who = person(key)
    if not repeat:
        world.inbound_count += 1
        now = world.clock.now()
        sender.windows[key] = now
        if is_hidden(key):
            sender.windows[who.user_id] = now
        limits = world.config.limits
        rate = limits.number_per_s if sender.rate is None else sender.rate
        if rate > 0.0:
            burst = limits.number_burst or max(rate, 1.0)
            sender.full_at = spend(sender.full_at, time.monotonic(), 1.0 / rate, burst)
    if lost:
        return
    context = None if quoted is None else (sender.display, quoted)
    hidden = is_hidden(key)
    item = callbacks.inbound(wamid, stamp, who, hidden, content, context)
    tell(world, sender, Update("messages", wamid, item, callbacks.contact(who, hidden), repeat))


def prefer(
    world: World,
    sender: Sender,
    key: str,
    value: Literal["stop", "resume"],
    stamp: int,
    *,
    lost: bool = False,
    repeat: bool = False,
) -> None:
    """The person stops or resumes marketing messages in their app."""
    # A copy of an old callback must not undo what the person decided since.
    if world.config.remember_stops and not repeat:
        if value == "stop":
            world.stopped.add((sender.waba_id, key))
        else:
            world.stopped.discard((sender.waba_id, key))
    if lost:
        return
    who = person(key)
    hidden = is_hidden(key)
    item = callbacks.preference(who, hidden, value, stamp)
    contact = callbacks.contact(who, hidden)
    tell(world, sender, Update("user_preferences", f"{key} {value} {stamp}", item, contact, repeat))


def tell(world: World, sender: Sender, update: Update) -> None:
    """Send the callback on its way, now and then with a field nobody announced."""
    noise = world.config.noise
    if noise.unknown_field_rate:
        draws = Draws(world.seed, "odd", update.key)
        update = update._replace(odd=draws.happens("field", noise.unknown_field_rate))
    world.delivering.enqueue(sender, update)
