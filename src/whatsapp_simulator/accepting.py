"""Taking a well-formed message on: limits, magic refusals, its id, its fate."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from whatsapp_simulator import fates, magic
from whatsapp_simulator.buckets import take
from whatsapp_simulator.config import Behaviour
from whatsapp_simulator.draws import Draws
from whatsapp_simulator.graph_errors import Refusal
from whatsapp_simulator.living import live
from whatsapp_simulator.magic import Magic
from whatsapp_simulator.outgoing import Button, Outgoing
from whatsapp_simulator.people import is_us
from whatsapp_simulator.senders import Sender
from whatsapp_simulator.templates import Template
from whatsapp_simulator.wamid import OUTBOUND_BYTES, mint_outbound
from whatsapp_simulator.world import CATEGORIES, WINDOW_S, Category, World


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is taken on. `latency_ms` is how long the HTTP answer takes."""

    wamid: str
    held: bool
    latency_ms: float
    magic: Magic


class Bare503(Exception):
    """The request ends in a 503 that is no JSON."""


def accept(
    world: World, sender: Sender, outgoing: Outgoing, template: Template | None, *, lite: bool
) -> Accepted | Refusal:
    """Decide on a checked request: refuse it (limits and magic) or take it on and schedule its life."""
    person, opaque = outgoing.person, outgoing.opaque
    spell = magic.of(person)
    refusal = _magic_refusal(world, spell, outgoing) or _over_rate(world, sender, person)
    if refusal:
        return refusal

    now = world.clock.now()
    heard = sender.windows.get(person)
    window_open = heard is not None and now - heard < WINDOW_S
    category = _category(world, sender, outgoing, template, lite, now)
    ordinal = world.ledger.ordinal(person, opaque)
    key = f"#{ordinal}" if opaque is None else opaque if not ordinal else f"{opaque}#{ordinal}"
    draws = Draws(world.seed, person, key)
    tail = world.tail(sender.number_id, person, "" if opaque is None else opaque, key)[:OUTBOUND_BYTES]
    index = world.ledger.accept(
        sender.number_id, person, opaque, tail, CATEGORIES.index(category), time.monotonic(), time.time()
    )

    marketing = category in ("marketing", "marketing_lite")
    limit = world.config.limits.portfolio_per_day
    hold, dropped = _paced(world, template, now)
    plan = fates.plan(
        draws,
        _behaviour(world, category),
        world.config.noise,
        fates.Circumstances(
            magic=spell,
            marketing=marketing,
            window_open=window_open,
            is_us=marketing and is_us(person),
            stopped=bool(world.stopped) and (sender.waba_id, person) in world.stopped,
            over_limit=(
                limit > 0
                and outgoing.kind == "template"
                and not window_open
                and not world.portfolio.admits(sender.waba_id, person, now, limit)
            ),
            buttons=_titled(outgoing.buttons, template),
            reply_texts=world.config.reply_texts,
            hold=hold,
            dropped=dropped,
        ),
    )
    live(world, sender.number_id, index, plan, now, template)
    return Accepted(mint_outbound(person, tail), hold > 0.0, _latency(world, draws), spell)


def _magic_refusal(world: World, spell: Magic, outgoing: Outgoing) -> Refusal | None:
    if spell.bare_503:
        raise Bare503
    if not spell.refuse:
        return None
    key = (outgoing.person, outgoing.opaque or "")
    tries = world.tries[key] = world.tries.get(key, 0) + 1
    return Refusal(spell.refuse) if tries <= spell.tries else None


def _over_rate(world: World, sender: Sender, person: str) -> Refusal | None:
    """The number's bucket, then the pair's; a message that the pair refuses has used up the number's token."""
    limits = world.config.limits
    now = time.monotonic()
    rate = number_rate(world, sender)
    if rate > 0.0:
        taken, sender.full_at = take(sender.full_at, now, 1.0 / rate, limits.number_burst or max(rate, 1.0))
        if not taken:
            return Refusal(130429)
    if limits.pair_burst > 0.0 and not sender.pairs.take(person, now, limits.pair_refill_s, limits.pair_burst):
        return Refusal(131056)
    return None


def number_rate(world: World, sender: Sender) -> float:
    """Messages a second that the number may carry; 0 is unlimited."""
    return world.config.limits.number_per_s if sender.rate is None else sender.rate


def _category(
    world: World, sender: Sender, outgoing: Outgoing, template: Template | None, lite: bool, now: float
) -> Category:
    if outgoing.kind == "template":
        if lite:
            return "marketing_lite"
        named = template.category.lower() if template else world.config.templates.default_category
        return "utility" if named == "utility" else "authentication" if named == "authentication" else "marketing"
    month = time.strftime("%Y-%m", time.gmtime(world.stamp(now)))
    if month != sender.service_month:
        sender.service_month, sender.service_count = month, 0
    sender.service_count += 1
    return "service_free" if sender.service_count <= world.config.service_free_per_month else "service"


def _behaviour(world: World, category: Category) -> Behaviour:
    behaviour = world.config.behaviour
    if category in ("marketing", "marketing_lite"):
        return behaviour.marketing
    if category == "utility":
        return behaviour.utility
    return behaviour.authentication if category == "authentication" else behaviour.service


def _paced(world: World, template: Template | None, now: float) -> tuple[float, bool]:
    """How long (virtual seconds) a new template's message is held for quality assessment, and whether it is dropped."""
    settings = world.config.templates
    if template is None or settings.pacing_after == 0:
        return 0.0, False
    template.accepted += 1
    if template.accepted <= settings.pacing_after:
        return 0.0, False
    if template.release_at is None:
        template.release_at = now + settings.pacing_hold_s
    hold = max(0.0, template.release_at - now)
    drops = hold > 0.0 and Draws(world.seed, "pacing", template.name, template.language).happens(
        "drop", settings.pacing_drop_p
    )
    return hold, drops


def _titled(buttons: tuple[Button, ...], template: Template | None) -> tuple[Button, ...]:
    """The quick replies with the titles of the template; ones that were sent without a payload return their title."""
    titles = template.button_titles() if template else {}
    if not titles:
        return buttons
    sent = {button.index: button for button in buttons}
    return tuple(
        replace(sent[index], title=title) if index in sent else Button("quick_reply", title, title, index)
        for index, title in titles.items()
    )


def _latency(world: World, draws: Draws) -> float:
    settings = world.config.accepting
    latency = draws.lognormal("http latency", settings.latency_ms.median, settings.latency_ms.sigma)
    return latency + settings.tail_ms if draws.happens("http tail", settings.tail_p) else latency
