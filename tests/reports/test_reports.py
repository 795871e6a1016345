"""Reports: everyone in one line, arms compared honestly, and the same few queries whatever the size."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from cast import NOW, add_campaign, add_people, add_sender, recipients, reloaded, start
from tulia.campaigns.models import MessageCampaign
from tulia.channels.types import Failure, FailureKind
from tulia.ledger import record
from tulia.ledger.claim import claim
from tulia.ledger.models import Minute, Recipient, Tally, Wait
from tulia.ledger.record import Evidence, Kind
from tulia.ledger.status import State
from tulia.reports import balance, campaign_report, failures, variants
from tulia.reports.variants import Arm
from tulia.reports.verify import verify
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ARMS = [{"name": "A", "content": "Hello"}, {"name": "B", "content": "Hi"}]
TOP = {
    "campaign_id", "name", "description", "status", "created_at", "started_at", "completed_at", "duration_seconds", "targeting",
    "delivery", "engagement", "balance", "ab_test",
}  # fmt: skip
OF_AN_ARM = {
    "variant_index", "variant_name", "content", "customer_count", "sent_count", "delivered_count", "delivery_rate", "read_count",
    "read_rate", "response_count", "engagement_rate", "conversion_count", "conversion_rate", "avg_response_time_seconds",
}  # fmt: skip
FAILING = (Kind.FAILED, Kind.REJECTED)
OF_A_COMPARISON = {"z_score", "p_value", "is_significant", "confidence_level", "winner", "improvement_percentage"}


def report(campaign: MessageCampaign) -> dict[str, Any]:
    with tenant_scope(campaign.tenant_id):
        return campaign_report.generate(reloaded(campaign), now=NOW + timedelta(hours=1)).to_json()


def assigned(campaign: MessageCampaign) -> list[Recipient]:
    """Whoever has an arm, in the order of sending: arms take turns in it."""
    return [row for row in recipients(campaign) if row.arm is not None]


def tell(campaign: MessageCampaign, *said: tuple[int, Kind, float]) -> None:
    """Evidence about the n-th person, some seconds after the start."""
    rows = assigned(campaign)
    failure = Failure(FailureKind.RECIPIENT, "131026", "…")
    evidence = [
        Evidence(rows[i].id, kind, NOW + timedelta(seconds=after), failure=failure if kind in FAILING else None)
        for i, kind, after in said
    ]
    assert campaign.sender_id
    record.record(campaign.tenant_id, campaign.sender_id, evidence)


@pytest.fixture
def test_of_two(tenant: Tenant) -> MessageCampaign:
    """Ten people in two arms, and two who don't agree."""
    add_sender(tenant)
    add_people(tenant, 10)
    add_people(tenant, 2, consenting=False)
    return start(add_campaign(tenant, is_ab_test=True, variants=ARMS, description="d"))


def test_the_report_has_the_keys_it_promises(test_of_two: MessageCampaign) -> None:
    said = report(test_of_two)
    assert set(said) >= TOP
    assert {"criteria", "total_targeted"} <= set(said["targeting"])
    assert set(said["delivery"]) == {"delivery_count", "delivered_count", "failed_count", "delivery_rate"}
    assert set(said["engagement"]) >= {
        "read_count", "read_rate", "response_count", "engagement_rate", "conversion_count", "conversion_rate",
    }  # fmt: skip
    assert set(said["ab_test"]) == {"is_ab_test", "variants", "analysis"}
    for arm in said["ab_test"]["variants"]:
        assert set(arm) >= OF_AN_ARM | {"statistical_comparison"}
        assert set(arm["statistical_comparison"]) >= OF_A_COMPARISON
    json.dumps(said, default=str, allow_nan=False)


