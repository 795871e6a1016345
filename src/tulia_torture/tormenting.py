"""Carrying out a plan: processes live and die by it, the weather turns, clocks jump, people say STOP."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tulia_torture import calling
from tulia_torture.acting import User
from tulia_torture.facts import ClockSet, Held, Kill
from tulia_torture.installation import Installation
from tulia_torture.plan import NOISE, Life, Plan
from tulia_torture.provider import Provider

_TICK_SECONDS = 0.05
_PROGRESS_SECONDS = 10.0
_LATE_SECONDS = 8.0  # when worker-2 joins
_UNREACHABLE = ("tulia: the database can't be", "tulia: the database of DATABASE_URL can't be")


@dataclass(slots=True)
class _Living:
    """One process and the life it is at."""

    lives: Iterator[Life]
    life: Life | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    is_leaving: bool = False


@dataclass(slots=True)
class Torment:
    """Carries out `plan`; what it did is in `kills`, `held`, `clocks` and the rest."""

    plan: Plan
    installation: Installation
    provider: Provider
    users: list[User]
    say: Callable[[str], None]
    kills: list[Kill] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    clocks: list[ClockSet] = field(default_factory=list)
    forged: list[int] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    _living: dict[str, _Living] = field(default_factory=dict)
    _stopped: dict[str, tuple[float, float]] = field(default_factory=dict)

    def run(self, *, minutes: float) -> None:
        """Until the plan's number of kills is reached, or so many minutes have passed."""
        began = time.time()
        for name, lives in self.plan.lives.items():
            self._living[name] = _Living(iter(lives), start_at=began + (_LATE_SECONDS if name == "worker-2" else 0.0))
        self._living["database"].life = next(self._living["database"].lives)
        self._living["database"].started_at = began
        stop = threading.Event()
        threads = [threading.Thread(target=user.run, args=(stop,)) for user in self.users]
        threads += [threading.Thread(target=self._mislead, args=(act, stop)) for act in (self._weather, self._voices)]
        for thread in threads:
            thread.start()
        turns, turn_at = iter(self.plan.turns), began
        turn = next(turns)
        told_at = began
        try:
            while len(self.kills) < self.plan.kills and time.time() < began + minutes * 60:
                for name in self._living:
                    self._look_after(name)
                if time.time() >= turn_at + turn.after_seconds:
                    turn_at = time.time()
                    self._take_turn(turn.act, turn.process, turn.amount)
                    turn = next(turns)
                self._let_go()
                if time.time() >= told_at + _PROGRESS_SECONDS:
                    told_at = time.time()
                    self._tell_progress(began)
                time.sleep(_TICK_SECONDS)
        finally:
            stop.set()
            self._let_go(everybody=True)
            self._revive()
            for thread in threads:
                thread.join()

    def _revive(self) -> None:
        """Everybody begins anew with the right time, those who were alive as well: of old age, which is no kill."""
        if self._living["database"].life is None:
            self.installation.start_database()
        self.installation.await_database()
        for name in self._living:
            if name == "database":
                continue
            process = self.installation.processes.get(name)
            if process is not None and not process.has_ended:
                self.installation.kill(name)
            self.set_clock(name, 0.0)
            self.installation.start(name)

    def set_clock(self, name: str, seconds: float) -> None:
        """Sets a clock wrong, and notes it."""
        self.installation.set_clock(name, seconds)
        self.clocks.append(ClockSet(time.time(), name, seconds))

    def _tell_progress(self, began: float) -> None:
        launched = sum(len(user.started) for user in self.users)
        self.say(f"{time.time() - began:5.0f} s  {len(self.kills)} of {self.plan.kills} kills, {launched} campaigns")

    # Lives.

    def _look_after(self, name: str) -> None:
        one = self._living[name]
        if name == "database":
            self._look_after_database(one)
            return
        process = self.installation.processes.get(name)
        now = time.time()
        if one.life is None:
            if now >= one.start_at:
                one.life, one.started_at, one.is_leaving = next(one.lives), now, False
                self.installation.start(name, failpoints=one.life.failpoints)
            return
        assert process is not None
        if process.has_ended:
            self._ended(name, one, one.life, process.handle.returncode)
        elif now >= one.started_at + one.life.seconds and not one.is_leaving and name not in self._stopped:
            if one.life.end == "leave":
                one.is_leaving = True
                self.installation.leave(name)
            else:
                self.installation.kill(name)
                self._died(name, one, one.life, "at a moment of the plan")
        elif one.is_leaving and now >= one.started_at + one.life.seconds + 25:
            self.crashes.append(f"{name} didn't end within 25 s of SIGTERM")
            self.installation.kill(name)
            self._died(name, one, one.life, "refused to leave")

    def _ended(self, name: str, one: _Living, life: Life, code: int) -> None:
        if code == -9 and life.failpoints:
            self._died(name, one, life, self._line(life.failpoints))
            return
        lived = time.time() - one.started_at
        if not one.is_leaving and not (code == 1 and self.installation.last_words(name).startswith(_UNREACHABLE)):
            # A start into a dead database ends and says so; everything else is an end that nobody ordered.
            self.crashes.append(f"{name} ended by itself with code {code} after {lived:.1f} s")
        one.life, one.start_at = None, time.time() + life.rest_seconds

    def _died(self, name: str, one: _Living, life: Life, how: str) -> None:
        self.kills.append(Kill(time.time(), name, how))
        self._stopped.pop(name, None)
        one.life, one.start_at = None, time.time() + life.rest_seconds

    @staticmethod
    def _line(failpoints: str) -> str:
        return next(order.partition("=")[0] for order in failpoints.split(",") if "=kill" in order)

    def _look_after_database(self, one: _Living) -> None:
        now = time.time()
        if one.life is None:
            if now >= one.start_at:
                self.installation.start_database()
                one.life, one.started_at = next(one.lives), time.time()
            return
        if now < one.started_at + one.life.seconds:
            return
        if one.life.end == "everything":
            self.installation.kill_database()
            self._died("database", one, one.life, "everything")
        else:
            if self.installation.kill_backend():
                self.kills.append(Kill(time.time(), "database", "one backend"))
            one.life, one.started_at = next(one.lives), time.time()

    # Clocks and stand-stills.

    def _take_turn(self, act: str, process: str, amount: float) -> None:
        if act == "clock":
            self.set_clock(process, amount)
        elif self._living[process].life is not None and process not in self._stopped:
            self.installation.hold(process, still=True)
            self._stopped[process] = (time.time(), time.time() + amount)

    def _let_go(self, *, everybody: bool = False) -> None:
        for process, (since, until) in list(self._stopped.items()):
            if everybody or time.time() >= until:
                self.installation.hold(process, still=False)
                self.held.append(Held(process, since, time.time()))
                del self._stopped[process]

    # Weather and voices, each in a thread.

    def _mislead(self, act: Callable[[threading.Event], None], stop: threading.Event) -> None:
        try:
            act(stop)
        except Exception as error:
            self.crashes.append(f"the instrument itself: {error!r}")

    def _weather(self, stop: threading.Event) -> None:
        for weather in self.plan.weathers:
            self.provider.set_weather(list(weather.faults), weather.noise)
            if stop.wait(weather.seconds):
                break
        self.provider.set_weather([], NOISE)

    def _voices(self, stop: threading.Event) -> None:
        for number, said in enumerate(self.plan.said):
            if stop.wait(said.after_seconds):
                return
            user = self.users[said.shop % len(self.users)]
            shop = user.opened.shop
            customer = said.customer % shop.people
            if said.what == "stop":
                self.provider.says(shop.phone(customer), shop.number_id, "STOP")
                if number % 5 == 0:
                    self._forge(user, shop.phone((customer + 1) % shop.people))
            else:
                self._order(user, customer, number)

    def _order(self, user: User, customer: int, number: int) -> None:
        """An order, told until somebody hears it: the same reference each time, so it is one order."""
        name = f"order-{number}"
        body = {
            "external_id": name, "customer_id": user.opened.customers[customer], "total": "10.00", "currency": "KES",
            "status": "paid", "placed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        try:
            answer = user.call("POST", "/v1/orders", body, patience=5.0)
        except calling.NobodyAnswers:
            return
        if answer.status == 201:
            self.orders.append(name)

    def _forge(self, user: User, phone: str) -> None:
        """A STOP that the provider never sent: signed by nobody who knows the secret."""
        message = {"from": phone[1:], "id": f"wamid.forged{phone}", "timestamp": str(int(time.time())), "type": "text",
                   "text": {"body": "STOP"}}  # fmt: skip
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"phone_number_id": user.opened.shop.number_id, "display_phone_number": "254711000000"},
            "messages": [message],
        }
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        signature = hmac.new(b"a guess", body, hashlib.sha256).hexdigest()
        try:
            status, _ = calling.once(
                "POST", f"{user.web_url}{user.opened.webhook_path}", body,
                headers={"X-Hub-Signature-256": f"sha256={signature}"}, timeout=5,
            )  # fmt: skip
        except OSError:
            return
        self.forged.append(status)

    def deaths(self) -> Counter[str]:
        """How often whom, and where."""
        return Counter(f"{kill.process.partition('-')[0]}: {kill.how}" for kill in self.kills)
