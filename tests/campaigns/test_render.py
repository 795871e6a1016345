"""Messages for one person: strict, bounded, and never half-empty."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.campaigns import render


def person(name: str = "Asha Otieno", **attributes: Any) -> dict[str, Any]:
    return render.context_of(
        name=name, phone="+254700000001", external_id="C1", language="sw", country="KE", attributes=attributes
    )


def made(text: str, **attributes: Any) -> str:
    assert render.problem_with(text) is None
    return render.render(text, person(**attributes))


def test_a_message_says_the_persons_own_fields() -> None:
    text = "{{ customer.name }}|{{ customer.first_name }}|{{ first_name }}|{{ customer_name }}|{{ customer.phone }}"
    assert made(text) == "Asha Otieno|Asha|Asha|Asha Otieno|+254700000001"
    assert made("{{ customer.external_id }}{{ customer.language }}{{ customer.country }}") == "C1swKE"
    assert made("{{ customer.attributes.city | upcase }}", city="Thika") == "THIKA"


@pytest.mark.parametrize("text", ["Hello!", "50 % off {now}", "مرحبا 🥭", "a } b", " x "])
def test_a_text_without_liquid_goes_out_as_it_is(text: str) -> None:
    assert made(text) == text


MISSING = [
    "{{ nobody }}", "{{ customer.attributes.city }}", "{{ customer.attributes.city.name }}", "{{ customer.nope | upcase }}",
    "{{ customer.nope | date: '%d' }}", "{{ customer.nope | size }}", "{{ customer.nope | first }}", "{{ 'a' | append: nope }}",
    "{% if customer.nope %}{% endif %}", "{% if customer.nope == 'x' %}{% endif %}", "{% for a in nope %}{% endfor %}",
    "{% case nope %}{% when 1 %}{% endcase %}", "{% if nope contains 'x' %}{% endif %}", "{% assign a = nope %}{{ a }}",
    "{{ customer.__class__ }}", "{{ customer.items }}", "{{ customer.attributes.__init__.__globals__ }}", "{{ self }}",
]  # fmt: skip


@pytest.mark.parametrize("text", MISSING)
def test_a_missing_value_is_an_error_whatever_is_done_with_it(text: str) -> None:
    with pytest.raises(render.Unrenderable, match="undefined"):
        made("Hello " + text)


@pytest.mark.parametrize("blank", ["", "  ", None, [], {}])
def test_a_blank_attribute_is_a_missing_one(blank: Any) -> None:
    with pytest.raises(render.Unrenderable, match="undefined"):
        made("Hello from {{ customer.attributes.city }}", city=blank)
    assert made("{{ customer.attributes.city | default: 'town' }}", city=blank) == "town"


@pytest.mark.parametrize("value", [0, False, 0.0])
def test_zero_and_false_are_values(value: Any) -> None:
    assert made("{{ customer.attributes.debt }}", debt=value) == str(value).lower()


@pytest.mark.parametrize("name", ["", "   ", "\n"])
@pytest.mark.parametrize("field", ["customer.name", "customer.first_name", "customer_name", "first_name"])
def test_who_has_no_name_is_not_greeted_with_nothing(name: str, field: str) -> None:
    with pytest.raises(render.Unrenderable):
        render.render(f"Hi {{{{ {field} }}}}", person(name))
    assert render.render(f"Hi {{{{ {field} | default: 'friend' }}}}", person(name)) == "Hi friend"


@pytest.mark.parametrize(
    "text", ["{{ '' }}", "{% if false %}x{% endif %}", "{{ ' ' }}\n", "{% comment %}x{% endcomment %}"]
)
def test_an_empty_message_is_none(text: str) -> None:
    with pytest.raises(render.Unrenderable, match="empty"):
        made(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{", "{% if %}", "{% if true %}", "{{ a | }}", "{{ a | shout }}", "{% nope %}", "{% include '/etc/passwd' %}",
        "{% render 'x' %}", "{% tablerow i in customer %}x{% endtablerow %}", "{% if true %}" * 60 + "{% endif %}" * 60,
        "{% if " + " and ".join(["true"] * 400) + " %}x{% endif %}", "{{ a" + "[a" * 900 + "]" * 900 + " }}",
    ],
)  # fmt: skip
def test_what_is_no_liquid_for_messages_is_refused_before_anything_is_sent(text: str) -> None:
    assert "is not valid Liquid" in (render.problem_with(text) or "")


RANGES = [
    "{% for i in (1..100000000) %}x{% endfor %}", "{% for i in (1..100000000) reversed %}x{% endfor %}",
    "{% assign a = (1..100000000) | sort %}", "{{ (1..100000000) | join: ',' }}", "{% if (1..9) contains 3 %}{% endif %}",
    "{% capture a %}{% if true %}{% else %}{{ (1..3) }}{% endif %}{% endcapture %}", "{{ 'a' | default: (1..9) }}",
    "{% for i in (1..customer.attributes.n) %}x{% endfor %}", "{% liquid\nfor i in (1..9)\necho i\nendfor %}",
    "{% case 1 %}{% when (1..9) %}{% endcase %}", "{% unless (1..9) contains 3 %}{% endunless %}", "{% cycle (1..3), 2 %}",
    "{% for x in y limit: (1..3) %}{% endfor %}", "{% echo (1..9) %}", "{% if false %}{% elsif (1..9) %}{% endif %}",
]  # fmt: skip


@pytest.mark.parametrize("text", RANGES)
def test_a_range_is_refused_wherever_it_stands(text: str) -> None:
    began = time.perf_counter()
    assert "ranges" in (render.problem_with(text) or "")
    assert time.perf_counter() - began < 0.5


LETTERS = "'aaaaaaaaaa'"
GREEDY = [
    "{% for a in customer.attributes.many %}{% for b in customer.attributes.many %}x{% endfor %}{% endfor %}",
    "{% assign x = 'ab' %}{% for a in customer.attributes.many %}{% assign x = x | append: x %}{% endfor %}{{ x | size }}",
    "{% assign x = 99 %}{% for a in customer.attributes.many %}{% assign x = x | times: x %}{% endfor %}{{ x }}",
    "{% assign x = customer.attributes.many %}{% for a in x %}{% assign x = x | concat: x %}{% endfor %}{{ x | size }}",
    "{{ " + LETTERS + f" | replace: 'a', {LETTERS}" * 100 + " | size }}",
    "{% for a in customer.attributes.many %}{{ customer.attributes.long }}{% endfor %}",
    "{{ customer.attributes.long | append: customer.attributes.long | size }}",
]


@pytest.mark.parametrize("text", GREEDY)
def test_what_would_take_too_much_time_or_memory_is_given_up_quickly(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(render.Unrenderable, match="too much"):
        made(text, many=list(range(100)), long="x" * 10_000)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1 | divided_by: 0 }}",
        "{{ 'é' | base64_decode }}",
        "{{ customer.name | plus: 'x' | round: 'x' }}x{{ 1 | slice }}",
    ],
)
def test_what_a_filter_can_not_do_is_unrenderable_and_quotes_nobody(text: str) -> None:
    with pytest.raises(render.Unrenderable) as refused:
        made(text)
    assert "Asha" not in str(refused.value)


def test_loops_over_the_persons_own_lists_work() -> None:
    text = (
        "{% for item in customer.attributes.cart %}{{ forloop.index }}. {{ item }}"
        "{% unless forloop.last %}, {% endunless %}{% endfor %}"
    )
    assert made(text, cart=["mango", "kiwi"]) == "1. mango, 2. kiwi"


def test_one_person_s_variables_are_gone_for_the_next() -> None:
    text = "{% if customer.attributes.vip %}{% assign tier = 'gold' %}{% endif %}{{ tier | default: 'none' }}"
    assert made(text, vip=True) == "gold"
    assert made(text, vip=False) == "none"


def test_what_a_person_is_called_is_never_run_as_liquid() -> None:
    assert render.render("Hi {{ customer.name }}", person("{{ customer.phone }} {% raw %}")) == (
        "Hi {{ customer.phone }} {% raw %}"
    )


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "|", "if", "endif", "for", "endfor", "in", "x", "customer", ".name", "default:", "'a'", "9",
     "times:", "replace:", ",", "assign", "=", "(", "..", ")", "date:", "split:", "join:", "sort", "reverse", "capture"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES | st.text(max_size=3), max_size=25).map(" ".join))
def test_any_text_is_refused_unrenderable_or_a_message(text: str) -> None:
    if render.problem_with(text) is None:
        with contextlib.suppress(render.Unrenderable):
            assert render.render(text, person()).strip()


NAIROBI_NIGHT = datetime(2026, 5, 20, 22, 0, tzinfo=UTC)  # one o'clock of the next day in Nairobi


def on_a_clock(text: str, timezone: str = "Africa/Nairobi", **attributes: Any) -> str:
    assert render.problem_with(text) is None
    context = render.context_of(
        name="Asha", phone="+254700000001", external_id="", language="", country="", attributes=attributes,
        timezone=timezone, now=NAIROBI_NIGHT,
    )  # fmt: skip
    return render.render(text, context)


@pytest.mark.parametrize("now", ["now", "'now'", "'today'"])
def test_the_day_and_the_hour_are_those_of_the_persons_own_clock(now: str) -> None:
    text = f"{{{{ {now} | date: '%d %H:%M' }}}}"
    assert on_a_clock(text) == "21 01:00"
    assert on_a_clock(text, "America/New_York") == "20 18:00"
    assert on_a_clock(text, "") == on_a_clock(text, "Atlantis/Capital") == "20 22:00"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-12-24T22:30:00Z", "25 Dec 01:30"), ("2026-12-24T22:30:00+03:00", "24 Dec 22:30"),
        ("2026-12-24T22:30", "24 Dec 22:30"), ("2026-12-24", "24 Dec 00:00"), ("24 December 2026", "24 Dec 00:00"),
        ("Dec 24, 2026", "24 Dec 00:00"), (1_798_151_400, "25 Dec 01:30"), ("1798151400", "25 Dec 01:30"),
    ],
)  # fmt: skip
def test_a_time_with_a_zone_is_put_on_the_persons_clock_and_one_without_is_left(value: Any, shown: str) -> None:
    assert on_a_clock("{{ customer.attributes.at | date: '%d %b %H:%M' }}", at=value) == shown


@pytest.mark.parametrize("value", ["soon", "31.02.2026", True, [1], {"a": 1}, 10**18])
def test_what_is_no_date_is_never_shown_as_one(value: Any) -> None:
    with pytest.raises(render.Unrenderable):
        on_a_clock("{{ customer.attributes.at | date: '%d' }}", at=value)


def test_without_a_now_there_are_no_dates() -> None:
    with pytest.raises(render.Unrenderable, match="now"):
        made("{{ 'now' | date: '%d' }}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ frist_name }}", "frist_name is not known"),
        ("{{ customer.attributes.city }}", "customer.attributes.city is not known"),
        ("{{ '' }}", "the message would be empty"),
    ],
)
def test_why_a_message_can_not_be_made_is_said_in_plain_words(text: str, words: str) -> None:
    with pytest.raises(render.Unrenderable) as refused:
        made(text)
    assert render.in_words(refused.value) == words
