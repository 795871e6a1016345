"""Reach counts people, step by step, and selects the same ones that it counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tulia.audience import reach
from tulia.audience.criteria_tree import Criteria, PurchaseHistory
from tulia.audience.models import Customer, CustomerTag, Order
from tulia.core import sql
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

AS_OF = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)


@pytest.fixture
def three_people(tenant: Tenant) -> Tenant:
    """One who consents and is tagged twice, one who consents, one who doesn't; each with two orders."""
    with tenant_scope(tenant.id):
        for number, consents in enumerate([True, True, False]):
            person = Customer.objects.create(
                tenant=tenant, phone=f"+25470000000{number}", consents_promotional=consents, country="KE"
            )
            for _ in range(2):
                Order.objects.create(tenant=tenant, customer=person, placed_at=AS_OF, status="paid", total_micros=1)
            if number == 0:
                CustomerTag.objects.create(tenant=tenant, tag="a", customer=person)
                CustomerTag.objects.create(tenant=tenant, tag="b", customer=person)
    return tenant


def test_counts_are_people_however_many_orders_and_tags_they_have(three_people: Tenant) -> None:
    with tenant_scope(three_people.id):
        everyone = reach.calculate(three_people.id, Criteria(), as_of=AS_OF)
        tagged = reach.calculate(three_people.id, Criteria(tags=("a", "b")), as_of=AS_OF)
        buyers = Criteria(purchase_history=PurchaseHistory(ordered_in_last_days=1, min_order_count=2))
        bought = reach.calculate(three_people.id, buyers, as_of=AS_OF)
    assert (everyone.total_matching, everyone.with_consent) == (3, 2)
    assert (tagged.total_matching, tagged.with_consent) == (1, 1)
    assert (bought.total_matching, bought.with_consent) == (3, 2)


def test_the_steps_go_on_from_one_another(three_people: Tenant) -> None:
    first = reach.Rule("first", "c.phone = %(first_phone)s", {"first_phone": "+254700000000"})
    with tenant_scope(three_people.id):
        result = reach.calculate(three_people.id, Criteria(), as_of=AS_OF, rules=(reach.CONSENTED, first))
    assert result.steps == (reach.Step("matches", 3), reach.Step("consented", 2), reach.Step("first", 1))


def test_the_selection_has_the_people_that_were_counted_and_why_some_are_refused(three_people: Tenant) -> None:
    first = reach.Rule("first", "c.phone = %(first_phone)s", {"first_phone": "+254700000000"}, reason="not_first")
    with tenant_scope(three_people.id):
        everyone = reach.selection(Criteria(), tenant_id=three_people.id, as_of=AS_OF)
        judged = reach.selection(
            Criteria(),
            tenant_id=three_people.id,
            as_of=AS_OF,
            rules=(reach.CONSENTED, first, reach.reachable(now=AS_OF)),
        )
        assert [row[1] for row in sql.fetch_all(everyone.sql, everyone.params)] == ["", "", ""]
        assert sorted(row[1] for row in sql.fetch_all(judged.sql, judged.params)) == ["", "no_consent", "not_first"]


def test_two_rules_may_not_give_one_parameter_two_values() -> None:
    one = reach.Rule("one", "%(tenant)s IS NULL", {"tenant": None})
    with pytest.raises(ValueError, match="tenant"):
        reach.selection(Criteria(), tenant_id=AS_OF, as_of=AS_OF, rules=(one,))  # type: ignore[arg-type]
