"""The demo shop's approved templates: two offers and a notice, as a shop of its kind has them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tulia.channels import templates

_STOP = {"type": "quick_reply", "text": "Stop promotions"}
TEMPLATES: tuple[dict[str, Any], ...] = (
    {
        "name": "fresh_this_week",
        "language": "en",
        "category": "marketing",
        "parts": [
            {"type": "body", "text": "Habari {{customer_name}}, {{product}} came in fresh this week. Shall we keep some?"},
            {"type": "footer", "text": "Duka la Tulia, Nairobi"},
            {"type": "buttons", "buttons": [{"type": "quick_reply", "text": "Yes please"}, _STOP]},
        ],
        "examples": {"customer_name": "Amina", "product": "Mangoes"},
        "defaults": {"customer_name": "rafiki", "product": "our best fruit"},
    },
    {
        "name": "weekend_offer",
        "language": "en",
        "category": "marketing",
        "parts": [
            {"type": "header", "format": "image"},
            {"type": "body", "text": "Save {{discount}} until Sunday, {{customer_name}}! We deliver to {{city}} for free."},
            {"type": "footer", "text": "Duka la Tulia, Nairobi"},
            {"type": "buttons", "buttons": [
                {"type": "url", "text": "Order now", "url": "https://duka.tulia.example/o/{{1}}"}, _STOP,
            ]},
        ],
        "examples": {"customer_name": "Amina", "discount": "10%", "city": "Nakuru", "buttons[0].url": "weekend"},
        "defaults": {
            "customer_name": "rafiki", "discount": "10%", "city": "your door", "buttons[0].url": "weekend",
            "header.link": "https://duka.tulia.example/weekend.jpg",
        },
    },
    {
        "name": "order_ready",
        "language": "en",
        "category": "utility",
        "parts": [
            {"type": "body", "text": "Hello {{customer_name}}, your order {{order_id}} is ready. Collect it until 6 pm."},
        ],
        "examples": {"customer_name": "Amina", "order_id": "A-1042"},
        "defaults": {"customer_name": "rafiki"},
    },
)  # fmt: skip


def add(tenant_id: UUID) -> None:
    """Adds them all. Call in the tenant's scope."""
    for template in TEMPLATES:
        templates.create(tenant_id, **template)
