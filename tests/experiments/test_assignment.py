import hashlib
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.experiments.assignment import arm_counts, assign, sort_key

CUSTOMERS = [UUID(int=n * 7919) for n in range(1, 1_001)]
seeds = st.integers(-(2**63), 2**63 - 1)
customer_ids = st.lists(st.uuids(), max_size=40, unique=True)


def test_the_key_is_the_md5_that_sql_computes() -> None:
    customer_id = UUID("7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d")
    # SELECT md5('42' || ':' || '7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d')
    text = "42:7d9c0c1e-3f0b-4a57-9d3c-0a8a4f5b6c7d"
    assert sort_key(42, customer_id) == hashlib.md5(text.encode()).hexdigest().encode()
    assert sort_key(-42, customer_id) == hashlib.md5(f"-{text}".encode()).hexdigest().encode()


@pytest.mark.parametrize(
    ("total", "arms", "sizes"),
    [(0, 1, (0,)), (0, 3, (0, 0, 0)), (10, 1, (10,)), (10, 2, (5, 5)), (10, 3, (4, 3, 3)), (11, 4, (3, 3, 3, 2))],
)
def test_the_odd_ones_go_to_the_earlier_arms(total: int, arms: int, sizes: tuple[int, ...]) -> None:
    assert arm_counts(total, arms) == sizes


@pytest.mark.parametrize(("total", "arms"), [(-1, 2), (1, 0), (1, -2)])
def test_sizes_without_people_or_arms_are_refused(total: int, arms: int) -> None:
    with pytest.raises(ValueError, match="there"):
        arm_counts(total, arms)


def test_a_customer_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        assign([CUSTOMERS[0], CUSTOMERS[1], CUSTOMERS[0]], seed=1, arms=2)
    with pytest.raises(ValueError, match="arm"):
        assign([], seed=1, arms=0)


@settings(max_examples=100, deadline=None)
@given(customer_ids, seeds, st.integers(1, 5))
def test_everyone_has_one_arm_sizes_are_equal_and_the_order_of_asking_makes_no_difference(
    ids: list[UUID], seed: int, arms: int
) -> None:
    assigned = assign(ids, seed=seed, arms=arms)
    assert set(assigned) == set(ids)
    sizes = Counter(assigned.values())
    assert tuple(sizes[arm] for arm in range(arms)) == arm_counts(len(ids), arms)
    assert assign(list(reversed(ids)), seed=seed, arms=arms) == assigned


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 50))
def test_sizes_add_up_and_differ_by_one_at_most(total: int, arms: int) -> None:
    sizes = arm_counts(total, arms)
    assert sum(sizes) == total
    assert max(sizes) - min(sizes) <= 1
    assert list(sizes) == sorted(sizes, reverse=True)


def test_another_seed_is_another_and_unrelated_assignment() -> None:
    one, other = assign(CUSTOMERS, seed=1, arms=2), assign(CUSTOMERS, seed=2, arms=2)
    agreeing = sum(one[customer_id] == other[customer_id] for customer_id in CUSTOMERS)
    # Of 1,000, half are expected to agree; 16 is one standard deviation.
    assert 420 < agreeing < 580


def test_an_assignment_is_the_same_on_every_machine_and_for_ever() -> None:
    assigned = assign(CUSTOMERS[:8], seed=2026, arms=3)
    # From md5sum and sort in a shell.
    assert [assigned[customer_id] for customer_id in CUSTOMERS[:8]] == [0, 2, 1, 0, 1, 0, 1, 2]
