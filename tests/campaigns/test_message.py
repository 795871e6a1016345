"""What one person is sent: a text, or a template with its values in order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tulia.campaigns import message, render
from tulia.campaigns.message import Slot, TemplateWording, Wording
from tulia.channels import components
from tulia.channels.components import Button, Header
from tulia.channels.types import (
    ButtonValue,
    HeaderLocation,
    HeaderMedia,
    HeaderText,
    OutgoingMessage,
    TemplateCall,
)

PERSON = render.context_of(
    name="Asha  Otieno", phone="+254700000001", external_id="", language="", country="", attributes={}
)


def templated(*values: str, body: str = "Hi {{1}}!", default: str = "", **parts: Any) -> Wording:
    """A template filled with these Liquid texts, place by place."""
    made = components.Components(body, **parts)
    slots = tuple(Slot(place, value, default) for place, value in zip(made.places(), values, strict=False))
    return Wording(body, TemplateWording("t", "en", made, slots))


def composed(wording: Wording) -> OutgoingMessage:
    return message.compose(wording, PERSON, to="+254700000001", reference="r")


def test_a_text_is_filled_in() -> None:
    assert composed(Wording("Hi {{ first_name }}")) == OutgoingMessage("+254700000001", "r", text="Hi Asha")


def test_numbered_values_go_by_position_and_named_ones_by_name() -> None:
    numbered = templated("{{ first_name }}", "x", body="Hi {{1}}, {{2}}!")
    named = templated("{{ first_name }}", "x", body="Hi {{who}}, {{what}}!")
    assert composed(numbered).template == TemplateCall("t", "en", positional=("Asha", "x"))
    assert composed(named).template == TemplateCall("t", "en", named=(("who", "Asha"), ("what", "x")))
    assert composed(templated(body="b")).template == TemplateCall("t", "en")


def test_a_templates_value_loses_its_line_breaks_tabs_and_runs_of_spaces() -> None:
    wording = templated(" a\n\tb      {{ customer.name }} ")
    assert composed(wording).template == TemplateCall("t", "en", positional=("a b Asha Otieno",))


@pytest.mark.parametrize("value", ["{{ customer.attributes.x }}", "{{ '' }}", " "])
def test_a_template_with_a_missing_or_empty_value_is_not_sent(value: str) -> None:
    with pytest.raises(render.Unrenderable):
        composed(templated(value))


PICTURE = {"header": Header("image"), "buttons": (Button("url", "Order", "https://shop.example/o/{{1}}"),)}


def test_header_and_buttons_are_filled_for_each_person() -> None:
    call = composed(
        templated("https://x.example/{{ first_name }}.jpg", "7", "you", "{{ first_name }} & co", **PICTURE)
    ).template
    assert call == TemplateCall(
        "t", "en", positional=("you",), header=HeaderMedia("image", id="7"),
        buttons=(ButtonValue(0, "url", "Asha%20&%20co"),),
    )  # fmt: skip
    text = templated("{{ first_name }}", "you", header=Header("text", "For {{1}}"))
    assert composed(text).template == TemplateCall("t", "en", positional=("you",), header=HeaderText("Asha"))
    named = templated("A", "B", body="Hi {{who}}!", header=Header("text", "For {{first}}"))
    assert composed(named).template == TemplateCall("t", "en", named=(("who", "B"),), header=HeaderText("A", "first"))
    located = templated("-1.28", "36.8", "Shop", "Kimathi St", body="Come!", header=Header("location"))
    assert composed(located).template == TemplateCall(
        "t", "en", header=HeaderLocation("-1.28", "36.8", "Shop", "Kimathi St")
    )


def test_a_tap_says_whose_message_it_was() -> None:
    buttons = (Button("quick_reply", "Stop"), Button("copy_code", "Copy code"))
    call = composed(templated("you", "STOP", "M{{ customer.phone | size }}", buttons=buttons)).template
    assert call is not None
    assert call.buttons == (ButtonValue(0, "quick_reply", "STOP|r"), ButtonValue(1, "copy_code", "M13"))


@pytest.mark.parametrize(
    ("values", "parts", "words"),
    [
        (("ftp://x", "you"), {"header": Header("image")}, "header.link: it is not a web address"),
        (("x y", "you"), {"header": Header("video")}, "web address"),
        (
            ("91", "0", "a", "b", "you"),
            {"header": Header("location")},
            "header.latitude: it is not a number from -90 to 90",
        ),
        (("north", "0", "a", "b", "you"), {"header": Header("location")}, "header.latitude"),
        (("x" * 60, "you"), {"header": Header("text", "For {{1}}")}, "the header would have more than 60"),
        (("x" * 1_022,), {}, "the body would have more than 1,024"),
        (("you", "x" * 21), {"buttons": (Button("copy_code", "Copy"),)}, "the code would have more than 20"),
        (("you", "x" * 256), {"buttons": (Button("quick_reply", "Yes"),)}, "payload would have more than 256"),
        (("{{ nobody }}",), {}, "1: 'nobody' is undefined"),
    ],
)
def test_a_value_that_its_place_does_not_take_makes_no_message(
    values: tuple[str, ...], parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(render.Unrenderable, match=re.escape(words)):
        composed(templated(*values, **parts))


def test_a_templates_default_stands_where_a_value_can_not_be_made() -> None:
    assert composed(templated("{{ nobody }}", default="friend")).template == TemplateCall(
        "t", "en", positional=("friend",)
    )
    with pytest.raises(render.Unrenderable, match="web address"):
        composed(templated("x", "you", default="y", header=Header("image")))


def test_a_message_is_shown_as_a_person_sees_it() -> None:
    buttons = (
        Button("url", "Order", "https://shop.example/{{1}}"), Button("phone_number", "Call", "+254700000001"),
        Button("copy_code", "Copy code"), Button("quick_reply", "Stop"),
    )  # fmt: skip
    slots = components.Components("Hi {{who}}!", Header("image"), "Bye", buttons)
    values = {
        "header.link": "https://x.example/m.jpg", "who": "{{ first_name }}", "buttons[0].url": "m", "buttons[2].code": "M10",
    }  # fmt: skip
    said = Wording("", TemplateWording("t", "en", slots, tuple(
        Slot(place, values[place.key]) for place in slots.places() if place.key in values
    )))  # fmt: skip
    assert message.as_seen(said, composed(said)) == (
        "[image: https://x.example/m.jpg]\n\nHi Asha!\n\nBye\n\n"
        "[Order: https://shop.example/m]\n[Call: +254700000001]\n[Copy code: M10]\n[Stop]"
    )
    plain = templated("Asha", "you", header=Header("text", "For {{1}}"))
    assert message.as_seen(plain, composed(plain)) == "For Asha\n\nHi you!"
    assert message.as_seen(Wording("Hi {{ first_name }}"), composed(Wording("Hi {{ first_name }}"))) == "Hi Asha"


def test_only_what_names_a_person_differs_from_person_to_person() -> None:
    assert Wording("Hello").is_the_same_for_all
    assert not Wording("Hello {{ first_name }}").is_the_same_for_all
    assert templated("you").is_the_same_for_all
    assert not templated("{{ first_name }}").is_the_same_for_all


def test_a_text_that_grew_too_long_is_not_sent() -> None:
    assert composed(Wording("x" * 4_096))
    with pytest.raises(render.Unrenderable, match="characters"):
        composed(Wording("x" * 4_096 + "{{ first_name }}"))
