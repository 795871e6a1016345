import json
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywa import WhatsApp
from pywa.types.templates import (
    BodyText,
    CopyCodeButton,
    HeaderDocument,
    HeaderImage,
    HeaderVideo,
    QuickReplyButton,
    TemplateLanguage,
    URLButton,
)
from pywa.types.templates import HeaderLocation as PywaHeaderLocation
from pywa.types.templates import HeaderText as PywaHeaderText

from tulia.channels.types import (
    ButtonValue,
    HeaderLocation,
    HeaderMedia,
    HeaderText,
    OutgoingMessage,
    TemplateCall,
)
from tulia.channels.whatsapp_cloud.payload import PayloadInvalid, to_body

PICTURE = "https://shop.example/m.jpg"
TO = "+254700000001"


def body(**fields: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = orjson.loads(to_body(OutgoingMessage(**{"to": TO, "reference": "r1", **fields})))
    return decoded


def template(**fields: Any) -> TemplateCall:
    return TemplateCall(**{"name": "harvest_offer", "language": "en", **fields})


def test_a_text_goes_out_with_its_plus_sign_and_without_link_preview() -> None:
    assert body(text="Karibu, Amina") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+254700000001",
        "type": "text",
        "text": {"preview_url": False, "body": "Karibu, Amina"},
        "biz_opaque_callback_data": "r1",
    }


def test_a_template_without_values_has_no_components() -> None:
    assert body(template=template())["template"] == {"name": "harvest_offer", "language": {"code": "en"}}


def test_values_are_numbered_or_named() -> None:
    assert body(template=template(positional=("Amina", "Nakuru")))["template"]["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Amina"}, {"type": "text", "text": "Nakuru"}]}
    ]
    assert body(template=template(named=(("first_name", "Amina"),)))["template"]["components"] == [
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Amina"}]}
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "either a text or a template"),
        ({"text": "x", "template": template()}, "not both"),
        ({"text": ""}, "empty"),
        ({"text": " \n"}, "empty"),
        ({"text": "x" * 4_097}, "4,097 characters"),
        ({"text": "half \ud83d"}, "half of a character"),
        ({"text": "x", "to": "254700000001"}, "plus sign"),
        ({"text": "x", "to": "+0700000001"}, "plus sign"),
        ({"text": "x", "to": "+254700000001\n"}, "plus sign"),
        ({"text": "x", "reference": ""}, "reference"),
        ({"text": "x", "reference": "r" * 513}, "reference"),
        ({"template": template(name="Harvest")}, "lower-case"),
        ({"template": template(name="")}, "lower-case"),
        ({"template": template(language="")}, "language"),
        ({"template": template(language="pt-BR")}, "language"),
        ({"template": template(positional=("a",), named=(("b", "c"),))}, "not both"),
        ({"template": template(positional=("a", ""))}, "number 2 is empty"),
        ({"template": template(positional=("a\nb",))}, "line break"),
        ({"template": template(positional=("a     b",))}, "four spaces"),
        ({"template": template(positional=("x" * 1_025,))}, "longer than 1,024"),
        ({"template": template(named=(("a", "1"), ("a", "2")))}, "twice"),
        ({"template": template(named=(("First", "1"),))}, "name of a template value"),
        ({"template": template(named=(("a", "\t"),))}, "'a' is empty"),
        ({"template": template(header=HeaderText(""))}, "of the header is empty"),
        ({"template": template(header=HeaderMedia("image"))}, "either a link or an id"),
        ({"template": template(header=HeaderMedia("image", link=PICTURE, id="7"))}, "either a link or an id"),
        ({"template": template(header=HeaderMedia("image", link="shop.example"))}, "not a web address"),
        ({"template": template(header=HeaderMedia("gif", link=PICTURE))}, "can't show 'gif'"),
        ({"template": template(header=HeaderLocation("1", "", "n", "a"))}, "'longitude' is empty"),
        ({"template": template(buttons=(ButtonValue(0, "url", "a b"),))}, "has a space"),
        ({"template": template(buttons=(ButtonValue(0, "url", ""),))}, "of a button is empty"),
        ({"template": template(buttons=(ButtonValue(0, "quick_reply", ""),))}, "1 to 256"),
        ({"template": template(buttons=(ButtonValue(0, "quick_reply", "x" * 257),))}, "1 to 256"),
        ({"template": template(buttons=(ButtonValue(0, "copy_code", "x" * 21),))}, "longer than 20"),
        ({"template": template(buttons=(ButtonValue(0, "flow", "x"),))}, "can't be filled as 'flow'"),
    ],
)
def test_what_would_be_refused_is_refused_before_it_is_sent(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(PayloadInvalid, match=words):
        body(**fields)


def test_the_longest_text_and_reference_are_taken() -> None:
    assert body(text="é" * 4_096, reference="r" * 512)["text"]["body"] == "é" * 4_096


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3))
def test_any_message_is_valid_json_with_its_words_unchanged_or_refused(text: str, to: str, values: list[str]) -> None:
    for message in (
        OutgoingMessage(to=TO, reference="r", text=text),
        OutgoingMessage(to=to, reference="r", text="x"),
        OutgoingMessage(to=TO, reference="r", template=template(positional=tuple(values))),
    ):
        try:
            decoded = json.loads(to_body(message))
        except PayloadInvalid:
            continue
        assert decoded["to"] == message.to
        if message.text is not None:
            assert decoded["text"]["body"] == message.text


