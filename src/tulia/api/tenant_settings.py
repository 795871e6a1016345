"""/v1/settings: what holds for the whole tenant."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.account_service import AccountService
from tulia.api import fields
from tulia.api.resource import Resource
from tulia.core.errors import Invalid
from tulia.tenants import opt_out_settings, tenant_settings

_LIST = {
    "type": "array",
    "maxItems": opt_out_settings.MOST_WORDS,
    "items": {"type": "string", "maxLength": opt_out_settings.LONGEST_WORD},
}


class QuietHours(fields.Shape):
    """Wall-clock times in which nobody is written to."""

    start = serializers.RegexField(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    end = serializers.RegexField(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class FrequencyCap(fields.Shape):
    """At most so many campaign messages in so many days for one customer."""

    max_messages = serializers.IntegerField(min_value=1, max_value=tenant_settings.MOST_MESSAGES)
    days = serializers.IntegerField(min_value=1, max_value=tenant_settings.MOST_DAYS)


@extend_schema_field({"oneOf": [_LIST, {"type": "object", "additionalProperties": _LIST}]})
class Words(serializers.JSONField):
    """A list of words, or a list for each language."""


class SettingsChange(fields.Shape):
    timezone = fields.Text(required=False, max_length=64, help_text="IANA name, like Africa/Nairobi.")
    country = fields.Text(required=False, max_length=2, help_text="ISO 3166; completes local phone numbers.")
    quiet_hours = QuietHours(required=False, allow_null=True, help_text="In the customer's time zone; null: none.")
    frequency_cap = FrequencyCap(required=False, allow_null=True, help_text="null: any number.")
    approval_required = fields.Flag(required=False, help_text="A second person approves what is sent.")
    opt_out_words = Words(
        required=False,
        help_text="Words that unsubscribe, beside STOP and its like; or, by language, instead of that language's own.",
    )
    opt_in_words = Words(required=False, help_text="Words that subscribe again, beside START; given in the same way.")
    opt_out_reply = fields.Text(
        required=False, allow_null=True, max_length=opt_out_settings.LONGEST_REPLY, help_text="null: no answer to STOP."
    )
    opt_in_reply = fields.Text(
        required=False,
        allow_null=True,
        max_length=opt_out_settings.LONGEST_REPLY,
        help_text="null: no answer to START.",
    )


class SettingsView(serializers.Serializer[Any]):
    timezone = serializers.CharField()
    country = serializers.CharField()
    quiet_hours = QuietHours(allow_null=True)
    frequency_cap = FrequencyCap(allow_null=True)
    approval_required = serializers.BooleanField()
    opt_out_words = Words()
    opt_in_words = Words()
    opt_out_reply = serializers.CharField(allow_null=True)
    opt_in_reply = serializers.CharField(allow_null=True)


class Settings(Resource):
    scopes = {"GET": "integrations:manage", "PATCH": "integrations:manage"}

    @extend_schema(summary="Show the settings", operation_id="get_settings", responses=SettingsView)
    def get(self, request: Request) -> Response:
        self.no_query()
        return Response(tenant_settings.to_json(AccountService(self.caller).settings()))

    @extend_schema(
        summary="Change settings", operation_id="change_settings", request=SettingsChange, responses=SettingsView
    )
    def patch(self, request: Request) -> Response:
        # Read as it came, so that null, which means none, is told from what wasn't given.
        if not isinstance(request.data, dict):
            raise Invalid("Give an object of settings.")
        return Response(tenant_settings.to_json(AccountService(self.caller).change_settings(request.data)))
