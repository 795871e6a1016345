"""A person as a message sees them, before anything is sent (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Addressee:
    """One customer with all that a message may say about them; `timezone` is the one whose clock they go by."""

    customer_id: UUID
    phone: str
    name: str
    external_id: str
    language: str
    country: str
    timezone: str
    attributes: Mapping[str, Any]
    is_consenting: bool = True
