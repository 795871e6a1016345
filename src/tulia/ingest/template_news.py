"""What the provider did to templates: stored, and campaigns paused that can't go on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from tulia.campaigns import template_use
from tulia.channels import templates
from tulia.channels.types import TemplateChange
from tulia.core import logs

_log = logs.get(__name__)


def take_in(tenant_id: UUID, changes: Iterable[TemplateChange], *, now: datetime) -> None:
    """Applies the changes, each once however often it is told. Call in the tenant's scope."""
    for changed in templates.apply_changes(tenant_id, changes):
        paused = template_use.pause_campaigns(tenant_id, changed.template, reason=changed.reason, now=now)
        _log.info("template_stopped", template_id=str(changed.template.pk), campaigns_paused=paused)
