"""Makes one person's message of a campaign, the moment before it goes out."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from tulia.campaigns import links, message, render
from tulia.campaigns.links import LinkMaker
from tulia.channels.types import OutgoingMessage
from tulia.core import clock, crypto
from tulia.dispatch.courses import Course
from tulia.ledger import reference
from tulia.ledger.claim import ClaimedPerson


class Composer:
    """Makes the messages of one tenant's campaigns."""

    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id
        self._link_key = crypto.derive(links.KEY_PURPOSE)

    def compose(self, course: Course, person: ClaimedPerson) -> OutgoingMessage:
        """What goes out to this person. Raises render.Unrenderable when it would be half-empty."""
        arm = person.arm if person.arm < len(course.wordings) else 0
        names = course.names[arm]  # what no text speaks of isn't worked out
        context = render.context_of(
            name=person.name, phone=person.phone, external_id=person.external_id, language=person.language,
            country=person.country, attributes=person.attributes if names is None or "attributes" in names else {},
            timezone=person.timezone, now=clock.now() if names is None or "now" in names else None,
        )  # fmt: skip
        if addresses := course.tracked_addresses[arm]:
            context["links"] = LinkMaker(
                settings.PUBLIC_URL, self._link_key, self._tenant_id, person.recipient_id, addresses
            )
        return message.compose(
            course.wordings[arm],
            context,
            to=person.phone,
            reference=reference.make(course.campaign.pk, person.recipient_id),
        )
