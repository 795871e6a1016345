"""Fetching the templates of an account from the provider, and storing them as they are there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from tulia.channels import registry, templates
from tulia.channels.models import Sender
from tulia.channels.types import ListedTemplate, UnusableTemplate
from tulia.core.errors import Conflict, Invalid

_ANSWER_SECONDS = 20
_MOST_PAGES = 100
_LARGEST_PAGE = 16 * 1024 * 1024


class ProviderUnavailable(Conflict):
    code: ClassVar[str] = "provider_unavailable"


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did. `skipped` are templates that can't be sent from here, with the reason."""

    created: int
    updated: int
    unchanged: int
    skipped: tuple[UnusableTemplate, ...]


def fetch(sender: Sender) -> list[ListedTemplate | UnusableTemplate]:
    """All templates of the sender's account, page by page. Call outside transactions.

    Raises Invalid when the sender's account isn't known, ProviderUnavailable when the provider doesn't answer.
    """
    if not sender.business_account_id:
        raise Invalid(
            "Whose templates? Give the sender its business_account_id first.",
            details={"business_account_id": "is needed to list templates"},
        )
    connection = registry.connection_of(sender.tenant_id, sender.pk)
    assert connection is not None
    reader = registry.TEMPLATES[sender.kind]
    found: list[ListedTemplate | UnusableTemplate] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        query = {"fields": reader.FIELDS, "limit": "100"} | ({"after": after} if after else {})
        address = f"{registry.address_of(connection)}/{sender.business_account_id}/message_templates"
        page = _get(f"{address}?{urlencode(query)}", connection.access_token)
        found += reader.read(page)
        after = reader.next_cursor(page)
        if after is None:
            return found
    raise ProviderUnavailable("The provider's list of templates doesn't end.")


def store(tenant_id: UUID, listed: Iterable[ListedTemplate | UnusableTemplate], *, now: datetime) -> Synced:
    """Stores them; what is ours alone (defaults, templates of other accounts) stays. Call in the tenant's scope."""
    created = updated = unchanged = 0
    skipped = []
    for one in listed:
        if isinstance(one, UnusableTemplate):
            skipped.append(one)
            continue
        try:
            outcome = templates.take_over(tenant_id, one, now=now)
        except Invalid as refusal:
            skipped.append(UnusableTemplate(one.name, one.language, refusal.message))
            continue
        created += outcome == "created"
        updated += outcome == "updated"
        unchanged += outcome == "unchanged"
    return Synced(created, updated, unchanged, tuple(skipped))


def _get(address: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - the operator's own
    try:
        with urllib.request.build_opener(_NoRedirects(), urllib.request.ProxyHandler({})).open(
            request, timeout=_ANSWER_SECONDS
        ) as response:
            page = json.loads(response.read(_LARGEST_PAGE))
    except urllib.error.HTTPError as error:
        with error:
            raise ProviderUnavailable(_refusal(error)) from None
    except (OSError, ValueError) as error:
        raise ProviderUnavailable("The provider doesn't answer, or not in JSON; try again later.") from error
    return page if isinstance(page, dict) else {}


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        code = json.loads(error.read(65_536))["error"]["code"]
        return f"The provider refused: {registry.explain(str(code))}"
    except (ValueError, LookupError, TypeError, OSError):
        return f"The provider refused with HTTP {error.code}."


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token to whoever is named in it."""

    def redirect_request(self, *_: object) -> None:
        return None
