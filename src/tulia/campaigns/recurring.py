"""Recurring campaigns: making, changing and holding them, and the campaign of each occurrence.

An occurrence is taken with its recurrence's row locked, and a campaign's (recurrence, occurrence) is unique: so there is
one campaign for each, however many workers look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import F

from tulia.audience import criteria
from tulia.campaigns import configuration, draft, edit, recurrence, recurrence_rule, window
from tulia.campaigns.lifecycle import EveryoneNotConfirmed
from tulia.campaigns.models import CampaignRecurrence, MessageCampaign
from tulia.campaigns.recurrence import Schedule, Turn
from tulia.core import keyset
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest
from tulia.tenants import queries as tenants
from tulia.tenants import tenant_settings
from tulia.tenants.scope import system_scope

CATCH_UP_SECONDS = 6 * 3_600
LEAST_CATCH_UP_SECONDS, MOST_CATCH_UP_SECONDS = 60, 7 * 86_400
SHOWN_OCCURRENCES = 5
_MOST_AT_A_TIME = 50
_EARLIEST_YEAR = 2000
_YEARS_AHEAD = 10
_TIMING = ("rrule", "starts_at", "timezone")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_REFUSED = {
    "scheduled_at": "has no place here: the rule says when",
    "as_of": "has no place here: each campaign counts back from its own start",
    "local_time": "is not possible here: a recurring campaign starts at one time for everybody",
}


class NotRecurring(Conflict):
    code: ClassVar[str] = "wrong_state"


def create(
    tenant_id: UUID, fields: Mapping[str, Any], *, created_by_id: UUID | None, now: datetime
) -> CampaignRecurrence:
    """An active recurrence from {name, campaign, rrule, starts_at, timezone?, confirm_everyone?, catch_up_seconds?}.

    Raises Invalid, EveryoneNotConfirmed and OverTierLimit. Call in the tenant's scope, like everything here but `due`.
    """
    made = CampaignRecurrence(
        tenant_id=tenant_id,
        created_by_id=created_by_id,
        timezone=tenants.get(tenant_id).timezone,
        catch_up_seconds=CATCH_UP_SECONDS,
    )
    _apply(made, fields, now=now)
    made.save(force_insert=True)
    made.refresh_from_db()
    return made


def update(held: CampaignRecurrence, fields: Mapping[str, Any], *, now: datetime) -> CampaignRecurrence:
    """Changes what is given; the campaigns of earlier occurrences stay as they are.

    A new configuration needs its own confirmation that it may go to everybody. One that had ended goes on when its
    new rule has something left.
    """
    _apply(held, fields, now=now)
    held.updated_at = now
    held.save()
    return held


def _apply(held: CampaignRecurrence, fields: Mapping[str, Any], *, now: datetime) -> None:
    if "name" in fields:
        draft.read({"name": fields["name"]}, now=now, is_new=False)
        held.name = fields["name"]
    if "catch_up_seconds" in fields:
        if not LEAST_CATCH_UP_SECONDS <= fields["catch_up_seconds"] <= MOST_CATCH_UP_SECONDS:
            limits = f"must be from {LEAST_CATCH_UP_SECONDS} to {MOST_CATCH_UP_SECONDS:,}"
            raise Invalid(f"catch_up_seconds {limits}.", details={"catch_up_seconds": limits})
        held.catch_up_seconds = fields["catch_up_seconds"]
    if any(name in fields for name in _TIMING):
        _apply_timing(held, fields, now=now)
    if "campaign" in fields:
        held.campaign = configuration.read(
            held.tenant_id, fields["campaign"], now=now, is_complete=True, refused=_REFUSED
        )
        held.everyone_confirmed = False
    if "confirm_everyone" in fields:
        held.everyone_confirmed = fields["confirm_everyone"]
    if not held.everyone_confirmed and criteria.parse(held.campaign.get("target_criteria", {})).is_everyone:
        raise EveryoneNotConfirmed(
            'The criteria are empty, which means every customer: repeat with "confirm_everyone": true if that is meant.',
            details={"confirm_everyone": "must be true, because the criteria mean every customer"},
        )


def _apply_timing(held: CampaignRecurrence, fields: Mapping[str, Any], *, now: datetime) -> None:
    zone = fields.get("timezone", held.timezone)
    if wrong := tenant_settings.check({"timezone": zone}):
        raise Invalid(f"timezone {wrong['timezone']}.", details=wrong)
    try:
        rule = recurrence_rule.parse(fields.get("rrule", held.rrule))
    except recurrence_rule.RuleInvalid as reason:
        raise Invalid(f"rrule {reason}.", details={"rrule": str(reason)}) from None
    starts_at = _start_of(fields["starts_at"], zone, now=now) if "starts_at" in fields else _start(held)
    schedule = Schedule(rule, starts_at, zone)
    following = _after(held, schedule, now=now)
    if following is None:
        raise _without_occurrence(schedule, now=now)
    held.timezone, held.rrule, held.starts_at = zone, rule.text, starts_at.isoformat()
    if held.status == "ended":
        held.status = "active"
    held.next_at = following if held.status == "active" else None


def _after(held: CampaignRecurrence, schedule: Schedule, *, now: datetime) -> datetime | None:
    """The next occurrence that has no campaign yet, even if the clock was put back since the last one."""
    return recurrence.after(schedule, max(now, held.last_at) if held.last_at else now)


def _without_occurrence(schedule: Schedule, *, now: datetime) -> Invalid:
    end = recurrence.end_of(schedule)
    if end is not None and end < now:
        why = "ends in the past: UNTIL has passed"
    elif recurrence.upcoming(schedule, since=window.instant_of(schedule.starts_at, schedule.timezone), count=1):
        why = "has no occurrence left: all of them have passed"
    else:
        why = "never happens: no day is all that it asks for"
    return Invalid(f"rrule {why}.", details={"rrule": why})


def _start_of(text: str, zone: str, *, now: datetime) -> datetime:
    """The wall time that is meant: as it stands, or, with an offset, what the zone's clocks show then."""
    why = "must be a local time like 2026-11-23T09:00:00 (an offset is allowed)"
    try:
        found = (
            datetime.fromisoformat(text) if _LOCAL.fullmatch(text) else recurrence.wall_of(draft.instant(text), zone)
        )
    except (ValueError, OverflowError, Invalid):
        raise Invalid(f"starts_at {why}.", details={"starts_at": why}) from None
    if not _EARLIEST_YEAR <= found.year <= now.year + _YEARS_AHEAD:
        why = f"must be from the year {_EARLIEST_YEAR} to {now.year + _YEARS_AHEAD}"
        raise Invalid(f"starts_at {why}.", details={"starts_at": why})
    return found.replace(microsecond=0)


