"""A past experiment is replayed over HTTP, and the report says of it what plain formulas say of the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from flows.conftest import OpenShop
from flows.opening import plain_number
from flows.shop import Shop
from live_installation import Installation, fetch
from tulia.reports.verify import verify

HOLDOUT = "No E-Mail"
VARIANTS = ["Mens E-Mail", "Womens E-Mail"]
NOBODY_ANSWERS = {
    "not_on_whatsapp_p": 0, "capped_p": 0, "us_blocked_p": 0, "opted_out_p": 0, "experiment_p": 0, "online_p": 1, "later_p": 0,
    "read_p": 0, "stop_p": 0, "native_stop_p": 0, "block_p": 0,
}  # fmt: skip
Z = 1.959963984540054
TWICE = 5  # of those who booked, so many ordered too (where as many ordered)


@dataclass(frozen=True)
class Group:
    """Who booked, and who ordered: the first of the group and those about the last of them."""

    segment: str
    people: int
    booked: int
    ordered: int

    @property
    def either(self) -> int:
        return self.booked + self.ordered - TWICE

    def orders(self) -> list[tuple[int, float]]:
        """Who ordered for how much. The first of them did so twice."""
        first = self.booked - TWICE
        each = [(first + place, 12.34 * (place % 7 + 1)) for place in range(self.ordered)]
        return [*each, (first, 100.0)]

    def spent(self) -> np.ndarray[Any, Any]:
        """What each of the group spent, those with nothing among them."""
        sums = np.zeros(self.people)
        for place, total in self.orders():
            sums[place] += total
        return sums


MENS = Group("Mens E-Mail", 300, 66, 18)
WOMENS = Group("womens e-mail", 200, 30, 8)  # written otherwise, and meant all the same
HELD = Group(HOLDOUT, 250, 25, 6)
GROUPS = (MENS, WOMENS, HELD)
OTHERS, REFUSING = 15, 12


@pytest.fixture
def quiet(installation: Installation) -> None:
    """People at the simulator who get everything and never answer by themselves."""
    behaviour = dict.fromkeys(("marketing", "utility", "authentication", "service"), NOBODY_ANSWERS)
    fetch(f"{installation.simulator_url}/_sim/config", {"behaviour": behaviour}, method="PUT")


def difference_limits(xa: int, na: int, xb: int, nb: int) -> tuple[float, float]:
    """Mee's, from the likelihood itself."""

    def excess(delta: float) -> float:
        def slope(q: float) -> float:
            return xa / q - (na - xa) / (1 - q) + xb / (q + delta) - (nb - xb) / (1 - q - delta)

        low, high = max(0.0, -delta) + 1e-13, min(1.0, 1 - delta) - 1e-13
        q = optimize.brentq(slope, low, high, xtol=1e-15, rtol=1e-14)
        return float((xb / nb - xa / na - delta) / math.sqrt(q * (1 - q) / na + (q + delta) * (1 - q - delta) / nb))

    seen = xb / nb - xa / na
    return (
        optimize.brentq(lambda delta: excess(delta) - Z, seen - 0.5, seen, xtol=1e-14),
        optimize.brentq(lambda delta: excess(delta) + Z, seen, seen + 0.5, xtol=1e-14),
    )


def imported(shop: Shop, kind: str, header: str, lines: list[str]) -> None:
    body = "\n".join((header, *lines, "")).encode()
    answer = shop.call("POST", f"/v1/{kind}/import", body, Content_Type="text/csv")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["created"], answer.json()["rejected"]) == (len(lines), 0), answer.text


def import_people(shop: Shop) -> None:
    known = [(f"{group.segment}/{i}", group.segment, True) for group in GROUPS for i in range(group.people)]
    known += [(f"other/{i}", ("", "Catalog")[i % 2], True) for i in range(OTHERS)]
    known += [(f"refusing/{i}", VARIANTS[i % 2], False) for i in range(REFUSING)]
    now = datetime.now(tz=UTC).isoformat()
    imported(shop, "customers", "external_id,phone,consent_promotional,attributes.segment", [
        f"{name},+25470{plain_number(number):07d},{str(consents).lower()},{segment}"
        for number, (name, segment, consents) in enumerate(known)
    ])  # fmt: skip
    imported(
        shop,
        "messages",
        "customer_external_id,direction,sent_at,text",
        [f"{name},inbound,{now},Hi" for name, _, _ in known],
    )


