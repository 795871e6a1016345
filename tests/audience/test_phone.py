import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.audience import phone

KENYAN = "+254712345678"


@pytest.mark.parametrize(
    "raw",
    [
        "0712 345678",
        "0712-345-678",
        "(0712) 345 678",
        "712345678",
        "+254 712 345 678",
        "+254 (0) 712 345678",
        "+2540712345678",
        "00254712345678",
        "00 254 712 345678",
        "000254712345678",
        "254712345678",
        "254 712 345 678",
        "254712345678.0",
        "'0712345678",
        "\u202a+254\u00a0712\u00a0345\u00a0678\u202c",
        "+254712345678",
        "٠٧١٢٣٤٥٦٧٨",
        "०७१२३४५६७८",
        "\t0712345678\n",
    ],
)
def test_one_kenyan_number_in_many_spellings_is_one_number(raw: str) -> None:
    assert phone.normalise(raw, default_country="KE") == KENYAN


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+254700000001", "KE", "+254700000001"),
        ("+254100000001", "US", "+254100000001"),
        ("0100000001", "KE", "+254100000001"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("011254712345678", "US", KENYAN),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("030/1234567", "DE", "+49301234567"),
        ("11 98765-4321", "BR", "+5511987654321"),
    ],
)
def test_the_default_country_gives_meaning_to_national_numbers(raw: str, country: str, expected: str) -> None:
    assert phone.normalise(raw, default_country=country) == expected


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", "no digits"),
        ("+", "no digits"),
        ("—", "no digits"),
        ("12", "too few"),
        ("07123456789012345", "too many"),
        ("+999712345678", "calling code"),
        ("0712345678 ext 5", "does not belong"),
        ("0712345678;0722345678", "does not belong"),
        ("0712345678/0722345678", "too many"),
        ("2.54712E+11", "spreadsheet"),
        ("call me", "does not belong"),
        ("0712+345678", "plus sign"),
        ("7" * 500, "too long"),
        ("+683400", "too few"),
        ("0712\x00345678", "does not belong"),
    ],
)
def test_what_is_no_number_is_refused_in_plain_words(raw: str, words: str) -> None:
    with pytest.raises(phone.BadPhone) as refusal:
        phone.normalise(raw, default_country="KE")
    assert words in refusal.value.reason


def test_a_missing_area_code_is_not_made_up() -> None:
    with pytest.raises(phone.BadPhone, match="area code"):
        phone.normalise("555-2671", default_country="US")


def test_another_countrys_number_without_its_plus_is_not_guessed_at() -> None:
    with pytest.raises(phone.BadPhone):
        phone.normalise("447911123456", default_country="KE")


@pytest.mark.parametrize("country", ["", "ke", "XX", "KEN"])
def test_an_unknown_default_country_is_the_callers_mistake(country: str) -> None:
    with pytest.raises(ValueError) as error:
        phone.normalise(KENYAN, default_country=country)
    assert not isinstance(error.value, phone.BadPhone)


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        (KENYAN, "KE"),
        ("+254100000001", "KE"),
        ("+14155552671", "US"),
        ("+14165550123", "CA"),
        ("+77012345678", "KZ"),
        ("+447400123456", "GB"),
        ("+447911123456", "GG"),
        ("+38344123456", "XK"),
        ("+2478123456", "SH"),
        ("+80012345678", None),
        ("+15555555555", None),
        ("+999123456789", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_country_is_known_where_it_can_be_told(e164: str, country: str | None) -> None:
    assert phone.country_of(e164) == country


def test_time_zones_are_iana_names_and_unknown_ones_are_left_out() -> None:
    assert phone.time_zones_of(KENYAN) == ("Africa/Nairobi",)
    assert phone.time_zones_of("nonsense") == ()
    assert phone.time_zones_of("+999123456789") == ()
    american = phone.time_zones_of("+14155552671")
    assert american
    assert all(datetime.now(UTC).astimezone(ZoneInfo(zone)) for zone in american)


international = st.builds(
    lambda code, rest: f"+{code}{rest}",
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=3, max_size=14),
)


@settings(max_examples=600, deadline=None)
@given(international)
def test_the_fast_path_never_differs_from_the_full_parser(e164: str) -> None:
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        expected = None
    else:
        possible = phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
        text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        canonical = possible and re.fullmatch(r"\+[1-9]\d{6,14}", text)
        expected = text if canonical and phonenumbers.parse(text, None) == parsed else None
    try:
        got = phone.normalise(e164, default_country="KE")
    except phone.BadPhone:
        got = None
    assert got == expected


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), international), st.sampled_from(["KE", "US", "IT", "BR", "DE"]))
def test_any_text_gives_a_canonical_number_or_a_refusal_and_normalising_twice_changes_nothing(
    raw: str, country: str
) -> None:
    try:
        once = phone.normalise(raw, default_country=country)
    except phone.BadPhone:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", once)
    assert phone.normalise(once, default_country="KE") == once


@settings(max_examples=150, deadline=None)
@given(international)
def test_the_country_by_single_code_agrees_with_the_library(e164: str) -> None:
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return
    region = phonenumbers.region_code_for_number(number)
    expected = None if region in (None, "001") else {"AC": "SH", "TA": "SH"}.get(region, region)
    assert phone.country_of(e164) == expected