def _start(held: CampaignRecurrence) -> datetime:
    return datetime.fromisoformat(held.starts_at)


def schedule_of(held: CampaignRecurrence) -> Schedule:
    return Schedule(recurrence_rule.parse(held.rrule), _start(held), held.timezone)


def next_occurrences(held: CampaignRecurrence, *, now: datetime) -> list[datetime]:
    """The next few; for a paused one those that there would be if it went on."""
    if held.status == "ended":
        return []
    return recurrence.upcoming(schedule_of(held), since=held.next_at or now, count=SHOWN_OCCURRENCES)


def pause(held: CampaignRecurrence, *, now: datetime) -> CampaignRecurrence:
    """Nothing starts until it is resumed, and what would have is not missed. Raises NotRecurring."""
    return _set(held, "pause", ("active",), status="paused", next_at=None, updated_at=now)


def resume(held: CampaignRecurrence, *, now: datetime) -> CampaignRecurrence:
    """Goes on with the first occurrence after now. Raises NotRecurring."""
    following = _after(held, schedule_of(held), now=now)
    return _set(
        held, "resume", ("paused",), status="active" if following else "ended", next_at=following, updated_at=now
    )


def skip_next(held: CampaignRecurrence, *, now: datetime) -> CampaignRecurrence:
    """Leaves the next occurrence out. Raises NotRecurring."""
    following = recurrence.after(schedule_of(held), held.next_at) if held.next_at else None
    return _set(held, "skip", ("active",), status="active" if following else "ended", next_at=following, updated_at=now)


def _set(held: CampaignRecurrence, act: str, origins: tuple[str, ...], **values: Any) -> CampaignRecurrence:
    if held.status not in origins:
        raise NotRecurring(
            f"This recurring campaign is {held.status}; to {act}, it must be {' or '.join(origins)}.",
            details={"status": f"is {held.status}"},
        )
    CampaignRecurrence.objects.filter(tenant_id=held.tenant_id, pk=held.pk).update(**values)
    held.refresh_from_db()
    return held


def stop(held: CampaignRecurrence, *, problem: str, now: datetime) -> None:
    """Paused by us, for this reason."""
    CampaignRecurrence.objects.filter(tenant_id=held.tenant_id, pk=held.pk).update(
        status="paused", next_at=None, last_problem=problem[:500], updated_at=now
    )


def delete(held: CampaignRecurrence) -> None:
    """The campaigns that it made stay, by themselves."""
    CampaignRecurrence.objects.filter(tenant_id=held.tenant_id, pk=held.pk).delete()


