"""Plain texts are filled in as the template language itself would."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.campaigns import outline, render, sandbox

WORDS = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=20)
NAMES = st.sampled_from(["name", "first_name", "size", "missing", "customer.name", "customer.attributes.city",
                         "customer['attributes']['city']", "customer.attributes.size", "customer.attributes.first",
                         "customer.attributes", "name.size", "customer.attributes[name]", "customer.attributes.n",
                         "now"])  # fmt: skip
MARKS = st.sampled_from(["{{ %s }}", "{{%s}}", "{{- %s -}}"])
TEXTS = st.text(alphabet="abc é\n<&\"'%}", max_size=12).filter(lambda text: "{{" not in text and "{%" not in text)


@given(
    parts=st.lists(
        st.tuples(TEXTS, NAMES, st.sampled_from(["{{ %s }}", "{{%s}}", "{{- %s -}}"])), min_size=1, max_size=4
    ),
    name=WORDS,
    city=st.one_of(WORDS, st.integers(), st.booleans(), st.lists(WORDS, max_size=2)),
)
def test_what_is_filled_in_plainly_is_what_the_language_makes(
    parts: list[tuple[str, str, str]], name: str, city: Any
) -> None:
    template = sandbox.parse("".join(text + mark % path for text, path, mark in parts))
    person = render.context_of(
        name=name, phone="+1", external_id="", language="en", country="KE",
        attributes={"city": city, "size": "big", "first": "f", "n": 3},
    )  # fmt: skip
    plain = outline.of(template)
    made = outline.filled(plain, person) if plain is not None else None
    if made is not None:
        assert made == template.render(**person)


@given(
    parts=st.lists(st.tuples(TEXTS, NAMES | st.just("customer"), MARKS), min_size=1, max_size=4),
    name=WORDS,
)
def test_what_no_field_names_makes_no_difference(parts: list[tuple[str, str, str]], name: str) -> None:
    text = "".join(text + mark % path for text, path, mark in parts)
    names = render.names_in(text)

    def made(attributes: dict[str, Any], now: datetime | None) -> str:
        person = render.context_of(
            name=name, phone="+1", external_id="", language="en", country="KE", attributes=attributes, now=now
        )
        try:
            return render.render(text, person)
        except render.Unrenderable as error:
            return f"refused: {error}"

    everything, now = {"city": "Nairobi", "size": "big", "n": 3}, datetime(2026, 5, 20, tzinfo=UTC)
    needed = everything if names is None or "attributes" in names else {}
    assert made(needed, now if names is None or "now" in names else None) == made(everything, now)


def test_a_text_without_fields_names_nothing_and_one_that_does_more_may_name_anything() -> None:
    assert render.names_in("Hello!") == frozenset()
    assert render.names_in("Hello {{ name }} of {{ customer.attributes.city }}") == {
        "name", "customer", "attributes", "city",
    }  # fmt: skip
    assert render.names_in("{{ name | upcase }}") is None
    assert render.names_in("{{ customer }}") is None
    assert render.names_in("Save {{") is None, "a template's own default need not be Liquid, and is sent as it stands"


def test_most_messages_are_plain() -> None:
    person = render.context_of(
        name="Ada Obi", phone="+1", external_id="", language="en", country="KE", attributes={"city": "Nairobi"}
    )
    plain = outline.of(sandbox.parse("Hello {{ first_name }}, {{ customer.attributes.city }} has mangoes."))
    assert plain is not None
    assert outline.filled(plain, person) == "Hello Ada, Nairobi has mangoes."


@pytest.mark.parametrize("text", ["{{ name | upcase }}", "{% if name %}a{% endif %}", "{{ 'a' }}", "{{ name.size }}"])
def test_what_does_more_than_name_fields_is_left_to_the_language(text: str) -> None:
    assert outline.of(sandbox.parse(text)) is None
