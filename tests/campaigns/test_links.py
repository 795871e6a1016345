"""Links that tell who followed them: made for one person, read back, and never anybody else's."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.campaigns import links
from tulia.campaigns.links import Follow, LinkMaker

KEY = b"k" * 32
FOLLOWS = st.builds(Follow, st.uuids(), st.integers(0, 2**63 - 1), st.integers(0, 255))


@given(follow=FOLLOWS)
def test_a_link_is_read_back_and_has_only_what_stands_in_an_address(follow: Follow) -> None:
    token = links.sign(follow, key=KEY)
    assert re.fullmatch(r"[\w-]{43}", token)
    assert links.read(token, key=KEY) == follow
    assert links.read(token, key=b"another") is None


@given(follow=FOLLOWS, at=st.integers(0, 41), other=st.sampled_from("abcXYZ019-_"))
def test_a_changed_link_is_nobodys(follow: Follow, at: int, other: str) -> None:
    token = links.sign(follow, key=KEY)
    changed = token[:at] + other + token[at + 1 :]
    assert changed == token or links.read(changed, key=KEY) is None


@given(text=st.text())
def test_any_text_is_a_link_or_nobodys(text: str) -> None:
    assert links.read(text, key=KEY) is None


def test_only_addresses_that_the_text_itself_names_can_be_tracked() -> None:
    texts = ["Look: {{ \"https://a.example/x?y=1\" | track }} or {{ 'http://b.example' |track }}", "{{ url | track }}"]
    named = links.addresses_in([*texts, texts[0]])
    assert named == ("https://a.example/x?y=1", "http://b.example")
    maker = LinkMaker("https://tulia.example/", KEY, uuid.uuid4(), 7, named)
    link = maker.link_to("http://b.example")
    assert link.startswith("https://tulia.example/l/")
    assert links.read(link.rpartition("/")[2], key=KEY) == Follow(maker.tenant_id, 7, 1)
    with pytest.raises(LookupError):
        maker.link_to("https://evil.example")


def test_what_is_no_address_is_not_tracked() -> None:
    for text in (
        '{{ "ftp://x" | track }}',
        '{{ "javascript:alert(1)" | track }}',
        '{{ "https://x" | tracked }}',
        '"https://x"',
    ):
        assert links.addresses_in([text]) == ()
