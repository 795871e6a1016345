"""The Python API of previews: what a campaign, stored or not, would say to real people. Nothing is changed or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from tulia.audience import addressees, criteria
from tulia.audience.criteria import CriteriaInvalid
from tulia.campaigns import draft, edit, preview, template_use, trial, tryout, wordings
from tulia.campaigns.message import Wording
from tulia.campaigns.models import MessageCampaign
from tulia.campaigns.preview import Preview, Problem
from tulia.campaigns.trial import Trial
from tulia.core import clock
from tulia.core.errors import Invalid
from tulia.ledger import rules
from tulia.tenants.api_keys import Caller
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope

COMPOSES = "conversations:view"
DEFAULT_COUNT, MAX_COUNT = 10, 100
PEOPLE_TRIED = 200


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
            return self._preview(edit.find(self._tenant_id, campaign_id), customer_ids, count)

    def preview_draft(
        self, fields: Mapping[str, Any], *, customer_ids: Sequence[UUID] = (), count: int = DEFAULT_COUNT
    ) -> Preview:
        """The same for a campaign that isn't made yet, from the fields it would be made from. Raises Invalid, Missing."""
        require(self._caller, COMPOSES)
        values = draft.read(fields, now=clock.now(), is_new=False).values
        campaign = MessageCampaign(tenant_id=self._tenant_id, **{"seed": 0} | values)
        campaign.is_ab_test = bool(campaign.variants)
        if not (campaign.message_content or campaign.template_id or campaign.variants):
            raise Invalid("There is nothing to show.", details={"message_content": "is required"})
        with tenant_scope(self._tenant_id):
            return self._preview(campaign, customer_ids, count)

    def try_arms(self, arms: Sequence[Mapping[str, Any]], target_criteria: Any, *, customer_id: str = "") -> Trial:
        """Each arm as it is being written, tried on a few people who match and agree; what is wrong is told, not raised.

        An arm has the message fields of a campaign: `message_content`, or `template_id` and `template_variables`.
        """
        require(self._caller, COMPOSES)
        now = clock.now()
        with tenant_scope(self._tenant_id):
            try:
                people = addressees.few(
                    self._tenant_id, criteria.parse(target_criteria), as_of=now, most=PEOPLE_TRIED
                ).people
            except CriteriaInvalid:
                people = ()
            said = [self._wording(fields) for fields in arms]
        return trial.on_people(said, people, customer_id=customer_id, now=now)

    def _wording(self, fields: Mapping[str, Any]) -> Wording | str:
        """What an arm says, or what is wrong with it."""
        try:
            values = draft.read(fields, now=clock.now(), is_new=False).values
            return wordings.of_campaign(MessageCampaign(tenant_id=self._tenant_id, **values))[0]
        except wordings.ValuesMissing as refused:
            missing = ", ".join(path.partition("template_variables.")[2] for path in refused.details or {})
            return f"there is no value for {missing}"
        except Invalid as refused:
            return next((str(reason) for reason in (refused.details or {}).values()), refused.message)

    def _preview(self, campaign: MessageCampaign, customer_ids: Sequence[UUID], count: int) -> Preview:
        now = clock.now()
        try:
            said = wordings.of_campaign(campaign)
        except wordings.ValuesMissing as refused:
            return Preview(problems=tuple(Problem(f"{path}: {why}") for path, why in (refused.details or {}).items()))
        if customer_ids:
            made = preview.of_named(said, addressees.named(self._tenant_id, customer_ids).people, now=now)
        else:
            made = tryout.on_audience(
                self._tenant_id, said, campaign.target_criteria, as_of=campaign.as_of, seed=campaign.seed, count=count,
                now=now, rules=rules.who_may_be_sent_to(rules.of_campaign(campaign, now=now), now=now),
            )  # fmt: skip
        if (template := template_use.not_approved(campaign)) is None:
            return made
        named = f"the template {template.name!r} ({template.language})"
        problem = Problem(f"{named} is {template.status}; only an approved one can be sent")
        return replace(made, problems=(problem, *made.problems))
