"""/v1/settings: what holds for the whole tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.account_service import AccountService
from tulia.api import fields
from tulia.api.resource import Resource

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant


class SettingsChange(fields.Shape):
    timezone = fields.Text(required=False, max_length=64, help_text="IANA name, like Africa/Nairobi.")
    country = fields.Text(required=False, max_length=2, help_text="ISO 3166; completes local phone numbers.")
    opt_out_words = fields.Strings(
        required=False, max_length=50, help_text="Words that unsubscribe, beside STOP and its like."
    )


class SettingsView(serializers.Serializer[Any]):
    timezone = serializers.CharField()
    country = serializers.CharField()
    opt_out_words = serializers.ListField(child=serializers.CharField())


def shown(tenant: Tenant) -> dict[str, Any]:
    return {"timezone": tenant.timezone, "country": tenant.country, "opt_out_words": tenant.opt_out_words}


class Settings(Resource):
    scopes = {"GET": "integrations:manage", "PATCH": "integrations:manage"}

    @extend_schema(summary="Show the settings", operation_id="get_settings", responses=SettingsView)
    def get(self, request: Request) -> Response:
        return Response(shown(AccountService(self.caller).settings()))

    @extend_schema(
        summary="Change settings", operation_id="change_settings", request=SettingsChange, responses=SettingsView
    )
    def patch(self, request: Request) -> Response:
        return Response(shown(AccountService(self.caller).change_settings(**self.body(SettingsChange))))
