"""The approved messages of a tenant, and the placeholders that a campaign must fill. Called in the tenant's scope."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from tulia.channels import components, placeholders
from tulia.channels.components import Components, ComponentsInvalid
from tulia.channels.models import TEMPLATE_STATUSES, MessageTemplate
from tulia.channels.types import ListedTemplate, TemplateChange
from tulia.core import keyset, sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest

CATEGORIES = ("marketing", "utility", "authentication")
STATUSES = TEMPLATE_STATUSES
MAX_BODY_LENGTH = components.MAX_BODY
MAX_VALUE_LENGTH = 1_024
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")


class TemplateExists(Conflict):
    code = "template_exists"


@dataclass(frozen=True, slots=True)
class Changed:
    """A template that can't be sent any more since the provider changed it; `reason` in plain words."""

    template: MessageTemplate
    reason: str


def create(
    tenant_id: UUID,
    *,
    name: str,
    language: str,
    category: str,
    body: str | None = None,
    parts: Any = None,
    examples: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    status: str = "approved",
    provider_id: str = "",
    is_styled: bool = True,
) -> MessageTemplate:
    """A new template, of a `body` alone or of all its `parts` (a list, see `channels.components`).

    Name and language are its identity. Raises Invalid naming every wrong field, TemplateExists.
    """
    wrong: dict[str, str] = {}
    if not _NAME.fullmatch(name):
        wrong["name"] = "must be 1 to 512 small letters, digits and underscores"
    if not _LANGUAGE.fullmatch(language):
        wrong["language"] = "must be a language code, like en, sw or en_US"
    wrong |= _wrong_words(category=category, status=status)
    made = _parts_of(body, parts, wrong, is_styled=is_styled)
    texts = {"examples": dict(examples or {}), "defaults": dict(defaults or {})}
    if made:
        wrong |= _wrong_texts(made, texts)
    _refuse(wrong)
    assert made is not None
    try:
        with sql.transaction_scope():
            return MessageTemplate.objects.create(
                tenant_id=tenant_id,
                name=name,
                language=language,
                category=category,
                status=status,
                provider_id=provider_id,
                **_columns(made),
                **texts,
            )
    except IntegrityError as error:
        raise TemplateExists(f"There is a template {name} in {language} already.") from error


def change(
    template: MessageTemplate,
    *,
    category: str | None = None,
    status: str | None = None,
    body: str | None = None,
    parts: Any = None,
    examples: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    provider_id: str | None = None,
    now: datetime,
) -> MessageTemplate:
    """Changes what is given (None: as it is). Raises Invalid naming every wrong field.

    Examples and defaults of places that new parts don't have are forgotten, unless they are given along.
    """
    wrong = _wrong_words(category=category, status=status)
    made = parts_of(template)
    if body is not None or parts is not None:
        made = _parts_of(body, parts, wrong) or made
    known = {place.key for place in made.places()}
    kept = {"examples": template.examples, "defaults": template.defaults}
    given = {"examples": examples, "defaults": defaults}
    wrong |= _wrong_texts(made, {field: dict(texts) for field, texts in given.items() if texts is not None})
    _refuse(wrong)
    values: dict[str, Any] = {
        field: dict(texts) if texts is not None else {key: text for key, text in kept[field].items() if key in known}
        for field, texts in given.items()
    }
    values |= _columns(made)
    if category is not None:
        values["category"] = category
    if provider_id is not None:
        values["provider_id"] = provider_id
    if status is not None and status != template.status:
        values |= {"status": status, "status_reason": "", "status_told_at": now}
    MessageTemplate.objects.filter(pk=template.pk).update(**values, updated_at=Now())
    template.refresh_from_db()
    return template


def take_over(tenant_id: UUID, listed: ListedTemplate, *, now: datetime) -> str:
    """Stores a template as the provider has it: "created", "updated" or "unchanged". Raises Invalid.

    Known by the provider's id, else by name and language. Defaults stay where their places do.
    """
    found = _listed(tenant_id).filter(provider_id=listed.provider_id).first() if listed.provider_id else None
    found = found or find(tenant_id, name=listed.name, language=listed.language)
    parts = components.read(list(listed.parts), is_styled=False)
    if found is None and listed.status == "deleted":
        return "unchanged"
    told = {"status": listed.status, "category": listed.category, "quality": listed.quality}
    values = {**_columns(parts), **told, "provider_id": listed.provider_id}
    known = {place.key for place in parts.places()}
    examples = {key: text for key, text in listed.examples.items() if key in known}
    if found is None:
        made = create(
            tenant_id, name=listed.name, language=listed.language, category=listed.category, parts=values["components"],
            examples=examples, status=listed.status, provider_id=listed.provider_id, is_styled=False,
        )  # fmt: skip
        MessageTemplate.objects.filter(pk=made.pk).update(quality=listed.quality)
        return "created"
    values["examples"] = found.examples | examples
    values["defaults"] = {key: text for key, text in found.defaults.items() if key in known}
    values["examples"] = {key: text for key, text in values["examples"].items() if key in known}
    if all(getattr(found, name) == value for name, value in values.items()):
        return "unchanged"
    MessageTemplate.objects.filter(pk=found.pk).update(**values, status_told_at=now, updated_at=Now())
    return "updated"


