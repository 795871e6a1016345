"""Following a link of a message: where it leads, and who is noted to have followed it."""

from __future__ import annotations

import re

from tulia.campaigns import edit, links, wordings
from tulia.core import clock, crypto
from tulia.core.errors import Missing, Refusal
from tulia.ledger import queries, record
from tulia.ledger.record import Evidence, Kind
from tulia.tenants.scope import tenant_scope

_MACHINES = re.compile(r"facebookexternalhit|whatsapp/|bot\b|crawler|spider|preview|curl/|python-", re.IGNORECASE)
"""Programs that look at a link to show what is behind it; nobody has followed it then."""


def follow(token: str, *, user_agent: str, is_look: bool = False) -> str:
    """The address a link leads to; the person whose link it is has clicked, unless a program only had a look.

    Nobody need be signed in: the link itself says whose it is, and is signed. Raises Missing for any other.
    """
    found = links.read(token, key=crypto.derive(links.KEY_PURPOSE))
    if found is None:
        raise Missing("There is no such link.")
    with tenant_scope(found.tenant_id):
        place = queries.place_of(found.tenant_id, found.recipient_id)
        try:
            said = wordings.of_campaign(edit.find(found.tenant_id, place.campaign_id))
            addresses = said[place.arm if place.arm < len(said) else 0].tracked_addresses
        except Refusal as refusal:  # its template was changed or is gone
            raise Missing("There is no such link any more.") from refusal
        if found.number >= len(addresses):
            raise Missing("There is no such link any more.")
        if not is_look and not _MACHINES.search(user_agent):
            click = Evidence(found.recipient_id, Kind.CLICKED, clock.now(), campaign_id=place.campaign_id)
            record.record(found.tenant_id, place.sender_id, [click])
    return addresses[found.number]
