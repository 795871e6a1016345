"""The users: one for each shop, who launches campaigns one after another and can't leave them alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tulia_torture import calling
from tulia_torture.calling import Answer, NobodyAnswers
from tulia_torture.facts import Act
from tulia_torture.opening import Opened
from tulia_torture.plan import Launch
from tulia_torture.scene import MARKETING_MICROS, SERVICE_MICROS

_AT_ONCE = 3  # campaigns with people left to send to now
_LOOK_SECONDS = 1.0
_BUDGET_SHARE = 0.5
BUDGET_USED_UP = "The budget is used up"


@dataclass(slots=True)
class Started:
    """A campaign that a user launched."""

    id: str
    kind: str
    people: int
    price_micros: int
    budget_micros: int | None
    at: float
    acts: list[tuple[float, str]]
    is_paused_by_us: bool = False
    is_over: bool = False


@dataclass(slots=True)
class User:
    """Acts for one shop. `acts` and `started` are the record of it."""

    opened: Opened
    web_url: str
    launches: Iterator[Launch]
    acts: list[Act] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; what goes wrong here is a problem of the installation and noted."""
        while not stop.is_set():
            try:
                self._act()
                if sum(self.is_busy(one) for one in self.started if not one.is_over) < _AT_ONCE:
                    self._launch(next(self.launches))
            except (NobodyAnswers, StopIteration) as problem:
                self.problems.append(f"{self.opened.shop.name}: {problem!r}")
            stop.wait(_LOOK_SECONDS)

    def call(self, method: str, path: str, body: Any = None, *, patience: float = 90.0) -> Answer:
        return calling.call(method, f"{self.web_url}{path}", body, key=self.opened.key, patience=patience)

    def get(self, campaign_id: str, part: str = "") -> Any:
        answer = self.call("GET", f"/v1/campaigns/{campaign_id}{part}")
        if answer.status != 200:
            raise NobodyAnswers(f"GET {part or 'campaign'}: {answer.status} {answer.content}")
        return answer.content

    def is_busy(self, one: Started, *, wait_for_winners: bool = False) -> bool:
        """Whether somebody of it is to be sent to now (whoever waits for a rule isn't), if only it were not paused."""
        report = self.get(one.id, "/report")
        one.is_over = report["status"] in ("completed", "canceled")
        if one.is_over or report["status_reason"].startswith(BUDGET_USED_UP):
            return False
        sheet = report["balance"]
        if one.kind == "winner" and sheet["audience"] and not wait_for_winners:
            return bool(sheet["sending"])
        return bool(sheet["audience"] == 0 or sheet["waiting"] or sheet["sending"])

    def tell(self, one: Started, what: str) -> Answer:
        """pause, resume, cancel or execute, and a note of what came of it."""
        body = {"confirm": True} if what == "execute" else {}
        answer = self.call("POST", f"/v1/campaigns/{one.id}/{what}", body)
        self.acts.append(Act(one.id, what, answer.asked_at, answer.answered_at, answer.status))
        return answer

    def resume_what_stands(self) -> None:
        """Resumes whatever paused itself: the sender (a token that expired, an outage), and then its campaigns."""
        sender = f"/v1/senders/{self.opened.sender_id}"
        if (found := self.call("GET", sender)).status == 200 and found.content["is_paused"]:
            self.call("PATCH", sender, {"is_paused": False})
        for one in self.started:
            if one.is_over or one.is_paused_by_us:
                continue
            campaign = self.get(one.id)
            if campaign["status"] != "paused" or campaign["status_reason"].startswith(BUDGET_USED_UP):
                continue
            self.tell(one, "resume")

    def _act(self) -> None:
        for one in self.started:
            while one.acts and one.at + one.acts[0][0] <= time.time():
                _, what = one.acts.pop(0)
                self.tell(one, what)
                one.is_paused_by_us = what == "pause"
        self.resume_what_stands()

    def _launch(self, launch: Launch) -> None:
        shop = self.opened.shop
        people = sum(shop.size(segment) for segment in launch.segments)
        price = SERVICE_MICROS if launch.kind == "text" else MARKETING_MICROS
        budget = int(people * _BUDGET_SHARE) * price if launch.kind == "budget" else None
        fields: dict[str, Any] = {
            "name": f"{launch.kind} {len(self.started)}",
            "sender_id": self.opened.sender_id,
            "target_criteria": {"tags": [f"s{segment}" for segment in launch.segments]},
            **_kind(launch.kind, self.opened.template_id),
        }
        if budget:
            fields["budget_micros"] = budget
        made = self.call("POST", "/v1/campaigns", fields)
        if made.status != 201:
            raise NobodyAnswers(f"the campaign was refused: {made.status} {made.content}")
        one = Started(made.content["id"], launch.kind, people, price, budget, time.time(), list(launch.acts))
        if launch.is_double:
            twin = threading.Thread(target=self._tell_quietly, args=(one, "execute"))
            twin.start()
            self.tell(one, "execute")
            twin.join()
        else:
            self.tell(one, "execute")
        self.started.append(one)

    def _tell_quietly(self, one: Started, what: str) -> None:
        try:
            self.tell(one, what)
        except NobodyAnswers as problem:
            self.problems.append(f"{self.opened.shop.name}: {problem!r}")


def _kind(kind: str, template_id: str) -> dict[str, Any]:
    if kind == "text":
        return {"message_content": "Fresh mangoes, {{ first_name }}!"}
    if kind in ("holdout", "winner"):
        arm = {"template_id": template_id}
        test: dict[str, Any] = {
            "message_content": "Fresh mangoes this week.",
            "is_ab_test": True,
            "variants": [{"name": "A", **arm}, {"name": "B", **arm, "weight": 2}],
            "primary_metric": "responded",
        }
        if kind == "holdout":
            return test | {"holdout_percent": 10}
        auto = {"test_percent": 50, "decide_after_minutes": 2, "if_undecided": "control"}
        return test | {"outcome_window_minutes": 1, "auto_winner": auto}
    return {"template_id": template_id}
