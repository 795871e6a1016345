"""Plain texts are filled in as the template language itself would."""

from __future__ import annotations

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
