"""What a subscription can be told of (pure)."""

from __future__ import annotations

CAMPAIGN_EVENTS = (
    "campaign.scheduled",
    "campaign.started",
    "campaign.paused",
    "campaign.resumed",
    "campaign.completed",
    "campaign.canceled",
)
RECIPIENT_EVENTS = (
    "recipient.sent",
    "recipient.delivered",
    "recipient.read",
    "recipient.replied",
    "recipient.failed",
    "recipient.skipped",
    "recipient.converted",
)
CUSTOMER_EVENTS = ("customer.opted_out", "customer.opted_in")
EVENT_TYPES = (*CAMPAIGN_EVENTS, *RECIPIENT_EVENTS, *CUSTOMER_EVENTS)
TEST_EVENT = "webhook.test"
"""Sent on request only, to try an endpoint; nobody subscribes to it."""
