"""What GET /v1/customers/{id}/export answers: everything held of one customer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tulia.api.customers import ConsentEntryView, PreferencesView


def _instant() -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True)


class ExportedProfile(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    phone = serializers.CharField()
    name = serializers.CharField()
    language = serializers.CharField()
    timezone = serializers.CharField()
    country = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    attributes = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ExportedRefusal(serializers.Serializer[Any]):
    campaign_id = serializers.UUIDField(allow_null=True)
    act = serializers.CharField()
    reason = serializers.CharField()
    actor = serializers.CharField()
    refused_at = serializers.DateTimeField()


class ExportedOrder(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    placed_at = serializers.DateTimeField()
    total_micros = serializers.IntegerField()
    currency = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class ExportedBooking(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    booked_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class ExportedConversation(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.CharField()
    last_activity_at = _instant()
    last_inbound_at = _instant()
    created_at = serializers.DateTimeField()


class ExportedMessage(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    direction = serializers.CharField()
    message_type = serializers.CharField()
    text = serializers.CharField()
    sent_at = serializers.DateTimeField()
    provider_message_id = serializers.CharField(allow_null=True)


class ExportedConfirmation(serializers.Serializer[Any]):
    """The answer to an opt-out or opt-in."""

    kind = serializers.CharField()
    text = serializers.CharField()
    asked_at = serializers.DateTimeField()
    state = serializers.CharField()


class ExportedConversion(serializers.Serializer[Any]):
    kind = serializers.CharField()
    source_id = serializers.UUIDField()
    converted_at = serializers.DateTimeField()
    revenue_micros = serializers.IntegerField()
    currency = serializers.CharField()


class ExportedCampaignMessage(serializers.Serializer[Any]):
    """What happened to the customer in one campaign."""

    campaign_id = serializers.UUIDField()
    campaign_name = serializers.CharField()
    arm = serializers.IntegerField(allow_null=True)
    state = serializers.CharField()
    reason = serializers.CharField()
    attempts = serializers.IntegerField()
    due_at = _instant()
    claimed_at = _instant()
    accepted_at = _instant()
    sent_at = _instant()
    delivered_at = _instant()
    read_at = _instant()
    failed_at = _instant()
    replied_at = _instant()
    converted_at = _instant()
    message_id = serializers.CharField(allow_null=True)
    failure_kind = serializers.CharField(allow_null=True)
    failure_code = serializers.CharField(allow_null=True)
    conversions = ExportedConversion(many=True)


class CustomerExportView(serializers.Serializer[Any]):
    """Everything that is held of one customer."""

    customer_id = serializers.UUIDField()
    profile = ExportedProfile()
    preferences = PreferencesView()
    consent_history = ConsentEntryView(many=True)
    refused_sends = ExportedRefusal(many=True)
    orders = ExportedOrder(many=True)
    bookings = ExportedBooking(many=True)
    conversations = ExportedConversation(many=True)
    messages = ExportedMessage(many=True)
    confirmations = ExportedConfirmation(many=True)
    campaign_messages = ExportedCampaignMessage(many=True)
