"""/v1/api-keys: the keys of a tenant's programs. A key is shown once, when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.governance_service import MANAGES, GovernanceService

if TYPE_CHECKING:
    from tulia.tenants.models import ApiKey


class NewApiKey(fields.Shape):
    name = fields.Text(max_length=100, help_text="What the key is for.")
    scopes = fields.Strings(required=False, max_length=50, help_text="Single permissions; or give a role.")
    role = fields.Text(required=False, max_length=30, help_text="The permissions of a role, like analyst.")
    expires_at = fields.Instant(required=False, allow_null=True, help_text="It opens nothing from then on.")


class ApiKeyView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class MadeApiKey(ApiKeyView):
    api_key = serializers.CharField()


_SHOWN = [str(name) for name in ApiKeyView().fields]


def shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _SHOWN}


class ApiKeys(Resource):
    scopes = {"GET": MANAGES, "POST": MANAGES}

    @extend_schema(
        summary="List API keys, the newest first", operation_id="list_api_keys", responses=page_of(ApiKeyView)
    )
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(GovernanceService(self.caller).api_keys(self.page_request()), shown)

    @extend_schema(
        summary="Make an API key, shown in this answer and never again",
        operation_id="create_api_key",
        request=NewApiKey,
        responses={201: MadeApiKey},
    )
    def post(self, request: Request) -> Response:
        made, key = GovernanceService(self.caller).create_api_key(**self.body(NewApiKey))
        return Response(shown(made) | {"api_key": key}, status=201)


class OneApiKey(Resource):
    scopes = {"DELETE": MANAGES}

    @extend_schema(summary="Revoke an API key", operation_id="revoke_api_key", responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        GovernanceService(self.caller).revoke_api_key(key_id)
        return Response(status=204)
