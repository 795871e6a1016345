"""A saved configuration: fields that a campaign can be made from at any time, as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.campaigns import draft, edit, experiment_fields, wordings
from tulia.campaigns.models import MessageCampaign
from tulia.core.errors import Invalid
from tulia.tenants import quiet_hours

_PREFIX = "campaign"
_FIELDS = (
    "description", "message_content", "template_id", "template_variables", "target_criteria", "as_of", "is_ab_test",
    "variants", "primary_metric", "sender_id", "budget_micros", "local_time", "frequency_cap_exempt_reason",
)  # fmt: skip
_NO_TIME = {"scheduled_at": "has no place here: a saved configuration has no time of its own"}


def read(
    tenant_id: UUID,
    fields: Any,
    *,
    now: datetime,
    is_complete: bool = False,
    refused: Mapping[str, str] = _NO_TIME,
) -> dict[str, Any]:
    """The fields as they can be stored, once they are known to be right for this tenant.

    `is_complete` demands all that a campaign can't do without, but its name. Raises Invalid whose details begin with
    `campaign.`, and OverTierLimit. Call in the tenant's scope.
    """
    if not isinstance(fields, Mapping):
        raise Invalid("campaign must be an object of a campaign's fields.", details={_PREFIX: "must be an object"})
    misplaced = {f"{_PREFIX}.{name}": refused[name] for name in fields if name in refused}
    if misplaced:
        raise Invalid("; ".join(f"{path} {why}" for path, why in misplaced.items()) + ".", details=misplaced)
    try:
        named = {"name": "any"} | dict(fields) if is_complete else fields
        values = draft.read(named, now=now, is_new=is_complete).values
        edit.check_against_tenant(tenant_id, values)
        if is_complete:
            wordings.of_campaign(_unsaved(tenant_id, values))
    except Invalid as error:
        if not error.details:
            raise
        wrong = {f"{_PREFIX}.{path}": why for path, why in error.details.items()}
        raise Invalid("; ".join(f"{path} {why}" for path, why in wrong.items()) + ".", details=wrong) from None
    return dict(fields)


def sample(tenant_id: UUID, fields: Mapping[str, Any], *, now: datetime) -> MessageCampaign:
    """A campaign as it would be made from these (complete) fields, in memory only. Raises Invalid."""
    return _unsaved(tenant_id, {"seed": 0} | draft.read({"name": "any", **fields}, now=now, is_new=True).values)


def _unsaved(tenant_id: UUID, values: dict[str, Any]) -> MessageCampaign:
    return MessageCampaign(tenant_id=tenant_id, **values)


def of_campaign(campaign: MessageCampaign) -> dict[str, Any]:
    """What this campaign was made from, as it would be posted, but its name, its time and its seed."""
    given = {name: getattr(campaign, name) for name in _FIELDS}
    found = {name: value for name, value in given.items() if value not in (None, "", [], {}, False)}
    for name in ("template_id", "sender_id"):
        found |= {name: str(found[name])} if name in found else {}
    if campaign.as_of:
        found["as_of"] = campaign.as_of.isoformat()
    if campaign.quiet_hours_rule != "tenant":
        own = quiet_hours.of_columns(campaign.quiet_hours_start, campaign.quiet_hours_end)
        found["quiet_hours"] = own.to_json() if own else None
    return {"target_criteria": {}, **found, **experiment_fields.as_posted(campaign)}
