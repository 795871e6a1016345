"""The ledger's names in words for people (pure)."""

from __future__ import annotations

STATUSES = {
    "draft": "Draft", "scheduled": "Scheduled", "sending": "Sending", "paused": "Paused", "completed": "Finished",
    "canceled": "Canceled",
}  # fmt: skip

# Each line of the balance sheet: its name, and what it means.
LINES = {
    "sent": ("Sent", "WhatsApp took the message and didn't fail it later."),
    "failed": ("Failed", "It didn't arrive, and won't."),
    "skipped": ("Skipped", "Nothing was sent, for a reason."),
    "unknown": ("Unknown", "It may have gone out: no answer came back. It is never sent again by itself."),
    "sending": ("Sending now", "On its way to WhatsApp at this moment."),
    "deferred": ("Trying again later", "A first try didn't work; it is tried again by itself."),
    "waiting": ("Waiting", "Its turn is still to come."),
    "cancelled": ("Canceled", "The campaign was canceled before it was sent."),
    "holdout": ("Held out", "Left out on purpose, to compare with."),
}

STATES = {
    "waiting": "Waiting", "deferred": "Trying again later", "sending": "Sending now", "unknown": "Unknown",
    "holdout": "Held out", "skipped": "Skipped", "cancelled": "Canceled", "accepted": "Sent", "sent": "Sent",
    "failed": "Failed", "delivered": "Delivered", "read": "Read",
}  # fmt: skip

REASONS = {
    "no_consent": "Doesn't agree to promotional messages",
    "opted_out": "Opted out after the start",
    "deleted": "Was deleted after the start",
    "render_failed": "The message couldn't be made: a value is missing",
    "retry": "WhatsApp stumbled",
    "throttled": "Sending was too fast",
    "sender_paused": "The sender is paused",
    "campaign_paused": "The campaign is paused",
    "recipient": "This person can't be reached",
    "content": "WhatsApp refused the message",
    "account": "The sender may not send",
    "transient": "WhatsApp stumbled again and again",
    "": "No cause given",
}

METRICS = {"responded": "replied", "read": "read it", "converted": "bought or booked", "clicked": "clicked"}

REACH_STEPS = {"matches": "match the conditions", "consented": "agree to promotions"}

SCOPES = {"analytics:view": "see campaigns and their results", "conversations:view": "write and send campaigns"}


def reason(name: str) -> str:
    """A reason or failure class in words; one that we don't know yet, readable at least."""
    return REASONS.get(name) or name.replace("_", " ").capitalize()
