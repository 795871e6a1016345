import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.audience.keywords import (
    DEFAULT_START_WORDS,
    DEFAULT_STOP_WORDS,
    STOP_WORDS,
    Intent,
    in_force,
    is_yes,
    normalise_text,
    read_intent,
    read_payload_intent,
)


@pytest.mark.parametrize("word", sorted(DEFAULT_STOP_WORDS))
def test_every_default_stop_word_stops(word: str) -> None:
    assert read_intent(word) is Intent.STOP


@pytest.mark.parametrize("word", sorted(DEFAULT_START_WORDS))
def test_every_default_start_word_starts(word: str) -> None:
    assert read_intent(word) is Intent.START


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "Stop!!",
        " STOP ",
        "\u200fstop\u200e",
        "s\u200btop",
        "ＳＴＯＰ",
        "𝐒𝐓𝐎𝐏",
        "“Stop.”",
        "stop 🙏🏽",
        "«stop»",
        "تـوقـــف",
        "🛑 stop 🛑\ufe0f",
        "*STOP*",
        "stop\u00a0 all",
        "Stop\n\nALL.",
        "opt - out".replace(" ", ""),
        "Arre\u0302t",
        "बंद!",
        "बंद करो।",
        "إلغاء؟",
        "\u202bتوقف\u202c",
    ],
)
def test_a_stop_word_is_known_whatever_stands_around_it(text: str) -> None:
    assert read_intent(text) is Intent.STOP


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "🙏",
        "!!!",
        "don't stop",
        "please stop calling me",
        "please stop sending",
        "stop it",
        "nonstop",
        "stopped",
        "the end",
        "bus stop?",
        "s.t.o.p",
        "st op",
        "yes",
        "YES",
        "ok",
        "start now",
        "sto\u0301p",
    ],
)
def test_anything_but_the_whole_word_asks_for_nothing(text: str) -> None:
    assert read_intent(text) is None


def test_a_tenants_own_words_replace_the_default_ones() -> None:
    own = frozenset({"Basta!", "!!!", ""})
    assert read_intent("basta", stop_words=own) is Intent.STOP
    assert read_intent("stop", stop_words=own) is None
    assert read_intent("!!!", stop_words=own) is None
    assert read_intent("👍", stop_words=own) is None


def test_a_list_of_own_words_is_added_to_the_built_in_ones() -> None:
    words = in_force(STOP_WORDS, ["Basta"])
    assert words == DEFAULT_STOP_WORDS | {"Basta"}
    assert in_force(STOP_WORDS, []) == DEFAULT_STOP_WORDS


def test_words_of_a_language_take_the_place_of_its_built_in_ones_and_stop_itself_always_counts() -> None:
    words = in_force(STOP_WORDS, {"pt": ["Basta"], "es": [], "en": ["Enough"], "de": ["Abmelden"]})
    for text in ("basta", "enough", "ABMELDEN", "stop", "unsubscribe", "acha"):
        assert read_intent(text, stop_words=words) is Intent.STOP
    for text in ("sair", "baja", "cancelar"):
        assert read_intent(text, stop_words=words) is None


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([*STOP_WORDS, "de", "it"]), st.lists(st.text(max_size=10), max_size=3)))
def test_no_setting_whatever_switches_stop_off(own: dict[str, list[str]]) -> None:
    for word in STOP_WORDS["en"]:
        assert read_intent(f"{word}!", stop_words=in_force(STOP_WORDS, own)) is Intent.STOP


@pytest.mark.parametrize(("text", "meant"), [("Yes", True), ("¡YES!", True), ("yes please", False), ("yeses", False)])
def test_yes_is_the_whole_message_too(text: str, meant: bool) -> None:
    assert is_yes(text) is meant


def test_a_word_in_both_lists_stops() -> None:
    both = frozenset({"go"})
    assert read_intent("GO", stop_words=both, start_words=both) is Intent.STOP


@pytest.mark.parametrize(
    ("payload", "intent"),
    [
        ("STOP", Intent.STOP),
        ("STOP|c981|r17", Intent.STOP),
        ("stop|x", Intent.STOP),
        ("STOP|", Intent.STOP),
        ("START|x", Intent.START),
        ("START", Intent.START),
        ("STOPWATCH", None),
        ("STOP x", None),
        ("x|STOP", None),
        ("|STOP", None),
        ("YES", None),
        ("", None),
        (None, None),
    ],
)
def test_a_buttons_payload_asks_by_its_first_field(payload: str | None, intent: Intent | None) -> None:
    assert read_payload_intent(payload) is intent


def test_vowel_signs_at_a_words_end_belong_to_it() -> None:
    assert normalise_text("करो!") == "करो"
    assert normalise_text("é") == "é"
    assert normalise_text("!\u0301\u0301") == ""


def test_a_long_run_of_marks_is_read_in_reasonable_time() -> None:
    assert normalise_text("a" + "!\u0301" * 20_000) == "a"
    assert normalise_text("a!" + "\u0301" * 40_000) == "a"


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters() | st.sampled_from("aeक\u0301\u0302ो\u200d\ufe0f !🙏"), max_size=30))
def test_normalising_twice_changes_nothing_and_leaves_no_space_or_sign_at_the_ends(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert once == once.strip()
    assert not once or unicodedata.category(once[0])[0] in "LN"


signs = st.text(st.sampled_from(" \t\n!?.,;:-–—*_~\"'“”«»()🙏🛑👍\ufe0f\u200d\u200f"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(signs, st.sampled_from(sorted(DEFAULT_STOP_WORDS)), signs, st.booleans())
def test_signs_and_case_around_a_stop_word_never_hide_it(before: str, word: str, after: str, is_lower: bool) -> None:
    assert read_intent(before + (word.lower() if is_lower else word) + after) is Intent.STOP


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(DEFAULT_STOP_WORDS)), st.text("bcdfgh", min_size=1, max_size=5), st.booleans())
def test_letters_beside_a_stop_word_always_hide_it(word: str, letters: str, is_before: bool) -> None:
    for glue in ("", " ", ", "):
        assert read_intent(letters + glue + word if is_before else word + glue + letters) is None
