"""The addresses of analysis, and files that are streamed without anybody else waiting."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from api_client import ApiClient
from cast import add_campaign
from tulia.tenants import access, api_keys
from tulia.tenants.models import Tenant

sys.path.append(str(Path(__file__).parents[1] / "reports"))
from invented_ledger import invent

Message = MutableMapping[str, Any]


def test_every_analysis_has_the_fields_it_promises(tenant: Tenant, api: ApiClient) -> None:
    at = f"/v1/campaigns/{invent(tenant, 80).campaign.pk}"
    timeline = api("GET", f"{at}/timeline?interval=day&from=2026-05-19T00:00:00Z").json()
    assert set(timeline) == {"interval", "timezone", "buckets", "outside"}
    assert timeline["buckets"][0]["local_time"] == "2026-05-19T00:00:00+03:00"
    assert timeline["buckets"][0]["starts_at"] == "2026-05-18T21:00:00Z"
    assert {"sent", "delivered", "read", "replied", "converted", "failed"} == set(timeline["outside"])
    funnel = api("GET", f"{at}/funnel").json()
    assert [step["step"] for step in funnel["steps"]] == [
        "targeted", "eligible", "sent", "delivered", "read", "replied", "converted",
    ]  # fmt: skip
    assert [arm["variant_name"] for arm in funnel["variants"]] == ["A", "=B"]
    for by in ("first_message_week", "tag", "country"):
        cohorts = api("GET", f"{at}/cohorts?by={by}").json()
        assert (cohorts["by"], cohorts["cohorts"][0]["targeted"]) == (by, pytest.approx(80, abs=40))
    times = api("GET", f"{at}/response-times").json()
    assert set(times) == {"to_read", "to_reply", "variants"}
    assert len(times["to_read"]["histogram"]) == 10
    failures = api("GET", f"{at}/failures").json()
    assert failures["people"] == sum(line["people"] for line in failures["failures"])
    money = api("GET", f"{at}/money").json()
    assert set(money) == {"revenue", "cost", "roi", "incremental", "variants"}
    messaging = api("GET", "/v1/analytics/messaging?from=2026-05-19T00:00:00Z&to=2026-05-22T00:00:00Z").json()
    assert set(messaging) == {"from", "to", "timezone", "types", "totals", "days"}
    assert [day["date"] for day in messaging["days"]] == ["2026-05-19", "2026-05-20", "2026-05-21", "2026-05-22"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("timeline?interval=week", "interval"),
        ("timeline?from=yesterday", "from"),
        ("timeline?form=2026-05-19T00:00:00Z", "form"),
        ("timeline?interval=minute&from=2026-05-19T00:00:00Z&to=9998-05-19T00:00:00Z", "interval"),
        ("cohorts?by=shoe", "by"),
        ("funnel?arm=1", "arm"),
        ("money?currency=KES", "currency"),
        ("recipients.csv?state=lost", "state"),
        ("recipients.csv?limt=3", "limt"),
    ],
)
def test_a_question_that_can_not_be_understood_is_refused_with_its_field(
    tenant: Tenant, api: ApiClient, query: str, field: str
) -> None:
    answer = api("GET", f"/v1/campaigns/{add_campaign(tenant).pk}/{query}")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == {field}


def test_a_file_has_a_name_and_a_type_and_is_kept_by_nobody(tenant: Tenant, api: ApiClient) -> None:
    ledger = invent(tenant, 30, name="Été 50%")
    answer = api("GET", f"/v1/campaigns/{ledger.campaign.pk}/recipients.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="ete-50-recipients.csv"'
    assert answer["Cache-Control"] == "no-store"
    assert len(list(csv.reader(io.StringIO(b"".join(answer).decode(), newline="")))) == 31
    head = api("HEAD", f"/v1/campaigns/{ledger.campaign.pk}/recipients.csv")
    assert (head.status_code, b"".join(head)) == (200, b"")
    results = api("GET", f"/v1/campaigns/{ledger.campaign.pk}/results.csv")
    assert len(list(csv.reader(io.StringIO(b"".join(results).decode(), newline="")))) == 4


async def ask(path: str, key: str, send: Callable[[Message], Awaitable[None]]) -> None:
    """One GET to the real ASGI application."""
    from tulia.config.asgi import application

    headers = [(b"authorization", f"Bearer {key}".encode()), (b"host", b"testserver")]
    asked = asyncio.Event()

    async def receive() -> Message:
        if asked.is_set():
            await asyncio.sleep(3_600)
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip
    await application(scope, receive, send)


async def test_others_are_answered_while_somebody_reads_a_file_slowly(tenant: Tenant) -> None:
    from asgiref.sync import sync_to_async

    ledger = await sync_to_async(lambda: invent(tenant, 3_000))()
    key = await sync_to_async(lambda: api_keys.create(tenant.id, name="slow", scopes=access.SCOPES))()
    body: list[bytes] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(message: Message) -> None:
        if message["type"] == "http.response.body":
            body.append(message.get("body", b""))
            begun.set()
            await go_on.wait()

    file = asyncio.create_task(ask(f"/v1/campaigns/{ledger.campaign.pk}/recipients.csv", key, slowly))
    await asyncio.wait_for(begun.wait(), 20)
    others: list[Message] = []

    async def keep(message: Message) -> None:
        others.append(message)

    await asyncio.wait_for(ask(f"/v1/campaigns/{ledger.campaign.pk}/funnel", key, keep), 20)
    assert others[0]["status"] == 200
    assert not file.done()
    go_on.set()
    await asyncio.wait_for(file, 20)
    assert len(body) > 3
    assert len(list(csv.reader(io.StringIO(b"".join(body).decode(), newline="")))) == 3_001


async def test_a_reader_who_takes_nothing_any_more_is_hung_up_on_and_the_next_one_gets_in(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    from tulia.api import streaming

    monkeypatch.setattr(streaming, "STALLED_SECONDS", 0.2)
    ledger = await sync_to_async(lambda: invent(tenant, 3_000))()
    key = await sync_to_async(lambda: api_keys.create(tenant.id, name="gone", scopes=access.SCOPES))()

    async def never(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(3_600)

    for _ in range(streaming.MOST_AT_ONCE + 1):
        await asyncio.wait_for(ask(f"/v1/campaigns/{ledger.campaign.pk}/recipients.csv", key, never), 20)
