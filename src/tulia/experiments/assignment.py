"""Who gets which variant: a random order fixed by a seed, dealt out like cards.

The launch does this in SQL, for all recipients at once:
``(row_number() OVER (ORDER BY md5(seed::text || ':' || customer_id::text), customer_id) - 1) % arms``. This is the same
in Python, so that a stored seed reproduces an assignment without a database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID


def arm_counts(total: int, arms: int) -> tuple[int, ...]:
    """How many people each arm gets: sizes differ by one at most, and earlier arms get the odd ones."""
    if total < 0:
        raise ValueError(f"there can't be {total} people")
    _check_arms(arms)
    size, odd = divmod(total, arms)
    return tuple(size + (arm < odd) for arm in range(arms))


def sort_key(seed: int, customer_id: UUID) -> bytes:
    """The place of a customer in the seed's order: ``md5(seed::text || ':' || customer_id::text)``, as ASCII hex digits.

    Hex digits sort alike as bytes, as text in any collation, and as the numbers they write.
    """
    return hashlib.md5(f"{seed}:{customer_id}".encode("ascii"), usedforsecurity=False).hexdigest().encode("ascii")


def assign(customer_ids: Iterable[UUID], *, seed: int, arms: int) -> dict[UUID, int]:
    """The arm (0 … arms-1) of every customer, in the seed's order: by `sort_key`, then id; arm = position mod `arms`.

    The order in which the ids come makes no difference; arm sizes are those of `arm_counts`. Raises `ValueError` when an
    id comes twice (the arms would no longer be equal) or `arms` is less than 1.
    """
    _check_arms(arms)
    ordered = sorted((sort_key(seed, customer_id), customer_id) for customer_id in customer_ids)
    assigned = {customer_id: position % arms for position, (_, customer_id) in enumerate(ordered)}
    if len(assigned) < len(ordered):
        raise ValueError("a customer is listed twice")
    return assigned


def _check_arms(arms: int) -> None:
    if arms < 1:
        raise ValueError(f"there must be at least one arm, not {arms}")