def test_a_report_before_anything_happened_is_all_zeros(tenant: Tenant) -> None:
    said = report(add_campaign(tenant))
    assert (said["duration_seconds"], said["started_at"], said["targeting"]["total_targeted"]) == (None, None, 0)
    assert said["delivery"] == {"delivery_count": 0, "delivered_count": 0, "failed_count": 0, "delivery_rate": 0.0}
    assert said["ab_test"] == {"is_ab_test": False, "variants": [], "analysis": {}}
    assert said["balance"]["is_balanced"]


def test_the_numbers_are_those_of_the_ledger(test_of_two: MessageCampaign) -> None:
    everyone = range(8)
    tell(
        test_of_two,
        *((i, Kind.ACCEPTED, 1) for i in everyone),
        *((i, Kind.DELIVERED, 2) for i in range(6)),
        *((i, Kind.READ, 3) for i in (0, 1, 2)),
        (0, Kind.REPLIED, 11),
        (2, Kind.REPLIED, 21),
        (8, Kind.REJECTED, 4),
    )
    said = report(test_of_two)
    assert said["delivery"] == {"delivery_count": 8, "delivered_count": 6, "failed_count": 1, "delivery_rate": 75.0}
    assert (said["engagement"]["read_rate"], said["engagement"]["response_count"]) == (50.0, 2)
    first, second = said["ab_test"]["variants"]
    assert [arm["customer_count"] for arm in (first, second)] == [5, 5]
    assert (first["response_count"], second["response_count"]) == (2, 0)
    assert (first["avg_response_time_seconds"], first["median_response_time_seconds"]) == (15.0, 15.0)
    assert second["avg_response_time_seconds"] is None
    assert first["failed_count"] == 1
    assert said["duration_seconds"] == 3_600.0
    sheet = said["balance"]
    assert (sheet["audience"], sheet["sent"], sheet["failed"], sheet["skipped"], sheet["waiting"]) == (12, 8, 1, 2, 1)
    assert (sheet["skipped_by_reason"], sheet["failed_by_class"]) == ({"no_consent": 2}, {"recipient": 1})
    assert said["targeting"]["skipped_no_consent"] == 2


def test_the_time_a_campaign_took_ends_with_it(test_of_two: MessageCampaign) -> None:
    with tenant_scope(test_of_two.tenant_id):
        reloaded(test_of_two).mark_completed(at=NOW + timedelta(seconds=90))
    assert report(test_of_two)["duration_seconds"] == 90.0


def test_everyone_is_in_exactly_one_line(test_of_two: MessageCampaign) -> None:
    claim(test_of_two.tenant_id, test_of_two.pk, now=NOW, batch=4)
    rows = assigned(test_of_two)
    record.mark_unknown(test_of_two.tenant_id, [rows[0].id])
    record.skip_unrendered(test_of_two.tenant_id, [rows[1].id])
    tell(test_of_two, (2, Kind.READ, 1))
    with tenant_scope(test_of_two.tenant_id):
        Recipient.objects.filter(pk=rows[5].id).update(state=State.HOLDOUT, due_at=None)
        Recipient.objects.filter(pk=rows[6].id).update(state=State.CANCELLED, due_at=None)
        Recipient.objects.filter(pk=rows[7].id).update(state=State.DEFERRED, reason="retry")
    with tenant_scope(test_of_two.tenant_id):
        sheet = balance.of_campaign(test_of_two.tenant_id, test_of_two.pk)
    assert sheet.is_balanced
    assert (sheet.audience, sheet.holdout, sheet.cancelled, sheet.waiting, sheet.failed) == (12, 1, 1, 3, 0)
    assert (sheet.unknown, sheet.sending, sheet.sent, sheet.skipped, sheet.deferred) == (1, 1, 1, 3, 1)
    assert not dataclasses.replace(sheet, audience=13).is_balanced


def test_failures_are_told_in_plain_words(test_of_two: MessageCampaign) -> None:
    tell(test_of_two, (0, Kind.REJECTED, 1), (1, Kind.FAILED, 1))
    with tenant_scope(test_of_two.tenant_id):
        (words,) = failures.in_words(failures.of_campaign(test_of_two.tenant_id, test_of_two.pk))
    assert words.startswith("2 × The message can't reach this person")
    assert words.endswith("(131026)")


