"""What one person is sent: a text, or a template with its values in order."""

from __future__ import annotations

import pytest

from tulia.campaigns import message, render
from tulia.campaigns.message import Wording
from tulia.channels.types import OutgoingMessage, TemplateCall

PERSON = render.context_of(
    name="Asha  Otieno", phone="+254700000001", external_id="", language="", country="", attributes={}
)


def composed(wording: Wording) -> OutgoingMessage:
    return message.compose(wording, PERSON, to="+254700000001", reference="r")


def test_a_text_is_filled_in() -> None:
    assert composed(Wording("Hi {{ first_name }}")) == OutgoingMessage("+254700000001", "r", text="Hi Asha")


def test_numbered_values_go_by_position_and_named_ones_by_name() -> None:
    numbered = Wording("b", "t", "en", ("1", "2"), ("{{ first_name }}", "x"))
    named = Wording("b", "t", "en", ("who", "what"), ("{{ first_name }}", "x"))
    assert composed(numbered).template == TemplateCall("t", "en", positional=("Asha", "x"))
    assert composed(named).template == TemplateCall("t", "en", named=(("who", "Asha"), ("what", "x")))
    assert composed(Wording("b", "t", "en")).template == TemplateCall("t", "en")


def test_a_templates_value_loses_its_line_breaks_tabs_and_runs_of_spaces() -> None:
    wording = Wording("b", "t", "en", ("1",), (" a\n\tb      {{ customer.name }} ",))
    assert composed(wording).template == TemplateCall("t", "en", positional=("a b Asha Otieno",))


@pytest.mark.parametrize("value", ["{{ customer.attributes.x }}", "{{ '' }}", " "])
def test_a_template_with_a_missing_or_empty_value_is_not_sent(value: str) -> None:
    with pytest.raises(render.Unrenderable):
        composed(Wording("b", "t", "en", ("1",), (value,)))


def test_a_text_that_grew_too_long_is_not_sent() -> None:
    assert composed(Wording("x" * 4_096))
    with pytest.raises(render.Unrenderable, match="characters"):
        composed(Wording("x" * 4_096 + "{{ first_name }}"))
