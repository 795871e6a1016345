from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_simulator import wamid

people = st.one_of(st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), st.just("KE.13491208655302741918"))


@settings(deadline=None)
@given(people, st.binary(min_size=9, max_size=9))
def test_an_outbound_id_can_be_read_back(person: str, tail: bytes) -> None:
    read = wamid.read(wamid.mint_outbound(person, tail))
    assert read == wamid.Wamid(person, inbound=False, digits=tail.hex().upper())


@settings(deadline=None)
@given(people, st.binary(min_size=10, max_size=10))
def test_an_inbound_id_can_be_read_back(person: str, tail: bytes) -> None:
    read = wamid.read(wamid.mint_inbound(person, tail))
    assert read == wamid.Wamid(person, inbound=True, digits=tail.hex().upper())


def test_an_outbound_id_has_the_frame_of_the_platforms_own() -> None:
    minted = wamid.mint_outbound("254700000001", bytes(range(9)))
    assert minted.startswith("wamid.HBgMMjU0NzAwMDAwMDAxFQIAERgS")
    raw = base64.b64decode(minted[6:])
    assert raw == b"\x1c\x18\x0c254700000001\x15\x02\x00\x11\x18\x12000102030405060708\x00"


@pytest.mark.parametrize(
    "text", ["", "wamid.", "wamid.AAAA", "HBgMMjU0", "wamid.###", "wamid.HBgMMjU0NzAwMDAwMDAxFQIA"]
)
def test_anything_else_is_not_an_id(text: str) -> None:
    with pytest.raises(ValueError):
        wamid.read(text)
