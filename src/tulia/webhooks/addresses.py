"""Where events may be posted to (pure): a subscriber chooses the address, and it must not lead into our own network."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

MAX_URL_LENGTH = 500
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Public by the registries, and yet inside somebody's cloud or translated into an address that is.
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


def is_public(text: str) -> bool:
    """Whether an address (as a resolver gives it) belongs to the public internet and to one host."""
    try:
        address: _Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_multicast or address.is_reserved or address.is_unspecified or not address.is_global:
        return False
    return not any(address in network for network in _INSIDE if network.version == address.version)


def what_is_wrong(url: str, *, may_be_local: bool) -> str:
    """Why events can't be posted to this URL, as an ending of a sentence; empty when they can, as far as one sees.

    What a name leads to is known only when connecting, and looked at there.
    """
    schemes = ("https", "http") if may_be_local else ("https",)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "must be an address like https://example.com/hooks"
    if len(url) > MAX_URL_LENGTH or not all("!" <= char <= "~" for char in url) or not host or port == 0:
        return (
            f"must be an address like https://example.com/hooks, of at most {MAX_URL_LENGTH} visible ASCII characters"
        )
    if parts.scheme not in schemes:
        return f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password; what arrives is signed"
    if parts.fragment:
        return "must not hold a fragment (#…)"
    if not may_be_local and (host == "localhost" or host.endswith(".localhost") or _is_inner_literal(host)):
        return "must lead to the public internet"
    return ""


def _is_inner_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not is_public(host)
