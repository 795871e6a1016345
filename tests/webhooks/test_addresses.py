from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulia.webhooks import addresses


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_public_internet(text: str) -> None:
    assert addresses.is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "no address", "",
    ],
)  # fmt: skip
def test_addresses_inside_a_network_or_of_nobody(text: str) -> None:
    assert not addresses.is_public(text)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=6, network="fc00::/7"))
def test_no_private_address_is_public(address: object) -> None:
    assert not addresses.is_public(str(address))


@given(st.text(max_size=40))
def test_no_text_can_break_it(text: str) -> None:
    addresses.is_public(text)
    addresses.what_is_wrong(text, may_be_local=False)
    addresses.what_is_wrong(f"https://{text}", may_be_local=False)


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com:8443/a/b?c=d", "https://8.8.8.8/hook"])
def test_urls_that_are_fine(url: str) -> None:
    assert addresses.what_is_wrong(url, may_be_local=False) == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com", "must begin with https://"),
        ("ftp://example.com", "must begin with https://"),
        ("example.com", "must be an address"),
        ("https://", "must be an address"),
        ("https://example.com:99999", "must be an address"),
        ("https://example.com:0", "must be an address"),
        ("https://exa mple.com", "must be an address"),
        ("https://exämple.com", "must be an address"),
        ("https://" + "a" * 500, "must be an address"),
        ("https://[::1", "must be an address"),
        ("https://user:word@example.com", "user name or password"),
        ("https://example.com/#part", "fragment"),
        ("https://localhost/hook", "public internet"),
        ("https://127.0.0.1/hook", "public internet"),
        ("https://[::1]/hook", "public internet"),
        ("https://169.254.169.254/latest/meta-data", "public internet"),
    ],
)
def test_urls_that_are_not(url: str, said: str) -> None:
    assert said in addresses.what_is_wrong(url, may_be_local=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999/hook", "http://localhost/", "https://10.0.0.1/"])
def test_an_installation_may_allow_local_ones(url: str) -> None:
    assert addresses.what_is_wrong(url, may_be_local=True) == ""
    assert addresses.what_is_wrong(url, may_be_local=False) != ""
