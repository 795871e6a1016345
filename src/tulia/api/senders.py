"""/v1/senders: the phone numbers a tenant sends with. Secrets go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.account_service import AccountService
from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.channels import senders

if TYPE_CHECKING:
    from tulia.channels.models import Sender


class NewSender(fields.Shape):
    kind = fields.Choice(choices=["whatsapp_cloud"], default="whatsapp_cloud")
    name = fields.Text(max_length=100)
    phone_number_id = fields.Text(max_length=30, help_text="The provider's id of the phone number, not the number.")
    business_account_id = fields.Text(
        required=False, max_length=64, help_text="The provider's id of the account that has the templates."
    )
    access_token = fields.Text(write_only=True, max_length=2_000)
    app_secret = fields.Text(write_only=True, max_length=2_000, help_text="Signs the provider's callbacks.")
    verify_token = fields.Text(write_only=True, max_length=2_000, help_text="Of your choice; the provider repeats it.")
    base_url = fields.Text(required=False, max_length=300, help_text="Another address than the provider's own.")
    rate_per_second = fields.Whole(required=False, min_value=1, max_value=senders.MAX_RATE)


class SenderChange(fields.Shape):
    name = fields.Text(required=False, max_length=100)
    rate_per_second = fields.Whole(required=False, min_value=1, max_value=senders.MAX_RATE)
    is_paused = fields.Flag(required=False)
    paused_reason = fields.Text(required=False, max_length=300, allow_blank=True)
    business_account_id = fields.Text(required=False, max_length=64)
    access_token = fields.Text(required=False, write_only=True, max_length=2_000)
    app_secret = fields.Text(required=False, write_only=True, max_length=2_000)
    verify_token = fields.Text(required=False, write_only=True, max_length=2_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("paused_reason") and attrs.get("is_paused") is not True:
            raise serializers.ValidationError({"paused_reason": "goes with is_paused: true"})
        return attrs


class BreakerView(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=["closed", "open", "half_open"],
        help_text="closed: messages go out. open: none does. half_open: one message at a time tries the way.",
    )
    scope = serializers.ChoiceField(
        choices=["sender", "account"], allow_null=True, help_text="Whether all senders of the account are concerned."
    )
    reason = serializers.CharField(allow_blank=True, help_text="What is the matter and what to do, in plain words.")
    code = serializers.CharField(allow_blank=True, help_text='The provider\'s code, or "outage" or "throttled".')
    since = serializers.DateTimeField(allow_null=True)
    retry_at = serializers.DateTimeField(
        allow_null=True, help_text="When it tries again by itself; null while open: a person must mend something first."
    )


class SenderView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    name = serializers.CharField()
    phone_number_id = serializers.CharField()
    business_account_id = serializers.CharField(allow_blank=True)
    base_url = serializers.CharField()
    rate_per_second = serializers.IntegerField()
    is_simulated = serializers.BooleanField()
    is_paused = serializers.BooleanField()
    paused_reason = serializers.CharField()
    breaker = BreakerView()
    webhook_path = serializers.CharField()
    created_at = serializers.DateTimeField()


def shown(sender: Sender) -> dict[str, Any]:
    return {
        "id": sender.pk,
        "kind": sender.kind,
        "name": sender.name,
        "phone_number_id": sender.external_id,
        "business_account_id": sender.business_account_id,
        "base_url": sender.base_url,
        "rate_per_second": sender.rate_per_second,
        "is_simulated": sender.is_simulated,
        "is_paused": bool(sender.paused_reason),
        "paused_reason": sender.paused_reason,
        "breaker": {
            "state": sender.breaker_state,
            "scope": sender.breaker_scope or None,
            "reason": sender.breaker_reason,
            "code": sender.breaker_code,
            "since": sender.breaker_since,
            "retry_at": sender.breaker_retry_at,
        },
        "webhook_path": senders.webhook_path(sender.pk),
        "created_at": sender.created_at,
    }


class Senders(Resource):
    scopes = {"GET": "integrations:manage", "POST": "integrations:manage"}

    @extend_schema(summary="List senders", operation_id="list_senders", responses=page_of(SenderView))
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(AccountService(self.caller).senders(self.page_request()), shown)

    @extend_schema(summary="Add a sender", operation_id="create_sender", request=NewSender, responses={201: SenderView})
    def post(self, request: Request) -> Response:
        sender = AccountService(self.caller).create_sender(**self.body(NewSender))
        return Response(shown(sender), status=201)


class OneSender(Resource):
    scopes = {"GET": "integrations:manage", "PATCH": "integrations:manage"}

    @extend_schema(summary="Show a sender", operation_id="get_sender", responses=SenderView)
    def get(self, request: Request, sender_id: UUID) -> Response:
        self.no_query()
        return Response(shown(AccountService(self.caller).sender(sender_id)))

    @extend_schema(
        summary="Rename, pace, pause or resume a sender, or give it new secrets",
        operation_id="change_sender",
        request=SenderChange,
        responses=SenderView,
    )
    def patch(self, request: Request, sender_id: UUID) -> Response:
        changes = self.body(SenderChange)
        return Response(shown(AccountService(self.caller).change_sender(sender_id, **changes)))
