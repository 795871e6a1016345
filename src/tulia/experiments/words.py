"""A finding as plain sentences, none of them stronger than its number.

Every function is pure: a result in, text out. `noun` is what the metric counts, in the plural: "replies", "clicks".
"""

from __future__ import annotations

import math

from tulia.experiments.analysis import Analysis, Comparison, HoldoutFinding
from tulia.experiments.counts import NO_DIFFERENCE, Inconclusive
from tulia.experiments.holdout import Increment, MoneyIncrement
from tulia.experiments.sample_ratio import SampleRatio
from tulia.experiments.test_and_roll import Selected, Vetoed
from tulia.experiments.verdict import members_of

_LEAST_LOSS = 1e-7  # less than that isn't worth its digits


def sentences(found: Analysis, *, noun: str) -> tuple[str, ...]:
    """All that there is to say, the most important first."""
    said = [split(found), verdict(found, noun=noun)]
    if found.verdict.code != "sample_ratio":
        said += [difference(found, one, noun=noun) for one in shown(found)]
        said += [sizes(found), maturity(found), underpowered(found, noun=noun), guardrails(found), probability(found)]
        said.append(holdout(found, noun=noun))
    return tuple(sentence for sentence in said if sentence)


def shown(found: Analysis) -> tuple[Comparison, ...]:
    """The comparisons worth a sentence: of the best arm with each other one."""
    if not all(arm.people for arm in found.arms):
        return ()
    best = _best(found)
    return tuple(found.between(best, arm) for arm in range(len(found.arms)) if arm != best)


def verdict(found: Analysis, *, noun: str) -> str:
    """Who won, if anybody did."""
    said = found.verdict
    names = [arm.name for arm in found.arms]
    if said.kind == "blocked":
        if said.code == "guardrail" and said.arm is not None:
            had = f"the most {noun}" if _is_even(found) else f"the highest share of {noun}"
            return f"{names[said.arm]} had {had}, but it can't be the winner: {_lowered(said.reason)}"
        return "No verdict is given."
    if said.kind == "inconclusive":
        if said.code == "window_open":
            return f"Whether a variant is better can't be told yet: {_lowered(said.reason)}"
        return f"Nothing can be said about the variants: {_lowered(said.reason)}"
    if said.kind == "none" or said.arm is None:
        return f"No difference in {noun} between the variants could be shown. That doesn't mean that there is none."
    corrected = f", also after correcting for {_comparisons(found)} comparisons" if _comparisons(found) > 1 else ""
    early = "; this holds although the test is still running" if said.is_early else ""
    best = names[said.arm]
    if said.kind == "winner":
        brought = f"brought more {noun}" if _is_even(found) else f"had a higher share of {noun}"
        return f"{best} won: it {brought} than {_every_other(found)}{corrected}{early}."
    beaten, tied = _listed([names[arm] for arm in said.beaten]), _listed([names[arm] for arm in said.tied], "or")
    return f"{best} is ahead: better than {beaten}{corrected}, but it can't be told from {tied}{early}."


def difference(found: Analysis, comparison: Comparison, *, noun: str) -> str:
    """How far two arms are apart, with the interval that this look allows."""
    if comparison.difference is None:
        return ""
    better, worse = found.arms[comparison.second].name, found.arms[comparison.first].name
    size, interval = comparison.difference, comparison.interval
    alpha, kind = comparison.interval_alpha, "interval"
    if not found.is_final:
        ours = comparison.sequential
        interval = None if isinstance(ours, Inconclusive) else ours.interval
        alpha, kind = (0.0 if isinstance(ours, Inconclusive) else ours.alpha), "interval at any look"
    if size < 0:
        better, worse, size = worse, better, -size
        interval = None if interval is None else (-interval[1], -interval[0])
    digits = _digits(None if interval is None else interval[1] - interval[0])
    so_far = "" if found.is_final else "So far "
    if size == 0:
        said = f"{so_far}{better} and {worse} had the same share of {noun}"
    else:
        said = f"{so_far}{better} had {_points(size, digits)} more {noun} than {worse}"
    if interval is not None:
        limits = f"{_number(max(-1.0, interval[0]), digits)} to {_number(min(1.0, interval[1]), digits)}"
        said += f" ({_level(alpha)} {kind} {limits})"
    if found.is_final and not comparison.is_significant and size > 0:
        said += ", which may be chance"
    if found.is_final and comparison.tested.is_exact:
        said += f"; with so few an exact test decides, {_p(comparison.p_value)}"
    return said + "."


