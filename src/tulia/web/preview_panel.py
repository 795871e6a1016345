"""What the phone shows: the message of each arm, made for one of a few real people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import mark_safe

from tulia.campaigns.message import Seen
from tulia.preview_service import PreviewService
from tulia.tenants.api_keys import Caller
from tulia.web import phone_text, words
from tulia.web.composer_form import ComposerForm
from tulia.web.message_form import TemplateChoice


def of_form(
    caller: Caller, form: ComposerForm, templates: Mapping[str, TemplateChoice], *, person: str
) -> dict[str, Any]:
    """The messages that are begun, as this person gets them; else as somebody ordinary does."""
    written = {prefix: one for prefix, one in form.messages.items() if not one.is_empty}
    arms = [one.said(templates) for one in written.values()]
    trial = PreviewService(caller).try_arms(arms, form.criteria, customer_id=person)
    people = [
        {
            "id": str(one.customer_id),
            "name": one.name or one.phone,
            "label": label,
            "is_chosen": trial.chosen is not None and one.customer_id == trial.chosen.customer_id,
        }
        for label, one in trial.people
    ]
    bubbles = []
    for (prefix, one), sight in zip(written.items(), trial.arms, strict=True):
        letter = "ABCD"[int(prefix.removeprefix("variant_"))] if form.is_ab_test else ""
        bubbles.append(
            {
                "label": (one.name or letter) if form.is_ab_test else "",
                "seen": _shown(sight.seen) if sight.seen else None,
                "problem": sight.problem,
                "is_skipping": sight.is_skipping,
            }
        )
    return {
        "people": people,
        "person": (trial.chosen.name or trial.chosen.phone) if trial.chosen else "",
        "bubbles": bubbles,
        "tried": trial.tried,
        "skipped": trial.skipped if arms else 0,
        "problem": trial.problem,
    }


def _shown(seen: Seen) -> dict[str, Any]:
    is_file = seen.header_kind not in ("", "text", "location")
    return {
        "kind": words.HEADERS.get(seen.header_kind, ""),
        "header": _file_name(seen.header) if is_file else seen.header,
        "body": mark_safe(phone_text.to_html(seen.body)),  # noqa: S308 - escaped there
        "footer": seen.footer,
        "buttons": [{"label": label, "target": target} for label, target in seen.buttons],
    }


def _file_name(address: str) -> str:
    """The last part of an address, which is what one can tell a picture by."""
    return urlsplit(address).path.rpartition("/")[2] or address