def page(tenant_id: UUID, wanted: PageRequest) -> Page[CampaignRecurrence]:
    """Newest first."""
    return keyset.page_of(CampaignRecurrence, {"tenant_id": tenant_id}, wanted)


def find(tenant_id: UUID, recurrence_id: UUID) -> CampaignRecurrence:
    """Raises Missing."""
    return _found(CampaignRecurrence.objects.filter(tenant_id=tenant_id, pk=recurrence_id).first())


def hold(tenant_id: UUID, recurrence_id: UUID) -> CampaignRecurrence:
    """The same, locked until the end of the transaction."""
    rows = CampaignRecurrence.objects.select_for_update()
    return _found(rows.filter(tenant_id=tenant_id, pk=recurrence_id).first())


def _found(row: CampaignRecurrence | None) -> CampaignRecurrence:
    if row is None:
        raise Missing("There is no such recurring campaign.")
    return row


def campaigns_of(held: CampaignRecurrence, wanted: PageRequest) -> Page[MessageCampaign]:
    """The campaigns of its occurrences, latest first."""
    rows = MessageCampaign.objects.filter(tenant_id=held.tenant_id, recurrence_id=held.pk)
    return keyset.page(rows, wanted, order=("-occurrence_at", "-id"))


def due(*, now: datetime) -> list[tuple[UUID, UUID]]:
    """(tenant, recurrence) of those whose time has come, the longest waiting first; as many as don't hold up a worker."""
    with system_scope():
        rows = CampaignRecurrence.objects.filter(status="active", next_at__lte=now).order_by("next_at", "id")
        return list(rows.values_list("tenant_id", "id")[:_MOST_AT_A_TIME])


def take_due(tenant_id: UUID, recurrence_id: UUID, *, now: datetime) -> CampaignRecurrence | None:
    """The recurrence, held until the end of the transaction, if it is still due; None when another was quicker."""
    return (
        CampaignRecurrence.objects.select_for_update(skip_locked=True)
        .filter(tenant_id=tenant_id, pk=recurrence_id, status="active", next_at__lte=now)
        .first()
    )


def turn_of(held: CampaignRecurrence, *, now: datetime) -> Turn:
    """What has come due."""
    assert held.next_at is not None
    return recurrence.turn(schedule_of(held), since=held.next_at, now=now)


def is_in_time(held: CampaignRecurrence, occurrence_at: datetime, *, now: datetime) -> bool:
    """Whether it isn't too late to start the campaign of this occurrence."""
    return now - occurrence_at <= timedelta(seconds=held.catch_up_seconds)


def make_campaign(held: CampaignRecurrence, *, at: datetime, now: datetime) -> MessageCampaign:
    """The draft of one occurrence. Raises what `edit.create` does, when the configuration isn't right any more."""
    schedule = schedule_of(held)
    day = f"{recurrence.wall_of(at, schedule.timezone):{'%Y-%m-%d %H:%M' if schedule.rule.is_often_a_day else '%Y-%m-%d'}}"
    name = str(held.campaign.get("name") or held.name)[: draft.NAME_LIMIT - len(day) - 3]
    fields = held.campaign | {"name": f"{name} · {day}"}
    made = edit.create(held.tenant_id, fields, created_by_id=held.created_by_id, now=now)
    about = {"recurring_campaign_id": str(held.pk), "late_seconds": round((now - at).total_seconds(), 1)}
    metadata = made.metadata | about
    MessageCampaign.objects.filter(pk=made.pk).update(recurrence=held, occurrence_at=at, metadata=metadata)
    made.refresh_from_db()
    return made


def note_refusal(made: MessageCampaign, reason: str) -> None:
    """Leaves the campaign of an occurrence as a draft that says why."""
    MessageCampaign.objects.filter(pk=made.pk, status="draft").update(status_reason=reason[:500])


def move_on(
    held: CampaignRecurrence,
    *,
    to: datetime | None,
    made_at: datetime | None = None,
    missed_count: int = 0,
    last_missed_at: datetime | None = None,
    problem: str | None = None,
    now: datetime,
) -> None:
    """Records what became of the occurrences that were due, and when it goes on; without a next one it has ended.

    `made_at` is the occurrence that a campaign was made for. `problem` "" says that there is none any more, None that
    nothing is known about it.
    """
    values: dict[str, Any] = {"next_at": to, "status": "active" if to else "ended", "updated_at": now}
    values |= {"last_at": made_at} if made_at else {}
    values |= {"last_missed_at": last_missed_at} if last_missed_at else {}
    values |= {"last_problem": problem[:500]} if problem is not None else {}
    CampaignRecurrence.objects.filter(tenant_id=held.tenant_id, pk=held.pk).update(
        **values, missed_count=F("missed_count") + missed_count
    )
