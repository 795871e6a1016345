from typing import Any

import pytest

from tulia.experiments import holdout, words
from tulia.experiments.analysis import Analysis, analyse
from tulia.experiments.counts import Inconclusive
from tulia.experiments.plan import ArmCounts, Plan
from tulia.experiments.test_and_roll import select


def analysed(*counts: tuple[int, int], is_final: bool = True, matured: float = 1.0, **plan: Any) -> Analysis:
    groups = tuple(
        ArmCounts("ABCD"[place], people, int(people * matured), int(x * matured), so_far=x)
        for place, (x, people) in enumerate(counts)
    )
    return analyse(groups, Plan(**plan), is_final=is_final)


def test_a_clear_result_is_told_with_its_interval_its_people_and_its_plan() -> None:
    found = analysed((380, 4210), (468, 4210), baseline=0.09, totals=(4210, 4210))
    assert words.sentences(found, noun="replies") == (
        "B won: it brought more replies than A.",
        "B had 2.1 points more replies than A (95 % interval 0.8 to 3.4).",
        "4,210 people each; the test was planned to see 1.8 points.",
        (
            "The probability that B is the best is over 99.9 %; choosing it would lose 0.00013 points on average. That helps to "
            "choose, but is no proof."
        ),
    )


def test_the_better_one_comes_first_whichever_it_is() -> None:
    found = analysed((468, 4210), (380, 4210), control=0)
    assert "A had 2.1 points more replies than B (95 % interval 0.8 to 3.4)." in words.sentences(found, noun="replies")


def test_no_difference_is_not_said_to_be_none() -> None:
    said = " ".join(words.sentences(analysed((380, 4210), (400, 4210)), noun="replies"))
    assert "No difference in replies between the variants could be shown. That doesn't mean that there is none." in said
    assert "B had 0.5 points more replies than A (95 % interval −0.8 to 1.7), which may be chance." in said
    assert "With so few people only differences in replies of 1.8 points or more are seen reliably." in said
    assert "won" not in said


def test_before_the_end_everything_is_so_far() -> None:
    found = analysed((300, 4210), (333, 4210), is_final=False, matured=0.5, baseline=0.09, totals=(4210, 4210))
    said = words.sentences(found, noun="replies")
    assert said[0] == "Whether a variant is better can't be told yet: some people still have time to respond."
    assert said[1].startswith("So far B had 0.8 points more replies than A (95 % interval at any look −")
    assert "50 % of the people have had their full time to respond." in said


def test_an_early_winner_is_said_to_be_early() -> None:
    found = analysed((200, 5_000), (330, 5_000), is_final=False, matured=0.5, auto_stop=True, baseline=0.1,
                     totals=(5_000, 5_000))  # fmt: skip
    assert words.verdict(found, noun="replies").endswith("; this holds although the test is still running.")


def test_groups_of_wrong_sizes_silence_everything_else() -> None:
    said = words.sentences(analysed((380, 4210), (468, 3800)), noun="replies")
    assert said[0].startswith(
        "The groups are not of the planned sizes: 4,210 and 3,800, where 4,005 and 4,005 were planned"
    )
    assert said[1:] == ("No verdict is given.",)


def test_a_leader_is_told_with_those_it_cannot_be_told_from() -> None:
    found = analysed((200, 10_000), (320, 10_000), (330, 10_000))
    assert words.verdict(found, noun="replies") == (
        "C is ahead: better than A, also after correcting for 3 comparisons, but it can't be told from B."
    )


def test_a_significant_difference_seen_by_too_few_is_said_to_be_probably_exaggerated() -> None:
    said = words.underpowered(analysed((100, 2_000), (131, 2_000)), noun="replies")
    assert said.endswith("probably looks larger than it is.")