def sent_by_pywa(send: Any) -> dict[str, Any]:
    """The body that an independent client puts on the wire for the same message."""
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        contacts = [{"input": TO, "wa_id": TO[1:], "user_id": "KE.1"}]
        return httpx.Response(200, json={"messages": [{"id": "wamid.1"}], "contacts": contacts})

    with httpx.Client(transport=httpx.MockTransport(answer)) as session:
        send(WhatsApp(phone_id="1065", token="t", session=session))
    return bodies[-1]


def without_defaults(sent: dict[str, Any]) -> dict[str, Any]:
    text = {key: value for key, value in sent.get("text", {}).items() if value}
    return {**sent, **({"text": text} if text else {})}


def test_an_independent_client_sends_the_same_text_body() -> None:
    theirs = sent_by_pywa(lambda wa: wa.send_message(to=TO, text="Karibu", tracker="r1"))
    assert without_defaults(theirs) == without_defaults(body(text="Karibu"))


@pytest.mark.parametrize(
    ("call", "params"),
    [
        (template(positional=("Amina", "Nakuru")), [BodyText.params("Amina", "Nakuru")]),
        (template(named=(("first_name", "Amina"),)), [BodyText.params(first_name="Amina")]),
        (template(header=HeaderText("Amina")), [PywaHeaderText.params("Amina")]),
        (template(header=HeaderText("Amina", "who")), [PywaHeaderText.params(who="Amina")]),
        (
            template(
                header=HeaderMedia("image", link=PICTURE),
                named=(("first_name", "Amina"), ("city", "Nakuru")),
                buttons=(
                    ButtonValue(2, "quick_reply", "STOP|r1"),
                    ButtonValue(0, "url", "r/8fK2x"),
                    ButtonValue(1, "quick_reply", "YES|r1"),
                ),
            ),
            [
                HeaderImage.params(image=PICTURE),
                BodyText.params(first_name="Amina", city="Nakuru"),
                URLButton.params(url_variable="r/8fK2x", index=0),
                QuickReplyButton.params(callback_data="YES|r1", index=1),
                QuickReplyButton.params(callback_data="STOP|r1", index=2),
            ],
        ),
        (template(header=HeaderMedia("video", link=PICTURE)), [HeaderVideo.params(video=PICTURE)]),
        (
            template(header=HeaderMedia("document", link=PICTURE, filename="Menu.pdf")),
            [HeaderDocument.params(document=PICTURE, filename="Menu.pdf")],
        ),
        (
            template(header=HeaderLocation("-1.28", "36.8", "Shop", "Kimathi St")),
            [PywaHeaderLocation.params(lat="-1.28", lon="36.8", name="Shop", address="Kimathi St")],
        ),
        (
            template(buttons=(ButtonValue(0, "copy_code", "250FF"),)),
            [CopyCodeButton.params(coupon_code="250FF", index=0)],
        ),
    ],
)
def test_an_independent_client_sends_the_same_template_body(call: TemplateCall, params: list[Any]) -> None:
    theirs = sent_by_pywa(
        lambda wa: wa.send_template(
            to=TO, name="harvest_offer", language=TemplateLanguage.ENGLISH, params=params, tracker="r1"
        )
    )
    for component in theirs["template"]["components"]:
        for key in {"type", "sub_type", "index"} & set(component):
            component[key] = str(component[key]).lower()
        for parameter in component["parameters"]:
            parameter["type"] = parameter["type"].lower()
    assert theirs == body(template=call)
