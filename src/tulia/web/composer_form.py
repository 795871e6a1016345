"""What somebody typed into the composer: from the form to the fields of a campaign, and back (pure).

Everything is kept as it was typed, so that a form that comes back with a mistake has lost nothing. Criteria that the
form can't show (groups, attributes…) are kept from the stored campaign and go along unchanged.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tulia.campaigns import experiment_fields
from tulia.web import experiment_form, limits_form, message_form
from tulia.web.experiment_form import ExperimentForm
from tulia.web.limits_form import LimitsForm
from tulia.web.message_form import MessageForm, TemplateChoice

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

MOST_VARIANTS = 4
CONVERSATION_STATUSES = {
    "open": "Open", "bot": "With the bot", "handoff": "With a person", "closed": "Closed", "dormant": "Dormant",
}  # fmt: skip
NUMBERS = {
    "ordered_in_last_days": ("purchase_history", "ordered_in_last_days"),
    "min_order_count": ("purchase_history", "min_order_count"),
    "active_in_last_days": ("conversation_activity", "active_in_last_days"),
}
_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class ComposerForm:
    """The form's texts. `kept` are stored criteria that it doesn't show."""

    name: str = ""
    message: MessageForm = field(default_factory=MessageForm)
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(NUMBERS, ""))
    is_ab_test: bool = False
    variants: tuple[MessageForm, ...] = (MessageForm("A"), MessageForm("B"))
    limits: LimitsForm = field(default_factory=LimitsForm)
    experiment: ExperimentForm = field(default_factory=ExperimentForm)
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def criteria(self) -> dict[str, Any]:
        """Target criteria as the form says them; numbers that are none stay texts, for the reader to refuse."""
        wanted: dict[str, Any] = copy.deepcopy(dict(self.kept))
        if self.tags:
            wanted["tags"] = list(self.tags)
        for name, (group, key) in NUMBERS.items():
            if text := self.numbers[name].strip():
                is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
                wanted.setdefault(group, {})[key] = int(text) if is_number else text
        if self.statuses:
            wanted.setdefault("conversation_activity", {})["status"] = list(self.statuses)
        return wanted

    @property
    def messages(self) -> Mapping[str, MessageForm]:
        """What the campaign says, one message for each arm, by their prefixes in the form."""
        if not self.is_ab_test:
            return {"message": self.message}
        return {f"variant_{index}": variant for index, variant in enumerate(self.variants)}

    @property
    def template_ids(self) -> list[str]:
        return [one.template_id for one in (self.message, *self.variants) if one.template_id]

    def problems(self, templates: Mapping[str, TemplateChoice]) -> dict[str, str]:
        """What the form itself finds missing or wrong, by its fields."""
        wrong: dict[str, str] = {}
        for prefix, message in self.messages.items():
            wrong |= message.problems(prefix, templates)
        wrong |= self.limits.problems()
        wrong |= self.experiment.problems(is_ab_test=self.is_ab_test)
        return wrong | ({"name": "Must not be empty."} if wrong and not self.name else {})

    def fields(self, templates: Mapping[str, TemplateChoice]) -> dict[str, Any]:
        """The fields of a campaign, for `create_campaign` and `update_campaign`."""
        given: dict[str, Any] = {
            "name": self.name,
            "target_criteria": self.criteria,
            "is_ab_test": self.is_ab_test,
            "variants": [],
            **self.limits.fields(),
            **self.experiment.fields(is_ab_test=self.is_ab_test),
        }
        if not self.is_ab_test:
            return given | self.message.said(templates)
        given["variants"] = [
            _variant(one, templates) | self.experiment.weight(index) for index, one in enumerate(self.variants)
        ]
        text = next((one.content for one in self.variants if not one.is_template), None)
        common: dict[str, Any] = {"template_id": self.variants[0].template_id} if text is None else {}
        return given | {"template_id": None, "template_variables": {}} | common | _content(text)


def _variant(message: MessageForm, templates: Mapping[str, TemplateChoice]) -> dict[str, Any]:
    if not message.is_template:
        return {"name": message.name, "content": message.content}
    return {"name": message.name, **message.said(templates)}


def _content(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"message_content": text}


def of_post(posted: Mapping[str, Sequence[object]], *, stored: MessageCampaign | None = None) -> ComposerForm:
    """The form that was sent, all values of each field; `stored` is the draft that it is about."""

    def text(name: str) -> str:
        return str((posted.get(name) or ("",))[-1]).replace("\r\n", "\n")

    count = max(2, sum(f"variant_{index}_name" in posted for index in range(MOST_VARIANTS)))
    return ComposerForm(
        name=text("name").strip(),
        message=message_form.of_post(posted, "message", content_field="message"),
        tags=tuple(dict.fromkeys(str(tag) for tag in posted.get("tags", ()) if str(tag).strip())),
        statuses=tuple(str(status) for status in posted.get("statuses", ())),
        numbers={name: text(name).strip() for name in NUMBERS},
        is_ab_test=bool(text("is_ab_test")),
        variants=tuple(
            message_form.of_post(posted, f"variant_{index}", content_field=f"variant_{index}_content")
            for index in range(count)
        ),
        limits=limits_form.of_post(text),
        experiment=experiment_form.of_post(
            text, variants=count, asked=experiment_fields.as_posted(stored) if stored is not None else {}
        ),
        kept=_unshown(stored.target_criteria if stored is not None else {}),
    )


def empty(*, kind: str) -> ComposerForm:
    """A new campaign's form."""
    return ComposerForm(
        message=MessageForm(kind=kind), variants=(MessageForm("A", kind=kind), MessageForm("B", kind=kind))
    )


