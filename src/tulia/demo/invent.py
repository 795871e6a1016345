"""The people of the demo shop and what they did, invented from a seed: the same seed and instant give the same (pure)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tulia.demo import words

CUSTOMERS = 2_000
HISTORY_DAYS = 548
BOOKINGS = 400
CONVERSATIONS = 700
LAPSED_DAYS = 180
NEW_DAYS = 45
VIP_SPENT = 24_000
WITHOUT_NAME = 0.01

# Last four digits that the simulator treats in a way of their own; a demo is about ordinary people.
SPECIAL_ENDINGS = frozenset(
    {
        "0026", "0049", "0050", "0047", "0072", "0429", "0056", "0500", "0503", "0408", "0599", "0200", "0210", "0211",
        "0212", "0220", "0221", "0230", "0240",
    }
)  # fmt: skip

_ORDER_STATUSES = (("completed", 56), ("fulfilled", 18), ("paid", 13), ("pending", 4), ("canceled", 6), ("refunded", 3))
_COUNTING = ("completed", "fulfilled", "paid")
_CONVERSATION_STATUSES = (("open", 24), ("bot", 14), ("handoff", 6), ("closed", 40), ("dormant", 16))


@dataclass(frozen=True, slots=True)
class Order:
    id: UUID
    customer_id: UUID
    number: str
    placed_at: datetime
    total: int
    status: str


@dataclass(frozen=True, slots=True)
class Booking:
    id: UUID
    customer_id: UUID
    number: str
    booked_at: datetime
    starts_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    direction: str
    message_type: str
    text: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person's conversation, its messages in order of time."""

    id: UUID
    customer_id: UUID
    status: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """`agreed_at` and `stopped_at` are when promotional messages were switched on and off; None: never."""

    id: UUID
    number: str
    phone: str
    name: str
    language: str
    tags: tuple[str, ...]
    city: str
    favourite_product: str
    loyalty_points: int
    joined_at: datetime
    agreed_at: datetime | None
    stopped_at: datetime | None

    @property
    def agrees(self) -> bool:
        return self.agreed_at is not None and self.stopped_at is None


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything there is in the demo; totals in whole KES."""

    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]
    bookings: tuple[Booking, ...]
    conversations: tuple[Conversation, ...]


def generate(seed: str, now: datetime) -> Shop:
    """A shop with a year and a half behind it, as of `now`."""
    draw = random.Random(seed)  # noqa: S311 - invented people, not secrets
    phones = _phones(draw)
    customers: list[Customer] = []
    orders: list[Order] = []
    for index in range(CUSTOMERS):
        person, bought = _customer(draw, index, phones[index], now=now, order_number=len(orders) + 1)
        customers.append(person)
        orders += bought
    return Shop(
        tuple(customers),
        tuple(orders),
        tuple(_booking(draw, customers, number, now=now) for number in range(1, BOOKINGS + 1)),
        tuple(_conversation(draw, person, now=now) for person in draw.sample(customers, CONVERSATIONS)),
    )


def _phones(draw: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < CUSTOMERS:
        phone = f"+254{draw.choice(words.PHONE_PREFIXES)}{draw.randrange(10**6):06d}"
        if phone[-4:] not in SPECIAL_ENDINGS:
            found[phone] = None
    return list(found)


def _customer(
    draw: random.Random, index: int, phone: str, *, now: datetime, order_number: int
) -> tuple[Customer, list[Order]]:
    customer_id = _id(draw)
    is_new = draw.random() < 0.11
    joined_at = _daytime(draw, now - timedelta(days=draw.uniform(1, NEW_DAYS) if is_new else draw.uniform(60, 548)))
    ware, department, _ = draw.choice(words.WARES)
    is_wholesale = draw.random() < 0.03
    orders = _orders(
        draw, customer_id, department, joined_at=joined_at, now=now, first=order_number, is_wholesale=is_wholesale
    )
    counting = [order for order in orders if order.status in _COUNTING]
    spent = sum(order.total for order in counting)
    tags = {department}
    if draw.random() < 0.25:
        tags.add(draw.choice(("womens", "mens", "kids")))
    if is_new:
        tags.add("new_customer")
    if is_wholesale:
        tags.add("wholesale")
    if spent >= VIP_SPENT:
        tags.add("vip")
    if counting and max(order.placed_at for order in counting) < now - timedelta(days=LAPSED_DAYS):
        tags.add("lapsed")
    if draw.random() < 0.3:
        tags.add("newsletter")
    agreed_at = joined_at + timedelta(minutes=draw.uniform(1, 90)) if draw.random() < 0.84 else None
    stopped_at = None
    if agreed_at and draw.random() < 0.05:
        stopped_at = agreed_at + (now - agreed_at) * draw.uniform(0.1, 0.95)
    person = Customer(
        id=customer_id,
        number=f"DT-{index + 1:05d}",
        phone=phone,
        name=_name(draw, department),
        language="sw" if draw.random() < 0.38 else "en",
        tags=tuple(sorted(tags)),
        city=_weighted(draw, words.CITIES),
        favourite_product=ware,
        loyalty_points=spent // 100 + draw.randrange(0, 40),
        joined_at=joined_at,
        agreed_at=agreed_at,
        stopped_at=stopped_at,
    )
    return person, orders


def _name(draw: random.Random, department: str) -> str:
    """Given name and family name; now and then a second given name, and sometimes nothing is known."""
    if draw.random() < WITHOUT_NAME:
        return ""
    is_woman = draw.random() < {"womens": 0.85, "mens": 0.2, "kids": 0.65}[department]
    given = words.WOMEN if is_woman else words.MEN
    parts = [draw.choice(given), draw.choice(words.FAMILIES)]
    if draw.random() < 0.12:
        parts.insert(1, draw.choice(given))
    return " ".join(dict.fromkeys(parts))


def _orders(
    draw: random.Random,
    customer_id: UUID,
    department: str,
    *,
    joined_at: datetime,
    now: datetime,
    first: int,
    is_wholesale: bool,
) -> list[Order]:
    """Most people buy a few times, some very often, one in seven never did; shopping stops for some of them."""
    if draw.random() < 0.14:
        return []
    count = min(40, 1 + int(draw.expovariate(1 / 2.9)))
    last_possible = now - timedelta(hours=2)
    if draw.random() < 0.3:
        last_possible = joined_at + (last_possible - joined_at) * draw.uniform(0.1, 0.6)
    times = sorted(joined_at + (last_possible - joined_at) * draw.random() for _ in range(count))
    made = []
    for offset, at in enumerate(times):
        pieces = draw.choice((1, 1, 1, 2, 2, 3)) * (draw.randrange(8, 30) if is_wholesale else 1)
        total = sum(_price(draw, department) for _ in range(min(pieces, 3))) * max(1, pieces // 3)
        status = _weighted(draw, _ORDER_STATUSES)
        if status == "pending" and at < now - timedelta(days=7):
            status = "completed"
        made.append(Order(_id(draw), customer_id, f"ORD-{first + offset:06d}", at, total, status))
    return made


def _price(draw: random.Random, department: str) -> int:
    """A ware's price in KES, to the ten; three in four are from the person's own department."""
    wares = [ware for ware in words.WARES if ware[1] == department] if draw.random() < 0.75 else words.WARES
    return round(draw.choice(wares)[2] * draw.choice((100, 100, 100, 90, 80)) / 1_000) * 10


def _booking(draw: random.Random, customers: list[Customer], number: int, *, now: datetime) -> Booking:
    """A styling or fitting appointment, in the past or in the next three weeks."""
    person = draw.choice(customers)
    booked_at = _daytime(draw, person.joined_at + (now - person.joined_at) * draw.random() ** 0.6)
    starts_at = (booked_at + timedelta(days=draw.randint(1, 21))).replace(
        hour=draw.randint(6, 14), minute=draw.choice((0, 30)), second=0, microsecond=0
    )
    if starts_at > now:
        status = draw.choice(("confirmed", "confirmed", "pending"))
    else:
        status = draw.choices(("completed", "no_show", "canceled"), (80, 8, 12))[0]
    return Booking(_id(draw), person.id, f"BKG-{number:05d}", booked_at, starts_at, status)


def _conversation(draw: random.Random, person: Customer, *, now: datetime) -> Conversation:
    status = _weighted(draw, _CONVERSATION_STATUSES)
    days_ago = {"open": 6, "bot": 10, "handoff": 3, "closed": 160, "dormant": 300}[status] * draw.random()
    quiet = timedelta(days=120) if status == "dormant" else timedelta(0)
    at = max(person.joined_at, now - quiet - timedelta(days=days_ago, hours=3))
    language = person.language
    facts = {"name": person.name.split()[0] if person.name else "", "ware": person.favourite_product.lower()}
    facts["city"] = person.city
    messages: list[Message] = []
    answers = "bot_response" if status == "bot" else "manual_outbound"
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3))):
        exchange = [("inbound", "customer_inbound", draw.choice(words.QUESTIONS[language]))]
        if status != "handoff" or messages:
            exchange.append(("outbound", answers, draw.choice(words.ANSWERS[language])))
            if draw.random() < 0.5:
                exchange.append(("inbound", "customer_inbound", draw.choice(words.CLOSINGS[language])))
        for direction, message_type, text in exchange:
            said = " ".join(text.format(**facts).replace(" !", "!").replace(" ,", ",").split())
            messages.append(Message(_id(draw), direction, message_type, said[0].upper() + said[1:], at))
            at = min(at + timedelta(seconds=draw.uniform(20, 1_500)), now)
    return Conversation(_id(draw), person.id, status, tuple(messages))


def _daytime(draw: random.Random, at: datetime) -> datetime:
    """The same day, between nine and seven in Nairobi (UTC+3)."""
    return at.replace(hour=draw.randint(6, 15), minute=draw.randrange(60), second=draw.randrange(60), microsecond=0)


def _weighted(draw: random.Random, choices: tuple[tuple[str, int], ...]) -> str:
    return draw.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def _id(draw: random.Random) -> UUID:
    return UUID(int=draw.getrandbits(128), version=4)
