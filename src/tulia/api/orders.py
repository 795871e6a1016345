"""/v1/orders and /v1/bookings: what customers bought and booked, one by one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tulia.api import fields
from tulia.api.resource import Resource
from tulia.audience_service import AudienceService

if TYPE_CHECKING:
    from tulia.audience.models import Booking, Order


@extend_schema_field({"oneOf": [{"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,6})?$"}, {"type": "number"}]})
class Amount(serializers.Field[Any, Any, Any, Any]):
    """Money, as a decimal text or a number; what it may be is checked where it is stored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, str | int | float):
            raise serializers.ValidationError('must be an amount like "1250.00"')
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class NamesCustomer(fields.Shape):
    """The customer is named by one of the three."""

    external_id = fields.Text(required=False, allow_null=True, max_length=200)
    customer_id = fields.Id(required=False)
    customer_external_id = fields.Text(required=False, max_length=200)
    phone = fields.Text(required=False, max_length=60)


class NewOrder(NamesCustomer):
    placed_at = fields.Text(max_length=40, help_text="RFC 3339; a date alone is its midnight in the tenant's zone.")
    total = Amount()
    currency = fields.Text(required=False, allow_blank=True, max_length=3)
    status = fields.Text(max_length=20, help_text="draft, pending, paid, fulfilled, completed, canceled or refunded.")


class OrderView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    customer_id = serializers.UUIDField()
    placed_at = serializers.DateTimeField()
    total = serializers.CharField()
    currency = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class NewBooking(NamesCustomer):
    booked_at = fields.Text(max_length=40, help_text="When it was made: RFC 3339, or a date.")
    starts_at = fields.Text(max_length=40, help_text="When it takes place: RFC 3339, or a date.")
    status = fields.Text(max_length=20, help_text="pending, confirmed, completed, canceled or no_show.")


class BookingView(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    customer_id = serializers.UUIDField()
    booked_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


def _shown_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "external_id": order.external_id,
        "customer_id": order.customer_id,
        "placed_at": order.placed_at,
        "total": _decimal(order.total_micros),
        "currency": order.currency,
        "status": order.status,
        "created_at": order.created_at,
    }


def _decimal(micros: int) -> str:
    """At least two decimals, and more only where they say something."""
    text = format(Decimal(micros).scaleb(-6), "f")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def _shown_booking(booking: Booking) -> dict[str, Any]:
    return {
        "id": booking.pk,
        "external_id": booking.external_id,
        "customer_id": booking.customer_id,
        "booked_at": booking.booked_at,
        "starts_at": booking.starts_at,
        "status": booking.status,
        "created_at": booking.created_at,
    }


class Orders(Resource):
    scopes = {"POST": "orders:edit"}

    @extend_schema(summary="Add an order", operation_id="create_order", request=NewOrder, responses={201: OrderView})
    def post(self, request: Request) -> Response:
        return Response(_shown_order(AudienceService(self.caller).create_order(self.body(NewOrder))), status=201)


class Bookings(Resource):
    scopes = {"POST": "appointments:edit"}

    @extend_schema(
        summary="Add a booking", operation_id="create_booking", request=NewBooking, responses={201: BookingView}
    )
    def post(self, request: Request) -> Response:
        return Response(_shown_booking(AudienceService(self.caller).create_booking(self.body(NewBooking))), status=201)
