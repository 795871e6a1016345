"""What WhatsApp's callbacks say of templates, in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pywa.types.templates import TemplateStatus

from tulia.channels.types import CallbackContent, TemplateChange
from tulia.channels.whatsapp_cloud import template_changes
from tulia.channels.whatsapp_cloud.callback import parse

AT = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
AT_SECONDS = int(AT.timestamp())
NAMED = {"message_template_id": 7001, "message_template_name": "offer", "message_template_language": "en_US"}


def parsed(field: str, value: dict[str, Any], *, time: Any = AT_SECONDS) -> CallbackContent:
    change = {"field": field, "value": value}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "WABA", "time": time, "changes": [change]}]}
    return parse(orjson.dumps(body), phone_number_id="1065")


def told(field: str, **value: Any) -> TemplateChange:
    content = parsed(field, NAMED | value)
    assert (content.errors, content.ignored_count) == ((), 0)
    (change,) = content.templates
    assert (change.name, change.language, change.provider_id, change.at) == ("offer", "en_US", "7001", AT)
    return change


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        ({"event": "APPROVED", "reason": "NONE"}, "approved", ""),
        ({"event": "REINSTATED", "other_info": {"title": "UNPAUSE"}}, "approved", ""),
        ({"event": "PAUSED", "other_info": {"title": "FIRST_PAUSE"}}, "paused", "three hours"),
        ({"event": "PAUSED", "other_info": {"title": "SECOND_PAUSE"}}, "paused", "six hours"),
        ({"event": "PAUSED"}, "paused", "low quality"),
        ({"event": "DISABLED", "disable_info": {"disable_date": "x"}}, "disabled", "disabled"),
        ({"event": "REJECTED", "reason": "INVALID_FORMAT"}, "rejected", "rejected it: invalid format"),
        ({"event": "REJECTED", "rejection_info": {"reason": "No  sample\n given"}}, "rejected", ": No sample given"),
        ({"event": "REJECTED", "reason": "NONE"}, "rejected", "WhatsApp rejected it"),
        ({"event": "PENDING"}, "pending", ""),
        ({"event": "ARCHIVED"}, "archived", "year"),
        ({"event": "DELETED"}, "deleted", "deleted"),
    ],
)
def test_a_status_is_told_with_its_reason_in_plain_words(value: dict[str, Any], status: str, reason: str) -> None:
    change = told("message_template_status_update", **value)
    assert (change.status, change.quality, change.category) == (status, None, None)
    assert reason in change.reason
    assert bool(change.reason) == bool(reason)


def test_every_status_an_independent_client_knows_is_understood() -> None:
    for event in TemplateStatus:
        if event.name in ("UNKNOWN", "FLAGGED", "UNLOCKED"):
            continue
        assert template_changes.read("message_template_status_update", NAMED | {"event": event.value}, at=AT), event


def test_quality_and_category_are_told() -> None:
    quality = told("message_template_quality_update", previous_quality_score="GREEN", new_quality_score="YELLOW")
    assert (quality.quality, quality.status) == ("yellow", None)
    category = told("template_category_update", previous_category="UTILITY", new_category="MARKETING")
    assert (category.category, category.status) == ("marketing", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_template_status_update", {"event": "FLAGGED"}),
        ("template_category_update", {"correct_category": "MARKETING", "new_category": "UTILITY"}),
    ],
)
def test_what_changes_nothing_yet_is_counted_as_ignored(field: str, value: dict[str, Any]) -> None:
    content = parsed(field, NAMED | value)
    assert (content.templates, content.errors, content.ignored_count) == ((), (), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_template_status_update", NAMED | {"event": "DANCING"}),
        ("message_template_status_update", NAMED),
        ("message_template_status_update", {"event": "PAUSED"}),
        ("message_template_status_update", NAMED | {"message_template_name": 5, "event": "PAUSED"}),
        ("message_template_quality_update", NAMED | {"new_quality_score": "PURPLE"}),
        ("template_category_update", NAMED | {"new_category": None}),
    ],
)
def test_what_can_not_be_understood_is_noted_and_the_rest_is_used(field: str, value: dict[str, Any]) -> None:
    content = parsed(field, value)
    assert len(content.errors) == 1
    assert content.errors[0].startswith("entry[0].changes[0]: ")
    assert content.templates == ()


@pytest.mark.parametrize("time", [None, "soon", 5])
def test_a_change_without_a_believable_time_is_noted(time: Any) -> None:
    assert parsed("message_template_status_update", NAMED | {"event": "PAUSED"}, time=time).errors
