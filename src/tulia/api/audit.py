"""/v1/audit: who did what to what, from where, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.governance_service import MANAGES, GovernanceService
from tulia.tenants.audit import Filter

if TYPE_CHECKING:
    from tulia.tenants.models import AuditEntry


class AuditActor(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["user", "api_key", "operator", "system"])
    id = serializers.UUIDField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]


class AuditTarget(serializers.Serializer[Any]):
    kind = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()


class AuditOrigin(serializers.Serializer[Any]):
    via = serializers.ChoiceField(["api", "web", "cli", "system"])
    address = serializers.CharField()
    agent = serializers.CharField()


class AuditEntryView(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = AuditActor()
    action = serializers.CharField()
    target = AuditTarget()
    origin = AuditOrigin()
    old = serializers.DictField()
    new = serializers.DictField()


# `from` is a word of Python, so this shape can't be written like the others.
AuditFilter: type[fields.Shape] = type(
    "AuditFilter",
    (fields.Shape,),
    {
        "action": fields.Text(
            required=False, max_length=60, help_text="Like campaign.pause; or campaign: all of them."
        ),
        "actor": fields.Text(
            required=False, max_length=300, help_text="An id, a label (an e-mail), or a kind of actor."
        ),
        "target": fields.Text(required=False, max_length=300, help_text="An id, a name, or a kind of target."),
        "from": fields.Instant(required=False, help_text="From this instant on."),
        "to": fields.Instant(required=False, help_text="Before this instant."),
    },
)


def shown(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "at": entry.at,
        "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "label": entry.actor},
        "action": entry.action,
        "target": {"kind": entry.target_kind, "id": entry.target_id, "name": entry.target_name},
        "origin": {"via": entry.via, "address": entry.address, "agent": entry.agent},
        "old": entry.old,
        "new": entry.new,
    }


class Audit(Resource):
    scopes = {"GET": MANAGES}

    @extend_schema(
        summary="List who did what, the newest first",
        operation_id="list_audit",
        parameters=[AuditFilter],
        responses=page_of(AuditEntryView),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(AuditFilter)
        chosen = Filter(
            action=asked.get("action", ""),
            actor=asked.get("actor", ""),
            target=asked.get("target", ""),
            since=asked.get("from"),
            until=asked.get("to"),
        )
        return self.page_answer(GovernanceService(self.caller).audit(self.page_request(), chosen), shown)
