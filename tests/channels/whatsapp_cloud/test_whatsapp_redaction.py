"""Taking one person out of a callback leaves what is said of the others, whatever its shape."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.channels.whatsapp_cloud import callback
from tulia.channels.whatsapp_cloud.redaction import marks_in, marks_of, without
from whatsapp_simulator.wamid import mint_inbound, mint_outbound

GONE, STAYS = "254712345678", "254799999999"


def status(person: str) -> dict[str, Any]:
    return {
        "id": mint_outbound(person, bytes(9)), "status": "read", "timestamp": "1770000000", "recipient_id": person
    }  # fmt: skip


def body(**value: Any) -> bytes:
    inner = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, **value}
    return orjson.dumps(
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": inner}]}]}
    )


def test_updates_of_the_person_go_and_those_of_others_stay() -> None:
    written = [
        {
            "from": one,
            "id": mint_inbound(one, bytes(10)),
            "timestamp": "1770000000",
            "type": "text",
            "text": {"body": t},
        }
        for one, t in ((GONE, "a secret"), (STAYS, "hello"))
    ]
    contacts = [{"wa_id": GONE, "profile": {"name": "Wanjiru"}}, {"wa_id": STAYS, "profile": {"name": "Otieno"}}]
    left = without(
        body(statuses=[status(GONE), status(STAYS)], messages=written, contacts=contacts), marks_of("+" + GONE)
    )
    for text in (GONE, "Wanjiru", "a secret", mint_outbound(GONE, bytes(9))[6:24]):
        assert text.encode() not in left
    content = callback.parse(left, phone_number_id="1")
    assert [one.message_id for one in content.statuses] == [mint_outbound(STAYS, bytes(9))]
    assert [(one.text, one.profile_name) for one in content.messages] == [("hello", "Otieno")]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b'{"entry": [{"changes": [{"value": {"statuses": 5}}]}]}'])
def test_what_is_no_callback_is_blotted_out_where_it_names_the_person(raw: bytes) -> None:
    left = without(raw + GONE.encode(), marks_of("+" + GONE))
    assert GONE.encode() not in left


@settings(max_examples=200, deadline=None)
@given(st.integers(10**6, 10**15 - 1), st.binary(min_size=9, max_size=9))
def test_a_number_is_found_in_message_ids_of_any_length_and_read_from_them(number: int, tail: bytes) -> None:
    person = str(number)
    outbound = mint_outbound(person, tail)
    assert marks_of("+" + person)[1] in outbound
    assert marks_of("+" + person)[1] in mint_inbound(person, tail + b"x")
    assert marks_in(outbound) == marks_of("+" + person)


@pytest.mark.parametrize("id_", ["", "wamid.", "wamid.abc", "SM0123456789abcdef", "wamid.%%%", "erased"])
def test_an_id_that_tells_nobody_has_no_marks(id_: str) -> None:
    assert marks_in(id_) == ()