def sizes(found: Analysis) -> str:
    """How many people the look goes by, and what the test was planned to see."""
    people = [arm.people for arm in found.arms]
    if not any(people):
        return ""
    if _is_even(found):
        said = f"{_people(min(people))} each"
    else:
        said = _listed([f"{_people(arm.people)} in {arm.name}" for arm in found.arms])
    if isinstance(found.planned_detectable, Inconclusive):
        return said + "."
    planned = found.planned_detectable
    return f"{said}; the test was planned to see {_points(planned, _digits(planned))}."


def maturity(found: Analysis) -> str:
    """How many have had their full time to respond; nothing when all had."""
    share = found.share_matured
    if share is None or share >= 1:
        return ""
    rounded = min(99.9, round(100 * share, 1))
    return f"{rounded:g} % of the people have had their full time to respond."


def underpowered(found: Analysis, *, noun: str) -> str:
    """The warning that differences of this size aren't seen reliably with so few people; nothing when they are."""
    if not found.is_final:
        return ""
    weak = [one for one in shown(found) if found.is_underpowered(one) and one.difference]
    if not weak:
        return ""
    if isinstance(found.detectable, Inconclusive):
        return "There are too few people to see any difference reliably."
    seen = _points(found.detectable, _digits(found.detectable))
    if any(one.is_significant for one in weak):
        return (
            f"With so few people only differences of {seen} or more are seen reliably; a smaller one, even if it is no "
            "chance, probably looks larger than it is."
        )
    return f"With so few people only differences in {noun} of {seen} or more are seen reliably."


def split(found: Analysis) -> str:
    """Says when the groups are not of the planned sizes; nothing when they are."""
    if not isinstance(found.split, SampleRatio) or not found.split.is_mismatch:
        return ""
    planned = _listed([f"{size:,.0f}" for size in found.split.expected])
    counted = _listed([f"{arm.assigned:,}" for arm in found.arms])
    if len(found.split.expected) > len(found.arms):
        counted += " and the holdout"
    return (
        f"The groups are not of the planned sizes: {counted}, where {planned} were planned ({_p(found.split.p_value)})."
        " Something went wrong in assigning or counting, so they can't be compared."
    )


def guardrails(found: Analysis) -> str:
    """Which variants do harm; nothing when none was found to."""
    said = []
    for one in found.guardrails:
        if one.is_harmed:
            rates = [one.events / one.people, one.reference_events / one.reference_people]
            digits = _digits(abs(rates[0] - rates[1]))
            against = "the control" if found.plan.control is not None else "the others"
            said.append(
                f"{found.arms[one.arm].name} had more {one.name} than {against}"
                f" ({_number(rates[0], digits)} % against {_number(rates[1], digits)} %)."
            )
    return " ".join(said)


def probability(found: Analysis) -> str:
    """How probably the best-looking arm is the best: for choosing, not for proving."""
    nothing = found.verdict.code == NO_DIFFERENCE or not all(arm.people for arm in found.arms)
    if found.posterior is None or nothing:
        return ""
    best = max(range(len(found.arms)), key=found.posterior.best.__getitem__)
    loss = found.posterior.expected_loss[best]
    lost = _points(loss, _digits(loss)) if loss >= _LEAST_LOSS else f"less than {_points(_LEAST_LOSS, 5)}"
    return (
        f"The probability that {found.arms[best].name} is the best is {_probability(found.posterior.best[best])}; choosing "
        f"it would lose {lost} on average. That helps to choose, but is no proof."
    )


def holdout(found: Analysis, *, noun: str) -> str:
    """What the campaign caused, beside what is attributed to it."""
    if found.holdout is None:
        return ""
    if isinstance(found.holdout, Inconclusive):
        return "What the campaign caused can't be told: " + _lowered(found.holdout.reason)
    return _caused(found.holdout, noun=noun, so_far=not found.is_final)


def _caused(finding: HoldoutFinding, *, noun: str, so_far: bool) -> str:
    return increment(finding.together, noun=noun, is_significant=finding.is_significant, so_far=so_far)