def of_campaign(campaign: MessageCampaign, templates: Mapping[str, TemplateChoice]) -> ComposerForm:
    """The form of a stored draft."""
    target_criteria = campaign.target_criteria
    numbers = {
        field_name: str(target_criteria.get(group, {}).get(key, "")) for field_name, (group, key) in NUMBERS.items()
    }
    message, common = campaign.message_content, dict(campaign.template_variables)
    variants = []
    for one in campaign.variants if campaign.is_ab_test else ():
        content = str(one.get("content") or "")
        own = one.get("template_id") or (None if content else campaign.template_id)
        variants.append(
            message_form.of_stored(
                name=str(one.get("name", "")),
                content=content or ("" if own else message),
                template_id=own,
                variables=common | (one.get("template_variables") or {}),
                template=templates.get(str(own)),
            )
        )
    single = message_form.of_stored(
        name="", content=message, template_id=campaign.template_id, variables=common,
        template=templates.get(str(campaign.template_id)),
    )  # fmt: skip
    unused = empty(kind=single.kind)
    return ComposerForm(
        name=campaign.name,
        message=unused.message if campaign.is_ab_test else single,
        tags=tuple(target_criteria.get("tags", ())),
        statuses=tuple(target_criteria.get("conversation_activity", {}).get("status", ())),
        numbers=numbers,
        is_ab_test=campaign.is_ab_test,
        variants=tuple(variants) or unused.variants,
        limits=limits_form.of_stored(
            budget_micros=campaign.budget_micros, rule=campaign.quiet_hours_rule, start=campaign.quiet_hours_start,
            end=campaign.quiet_hours_end, exempt_reason=campaign.frequency_cap_exempt_reason,
        ),
        experiment=experiment_form.of_stored(
            counts=campaign.primary_metric, variants=campaign.variants, asked=experiment_fields.as_posted(campaign)
        ),
        kept=_unshown(target_criteria),
    )  # fmt: skip


def _unshown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria without what the form shows."""
    rest: dict[str, Any] = copy.deepcopy(dict(stored))
    rest.pop("tags", None)
    for group, key in (*NUMBERS.values(), ("conversation_activity", "status")):
        inner = rest.get(group)
        if isinstance(inner, dict):
            inner.pop(key, None)
            if not inner:
                del rest[group]
    return rest
