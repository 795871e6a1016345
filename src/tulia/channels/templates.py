"""The approved messages of a tenant, and the placeholders that a campaign must fill. Called in the tenant's scope."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import IntegrityError

from tulia.channels.models import MessageTemplate
from tulia.core import keyset, sql
from tulia.core.errors import Conflict, Invalid, Missing
from tulia.core.keyset import Page, PageRequest

CATEGORIES = ("marketing", "utility", "authentication")
STATUSES = ("pending", "approved", "rejected", "paused", "disabled")
MAX_BODY_LENGTH = 1_024
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"[a-z][a-z0-9_]*")
_POSITION = re.compile(r"[1-9][0-9]?")


class TemplateExists(Conflict):
    code = "template_exists"


class PlaceholdersInvalid(ValueError):
    """The placeholders of a body make no sense together; the text says why."""


def create(
    tenant_id: UUID, *, name: str, language: str, category: str, body: str, status: str = "approved"
) -> MessageTemplate:
    """A new template; name and language are its identity. Raises Invalid naming every wrong field, TemplateExists."""
    wrong: dict[str, str] = {}
    if not _NAME.fullmatch(name):
        wrong["name"] = "must be 1 to 512 small letters, digits and underscores"
    if not _LANGUAGE.fullmatch(language):
        wrong["language"] = "must be a language code, like en, sw or en_US"
    if category not in CATEGORIES:
        wrong["category"] = f"must be one of {', '.join(CATEGORIES)}"
    if status not in STATUSES:
        wrong["status"] = f"must be one of {', '.join(STATUSES)}"
    if not 0 < len(body.strip()) <= MAX_BODY_LENGTH or len(body) > MAX_BODY_LENGTH:
        wrong["body"] = f"must have 1 to {MAX_BODY_LENGTH} characters"
    variables: list[str] = []
    try:
        variables = variables_of(body)
    except PlaceholdersInvalid as error:
        wrong.setdefault("body", str(error))
    if wrong:
        raise Invalid("; ".join(f"{field} {reason}" for field, reason in wrong.items()) + ".", details=wrong)
    try:
        with sql.transaction_scope():
            return MessageTemplate.objects.create(
                tenant_id=tenant_id,
                name=name,
                language=language,
                category=category,
                status=status,
                body=body,
                variables=variables,
            )
    except IntegrityError as error:
        raise TemplateExists(f"There is a template {name} in {language} already.") from error


def variables_of(body: str) -> list[str]:
    """The placeholders in the order of their numbers, or of their first appearance when they have names.

    Raises PlaceholdersInvalid: {{1}}, {{2}}… without a gap or {{first_name}}…, never both.
    """
    found = list(dict.fromkeys(inner.strip() for inner in _PLACEHOLDER.findall(body)))
    if "{{" in _PLACEHOLDER.sub("", body) or "}}" in _PLACEHOLDER.sub("", body):
        raise PlaceholdersInvalid("has a placeholder that is not closed: write {{1}} or {{first_name}}")
    positions = [name for name in found if _POSITION.fullmatch(name)]
    if positions and len(positions) < len(found):
        raise PlaceholdersInvalid("mixes numbered and named placeholders: use one kind")
    if positions:
        ordered = sorted(positions, key=int)
        if [int(name) for name in ordered] != list(range(1, len(ordered) + 1)):
            raise PlaceholdersInvalid("must number its placeholders from {{1}} without a gap")
        return ordered
    for name in found:
        if not _VARIABLE.fullmatch(name):
            raise PlaceholdersInvalid(
                f"has the placeholder {{{{{name[:40]}}}}}: use a number, or small letters, digits and _"
            )
    return found


def get(tenant_id: UUID, template_id: UUID) -> MessageTemplate:
    """Raises Missing."""
    found = MessageTemplate.objects.filter(tenant_id=tenant_id, pk=template_id).first()
    if found is None:
        raise Missing("There is no such template.")
    return found


def page(tenant_id: UUID, wanted: PageRequest, *, status: str | None = None) -> Page[MessageTemplate]:
    """Newest first."""
    rows = MessageTemplate.objects.filter(tenant_id=tenant_id)
    return keyset.page(rows.filter(status=status) if status else rows, wanted)
