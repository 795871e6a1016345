"""Holding a campaign still while it is decided whether it may start. Called in the tenant's scope."""

from __future__ import annotations

from tulia.campaigns.models import MessageCampaign


def hold(campaign: MessageCampaign) -> None:
    """Reads the campaign anew and keeps others from changing it until this transaction ends, so that what was checked is
    what is started."""
    campaign.refresh_from_db(from_queryset=MessageCampaign.objects.select_for_update())


def reserve(campaign: MessageCampaign, *, sends: int | None) -> None:
    """Notes how many of the month's sends the launch takes; None where nothing is counted."""
    MessageCampaign.objects.filter(pk=campaign.pk).update(reserved_sends=sends)