def delete(template: MessageTemplate) -> None:
    """Takes it out of every list; its row stays for the campaigns that were sent with it."""
    MessageTemplate.objects.filter(pk=template.pk, deleted_at=None).update(
        deleted_at=Now(), status="deleted", updated_at=Now()
    )


def apply_changes(tenant_id: UUID, changes: Iterable[TemplateChange]) -> list[Changed]:
    """Does what the provider told, each kind in the order of its telling; what is older than what we know is passed over.

    Returns the templates that were approved and aren't any more. Templates that we don't know are none of ours.
    """
    stopped: dict[UUID, Changed] = {}
    for told in sorted(changes, key=lambda one: one.at):
        kind = "status" if told.status else "quality" if told.quality else "category"
        values: dict[str, Any] = {kind: getattr(told, kind), f"{kind}_told_at": told.at, "updated_at": Now()}
        if kind == "status":
            values["status_reason"] = told.reason
        for template in _named(tenant_id, told):
            news = MessageTemplate.objects.filter(
                Q(**{f"{kind}_told_at": None}) | Q(**{f"{kind}_told_at__lte": told.at}), pk=template.pk
            )
            learnt = {"provider_id": told.provider_id} if told.provider_id and not template.provider_id else {}
            if news.update(**values, **learnt) and kind == "status":
                stopped.pop(template.pk, None)
                template.status, template.status_reason = str(told.status), told.reason
                if told.status != "approved":
                    stopped[template.pk] = Changed(template, told.reason)
    return list(stopped.values())


def parts_of(template: MessageTemplate) -> Components:
    """Its parts, as they are stored."""
    return components.stored(template.components, template.body)


def get(tenant_id: UUID, template_id: UUID) -> MessageTemplate:
    """Raises Missing."""
    found = _listed(tenant_id).filter(pk=template_id).first()
    if found is None:
        raise Missing("There is no such template.")
    return found


def find(tenant_id: UUID, *, name: str, language: str) -> MessageTemplate | None:
    """The template of this name in this language."""
    return _listed(tenant_id).filter(name=name, language=language).first()


def of_ids(tenant_id: UUID, ids: Iterable[UUID]) -> dict[UUID, MessageTemplate]:
    """These templates, deleted ones too, by id."""
    return {one.pk: one for one in MessageTemplate.objects.filter(tenant_id=tenant_id, pk__in=list(ids))}


def page(tenant_id: UUID, wanted: PageRequest, *, status: str | None = None) -> Page[MessageTemplate]:
    """Newest first."""
    of_status = {"status": status} if status else {}
    return keyset.page_of(MessageTemplate, {"tenant_id": tenant_id, "deleted_at": None, **of_status}, wanted)


def _listed(tenant_id: UUID) -> QuerySet[MessageTemplate]:
    return MessageTemplate.objects.filter(tenant_id=tenant_id, deleted_at=None)


def _named(tenant_id: UUID, told: TemplateChange) -> Sequence[MessageTemplate]:
    """Whom a change means: by the provider's id, else by name and language (of one whose id nobody told us)."""
    by_name = Q(name=told.name, language=told.language, provider_id="")
    return list(_listed(tenant_id).filter(Q(provider_id=told.provider_id) | by_name if told.provider_id else by_name))


def _parts_of(body: str | None, parts: Any, wrong: dict[str, str], *, is_styled: bool = True) -> Components | None:
    if (body is None) == (parts is None):
        wrong["components" if parts is not None else "body"] = "give either body or components"
        return None
    try:
        return components.of_body(body) if body is not None else components.read(parts, is_styled=is_styled)
    except ComponentsInvalid as refused:
        wrong |= refused.wrong
        return None


def _columns(made: Components) -> dict[str, Any]:
    return {"body": made.body, "components": made.to_json(), "variables": placeholders.names_in(made.body)}


def _wrong_words(*, category: str | None, status: str | None) -> dict[str, str]:
    wrong = {}
    if category is not None and category not in CATEGORIES:
        wrong["category"] = f"must be one of {', '.join(CATEGORIES)}"
    if status is not None and status not in STATUSES:
        wrong["status"] = f"must be one of {', '.join(STATUSES)}"
    return wrong


def _wrong_texts(made: Components, given: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What is wrong with examples and defaults: their keys are places of this template, their values short texts."""
    known = [place.key for place in made.places()]
    wrong = {}
    for field, texts in given.items():
        for key, text in texts.items():
            if key not in known:
                wrong[f"{field}.{key[:60]}"] = f"is no place of this template; it has {', '.join(known) or 'none'}"
            elif not isinstance(text, str) or not text.strip() or len(text) > MAX_VALUE_LENGTH or "\x00" in text:
                wrong[f"{field}.{key}"] = f"must have 1 to {MAX_VALUE_LENGTH} characters"
    return wrong


def _refuse(wrong: Mapping[str, str]) -> None:
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
