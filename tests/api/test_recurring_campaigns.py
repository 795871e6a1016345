"""Recurring campaigns over HTTP: made, changed, paused, skipped, and refused by field."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api_client import ApiClient
from cast import add_people, add_sender
from tulia.core import clock
from tulia.dispatch import occurrences
from tulia.tenants.models import Tenant

GIVEN = {
    "name": "Mondays",
    "campaign": {"message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}},
    "rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9",
    "starts_at": "2031-01-06T09:00:00",
}


def make(api: ApiClient, **fields: Any) -> Any:
    answer = api("POST", "/v1/recurring-campaigns", GIVEN | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_it_is_made_with_its_next_occurrences_in_the_tenants_zone(api: ApiClient) -> None:
    made = make(api)
    assert {name: made[name] for name in GIVEN} == GIVEN
    assert (made["timezone"], made["status"], made["catch_up_seconds"]) == ("Africa/Nairobi", "active", 21_600)
    assert made["next_at"] == "2031-01-06T06:00:00Z"
    assert made["next_occurrences"] == [
        f"2031-{day}T06:00:00Z" for day in ("01-06", "01-13", "01-20", "01-27", "02-03")
    ]
    assert api("GET", f"/v1/recurring-campaigns/{made['id']}").json() == made
    listed = api("GET", "/v1/recurring-campaigns").json()["results"]
    assert listed == [{name: value for name, value in made.items() if name not in ("next_occurrences", "approval")}]


def test_nine_stays_nine_in_its_own_zone(api: ApiClient) -> None:
    made = make(api, timezone="Europe/Berlin", starts_at="2031-03-24T09:00")
    assert made["next_occurrences"][:2] == ["2031-03-24T08:00:00Z", "2031-03-31T07:00:00Z"]
    assert made["starts_at"] == "2031-03-24T09:00:00"
    with_offset = make(api, timezone="Europe/Berlin", starts_at="2031-03-24T08:00:00Z")
    assert with_offset["starts_at"] == "2031-03-24T09:00:00"


def test_it_is_changed_paused_resumed_skipped_and_deleted(api: ApiClient) -> None:
    path = f"/v1/recurring-campaigns/{make(api)['id']}"
    changed = api("PATCH", path, {"name": "Tuesdays", "rrule": "freq=weekly;byday=tu", "catch_up_seconds": 60}).json()
    assert (changed["name"], changed["rrule"]) == ("Tuesdays", "FREQ=WEEKLY;BYDAY=TU")
    assert changed["next_at"] == "2031-01-07T06:00:00Z"
    paused = api("POST", f"{path}/pause", {}).json()
    assert (paused["status"], paused["next_at"], len(paused["next_occurrences"])) == ("paused", None, 5)
    refused = api("POST", f"{path}/skip-next", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "wrong_state")
    assert api("PATCH", path, {"starts_at": "2031-02-01T10:00:00"}).json()["next_at"] is None
    assert api("POST", f"{path}/resume").json()["next_at"] == "2031-02-04T07:00:00Z"
    assert api("POST", f"{path}/skip-next", {}).json()["next_at"] == "2031-02-11T07:00:00Z"
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404


def test_its_campaigns_are_listed_with_their_occurrence_and_lateness(api: ApiClient, tenant: Tenant) -> None:
    add_sender(tenant)
    add_people(tenant, 1)
    begun = clock.now().replace(microsecond=0) + timedelta(hours=1)
    made = make(api, rrule="FREQ=HOURLY;COUNT=2", starts_at=begun.isoformat())
    occurrences.start_due(now=begun + timedelta(seconds=90))
    occurrences.start_due(now=begun + timedelta(hours=1))
    path = f"/v1/recurring-campaigns/{made['id']}"
    page = api("GET", f"{path}/campaigns?limit=1").json()
    (latest,) = page["results"]
    assert latest["occurrence_at"] == (begun + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    (first,) = api("GET", page["next"].removeprefix("http://testserver")).json()["results"]
    assert (first["recurrence_id"], first["metadata"]["late_seconds"], first["status"]) == (made["id"], 90, "sending")
    ended = api("GET", path).json()
    assert (ended["status"], ended["next_occurrences"], ended["last_problem"]) == ("ended", [], "")
    for one in (latest, first):
        api("POST", f"/v1/campaigns/{one['id']}/cancel", {})


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"rrule": "FREQ=MINUTELY"}, "rrule", "the shortest interval is an hour"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "rrule", "never happens"),
        ({"rrule": "FREQ=DAILY;UNTIL=20200101"}, "rrule", "UNTIL has passed"),
        ({"rrule": "FREQ=DAILY;COUNT=3", "starts_at": "2020-01-01T09:00:00"}, "rrule", "all of them have passed"),
        ({"rrule": "FREQ=DAILY;BYWEEKNO=3"}, "rrule", "BYWEEKNO, which is not supported"),
        ({"rrule": "FREQ=DAILY;" + "X" * 500}, "rrule", "500 characters"),
        ({"rrule": 5}, "rrule", "must be a text"),
        ({"starts_at": "tomorrow"}, "starts_at", "must be a local time like"),
        ({"starts_at": "2031-02-30T09:00:00"}, "starts_at", "must be a local time like"),
        ({"starts_at": "0001-01-01T00:00:00Z", "timezone": "America/New_York"}, "starts_at", "must be a local time like"),
        ({"starts_at": "2099-01-01T09:00:00"}, "starts_at", "must be from the year 2000"),
        ({"timezone": "Mars/Olympus"}, "timezone", "must be an IANA time zone"),
        ({"timezone": "../etc/passwd"}, "timezone", "must be an IANA time zone"),
        ({"catch_up_seconds": 59}, "catch_up_seconds", "must be from 60 to 604,800"),
        ({"campaign": {"target_criteria": {"tags": ["vip"]}}}, "campaign.message_content", "is required"),
        ({"campaign": GIVEN["campaign"] | {"as_of": None}}, "campaign.as_of", "its own start"),  # type: ignore[operator]
        ({"campaign": GIVEN["campaign"] | {"local_time": True}}, "campaign.local_time", "one time for everybody"),  # type: ignore[operator]
        ({"campaign": GIVEN["campaign"] | {"scheduled_at": None}}, "campaign.scheduled_at", "the rule says when"),  # type: ignore[operator]
        ({"campaign": {"message_content": "Hi"}}, "confirm_everyone", "means every customer|mean every customer"),
        ({"every": "monday"}, "every", "unknown field"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_refused_by_field(api: ApiClient, fields: Any, path: str, said: str) -> None:
    made = make(api)
    for method, address, body in (
        ("POST", "/v1/recurring-campaigns", GIVEN | fields),
        ("PATCH", f"/v1/recurring-campaigns/{made['id']}", fields),
    ):
        answer = api(method, address, body)
        assert answer.status_code == 400, answer.content
        details = answer.json()["error"]["details"]
        assert any(one in str(details[path]) for one in said.split("|")), details
    assert api("GET", f"/v1/recurring-campaigns/{made['id']}").json() == made


def test_what_it_can_not_do_without_is_asked_for(api: ApiClient) -> None:
    details = api("POST", "/v1/recurring-campaigns", {}).json()["error"]["details"]
    assert set(details) == {"name", "campaign", "rrule", "starts_at"}