def import_outcomes(shop: Shop, *, started: datetime, at: datetime) -> None:
    """What they did a moment after their turn, and what must not count: before it, too late, canceled, of others."""
    early, late = started - timedelta(seconds=5), at + timedelta(days=8)
    last = HELD.people - 1
    booked = [(f"{group.segment}/{i}", at, "confirmed") for group in GROUPS for i in range(group.booked)]
    booked += [(f"refusing/{i}", at, "confirmed") for i in range(REFUSING)]
    booked += [(f"{HELD.segment}/{last}", late, "confirmed"), (f"{HELD.segment}/{last}", early, "confirmed"),
               (f"{MENS.segment}/299", at, "canceled"), (f"{MENS.segment}/298", early, "confirmed")]  # fmt: skip
    imported(shop, "bookings", "external_id,customer_external_id,booked_at,starts_at,status", [
        f"B{n},{name},{when.isoformat()},{when.isoformat()},{status}" for n, (name, when, status) in enumerate(booked)
    ])  # fmt: skip
    ordered = [(f"{group.segment}/{i}", at, total, "paid") for group in GROUPS for i, total in group.orders()]
    ordered += [(f"refusing/{i}", at, 500.0, "paid") for i in range(REFUSING)]
    ordered += [(f"{WOMENS.segment}/199", late, 900.0, "paid"), (f"{WOMENS.segment}/198", at, 900.0, "canceled")]
    imported(shop, "orders", "external_id,customer_external_id,placed_at,total,currency,status", [
        f"O{n},{name},{when.isoformat()},{total:.2f},USD,{status}" for n, (name, when, total, status) in enumerate(ordered)
    ])  # fmt: skip


def as_of_the_end(shop: Shop, campaign: str) -> Any:
    """The report as it will be when all windows are closed."""
    from tulia.campaigns.models import MessageCampaign
    from tulia.reports import campaign_report
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(shop.tenant_id):
        found = MessageCampaign.objects.get(pk=campaign)
        return campaign_report.generate(found, now=datetime.now(tz=UTC) + timedelta(days=7, minutes=2)).to_json()


def check_people(lines: list[Any]) -> None:
    """Each kind and variant against the people held out."""
    shown = {(line["kind"], line["variant"]): line for line in lines}
    assert len(shown) == len(lines) == 9
    for kind, count in (("any", "either"), ("booking", "booked"), ("order", "ordered")):
        held_did = getattr(HELD, count)
        did = {0: (getattr(MENS, count), MENS.people), 1: (getattr(WOMENS, count), WOMENS.people)}
        did[2] = (did[0][0] + did[1][0], did[0][1] + did[1][1])
        raw = [proportions_ztest([x, held_did], [n, HELD.people])[1] for x, n in did.values()]
        for place, p_value in enumerate([*multipletests(raw[:2], method="holm")[1], raw[2]]):
            x, n = did[place]
            line = shown[kind, place if place < 2 else None]
            assert (line["did"], line["dealt"], line["held_out_did"], line["held_out"]) == (x, n, held_did, HELD.people)
            low, high = difference_limits(held_did, HELD.people, x, n)
            assert line["difference_points"] == pytest.approx(100 * (x / n - held_did / HELD.people), rel=1e-12)
            assert line["difference_interval"] == pytest.approx([100 * low, 100 * high], rel=1e-8)
            assert line["incremental"] == pytest.approx(x - held_did / HELD.people * n, rel=1e-12)
            assert line["incremental_interval"] == pytest.approx([n * low, n * high], rel=1e-8)
            assert line["p_value"] == pytest.approx(p_value, rel=1e-9)


def check_money(lines: list[Any]) -> None:
    """Per person and in all, with Welch's variance, those who spent nothing among them."""
    held = HELD.spent()
    arms = {0: MENS.spent(), 1: WOMENS.spent(), None: np.concatenate([MENS.spent(), WOMENS.spent()])}
    assert [(line["currency"], line["variant"]) for line in lines] == [("USD", None), ("USD", 0), ("USD", 1)]
    for line in lines:
        treated = arms[line["variant"]]
        more = treated.mean() - held.mean()
        half = Z * math.sqrt(treated.var(ddof=1) / len(treated) + held.var(ddof=1) / len(held))
        expected = [1e6 * len(treated) * figure for figure in (more, more - half, more + half)]
        assert [line["revenue_micros"], *line["interval_micros"]] == pytest.approx(expected, abs=2)
        each = [line["per_person_micros"], line["dealt_per_person_micros"], line["held_out_per_person_micros"]]
        assert each == pytest.approx([1e6 * figure for figure in (more, treated.mean(), held.mean())], abs=1)


