"""/v1/event-subscriptions: addresses of the tenant's own that are told what happens, and the log of telling them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.pagination import page_of
from tulia.api.resource import Resource
from tulia.webhook_service import WebhookService
from tulia.webhooks import addresses, subscriptions
from tulia.webhooks.event_types import EVENT_TYPES

if TYPE_CHECKING:
    from tulia.webhooks.deliveries import LoggedDelivery
    from tulia.webhooks.models import WebhookDelivery, WebhookSubscription

MANAGES = "integrations:manage"
STATES = ["pending", "delivered", "failed"]
_LONGEST_OVERLAP = int(subscriptions.LONGEST_OVERLAP.total_seconds())


class EventTypes(serializers.ListField):
    """A list of some of the event types."""

    child = fields.Choice(choices=EVENT_TYPES)


class NewEventSubscription(fields.Shape):
    url = fields.Text(max_length=addresses.MAX_URL_LENGTH, help_text="Over https, on the public internet.")
    event_types = EventTypes(min_length=1, max_length=50)
    description = fields.Text(required=False, allow_blank=True, max_length=subscriptions.LONGEST_DESCRIPTION)
    is_enabled = fields.Flag(required=False)


class EventSubscriptionChange(fields.Shape):
    url = fields.Text(required=False, max_length=addresses.MAX_URL_LENGTH)
    event_types = EventTypes(required=False, min_length=1, max_length=50)
    description = fields.Text(required=False, allow_blank=True, max_length=subscriptions.LONGEST_DESCRIPTION)
    is_enabled = fields.Flag(required=False, help_text="true after it was switched off sends what is still waiting.")


class SecretRotation(fields.Shape):
    previous_valid_seconds = fields.Whole(
        required=False, min_value=0, max_value=_LONGEST_OVERLAP, help_text="How long the former secret signs too."
    )


class ReplayPeriod(fields.Shape):
    def get_fields(self) -> dict[str, Any]:  # `from` is no name in Python
        about = {"from": "From this instant on (of recording).", "to": "Before this instant."}
        return {name: fields.Instant(help_text=said) for name, said in about.items()}


class NoBody(fields.Shape):
    """A body without fields."""


class EventSubscriptionView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    event_types = EventTypes()
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(allow_blank=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    previous_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EventSubscriptionWithSecretView(EventSubscriptionView):
    secret = serializers.CharField(help_text="whsec_…, shown this once.")


class TestAnswerView(serializers.Serializer[Any]):
    is_delivered = serializers.BooleanField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    response = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField()


class DeliveryView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    event_id = serializers.UUIDField(help_text="The header webhook-id.")
    event_type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=STATES)
    attempt_count = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    last_response = serializers.CharField(allow_blank=True)
    last_duration_ms = serializers.IntegerField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)


class AttemptView(serializers.Serializer[Any]):
    attempted_at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    response = serializers.CharField(allow_blank=True)
    duration_ms = serializers.IntegerField()


class DeliveryWithAttemptsView(DeliveryView):
    payload = serializers.DictField()
    attempts = AttemptView(many=True)


class ReplayedView(serializers.Serializer[Any]):
    event_count = serializers.IntegerField()


def shown(subscription: WebhookSubscription) -> dict[str, Any]:
    names = (
        "id", "url", "description", "event_types", "is_enabled", "disabled_reason", "failing_since",
        "previous_secret_until", "created_at",
    )  # fmt: skip
    return {name: getattr(subscription, name) for name in names}


def shown_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    names = (
        "id", "event_id", "state", "attempt_count", "next_attempt_at", "last_attempt_at", "last_status", "last_error",
        "last_response", "last_duration_ms", "delivered_at",
    )  # fmt: skip
    event = delivery.event
    return {name: getattr(delivery, name) for name in names} | {
        "event_type": event.type, "occurred_at": event.occurred_at, "recorded_at": event.recorded_at
    }  # fmt: skip


def shown_with_attempts(logged: LoggedDelivery) -> dict[str, Any]:
    names = ("attempted_at", "status", "error", "response", "duration_ms")
    attempts = [{name: getattr(one, name) for name in names} for one in logged.attempts]
    return shown_delivery(logged.delivery) | {"payload": logged.payload, "attempts": attempts}


class EventSubscriptions(Resource):
    scopes = {"GET": MANAGES, "POST": MANAGES}

    @extend_schema(
        summary="List event subscriptions",
        operation_id="list_event_subscriptions",
        responses=page_of(EventSubscriptionView),
    )
    def get(self, request: Request) -> Response:
        self.no_query()
        return self.page_answer(WebhookService(self.caller).subscriptions(self.page_request()), shown)

    @extend_schema(
        summary="Subscribe an address to events; the answer holds its secret, this once",
        operation_id="create_event_subscription",
        request=NewEventSubscription,
        responses={201: EventSubscriptionWithSecretView},
    )
    def post(self, request: Request) -> Response:
        made = WebhookService(self.caller).create_subscription(**self.body(NewEventSubscription))
        return Response(shown(made.subscription) | {"secret": made.secret}, status=201)


class OneEventSubscription(Resource):
    scopes = {"GET": MANAGES, "PATCH": MANAGES, "DELETE": MANAGES}

    @extend_schema(
        summary="Show an event subscription", operation_id="get_event_subscription", responses=EventSubscriptionView
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        self.no_query()
        return Response(shown(WebhookService(self.caller).subscription(subscription_id)))

    @extend_schema(
        summary="Change an event subscription, or switch it on or off",
        operation_id="change_event_subscription",
        request=EventSubscriptionChange,
        responses=EventSubscriptionView,
    )
    def patch(self, request: Request, subscription_id: UUID) -> Response:
        changes = self.body(EventSubscriptionChange)
        return Response(shown(WebhookService(self.caller).change_subscription(subscription_id, **changes)))

    @extend_schema(
        summary="Delete an event subscription and its log",
        operation_id="delete_event_subscription",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        WebhookService(self.caller).delete_subscription(subscription_id)
        return Response(status=204)


class EventSubscriptionSecret(Resource):
    scopes = {"POST": MANAGES}

    @extend_schema(
        summary="Give an event subscription a new secret; the former one signs too for a while",
        operation_id="rotate_event_subscription_secret",
        request=SecretRotation,
        responses=EventSubscriptionWithSecretView,
    )
    def post(self, request: Request, subscription_id: UUID) -> Response:
        asked = self.body(SecretRotation)
        overlap = timedelta(seconds=asked.get("previous_valid_seconds", 86_400))
        made = WebhookService(self.caller).rotate_secret(subscription_id, overlap=overlap)
        return Response(shown(made.subscription) | {"secret": made.secret})


class EventSubscriptionTest(Resource):
    scopes = {"POST": MANAGES}

    @extend_schema(
        summary="Post a test event now, and say what the endpoint answered",
        operation_id="test_event_subscription",
        request=None,
        responses=TestAnswerView,
    )
    def post(self, request: Request, subscription_id: UUID) -> Response:
        self.body(NoBody)
        answer = WebhookService(self.caller).test(subscription_id)
        return Response(
            {
                "is_delivered": answer.is_success,
                "status": answer.status,
                "error": answer.error,
                "response": answer.excerpt,
                "duration_ms": answer.duration_ms,
            }
        )


class EventSubscriptionReplay(Resource):
    scopes = {"POST": MANAGES}

    @extend_schema(
        summary="Send the events of a period again, with the same ids",
        operation_id="replay_event_subscription",
        request=ReplayPeriod,
        responses={202: ReplayedView},
    )
    def post(self, request: Request, subscription_id: UUID) -> Response:
        period = self.body(ReplayPeriod)
        count = WebhookService(self.caller).replay(subscription_id, since=period["from"], until=period["to"])
        return Response({"event_count": count}, status=202)


class DeliveriesQuery(fields.Shape):
    state = fields.Choice(choices=STATES, required=False)


class EventDeliveries(Resource):
    scopes = {"GET": MANAGES}

    @extend_schema(
        summary="The log of an event subscription, the newest event first",
        operation_id="list_event_deliveries",
        parameters=[DeliveriesQuery],
        responses=page_of(DeliveryView),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        state = self.query(DeliveriesQuery).get("state")
        page = WebhookService(self.caller).deliveries(subscription_id, self.page_request(), state=state)
        return self.page_answer(page, shown_delivery)


class OneEventDelivery(Resource):
    scopes = {"GET": MANAGES}

    @extend_schema(
        summary="One delivery: what was sent, and every try",
        operation_id="get_event_delivery",
        responses=DeliveryWithAttemptsView,
    )
    def get(self, request: Request, subscription_id: UUID, delivery_id: UUID) -> Response:
        self.no_query()
        return Response(shown_with_attempts(WebhookService(self.caller).delivery(subscription_id, delivery_id)))


class EventDeliveryReplay(Resource):
    scopes = {"POST": MANAGES}

    @extend_schema(
        summary="Send one event again, with the same id",
        operation_id="replay_event_delivery",
        request=None,
        responses={202: DeliveryWithAttemptsView},
    )
    def post(self, request: Request, subscription_id: UUID, delivery_id: UUID) -> Response:
        self.body(NoBody)
        logged = WebhookService(self.caller).replay_delivery(subscription_id, delivery_id)
        return Response(shown_with_attempts(logged), status=202)
