"""Trying a campaign's message on its real audience, before anything is sent. Called in the tenant's scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from tulia.audience import addressees, criteria
from tulia.audience.reach import CONSENTED, Rule
from tulia.campaigns import preview, wordings
from tulia.campaigns.message import Wording
from tulia.campaigns.models import MessageCampaign
from tulia.campaigns.preview import Preview
from tulia.core.errors import Invalid

MOST_MADE = 20_000
"""Messages made for one preview; a second's work."""
FEW = 100


class NobodyCanGetIt(Invalid):
    code: ClassVar[str] = "message_for_nobody"


def on_audience(
    tenant_id: UUID,
    said: Sequence[Wording],
    target_criteria: object,
    *,
    as_of: datetime | None,
    seed: int,
    count: int,
    now: datetime,
    rules: Sequence[Rule] = (CONSENTED,),
) -> Preview:
    """Every arm tried on everybody who keeps to the rules, or on as many as a second allows, chosen by the seed."""
    found = addressees.sample(
        tenant_id,
        criteria.parse(target_criteria),
        as_of=as_of or now,
        most=MOST_MADE // len(said),
        seed=seed,
        rules=rules,
    )
    return preview.of_sample(said, found.people, total=found.total, count=count, now=now)


def refuse_if_for_nobody(campaign: MessageCampaign, *, now: datetime) -> None:
    """Raises NobodyCanGetIt when an arm's message can't be made for anybody, with the reason and examples.

    A few people are tried first, because each arm's message usually can be made for one of them; a message that is the
    same for all needs one try. ValuesMissing when a template's place has no value.
    """
    said = wordings.of_campaign(campaign)
    tree, as_of = criteria.parse(campaign.target_criteria), campaign.as_of or now
    is_the_same = all(wording.is_the_same_for_all for wording in said)
    some = addressees.few(campaign.tenant_id, tree, as_of=as_of, most=1 if is_the_same else FEW)
    tried = preview.of_sample(said, some.people, total=some.total, count=1, now=now)
    if _hopeless_arms(tried, len(said)) and not is_the_same:
        tried = on_audience(
            campaign.tenant_id, said, campaign.target_criteria, as_of=as_of, seed=campaign.seed, count=1, now=now
        )
    hopeless = _hopeless_arms(tried, len(said))
    if not hopeless:
        return
    worst = next(problem for problem in tried.problems if problem.variant == hopeless[0])
    arm = f"The message of variant {campaign.variants[hopeless[0]]['name']!r}" if campaign.is_ab_test else "The message"
    raise NobodyCanGetIt(
        f"{arm} can't be made for any of the {tried.examined} people tried: {worst.reason}.",
        details={
            "message_content": worst.reason,
            "example_customer_ids": [str(one) for one in worst.example_customer_ids],
        },
    )


def _hopeless_arms(tried: Preview, arm_count: int) -> list[int]:
    failed = [0] * arm_count
    for problem in tried.problems:
        if problem.variant is not None:
            failed[problem.variant] += problem.people_count or 0
    return [arm for arm, people in enumerate(failed) if people and people == tried.examined]