def increment(caused: Increment, *, noun: str, is_significant: bool, so_far: bool, did: str = "happened") -> str:
    """What happened because of the campaign, of all that is attributed to it. Of people, `did` says what they did."""
    low, high = caused.interval
    limits = f"({_level(caused.alpha)} interval {_whole(low)} to {_whole(high)})"
    if caused.conversions > 0:
        said = (
            f"{'So far about' if so_far else 'About'} {_whole(caused.conversions)} of the {caused.attributed:,} {noun} would "
            f"not have {did} without the campaign {limits}"
        )
    else:
        said = (
            f"{'So far the' if so_far else 'The'} people who were held out did "
            f"{'better' if is_significant and not so_far else 'no worse'}: the difference comes to "
            f"{_whole(caused.conversions)} {noun} {limits}"
        )
    return said + ("." if is_significant and not so_far else "; it may be none.")


def money(
    increment: MoneyIncrement | Inconclusive, *, currency: str, what: str = "revenue", so_far: bool = False
) -> str:
    """Money by the campaign, from amounts in micros. Before the end it is never more than a first impression."""
    if isinstance(increment, Inconclusive):
        return f"What {what} the campaign caused can't be told: " + _lowered(increment.reason)
    low, high = (limit / 1e6 for limit in increment.interval)
    total, is_none = increment.total / 1e6, so_far or low <= 0 <= high
    start, brought = "So far the" if so_far else "The", "caused"
    if total < 0:
        total, low, high, brought = -total, -high, -low, "lost"
    said = f"{start} campaign {brought} {what} of about {_whole(total)} {currency}".rstrip()
    said += f" ({_level(increment.alpha)} interval {_whole(low)} to {_whole(high)})"
    return said + ("; it may be none." if is_none else ".")


def selection(chosen: Selected | Vetoed, names: tuple[str, ...], *, noun: str) -> str:
    """What an automatic choice came to. It is never called a winner."""
    if isinstance(chosen, Vetoed):
        return f"No variant was selected: {_lowered(chosen.reason)}"
    best = names[chosen.arm]
    if chosen.is_tie:
        return f"{best} was selected, because no other variant had a higher share of {noun}. It is selected, not proven better."
    return f"{best} was selected for the rest, because it had the highest share of {noun}. It is selected, not proven better."


def _best(found: Analysis) -> int:
    if found.verdict.arm is not None:
        return found.verdict.arm
    return max(range(len(found.arms)), key=lambda arm: (found.arms[arm].rate or 0.0, arm == found.plan.control, -arm))


def _is_even(found: Analysis) -> bool:
    """Whether the variants have as many people, so that more of something is also more per person."""
    people = [arm.people for arm in found.arms]
    return max(people) - min(people) <= 1


def _comparisons(found: Analysis) -> int:
    """How many comparisons share the alpha of those that the verdict names."""
    best, arms = found.verdict.arm, len(found.arms)
    named = [members_of(found.plan, (best, arm), arms) for arm in found.verdict.beaten if best is not None]
    return max(named, default=1)


def _every_other(found: Analysis) -> str:
    if len(found.arms) > 2:
        return "every other variant"
    return next(arm.name for place, arm in enumerate(found.arms) if place != found.verdict.arm)


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _listed(names: list[str], joined: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joined} {names[-1]}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _digits(width: float | None) -> int:
    """Decimals of percent that leave two digits of `width`; one at least."""
    if width is None or not width > 0:
        return 1
    return min(12, max(1, 1 - math.floor(math.log10(100 * width))))


def _number(rate: float, digits: int) -> str:
    said = f"{100 * rate:.{digits}f}"
    return said.lstrip("-") if float(said) == 0 else said.replace("-", "−")


def _whole(number: float) -> str:
    said = f"{number:,.0f}"
    return "0" if said == "-0" else said.replace("-", "−")


def _points(rate: float, digits: int) -> str:
    return f"{_number(rate, digits)} points"


def _level(alpha: float) -> str:
    return f"{100 * (1 - alpha):.3g} %" if alpha >= 0.001 else f"{100 * (1 - alpha):.5g} %"


def _p(p: float) -> str:
    return "p < 1e-300" if p < 1e-300 else f"p = {p:.2g}"


def _probability(p: float) -> str:
    if p > 0.999:
        return "over 99.9 %"
    return f"{100 * p:.3g} %"
