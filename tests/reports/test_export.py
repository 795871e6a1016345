"""Files: every person and every figure comes back as it was, whatever people are called."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_ledger import Ledger, counts_of, invent

from cast import NOW, add_people
from tulia.analytics_service import AnalyticsService
from tulia.audience.models import Customer
from tulia.core.errors import Invalid
from tulia.ledger.models import Recipient
from tulia.ledger.status import NAMES, State
from tulia.reports import csv_lines
from tulia.reports.export import RECIPIENT_COLUMNS, RESULT_COLUMNS
from tulia.tenants import api_keys
from tulia.tenants.models import AuditEntry, Tenant
from tulia.tenants.scope import tenant_scope

NASTY = [
    "Zoë 🦁", "محمد عبد الله", 'Ann "the Hat" O\'Neil', "two\nlines\r\nthree", "a,b;c", "=HYPERLINK(\"http://x\")",
    "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "'quoted", " =not first", "", "名前", "=",
]  # fmt: skip


def service(tenant: Tenant) -> AnalyticsService:
    return AnalyticsService(api_keys.operator(tenant.id))


def read(blocks: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(blocks.decode(), newline="")))


def people_file(tenant: Tenant, ledger: Ledger, **asked: str) -> list[dict[str, str]]:
    return read(b"".join(service(tenant).export_recipients(ledger.campaign.pk, **asked).blocks))


def safe(text: str) -> str:
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def test_everybody_comes_back_from_the_file_as_they_were(tenant: Tenant) -> None:
    people = add_people(tenant, 200)
    with tenant_scope(tenant.id):
        for number, person in enumerate(people):
            person.name, person.external_id = NASTY[number % len(NASTY)], f"=C-{number}"
        Customer.objects.bulk_update(people, ["name", "external_id"])
    ledger = invent(tenant, 0, people=[person.id for person in people])
    lines = people_file(tenant, ledger)
    assert tuple(lines[0]) == RECIPIENT_COLUMNS
    by_phone = {line["phone"]: line for line in lines}
    assert len(lines) == len(by_phone) == 200
    known = {person.id: person for person in people}
    for row in ledger.rows:
        person = known[row.customer_id]
        line = by_phone[person.phone]
        assert (line["name"], line["external_id"]) == (safe(person.name), safe(person.external_id or ""))
        assert line["variant"] == ("" if row.arm is None else ["A", "'=B"][row.arm])
        assert (line["state"], line["reason"]) == (NAMES[State(row.state)], row.reason)
        for column in RECIPIENT_COLUMNS:
            if column.endswith("_at"):
                at: datetime | None = getattr(row, column)
                assert line[column] == (at.isoformat().replace("+00:00", "Z") if at else "")
        assert (line["failure_class"], line["failure_code"]) == (row.failure_kind or "", row.failure_code or "")
        costs = row.state != State.FAILED and row.claimed_at is not None
        assert float(line["cost_usd"]) == pytest.approx(row.cost_micros / 1e6 if costs else 0)
        brought = sorted(ledger.revenue([row]).items())
        assert line["currency"] == ";".join(currency for currency, _ in brought)
        assert line["revenue"] == ";".join(f"{micros / 1e6:.2f}" for _, micros in brought)


def test_a_file_holds_the_people_that_the_list_would_show(tenant: Tenant) -> None:
    ledger = invent(tenant, 300)
    failed = people_file(tenant, ledger, state="failed")
    assert len(failed) == sum(row.state == State.FAILED for row in ledger.rows)
    some = people_file(tenant, ledger, state="skipped", reason="opted_out")
    assert len(some) == sum(row.state == State.SKIPPED and row.reason == "opted_out" for row in ledger.rows)
    for code in ("131026", "content"):
        by_hand = [row for row in ledger.rows if code in (row.failure_kind, row.failure_code)]
        assert len(people_file(tenant, ledger, reason=code)) == len(by_hand)
    with pytest.raises(Invalid, match="state must be one of"):
        people_file(tenant, ledger, state="lost")


def test_who_was_erased_is_still_a_line(tenant: Tenant) -> None:
    ledger = invent(tenant, 3)
    with tenant_scope(tenant.id):
        Recipient.objects.filter(pk=ledger.rows[0].pk).update(customer_id=ledger.campaign.pk)
    assert sorted(line["phone"] == "" for line in people_file(tenant, ledger)) == [False, False, True]


def test_a_file_is_of_one_instant_whatever_comes_in_while_it_is_read(tenant: Tenant) -> None:
    ledger = invent(tenant, 2_000)
    blocks = service(tenant).export_recipients(ledger.campaign.pk).blocks
    begun = next(blocks)
    from cast import all_at_once

    def later() -> None:
        with tenant_scope(tenant.id):
            Recipient.objects.filter(campaign=ledger.campaign).update(reason="changed since")

    assert all_at_once(later) == [None]
    lines = read(begun + b"".join(blocks))
    assert len(lines) == 2_000
    assert "changed since" not in {line["reason"] for line in lines}


def test_taking_the_file_of_people_is_on_record(tenant: Tenant) -> None:
    ledger = invent(tenant, 2)
    people_file(tenant, ledger, state="read")
    with tenant_scope(tenant.id):
        entry = AuditEntry.objects.get(tenant_id=tenant.id)
    assert (entry.action, entry.target_id, entry.new) == ("campaign.export", str(ledger.campaign.pk), {"state": "read"})


def test_results_are_a_line_for_each_variant_and_one_for_all(tenant: Tenant) -> None:
    ledger = invent(tenant, 300, name="Mangoes & more, 50%!")
    file = service(tenant).export_results(ledger.campaign.pk)
    lines = read(b"".join(file.blocks))
    assert file.name == "mangoes-more-50-results.csv"
    assert tuple(lines[0]) == RESULT_COLUMNS
    assert [line["variant"] for line in lines] == ["A", "'=B", "total"]
    for line, rows in zip(lines, (ledger.people(arm=0), ledger.people(arm=1), ledger.rows), strict=True):
        counts = counts_of(rows)
        for name in ("targeted", "sent", "delivered", "read", "replied", "converted"):
            assert int(line[name]) == counts[name]
        assert float(line["engagement_rate"]) == pytest.approx(100 * counts["replied"] / counts["delivered"])
        brought = sorted(ledger.revenue(rows).items())
        assert line["currency"] == ";".join(currency for currency, _ in brought)
        assert line["revenue"] == ";".join(f"{micros / 1e6:.2f}" for _, micros in brought)


def test_a_campaign_that_is_no_test_has_one_line_of_results(tenant: Tenant) -> None:
    ledger = invent(tenant, 20, is_test=False)
    lines = read(b"".join(service(tenant).export_results(ledger.campaign.pk).blocks))
    assert [line["variant"] for line in lines] == ["total"]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2, max_size=4)))
def test_any_text_comes_back_with_no_more_than_an_apostrophe_before_it(rows: list[list[str]]) -> None:
    file = b"".join(csv_lines.blocks(("a", "b"), ([csv_lines.text(cell) for cell in row] for row in rows)))
    back = list(csv.reader(io.StringIO(file.decode(), newline="")))
    assert back == [["a", "b"], *([safe(cell) for cell in row] for row in rows)]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in back for cell in row)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, ""),
        (0, "0.00"),
        (1_500_000, "1.50"),
        (12_345_678, "12.345678"),
        (-5_000_000, "-5.00"),
        (10**15, "1000000000.00"),
    ],
)
def test_amounts_are_decimal_numbers(micros: int | None, text: str) -> None:
    assert csv_lines.amount(micros) == text


def test_instants_are_in_utc() -> None:
    from zoneinfo import ZoneInfo

    assert csv_lines.instant(NOW.astimezone(ZoneInfo("Africa/Nairobi"))) == "2026-05-20T12:00:00Z"
    assert csv_lines.instant(NOW + timedelta(microseconds=5)) == "2026-05-20T12:00:00.000005Z"
    assert NOW.tzinfo is UTC
