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
    "deferred": ("Later", "They have to wait, for a reason; it goes out by itself when they needn't any more."),
    "waiting": ("Waiting", "Its turn is still to come."),
    "cancelled": ("Canceled", "The campaign was canceled before it was sent."),
    "holdout": ("Held out", "Left out on purpose, to compare with."),
}

STATES = {
    "waiting": "Waiting", "deferred": "Later", "sending": "Sending now", "unknown": "Unknown",
    "holdout": "Held out", "skipped": "Skipped", "cancelled": "Canceled", "accepted": "Sent", "sent": "Sent",
    "failed": "Failed", "delivered": "Delivered", "read": "Read",
}  # fmt: skip

REASONS = {
    "no_consent": "Doesn't agree to promotional messages",
    "opted_out": "Opted out after the start",
    "deleted": "Was deleted after the start",
    "unreachable": "Has no WhatsApp on this number",
    "outside_window": "Didn't write in the last 24 hours, so free text may not be sent",
    "quiet_hours": "It is night where they are",
    "frequency_cap": "Got as many campaign messages lately as you allow",
    "daily_limit": "Your plan's messages of the day are used up",
    "messaging_limit": "WhatsApp's limit of people a day is reached",
    "render_failed": "The message couldn't be made: a value is missing",
    "awaiting_winner": "Waits until the winner of the test is chosen",
    "no_variant": "Their attribute names no variant",
    "no_winner": "The test had no winner, and then nobody else was to get it",
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

REACH_STEPS = {
    "matches": "match the conditions", "consented": "agree to promotions", "reachable": "have WhatsApp",
    "in_window": "wrote in the last 24 hours", "under_frequency_cap": "didn't get too many lately",
    "not_held_out": "aren't held out",
    "within_limits": "are inside plan and budget",
}  # fmt: skip
# Where those whom a step leaves out are listed: the state and the reason.
REACH_REASONS = {
    "consented": ("skipped", "no_consent"),
    "reachable": ("skipped", "unreachable"),
    "in_window": ("skipped", "outside_window"),
    "under_frequency_cap": ("deferred", "frequency_cap"),
}
REACH_LOSSES = {
    "consented": "don't agree to promotional messages", "reachable": "have no WhatsApp",
    "in_window": "didn't write in the last 24 hours", "under_frequency_cap": "got too many messages lately and wait",
    "not_held_out": "get nothing on purpose, to compare with",
    "within_limits": "are beyond plan or budget",
}  # fmt: skip

# Fields of the composer, as their mistakes name them beside the reach.
FIELDS = {
    "ordered_in_last_days": "Ordered in the last … days", "min_order_count": "Orders, at least",
    "active_in_last_days": "Chatted in the last … days", "tags": "Tags", "statuses": "Conversation",
    "holdout": "Hold out", "test_percent": "Test on", "decide_after": "Decide after",
    "variant_0_weight": "Parts of message A", "variant_1_weight": "Parts of message B",
    "variant_2_weight": "Parts of message C", "variant_3_weight": "Parts of message D",
}  # fmt: skip

HEADERS = {"image": "Picture", "video": "Video", "document": "Document", "location": "Map", "text": ""}

RULES = {
    "matched": "Matches the conditions", "consent": "Agrees to promotional messages", "reachable": "Has WhatsApp",
    "window": "Wrote in the last 24 hours", "quiet_hours": "It isn't night where they are",
    "frequency_cap": "Didn't get too many lately", "daily_limit": "Inside the plan's messages of a day",
    "messaging_limit": "Inside WhatsApp's limit of people a day", "budget": "The budget pays for it",
    "message": "The message can be made for them",
}  # fmt: skip
VERDICTS = {"passed": "Yes", "failed": "No", "waiting": "Has to wait", "not_applied": "Not asked"}
HAPPENINGS = {
    "claimed": "Its turn came", "accepted": "WhatsApp took it", "sent": "Sent", "delivered": "Delivered",
    "read": "Read", "failed": "Failed", "replied": "Replied", "converted": "Bought or booked", "deferred": "Put off",
    "skipped": "Passed over", "retried": "To be tried again",
}  # fmt: skip

SCOPES = {
    "analytics:view": "see campaigns and their results", "conversations:view": "write and send campaigns",
    "users:manage": "manage who works here",
}  # fmt: skip

ORIGINS = {"api": "API", "web": "These pages", "cli": "Command line", "system": "By itself"}

# The kinds of things that the record tells of, as one can ask for them.
RECORDED = [
    {"action": "campaign", "label": "Campaigns"}, {"action": "customer", "label": "Customers"},
    {"action": "import", "label": "Imports"}, {"action": "sender", "label": "Senders"},
    {"action": "template", "label": "Templates"}, {"action": "member", "label": "Members"},
    {"action": "api_key", "label": "API keys"}, {"action": "settings", "label": "Settings"},
]  # fmt: skip

_VERBS = {
    "create": "made", "update": "changed", "change": "changed", "delete": "deleted", "execute": "started",
    "start": "started at its time", "unschedule": "not started at its time", "clone": "made as a copy", "pause": "paused",
    "resume": "resumed", "cancel": "canceled", "schedule": "scheduled", "test_send": "tried on one person",
    "request_approval": "put forward for approval", "approve": "approved", "reject": "rejected", "begin": "begun",
    "end": "ended", "revoke": "revoked", "add": "added", "remove": "removed", "set_preferences": "consents changed",
}  # fmt: skip
_TARGETS = {"api_key": "API key"}


def reason(name: str) -> str:
    """A reason or failure class in words; one that we don't know yet, readable at least."""
    return REASONS.get(name) or name.replace("_", " ").capitalize()


def action(name: str) -> str:
    """What was done, in words: "Campaign paused"; one that we don't know yet, readable at least."""
    kind, _, verb = name.partition(".")
    return f"{kind_of_target(kind)} {_VERBS.get(verb) or verb.replace('_', ' ')}"


def kind_of_target(kind: str) -> str:
    return _TARGETS.get(kind) or kind.replace("_", " ").capitalize()


def place(part: str, kind: str, key: str, *, name: str, button: str, media: str) -> str:
    """A place of a template, as the label of its field."""
    if kind == "link":
        return f"Web address of the {HEADERS.get(media, media).lower()}"
    if kind == "filename":
        return "Name of the document, as people see it"
    if part == "button":
        return f"{'Code' if kind == 'code' else 'End of the address'} of the button “{button}”"
    if key in _OF_A_MAP:
        return _OF_A_MAP[key]
    shown = f"{{{{{name}}}}}"
    return f"{shown} in the headline" if part == "header" else shown


_OF_A_MAP = {
    "header.latitude": "Latitude", "header.longitude": "Longitude", "header.name": "Name of the place",
    "header.address": "Address of the place",
}  # fmt: skip


def happening(what: str) -> str:
    return HAPPENINGS.get(what) or what.replace("_", " ").capitalize()
