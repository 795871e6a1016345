"""Starting the campaigns of recurrences, one for each occurrence however many workers look, late ones too."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tulia.campaigns import recurrence_approval, recurring, wordings
from tulia.campaigns.models import CampaignRecurrence, MessageCampaign
from tulia.core import logs, sql
from tulia.core.errors import Refusal
from tulia.dispatch import scheduler
from tulia.tenants import api_keys
from tulia.tenants.audit import act
from tulia.tenants.scope import tenant_scope

_log = logs.get(__name__)
_WENT_WRONG = "something went wrong here"


def start_due(*, now: datetime) -> int:
    """Sees to every recurrence whose time has come; the number of campaigns started by us.

    Whatever is wrong with one is noted with it, and the others go on.
    """
    started = 0
    for tenant_id, recurrence_id in recurring.due(now=now):
        try:
            made = take_turn(tenant_id, recurrence_id, now=now)
        except Exception as error:
            if sql.is_worth_repeating(error):
                raise
            _log.exception("recurrence_crashed", recurrence_id=str(recurrence_id))
            _pass_over(tenant_id, recurrence_id, now=now)
        else:
            started += made is not None and made.status == "sending"
    return started


def take_turn(tenant_id: UUID, recurrence_id: UUID, *, now: datetime) -> MessageCampaign | None:
    """The campaign of the latest occurrence that is due, made and started in one transaction; None when there is none.

    It is late when nobody looked at its time. Beyond the recurrence's `catch_up_seconds`, and for every occurrence
    before the latest, it is recorded as missed. A campaign that can't be started is left as a draft with the reason.
    """
    with tenant_scope(tenant_id):
        held = recurring.take_due(tenant_id, recurrence_id, now=now)
        if held is None:
            return None
        turn = recurring.turn_of(held, now=now)
        made, problem = None, None
        missed, last_missed = turn.earlier_count, turn.latest_earlier
        if turn.latest is not None:
            if recurring.is_in_time(held, turn.latest, now=now):
                made, problem = _start(held, at=turn.latest, now=now)
            if made is None:
                missed, last_missed = missed + 1, turn.latest
        recurring.move_on(
            held,
            to=turn.following,
            made_at=turn.latest if made else None,
            missed_count=missed,
            last_missed_at=last_missed,
            problem=problem,
            now=now,
        )
    if missed:
        _log.warning("occurrences_missed", recurrence_id=str(recurrence_id), count=missed)
    return made


def _start(held: CampaignRecurrence, *, at: datetime, now: datetime) -> tuple[MessageCampaign | None, str]:
    """The campaign, and what kept it from being made or started ("" when nothing did)."""
    by_itself = api_keys.system(held.tenant_id)
    said_at = f"{at:%Y-%m-%dT%H:%M:%SZ}: "
    try:
        with sql.transaction_scope(), act(by_itself, "campaign.create") as entry:
            made = entry.made(recurring.make_campaign(held, at=at, now=now))
            recurrence_approval.hand_on(held, made, now=now)
    except Refusal as refusal:
        _log.warning("recurrence_refused", recurrence_id=str(held.pk), code=refusal.code)
        return None, said_at + refusal.message
    try:
        with sql.transaction_scope(), act(by_itself, "campaign.start") as entry:
            wordings.of_campaign(entry.about(made))
            scheduler.start(made, confirm_everyone=held.everyone_confirmed, now=now)
    except Refusal as refusal:
        _log.warning("occurrence_refused", campaign_id=str(made.pk), code=refusal.code)
        recurring.note_refusal(made, f"Not started at its time: {refusal.message}")
        made.refresh_from_db()
        return made, said_at + refusal.message
    return made, ""


def _pass_over(tenant_id: UUID, recurrence_id: UUID, *, now: datetime) -> None:
    """Goes on with the next occurrence after a crash, so that the same one isn't tried for ever; pauses if that fails."""
    problem = f"{now:%Y-%m-%dT%H:%M:%SZ}: {_WENT_WRONG}"
    try:
        with tenant_scope(tenant_id):
            if held := recurring.take_due(tenant_id, recurrence_id, now=now):
                turn = recurring.turn_of(held, now=now)
                missed = turn.earlier_count + 1
                recurring.move_on(
                    held, to=turn.following, missed_count=missed, last_missed_at=turn.latest, problem=problem, now=now
                )
    except Exception as error:
        if sql.is_worth_repeating(error):
            raise
        with tenant_scope(tenant_id):
            if held := recurring.take_due(tenant_id, recurrence_id, now=now):
                recurring.stop(held, problem=f"{problem}; paused until somebody looks at it.", now=now)
