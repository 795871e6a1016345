from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.business import template
from whatsapp_simulator import outgoing
from whatsapp_simulator.graph_errors import Refusal

TEXT = {"messaging_product": "whatsapp", "to": "+254700000001", "type": "text", "text": {"body": "Hi"}}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"messaging_product": None}, 100),
        ({"messaging_product": "sms"}, 100),
        ({"type": None}, 131008),
        ({"type": "telegram"}, 131051),
        ({"text": None}, 131008),
        ({"text": {}}, 131008),
        ({"text": {"body": ""}}, 131008),
        ({"text": {"body": "x" * 4097}}, 100),
        ({"to": None}, 100),
        ({"to": 254700000001}, 100),
        ({"biz_opaque_callback_data": "x" * 513}, 100),
        ({"biz_opaque_callback_data": 5}, 100),
        ({"type": "template", "template": {"name": "x"}}, 131008),
        ({"type": "template", "template": {"name": "x", "language": {"code": "en"}, "components": {}}}, 100),
        ({"type": "template", "template": {"name": "x", "language": {"code": "en"}, "components": [1]}}, 100),
    ],
)
def test_a_malformed_request_is_refused_with_its_code(changes: dict[str, Any], code: int) -> None:
    read = outgoing.read({**TEXT, **changes})
    assert isinstance(read, Refusal)
    assert read.code == code


@pytest.mark.parametrize("text", ["two\nlines", "a\ttab", "five     spaces"])
def test_a_template_parameter_may_not_be_laid_out(text: str) -> None:
    body = template("+254700000001")
    body["template"]["components"][0]["parameters"][0]["text"] = text
    read = outgoing.read(body)
    assert isinstance(read, Refusal)
    assert read.code == 132012


def test_a_text_of_the_greatest_length_is_fine() -> None:
    longest = {**TEXT, "text": {"body": "x" * 4096}, "biz_opaque_callback_data": "y" * 512}
    assert isinstance(outgoing.read(longest), outgoing.Outgoing)


@settings(deadline=None)
@given(json_values)
def test_no_body_whatever_is_too_strange(body: object) -> None:
    assert isinstance(outgoing.read(body), Refusal)
    outgoing.peek(body)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["to", "type", "text", "template", "interactive"]), json_values))
def test_no_strange_part_is_too_strange(parts: dict[str, Any]) -> None:
    for kind in ("text", "template", "interactive"):
        outgoing.read({**TEXT, "type": kind, **parts})


@pytest.mark.parametrize("entered", ["+254700000001", "254700000001", "+254 700-000 001", "+254 (700) 000.001"])
def test_spellings_of_a_number_are_the_same_person(entered: str) -> None:
    read = outgoing.read({**TEXT, "to": entered})
    assert isinstance(read, outgoing.Outgoing)
    assert (read.person, read.entered) == ("254700000001", entered)
    assert outgoing.recipient(read, "254711000000") is None


@pytest.mark.parametrize(
    ("entered", "code"),
    [("+25470", 131009), ("hello there", 131009), ("+0700000001", 131009), ("+" + "1" * 16, 131009),
     ("+٢٥٤٧٠٠٠٠٠٠٠١", 131009), ("+254711000000", 131021)],
)  # fmt: skip
def test_a_recipient_that_cannot_be_is_refused(entered: str, code: int) -> None:
    read = outgoing.read({**TEXT, "to": entered})
    assert isinstance(read, outgoing.Outgoing)
    refusal = outgoing.recipient(read, "254711000000")
    assert refusal is not None
    assert refusal.code == code


def test_to_wins_over_recipient() -> None:
    read = outgoing.read({**TEXT, "recipient": "KE.1349"})
    assert isinstance(read, outgoing.Outgoing)
    assert read.person == "254700000001"
