"""Crediting orders and bookings to the campaign message that came before them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tulia.audience.models import COUNTING_BOOKING_STATUSES, COUNTING_ORDER_STATUSES, Booking, Order
from tulia.core import failpoints
from tulia.ledger import record
from tulia.ledger.record import Conversion
from tulia.tenants.scope import tenant_scope


def credit_stored(tenant_id: UUID, kind: str, ids: Sequence[UUID]) -> None:
    """Credits the orders or bookings (`kind` is "orders" or "bookings") with these ids that count; each once.

    An order counts when it is paid, fulfilled or completed, with its total; a booking unless it was canceled or missed.
    """
    if not ids:
        return
    with tenant_scope(tenant_id):
        if kind == "orders":
            orders = Order.objects.filter(tenant_id=tenant_id, pk__in=ids, status__in=COUNTING_ORDER_STATUSES)
            found = [
                Conversion(id_, customer_id, at, revenue, currency)
                for id_, customer_id, at, revenue, currency in orders.values_list(
                    "id", "customer_id", "placed_at", "total_micros", "currency"
                )
            ]
            failpoints.reached("to_be_credited")
            record.credit(tenant_id, "order", found, window=record.CONVERSION_WINDOW)
            failpoints.reached("credited")
        else:
            bookings = Booking.objects.filter(tenant_id=tenant_id, pk__in=ids, status__in=COUNTING_BOOKING_STATUSES)
            made = [
                Conversion(id_, customer_id, at, 0, "")
                for id_, customer_id, at in bookings.values_list("id", "customer_id", "booked_at")
            ]
            record.credit(tenant_id, "booking", made, window=record.CONVERSION_WINDOW)
