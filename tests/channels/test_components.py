"""Parts of templates: each limit, beside the path of what breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.channels import components
from tulia.channels.components import Button, Components, ComponentsInvalid, Header

BODY = {"type": "body", "text": "Hi {{first_name}}, mangoes from {{city}} are here."}
REPLY = {"type": "quick_reply", "text": "Tell me more"}
LINK = {"type": "url", "text": "Order", "url": "https://shop.example/o/{{1}}"}
CALL = {"type": "phone_number", "text": "Call us", "phone_number": "+254 700 000 001"}
CODE = {"type": "copy_code", "code": "MANGO10"}


def buttons(*given: Any) -> dict[str, Any]:
    return {"type": "buttons", "buttons": list(given)}


def wrong(*parts: Any) -> dict[str, str]:
    with pytest.raises(ComponentsInvalid) as refused:
        components.read(list(parts))
    return refused.value.wrong


def test_all_parts_are_read_written_and_read_again() -> None:
    given_parts = [
        {"type": "header", "format": "text", "text": "For {{first_name}}"}, BODY, {"type": "footer", "text": "Reply STOP"},
        buttons(LINK, CALL, CODE, REPLY, {"type": "quick_reply", "text": "Not now", "opt_out": True}),
    ]  # fmt: skip
    made = components.read(given_parts)
    assert made == Components(
        BODY["text"], Header("text", "For {{first_name}}"), "Reply STOP",
        (
            Button("url", "Order", "https://shop.example/o/{{1}}"), Button("phone_number", "Call us", "+254 700 000 001"),
            Button("copy_code", "Copy code", "MANGO10"), Button("quick_reply", "Tell me more"),
            Button("quick_reply", "Not now", opt_out=True),
        ),
    )  # fmt: skip
    assert components.read(made.to_json()) == components.stored(made.to_json(), made.body) == made


def test_the_providers_capital_letters_are_taken() -> None:
    made = components.read([{"type": "HEADER", "format": "IMAGE"}, BODY | {"type": "BODY"}])
    assert made == components.read([{"type": "header", "format": "image"}, BODY])


def test_every_place_to_fill_has_a_key() -> None:
    places = components.read(
        [{"type": "header", "format": "document"}, BODY, buttons(LINK, CODE, REPLY, CALL)]
    ).places()
    assert [(place.key, place.is_required) for place in places] == [
        ("header.link", True), ("header.id", False), ("header.filename", False), ("first_name", True), ("city", True),
        ("buttons[0].url", True), ("buttons[1].code", True), ("buttons[2].payload", False),
    ]  # fmt: skip
    header = [{"type": "header", "format": "text", "text": "No. {{1}}"}, {"type": "body", "text": "Hi {{1}}!"}]
    assert [place.key for place in components.read(header).places()] == ["header.1", "1"]
    located = components.read([{"type": "header", "format": "location"}, {"type": "body", "text": "We are here"}])
    assert [place.key.removeprefix("header.") for place in located.places()] == [
        "latitude", "longitude", "name", "address",
    ]  # fmt: skip
    plain = components.read([BODY, buttons({"type": "url", "text": "Shop", "url": "https://shop.example"})])
    assert [place.key for place in plain.places()] == ["first_name", "city"]


@pytest.mark.parametrize(
    ("parts", "path", "words"),
    [
        ([], "components", "needs a body"),
        ([{"type": "footer", "text": "x"}], "components", "needs a body"),
        ([BODY, BODY], "components[1].type", "second body"),
        ([BODY, {"type": "carousel"}], "components[1].type", "one of"),
        ([BODY | {"colour": "red"}], "components[0].colour", "not known"),
        ([{"type": "body"}], "components[0].text", "required"),
        ([{"type": "body", "text": 5}], "components[0].text", "text"),
        ([{"type": "body", "text": " "}], "components[0].text", "1 to 1024"),
        ([{"type": "body", "text": "x" * 1_025}], "components[0].text", "1 to 1024"),
        ([{"type": "body", "text": "{{1}} is here"}], "components[0].text", "begin or end"),
        ([{"type": "body", "text": "Hello {{1}}"}], "components[0].text", "begin or end"),
        ([{"type": "body", "text": "Hello {{1}} {{2}} there"}], "components[0].text", "next to each other"),
        ([{"type": "body", "text": "Hi {{1}}, {{2}}!"}], "components[0].text", "few words"),
        ([{"type": "body", "text": "Hi {{1}} and {{first_name}}!"}], "components[0].text", "mixes"),
        ([{"type": "body", "text": "Hi {{2}}!"}], "components[0].text", "number"),
        ([BODY, {"type": "header", "format": "gif"}], "components[1].format", "one of"),
        ([BODY, {"type": "header", "format": "image", "text": "x"}], "components[1].text", "no place"),
        ([BODY, {"type": "header", "text": "x" * 61}], "components[1].text", "1 to 60"),
        ([BODY, {"type": "header", "text": "a\nb"}], "components[1].text", "one line"),
        ([BODY, {"type": "header", "text": "{{a}} and {{b}}"}], "components[1].text", "one placeholder"),
        ([BODY, {"type": "header", "text": "No. {{1}}"}], "components[1].text", "mixes"),
        ([BODY, {"type": "footer", "text": "x" * 61}], "components[1].text", "1 to 60"),
        ([BODY, {"type": "footer", "text": "by {{name}}"}], "components[1].text", "footer"),
        ([BODY, {"type": "buttons"}], "components[1].buttons", "list"),
        ([BODY, buttons()], "components[1].buttons", "1 to 10"),
        ([BODY, buttons(*[REPLY] * 11)], "components[1].buttons", "there are 11"),
        ([BODY, buttons({"type": "flow", "text": "x"})], "components[1].buttons[0].type", "one of"),
        ([BODY, buttons({"type": "quick_reply"})], "components[1].buttons[0].text", "required"),
        ([BODY, buttons(REPLY, {"type": "quick_reply", "text": "x" * 26})], "components[1].buttons[1].text", "1 to 25"),
        ([BODY, buttons(REPLY | {"text": "Hi {{1}}"})], "components[1].buttons[0].text", "placeholders"),
        ([BODY, buttons(REPLY | {"opt_out": "yes"})], "components[1].buttons[0].opt_out", "true or false"),
        ([BODY, buttons(REPLY | {"url": "https://x.example"})], "components[1].buttons[0].url", "not known"),
        ([BODY, buttons(LINK, LINK, LINK)], "components[1].buttons", "2 of the type url"),
        ([BODY, buttons(CALL, CALL)], "components[1].buttons", "1 of the type phone_number"),
        ([BODY, buttons(CODE, CODE)], "components[1].buttons", "1 of the type copy_code"),
        ([BODY, buttons(REPLY, LINK, REPLY)], "components[1].buttons", "together"),
        ([BODY, buttons(CALL | {"phone_number": "1" * 21})], "components[1].buttons[0].phone_number", "20"),
        ([BODY, buttons(CALL | {"phone_number": "call"})], "components[1].buttons[0].phone_number", "phone number"),
        ([BODY, buttons(CODE | {"code": "x" * 21})], "components[1].buttons[0].code", "20"),
        ([BODY, buttons({"type": "url", "text": "x"})], "components[1].buttons[0].url", "required"),
        *(
            ([BODY, buttons(LINK | {"url": url})], "components[1].buttons[0].url", words)
            for url, words in [
                ("shop.example", "address"), ("ftp://shop.example", "address"), ("https://shop example/", "address"),
                ("https://shop.example/" + "x" * 2_000, "2000"), ("https://shop.example/{{1}}/more", "end"),
                ("https://shop.example/{{1}}{{2}}", "end"), ("https://{{1}}", "address"), ("https://shop.{{1}}", "host"),
                ("https://[", "address"),
            ]
        ),
    ],
)  # fmt: skip
def test_what_breaks_a_limit_is_refused_by_its_path(parts: list[Any], path: str, words: str) -> None:
    found = wrong(*parts)
    assert list(found) == [path]
    assert words in found[path]


def test_every_mistake_is_named_at_once() -> None:
    assert set(wrong({"type": "header", "text": "x" * 61}, {"type": "body", "text": "{{1}}"}, buttons(REPLY | {"text": ""}))) == {
        "components[0].text", "components[1].text", "components[2].buttons[0].text",
    }  # fmt: skip


@pytest.mark.parametrize("given_parts", [None, {}, "x", [1], [None], [[]]])
def test_what_is_no_list_of_objects_is_refused(given_parts: Any) -> None:
    with pytest.raises(ComponentsInvalid):
        components.read(given_parts)


def test_a_body_alone_may_end_with_its_placeholder_because_the_provider_approved_it() -> None:
    assert components.of_body("Hello {{1}}").places()[0].key == "1"
    with pytest.raises(ComponentsInvalid):
        components.of_body("Hello {{1} and {{2}}")


TEXTS = st.text(alphabet="{}1ab _\n:/.h", max_size=12) | st.sampled_from(
    ["https://a.b/{{1}}", "quick_reply", "url", "body"]
)
PARTS = st.dictionaries(
    st.sampled_from(["type", "text", "format", "buttons", "url", "opt_out"]),
    st.sampled_from(["header", "body", "footer", "buttons", "image", "text"]) | TEXTS | st.none() | st.integers()
    | st.lists(st.dictionaries(st.sampled_from(["type", "text", "url", "code"]), TEXTS | st.none()), max_size=3),
)  # fmt: skip


@given(st.lists(PARTS, max_size=4))
def test_any_parts_are_read_or_refused(given_parts: list[Any]) -> None:
    try:
        made = components.read(given_parts)
    except ComponentsInvalid:
        return
    assert components.read(made.to_json()) == made
    assert made.places() is not None
