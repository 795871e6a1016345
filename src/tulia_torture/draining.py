"""After the torment: everything runs undisturbed until nobody is left whom anything could still happen to."""

from __future__ import annotations

import time
from collections.abc import Callable

from tulia_torture import calling
from tulia_torture.acting import BUDGET_USED_UP, Started, User
from tulia_torture.installation import Installation, await_answer
from tulia_torture.provider import Provider

_STILL_SECONDS, _TELL_SECONDS = 90.0, 15.0
_ROUNDS = 5
_TO_BE_TRIED = ("retry", "throttled", "sender_paused", "campaign_paused")


class NeverDone(Exception):
    """Somebody is left to whom nothing happens any more; the text says of which campaigns."""


def drain(installation: Installation, provider: Provider, users: list[User], say: Callable[[str], None]) -> list[str]:
    """Lets everything come to its end; what never did."""
    await_answer(f"{installation.web_url}/readyz")
    stuck: list[str] = []
    say("drain: what can go out now goes out")
    if not _until(lambda: _count(installation, _AT_DAWN) == 0, 150.0):
        stuck.append("somebody's quiet hours ended, and nothing happened")
    stuck += _until_nobody_is_due(users, "was never sent to", say)
    say("drain: what limits hold back is called off; people live on until nothing more happens")
    for user in users:
        for one in user.started:
            if not one.is_over:
                user.tell(one, "cancel")
    if not _until(lambda: _count(installation, _NOT_CALLED_OFF) == 0, 60.0):
        stuck.append("a canceled campaign was never called off")
    for _ in range(_ROUNDS):
        before = provider.accepted()
        if not provider.drain():
            stuck.append("the provider never got rid of its callbacks")
        if not _until(lambda: _count(installation, _UNAPPLIED) == 0, 60.0):
            stuck.append("callbacks were never applied")
        if not _until(lambda: _count(installation, _UNANSWERED) == 0, 200.0):
            stuck.append("a STOP was never answered")
        if provider.accepted() == before:
            return stuck  # a round in which nothing new went out: what comes of it has come
    return [*stuck, "messages kept going out"]


def _until(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def _until_nobody_is_due(users: list[User], what: str, say: Callable[[str], None]) -> list[str]:
    """Waits as long as anything goes on; what stands still for a minute and a half is stuck."""
    for user in users:
        for one in user.started:
            one.is_paused_by_us = False
    began = still_since = told_at = time.monotonic()
    last: object = None
    while True:
        for user in users:
            try:
                user.resume_what_stands()
            except calling.NobodyAnswers as problem:
                user.problems.append(str(problem))
        due = [(user, one) for user in users for one in user.started if not one.is_over and _is_due(user, one)]
        if not due:
            return []
        seen = [_place(user, one) for user, one in due]
        now = time.monotonic()
        if seen != last:
            last, still_since = seen, now
        if now - told_at > _TELL_SECONDS:
            told_at = now
            say(f"       {now - began:.0f} s, and {len(due)} campaigns aren't done; the first: {seen[0]}")
        if now - still_since > _STILL_SECONDS:
            return [f"{place} {what}" for place in seen]
        time.sleep(1.0)


def _place(user: User, one: Started) -> str:
    """Where a campaign is, in a line."""
    report = user.get(one.id, "/report")
    lines = {name: count for name, count in report["balance"].items() if isinstance(count, int) and count}
    return f"{one.id} of {user.opened.shop.name} ({one.kind}, {report['status']}: {report['status_reason']!r}) {lines}"


def _is_due(user: User, one: Started) -> bool:
    """Whether somebody of it is to be sent to now, or waits for a reason that passes by itself."""
    if user.is_busy(one, wait_for_winners=True):
        return True
    if one.is_over or user.get(one.id)["status_reason"].startswith(BUDGET_USED_UP):
        return False
    return any(
        user.get(one.id, f"/recipients?state=deferred&reason={reason}&limit=1")["results"] for reason in _TO_BE_TRIED
    )


_AT_DAWN = """
    SELECT count(*) FROM ledger_recipients r JOIN message_campaigns m ON m.id = r.campaign_id
    WHERE r.reason = 'quiet_hours' AND r.due_at < now() + interval '2 minutes' AND m.status = 'sending'
"""
_UNAPPLIED = """
    SELECT (SELECT count(*) FROM ingest_callbacks WHERE applied_at IS NULL)
         + (SELECT count(*) FROM procrastinate_jobs
            WHERE status IN ('todo', 'doing') AND queue_name = 'ingest' AND task_name NOT LIKE '%wake%')
"""
_NOT_CALLED_OFF = """
    SELECT count(*) FROM ledger_recipients r JOIN message_campaigns m ON m.id = r.campaign_id
    WHERE m.status = 'canceled' AND (r.due_at IS NOT NULL OR r.sending_at IS NOT NULL)
"""
_UNANSWERED = "SELECT count(*) FROM consent_confirmations WHERE due_at IS NOT NULL OR sending_at IS NOT NULL"


def _count(installation: Installation, question: str) -> int:
    """What the tables say to a question for one number."""
    with installation.connect() as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return int(str(row[0]))