@pytest.mark.usefixtures("quiet")
def test_a_past_experiment_comes_out_as_it_did(open_shop: OpenShop) -> None:
    shop = open_shop()
    import_people(shop)
    campaign = shop.make(
        target_criteria={}, is_ab_test=True, variants=[{"name": name, "content": f"For {name}"} for name in VARIANTS],
        assignment={"attribute": "segment", "holdout": HOLDOUT}, primary_metric="converted",
    )  # fmt: skip
    assert shop.execute(campaign, confirm_everyone=True).status_code in (200, 202)
    ended = shop.until(campaign)
    assert ended["delivery_count"] == MENS.people + WOMENS.people
    assert len(shop.people(campaign, state="holdout")) == HELD.people
    assert len(shop.people(campaign, state="skipped", reason="no_variant")) == OTHERS
    assert len(shop.people(campaign, state="skipped", reason="no_consent")) == REFUSING

    at = datetime.fromisoformat(ended["completed_at"]) + timedelta(seconds=2)
    import_outcomes(shop, started=datetime.fromisoformat(ended["started_at"]), at=at)
    report = shop.report(campaign)
    for arm, group in zip(report["ab_test"]["variants"], (MENS, WOMENS), strict=True):
        assert (arm["customer_count"], arm["sent_count"], arm["conversion_count"]) == (
            group.people, group.people, group.either,
        )  # fmt: skip
        assert arm["revenue_micros"] == round(sum(1e6 * total for _, total in group.orders()))
    compared = report["ab_test"]["analysis"]["statistical_comparison"]
    z, p_value = proportions_ztest([MENS.either, WOMENS.either], [MENS.people, WOMENS.people])
    assert (abs(compared["z_score"]), compared["p_value"]) == pytest.approx((z, p_value), rel=1e-12)
    analysis, caused = report["ab_test"]["analysis"], report["incremental"]
    assert (analysis["is_final"], analysis["verdict"]["kind"], analysis["verdict"]["code"]) == (
        False, "inconclusive", "window_open",
    )  # fmt: skip
    assert analysis["sample_ratio"]["is_mismatch"] is False
    check_people(caused["people"])
    check_money(caused["revenue"])
    assert not any(line["is_significant"] for line in caused["people"])
    assert all(said.startswith("So far") and said.endswith("; it may be none.") for said in caused["findings"])
    assert shop.get(f"/v1/campaigns/{campaign}/money")["incremental"] == caused

    final = as_of_the_end(shop, campaign)
    analysis, caused = final["ab_test"]["analysis"], final["incremental"]
    assert (analysis["is_final"], analysis["verdict"]["kind"], analysis["verdict"]["variant"]) == (True, "winner", 0)
    assert analysis["comparisons"][0]["p_value"] == pytest.approx(p_value, rel=1e-12)
    assert [(arm["people"], arm["successes"]) for arm in analysis["arms"]] == [(300, 79), (200, 33)]
    check_people(caused["people"])
    check_money(caused["revenue"])
    significant = {(line["kind"], line["variant"]) for line in caused["people"] if line["is_significant"]}
    assert significant == {("any", None), ("any", 0), ("booking", None), ("booking", 0)}
    assert caused["share_matured"] == 1
    assert list(caused["findings"]) == [
        (
            "About 14 of the 26 people who ordered would not have ordered without the campaign "
            "(95 % interval −2 to 28); it may be none."
        ),
        "About 46 of the 96 people who booked would not have booked without the campaign (95 % interval 19 to 71).",
        "The campaign caused revenue of about 654 USD (95 % interval −209 to 1,517); it may be none.",
    ]
    assert analysis["findings"][:2] == [
        "Mens E-Mail won: it had a higher share of people who ordered or booked than Womens E-Mail.",
        "Mens E-Mail had 9.8 points more people who ordered or booked than Womens E-Mail (95 % interval 2.5 to 16.8).",
    ]

    check_dealt_by_chance(shop)
    assert shop.report(campaign)["incremental"]["people"] == report["incremental"]["people"]
    assert verify([shop.tenant_id]).differences == ()


def check_dealt_by_chance(shop: Shop) -> None:
    """The same people again, a third of them held out by chance: three groups of a size."""
    campaign = shop.make(
        target_criteria={}, is_ab_test=True, variants=[{"name": name, "content": "Hello"} for name in VARIANTS],
        holdout_percent=33.33, primary_metric="converted",
    )  # fmt: skip
    assert shop.execute(campaign, confirm_everyone=True).status_code in (200, 202)
    shop.until(campaign)
    eligible = sum(group.people for group in GROUPS) + OTHERS
    held = round(eligible * 0.3333)
    report = shop.report(campaign)
    assert [arm["customer_count"] for arm in report["ab_test"]["variants"]] == [(eligible - held) // 2] * 2
    assert (report["incremental"]["dealt"], report["incremental"]["held_out"]) == (eligible - held, held)
    assert report["ab_test"]["analysis"]["sample_ratio"]["is_mismatch"] is False