def test_a_selection_is_never_called_proven() -> None:
    chosen = select((50, 60), (1_000, 1_000))
    assert words.selection(chosen, ("A", "B"), noun="replies").endswith("It is selected, not proven better.")
    tie = words.selection(select((50, 50), (1_000, 1_000), control=0), ("A", "B"), noun="replies")
    assert "A was selected, because no other variant had a higher share" in tie
    vetoed = words.selection(select((5, 6), (1_000, 1_000)), ("A", "B"), noun="replies")
    assert vetoed.startswith("No variant was selected: fewer than 40 people")


@pytest.mark.parametrize(("total", "ending"), [(9_000_000_000, "."), (1_000_000, "; it may be none.")])
def test_money_by_the_campaign_is_told_with_its_interval(total: float, ending: str) -> None:
    held = holdout.Amounts(1_000, 1_000_000_000, 4e15)
    treated = holdout.Amounts(5_000, 5_000_000_000 + total, 2e16 + total * 1e6)
    said = words.money(holdout.incremental_money(held, treated), currency="KES")
    assert said.startswith(f"The campaign caused revenue of about {total / 1e6:,.0f} KES (95 % interval")
    assert said.endswith(ending)
    unknown = words.money(holdout.incremental_money(held, holdout.Amounts(0, 0, 0)), currency="KES")
    assert "can't be told" in unknown
    assert isinstance(holdout.incremental_money(held, holdout.Amounts(0, 0, 0)), Inconclusive)


def test_people_brought_by_the_campaign_are_people_and_no_more_is_said_than_is_known() -> None:
    clear = holdout.incremental_conversions(50, 1_000, 400, 4_000)
    assert not isinstance(clear, Inconclusive)
    said = words.increment(clear, noun="people who booked", did="booked", is_significant=True, so_far=False)
    assert said.startswith(
        "About 200 of the 400 people who booked would not have booked without the campaign (95 % inter"
    )
    assert said.endswith(").")
    early = words.increment(clear, noun="people who booked", did="booked", is_significant=True, so_far=True)
    assert early.startswith("So far about 200 of")
    assert early.endswith("; it may be none.")


def test_a_holdout_that_did_better_is_told_without_a_zero_below_zero() -> None:
    worse = holdout.incremental_conversions(100, 1_000, 200, 4_000)
    assert not isinstance(worse, Inconclusive)
    said = words.increment(worse, noun="people who ordered", did="ordered", is_significant=True, so_far=False)
    assert said.startswith(
        "The people who were held out did better: the difference comes to −200 people who ordered (95 %"
    )
    alike = holdout.incremental_conversions(1, 10, 9, 91)
    assert not isinstance(alike, Inconclusive)
    small = words.increment(alike, noun="people who ordered", did="ordered", is_significant=False, so_far=False)
    assert "did no worse: the difference comes to 0 people who ordered (95 % interval −" in small
    assert small.endswith("; it may be none.")


def test_money_lost_is_said_to_be_lost_and_before_the_end_it_may_be_none() -> None:
    some = holdout.Amounts(1_000, 5_000e6, 6e16)
    none = holdout.Amounts(5_000, 500e6, 5e14)
    said = words.money(holdout.incremental_money(some, none), currency="USD")
    assert said.startswith("The campaign lost revenue of about 24,500 USD (95 % interval ")
    assert "−" not in said
    assert said.endswith(").")
    early = words.money(holdout.incremental_money(none, some), currency="USD", so_far=True)
    assert early.startswith("So far the campaign caused revenue of about 4,900 USD (95 % interval ")
    assert early.endswith("; it may be none.")


def test_of_variants_of_different_sizes_shares_are_told_not_numbers() -> None:
    groups = (ArmCounts("A", 9_000, 9_000, 900, weight=9), ArmCounts("B", 1_000, 1_000, 160))
    said = words.sentences(analyse(groups, Plan(), is_final=True), noun="replies")
    assert said[0] == "B won: it had a higher share of replies than A."
    assert said[1].startswith("B had 6.0 points more replies than A")


def test_a_loss_too_small_to_matter_is_told_as_such() -> None:
    found = analysed((3_238, 21_387), (3_894, 21_387))
    assert "choosing it would lose less than 0.00001 points on average." in words.probability(found)
