from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tulia.campaigns.models import MessageCampaign
from tulia.experiments import words
from tulia.experiments.analysis import analyse
from tulia.experiments.plan import ArmCounts, Plan
from tulia.reports import experiment_report
from tulia.reports.balance import Balance
from tulia.web import composer_form, figures, form_errors, phone_text
from tulia.web.composer_form import ComposerForm
from tulia.web.message_form import MessageForm


def verdict_of(*counts: tuple[int, int], is_final: bool = True) -> figures.Verdict:
    arms = tuple(
        ArmCounts(
            name, assigned=people, matured=people if is_final else 0, successes=hits if is_final else 0, so_far=hits
        )
        for name, (hits, people) in zip(("Warm", "Short"), counts, strict=True)
    )
    analysis = analyse(arms, Plan(baseline=0.05, totals=tuple(people for _, people in counts)), is_final=is_final)
    found = figures.verdict(
        experiment_report.to_json(analysis) | {"findings": list(words.sentences(analysis, noun="replies"))}
    )
    assert found is not None
    return found


def test_at_the_end_a_significant_difference_names_the_better_message() -> None:
    found = verdict_of((50, 1_000), (90, 1_000))
    assert (found.kind, found.headline) == ("winner", "Short won: it brought more replies than Warm.")
    assert any("4.0 points more replies than Warm (95 % interval" in said for said in found.details)


def test_a_difference_that_is_not_significant_names_nobody() -> None:
    found = verdict_of((50, 1_000), (55, 1_000))
    assert found.kind == "open"
    assert found.headline.startswith("No difference in replies between the variants could be shown.")


def test_a_comparison_without_an_answer_says_why() -> None:
    found = verdict_of((0, 100), (0, 100))
    assert found.kind == "open"
    assert "nobody did it" in found.headline


def test_before_there_is_anybody_nothing_is_compared() -> None:
    assert verdict_of((0, 0), (0, 0)).headline == "There is nothing to compare yet."


def test_while_it_runs_nobody_has_won_however_large_the_difference() -> None:
    found = verdict_of((50, 1_000), (190, 1_000), is_final=False)
    assert found.kind == "open"
    assert "can't be told yet" in found.headline
    assert any("interval at any look" in said for said in found.details)


def test_without_a_test_there_is_no_verdict() -> None:
    assert figures.verdict({}) is None


COUNTS = st.integers(min_value=0, max_value=10**6)


@given(st.lists(COUNTS, min_size=11, max_size=11))
def test_the_bar_shows_everybody_once(counts: list[int]) -> None:
    holdout, skipped, cancelled, waiting, deferred, sending, unknown, failed, accepted, delivered, read = counts
    sheet = Balance(
        audience=sum(counts), holdout=holdout, skipped=skipped, cancelled=cancelled, waiting=waiting, deferred=deferred,
        sending=sending, unknown=unknown, failed=failed, sent=accepted + delivered + read,
        skipped_by_reason={"no_consent": skipped}, failed_by_class={"recipient": failed},
        sent_by_evidence={"accepted": accepted, "sent": 0, "delivered": delivered, "read": read},
    )  # fmt: skip
    bar = figures.bar(sheet)
    assert sum(one.people for one in bar) == sheet.audience
    assert all(one.people for one in bar)
    assert abs(sum(one.width for one in bar) - (1_000 if bar else 0)) < 1
    lines = figures.balance_lines(sheet)
    assert sum(line.people for line in lines if not line.is_part) == sheet.audience


@given(st.text(max_size=200))
def test_a_message_on_the_phone_never_becomes_markup(text: str) -> None:
    made = phone_text.to_html(text)
    for allowed in ("<b>", "</b>", "<i>", "</i>", "<s>", "</s>", "<br>"):
        made = made.replace(allowed, "")
    assert "<" not in made
    assert ">" not in made


def test_whatsapps_marks_are_shown_and_lonely_ones_stay() -> None:
    assert phone_text.to_html("*bold* _soft_ ~gone~\n2 * 3 * 4 snake_case_name") == (
        "<b>bold</b> <i>soft</i> <s>gone</s><br>2 * 3 * 4 snake_case_name"
    )


NUMBERS = st.integers(min_value=1, max_value=999)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.text("abcd", min_size=1, max_size=5), min_size=1, max_size=3, unique=True),
        "languages": st.just(["sw"]),
        "purchase_history": st.fixed_dictionaries(
            {"min_order_count": NUMBERS}, optional={"ordered_in_last_days": NUMBERS, "max_order_count": NUMBERS}
        ),
        "conversation_activity": st.fixed_dictionaries(
            {"status": st.just(["open"])}, optional={"active_in_last_days": NUMBERS}
        ),
    },
)


@given(KNOWN)
def test_criteria_survive_the_form(criteria: dict[str, object]) -> None:
    form = composer_form.of_campaign(
        MessageCampaign(name="M", message_content="Hello", target_criteria=criteria, is_ab_test=False), {}
    )
    assert form.criteria == criteria


def test_a_number_that_is_none_stays_a_text_for_the_reader_to_refuse() -> None:
    form = ComposerForm(numbers={"ordered_in_last_days": "½", "min_order_count": "٣", "active_in_last_days": "7"})
    assert form.criteria == {
        "purchase_history": {"ordered_in_last_days": "½", "min_order_count": "٣"},
        "conversation_activity": {"active_in_last_days": 7},
    }


def test_mistakes_find_their_fields() -> None:
    found = form_errors.by_field(
        {
            "name": "must not be empty", "message_content": "is required", "variants[1].content": "is required",
            "target_criteria.tags[0]": "is too long", "target_criteria.conversation_activity.status": "is unknown",
            "seed": "must be a whole number",
        },
        is_ab_test=False,
    )  # fmt: skip
    assert found == {
        "name": "Must not be empty.", "message": "Is required.", "variant_1_content": "Is required.",
        "tags": "Is too long.", "statuses": "Is unknown.", "form": "seed: must be a whole number.",
    }  # fmt: skip


def test_a_third_message_is_kept() -> None:
    variants = [{"name": name, "content": name} for name in "ABC"]
    form = composer_form.of_campaign(MessageCampaign(name="M", is_ab_test=True, variants=variants), {})
    assert form.variants == tuple(MessageForm(name, content=name) for name in "ABC")
    assert form.fields({})["variants"] == variants
