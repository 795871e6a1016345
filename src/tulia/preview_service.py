"""The Python API of previews: what a campaign, stored or not, would say to real people. Nothing is changed or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tulia.audience import addressees
from tulia.campaigns import draft, edit, preview, tryout, wordings
from tulia.campaigns.preview import Preview, Problem
from tulia.campaigns.wordings import Said
from tulia.channels import templates
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.tenants.api_keys import Caller
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

COMPOSES = "conversations:view"
DEFAULT_COUNT, MAX_COUNT = 10, 100


@dataclass(frozen=True, slots=True)
class _Asked:
    """A campaign as far as a preview needs it."""

    said: Said
    target_criteria: Any
    as_of: datetime | None
    seed: int


class PreviewService:
    """What `caller` may look at before sending."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def preview_campaign(
        self, campaign_id: UUID, *, customer_ids: Sequence[UUID] = (), count: int = DEFAULT_COUNT
    ) -> Preview:
        """The messages of a campaign for these customers, else for people of its audience. Raises Missing."""
        require(self._caller, COMPOSES)
        with tenant_scope(self._tenant_id):
            campaign = edit.find(self._tenant_id, campaign_id)
            asked = _Asked(wordings.said_by(campaign), campaign.target_criteria, campaign.as_of, campaign.seed)
            return self._preview(asked, customer_ids, count)

    def preview_draft(
        self, fields: Mapping[str, Any], *, customer_ids: Sequence[UUID] = (), count: int = DEFAULT_COUNT
    ) -> Preview:
        """The same for a campaign that isn't made yet, from the fields it would be made from. Raises Invalid, Missing."""
        require(self._caller, COMPOSES)
        values = draft.read(fields, now=clock.now(), is_new=False).values
        said = Said(
            values.get("message_content", ""),
            values.get("template_id"),
            values.get("template_variables"),
            values.get("variants", ()),
        )
        if not said.message_content and not said.template_id and not said.variants:
            raise Invalid("There is nothing to show.", details={"message_content": "is required"})
        with tenant_scope(self._tenant_id):
            asked = _Asked(said, values.get("target_criteria", {}), values.get("as_of"), values.get("seed", 0))
            return self._preview(asked, customer_ids, count)

    def _preview(self, asked: _Asked, customer_ids: Sequence[UUID], count: int) -> Preview:
        now = clock.now()
        try:
            said = wordings.of_fields(self._tenant_id, asked.said)
        except wordings.ValuesMissing as refused:
            return Preview(problems=tuple(Problem(f"{path}: {why}") for path, why in (refused.details or {}).items()))
        if customer_ids:
            made = preview.of_named(said, addressees.named(self._tenant_id, customer_ids).people, now=now)
        else:
            made = tryout.on_audience(
                self._tenant_id, said, asked.target_criteria, as_of=asked.as_of, seed=asked.seed, count=count, now=now
            )
        return replace(made, problems=(*self._template_problems(asked.said), *made.problems))

    def _template_problems(self, said: Said) -> list[Problem]:
        known = templates.of_ids(self._tenant_id, {one for one in wordings.templates_of(said) if one})
        return [
            Problem(f"the template {one.name!r} ({one.language}) is {one.status}; only an approved one can be sent")
            for one in known.values()
            if one.status != "approved"
        ]