def test_a_report_takes_the_same_few_queries_whatever_its_size(tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 2)
    small = start(add_campaign(tenant, is_ab_test=True, variants=ARMS))
    add_people(tenant, 200)
    large = start(add_campaign(tenant, is_ab_test=True, variants=ARMS))
    tell(large, *((i, Kind.READ, 1) for i in range(200)))
    counts = []
    with tenant_scope(tenant.id):
        for campaign in (small, large):
            with CaptureQueriesContext(connection) as queries:
                campaign_report.generate(campaign, now=NOW)
            counts.append(len(queries))
    assert counts == [5, 5]


def test_a_counter_that_is_not_the_ledgers_is_found(test_of_two: MessageCampaign) -> None:
    assert verify([test_of_two.tenant_id]).differences == ()
    with tenant_scope(test_of_two.tenant_id):
        test_of_two.increment_read()
    (found,) = verify([test_of_two.tenant_id]).differences
    assert (found.campaign_id, found.what, found.stored, found.recounted) == (test_of_two.pk, "read_count", 1, 0)


def test_a_sum_that_is_not_the_ledgers_is_found(test_of_two: MessageCampaign) -> None:
    tell(test_of_two, (0, Kind.READ, 1))
    assert verify([test_of_two.tenant_id]).differences == ()
    with tenant_scope(test_of_two.tenant_id):
        for sums in (Tally, Minute, Wait):
            sums.objects.filter(campaign=test_of_two).update(**{"sent" if sums is Minute else "people": 90})
    found = verify([test_of_two.tenant_id]).differences
    assert {one.what for one in found} >= {"tally", "minute", "wait"}


def arms(*counts: tuple[int, int]) -> tuple[Arm, ...]:
    return tuple(Arm(i, str(i), "", assigned=assigned, responded=hits) for i, (hits, assigned) in enumerate(counts))


@pytest.mark.parametrize(
    ("counts", "winner", "lift"),
    [
        (((50, 1_000), (100, 1_000)), "variant_1", 100.0),
        (((100, 1_000), (50, 1_000)), "variant_0", 100.0),
        (((0, 1_000), (50, 1_000)), "variant_1", None),
        (((50, 1_000), (51, 1_000)), None, 2.0),
        (((50, 1_000), (50, 1_000)), None, None),
    ],
)
def test_a_winner_is_named_when_it_is_significant(counts: Any, winner: str | None, lift: float | None) -> None:
    compared = variants.compare(arms(*counts), metric="responded")
    assert compared
    assert (compared.winner, compared.is_significant) == (winner, winner is not None)
    assert compared.improvement_percentage == (None if lift is None else pytest.approx(lift))
    assert compared.reason == ""


@pytest.mark.parametrize("counts", [((0, 0), (0, 0)), ((1, 2), (0, 0)), ((0, 9), (0, 9)), ((9, 9), (9, 9))])
def test_what_can_not_be_said_is_said_so(counts: Any) -> None:
    compared = variants.compare(arms(*counts), metric="responded")
    assert compared
    assert compared.reason
    assert (compared.z_score, compared.p_value, compared.winner, compared.improvement_percentage) == (None,) * 4


def test_only_two_arms_are_compared() -> None:
    for some in (arms((1, 2)), arms((1, 2), (1, 2), (1, 2)), ()):
        assert variants.compare(some, metric="responded") is None


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=2, max_size=2))
def test_any_counts_compare_without_a_crash_and_the_winner_is_the_better_one(pairs: list[tuple[int, int]]) -> None:
    both = arms(*((min(pair), max(pair)) for pair in pairs))
    compared = variants.compare(both, metric="responded")
    assert compared
    if compared.winner:
        better = int(compared.winner[-1])
        assert both[better].responded * both[1 - better].assigned > both[1 - better].responded * both[better].assigned
        assert compared.improvement_percentage is None or compared.improvement_percentage > 0
