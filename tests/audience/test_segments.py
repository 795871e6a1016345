"""The SQL of criteria selects exactly the people whom the reference evaluator selects."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tulia.audience import matching, reach, segments
from tulia.audience.criteria_tree import (
    CONVERSATION_STATUSES,
    AttributeCondition,
    ConversationActivity,
    Criteria,
    Operator,
    PurchaseHistory,
    Scalar,
)
from tulia.audience.models import Conversation, Customer, CustomerTag, Order
from tulia.core import sql
from tulia.ledger.status import State
from tulia.tenants import accounts
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

AS_OF = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)
CAMPAIGNS = [uuid.UUID(int=number) for number in (1, 2, 3)]
DAYS = (1, 7, 30, 36_500)
TAGS = ("vip", "VIP", "new customer", "it's 100 %s", "é;\\")
MANY_TAGS = tuple(f"tag {number}" for number in range(10))
TEXTS = ("", "a", "Z", "é", "\uffff", "\U00010000", "it's 100 %s", "2026-05-01")
NUMBERS: tuple[int | float, ...] = (0, -1, 5, 5.0, 5.5, 0.1, 10**15, 1e-7)
NAMES = ("age", "it's %(name)s", "nothing")

instants = st.one_of(
    st.sampled_from(
        [AS_OF - timedelta(days=days) + timedelta(microseconds=shift) for days in DAYS for shift in (-1, 0, 1)]
    ),
    st.sampled_from([AS_OF, AS_OF + timedelta(microseconds=1), AS_OF - timedelta(days=90)]),
)
scalars: st.SearchStrategy[Scalar] = st.sampled_from([*TEXTS, *NUMBERS, True, False])
attribute_values = st.one_of(scalars, st.none(), st.lists(scalars, max_size=3), st.just([["a"]]), st.just({"a": 1}))
people = st.builds(
    matching.Person,
    tags=st.one_of(
        st.frozensets(st.sampled_from(TAGS), max_size=3),
        st.sampled_from([frozenset(MANY_TAGS), frozenset(MANY_TAGS[1:])]),
    ),
    orders=st.lists(
        st.builds(
            matching.PlacedOrder,
            placed_at=instants,
            total=st.sampled_from([Decimal("0"), Decimal("0.000001"), Decimal("10"), Decimal("99.99")]),
            status=st.sampled_from(["paid", "fulfilled", "completed", "draft", "pending", "canceled", "refunded"]),
        ),
        max_size=4,
    ).map(tuple),
    conversations=st.lists(
        st.builds(matching.SeenConversation, last_activity_at=instants, status=st.sampled_from(CONVERSATION_STATUSES)),
        max_size=1,
    ).map(tuple),
    attributes=st.dictionaries(st.sampled_from(NAMES), attribute_values, max_size=2),
    country=st.sampled_from(["", "KE", "TZ"]),
    language=st.sampled_from(["", "sw", "sw_KE", "en", "en-GB", "eng", "EN-gb-oed"]),
    campaign_ids=st.frozensets(st.sampled_from(CAMPAIGNS), max_size=2),
    is_deleted=st.sampled_from([False, False, False, True]),
)


def tuples_of(values: st.SearchStrategy[object], most: int = 2) -> st.SearchStrategy[tuple[object, ...]]:
    return st.one_of(st.just(()), st.lists(values, min_size=1, max_size=most, unique=True).map(tuple))


@st.composite
def attribute_conditions(draw: st.DrawFn) -> AttributeCondition:
    operator = draw(st.sampled_from(list(Operator)))
    value: Scalar | tuple[Scalar, ...]
    if operator is Operator.EXISTS:
        value = draw(st.booleans())
    elif operator is Operator.IN:
        value = tuple(draw(st.lists(scalars, min_size=1, max_size=3)))
    elif operator is Operator.CONTAINS:
        value = draw(scalars.filter(lambda scalar: scalar != ""))
    elif operator in (Operator.EQ, Operator.NE):
        value = draw(scalars)
    else:
        value = draw(scalars.filter(lambda scalar: not isinstance(scalar, bool)))
    return AttributeCondition(draw(st.sampled_from(NAMES)), operator, value)


def groups_of(inner: st.SearchStrategy[Criteria]) -> st.SearchStrategy[Criteria]:
    few = st.one_of(st.just(()), st.lists(inner, min_size=1, max_size=2).map(tuple))
    return st.builds(Criteria, tags=tags, any_of=few, all_of=few, not_=st.one_of(st.none(), inner))


days = st.one_of(st.none(), st.sampled_from(DAYS))
tags = tuples_of(st.sampled_from(TAGS))
purchases = st.builds(
    PurchaseHistory,
    ordered_in_last_days=days,
    not_ordered_in_last_days=days,
    min_order_count=st.sampled_from([None, None, 0, 1, 2]),
    max_order_count=st.sampled_from([None, None, 0, 1, 2]),
    min_total_spent=st.sampled_from([None, None, Decimal(0), Decimal("0.000001"), Decimal("10.1"), Decimal("99.99")]),
)
activities = st.builds(
    ConversationActivity, active_in_last_days=days, statuses=tuples_of(st.sampled_from(CONVERSATION_STATUSES))
)
leaves = st.one_of(
    st.builds(Criteria, tags=tags, tags_all=tags, tags_none=tags),
    st.just(Criteria(tags_all=MANY_TAGS)),
    st.builds(Criteria, purchase_history=purchases),
    st.builds(Criteria, conversation_activity=activities),
    st.builds(Criteria, attributes=st.lists(attribute_conditions(), max_size=2).map(tuple)),
    st.builds(
        Criteria,
        countries=tuples_of(st.sampled_from(["KE", "TZ"])),
        languages=tuples_of(st.sampled_from(["sw", "en", "en-GB"])),
    ),
    st.builds(Criteria, exclude_campaigns=tuples_of(st.sampled_from(CAMPAIGNS))),
)
trees = st.recursive(leaves, groups_of, max_leaves=6)


class _Undo(Exception):
    pass


@contextlib.contextmanager
def population(tenant: Tenant, persons: list[matching.Person]):  # type: ignore[no-untyped-def]
    """The people in the database, in order, for the length of the block; then as if they had never been."""
    with contextlib.suppress(_Undo), tenant_scope(tenant.id):
        customers = [
            Customer(
                id=uuid.UUID(int=number + 1),
                tenant=tenant,
                phone=f"+2547{number:08d}",
                attributes=dict(person.attributes),
                country=person.country or "",
                language=person.language or "",
                deleted_at=AS_OF if person.is_deleted else None,
            )
            for number, person in enumerate(persons)
        ]
        Customer.objects.bulk_create(customers)
        rows = list(zip(customers, persons, strict=True))
        CustomerTag.objects.bulk_create(
            CustomerTag(tenant=tenant, tag=tag, customer=customer) for customer, person in rows for tag in person.tags
        )
        Order.objects.bulk_create(
            Order(
                tenant=tenant,
                customer=customer,
                placed_at=order.placed_at,
                total_micros=int(order.total * 1_000_000),
                status=order.status,
            )
            for customer, person in rows
            for order in person.orders
        )
        Conversation.objects.bulk_create(
            Conversation(tenant=tenant, customer=customer, last_activity_at=seen.last_activity_at, status=seen.status)
            for customer, person in rows
            for seen in person.conversations
        )
        sql.execute(
            "INSERT INTO ledger_recipients (tenant_id, campaign_id, customer_id, sender_id, state)"
            " SELECT %(tenant)s, r.campaign_id, r.customer_id, %(tenant)s, %(holdout)s"
            " FROM unnest(%(campaigns)s::uuid[], %(customers)s::uuid[]) r (campaign_id, customer_id)",
            {
                "tenant": tenant.id,
                "holdout": State.HOLDOUT,
                "campaigns": [campaign for _, person in rows for campaign in person.campaign_ids],
                "customers": [customer.id for customer, person in rows for _ in person.campaign_ids],
            },
        )
        yield customers
        raise _Undo


def selected(tenant: Tenant, criteria: Criteria) -> list[uuid.UUID]:
    chosen = reach.selection(criteria, tenant_id=tenant.id, as_of=AS_OF)
    return sorted(row[0] for row in sql.fetch_all(chosen.sql, chosen.params))


def expected(criteria: Criteria, persons: list[matching.Person], customers: list[Customer]) -> list[uuid.UUID]:
    rows = zip(customers, persons, strict=True)
    return sorted(customer.pk for customer, person in rows if matching.matches(criteria, person, as_of=AS_OF))


@pytest.fixture(scope="module")
def crowd() -> Tenant:
    """A tenant whose people are made anew for each example."""
    return accounts.create_tenant(f"crowd-{uuid.uuid4().hex[:12]}", name="Crowd", tier="enterprise")


@settings(deadline=None)
@given(persons=st.lists(people, min_size=5, max_size=12), criterias=st.lists(trees, min_size=4, max_size=4))
def test_the_sql_selects_whom_the_reference_evaluator_selects(
    crowd: Tenant, persons: list[matching.Person], criterias: list[Criteria]
) -> None:
    with population(crowd, persons) as customers:
        for criteria in criterias:
            assert selected(crowd, criteria) == expected(criteria, persons, customers), criteria


def test_windows_and_limits_end_at_the_same_instant_and_number(crowd: Tenant) -> None:
    shifts = [timedelta(microseconds=shift) for shift in (-1, 0, 1)]
    edges = [base + shift for base in (AS_OF - timedelta(days=7), AS_OF) for shift in shifts]
    persons = [
        matching.Person(
            orders=(matching.PlacedOrder(edge, Decimal("10"), "paid"),) * number,
            conversations=(matching.SeenConversation(edge, "open"),),
        )
        for edge in edges
        for number in (1, 2)
    ]
    histories = [
        PurchaseHistory(ordered_in_last_days=7),
        PurchaseHistory(not_ordered_in_last_days=7),
        PurchaseHistory(ordered_in_last_days=7, min_order_count=2),
        PurchaseHistory(ordered_in_last_days=7, min_total_spent=Decimal("10")),
        *(PurchaseHistory(min_order_count=number) for number in range(3)),
        *(PurchaseHistory(max_order_count=number) for number in range(3)),
        *(PurchaseHistory(min_total_spent=Decimal(total)) for total in ("10", "10.000001", "20", "20.000001")),
    ]
    criterias = [Criteria(purchase_history=history) for history in histories]
    criterias.append(Criteria(conversation_activity=ConversationActivity(active_in_last_days=7)))
    with population(crowd, persons) as customers:
        for criteria in [*criterias, *(Criteria(not_=criteria) for criteria in criterias)]:
            assert selected(crowd, criteria) == expected(criteria, persons, customers), criteria


def test_every_comparison_of_attributes_agrees_for_every_kind_of_value(crowd: Tenant) -> None:
    values = [*TEXTS, *NUMBERS, True, False, None, [], ["a", 5], [["a"]], {"a": 1}]
    persons = [matching.Person(), *(matching.Person(attributes={"x": value}) for value in values)]
    conditions = [
        AttributeCondition("x", operator, scalar)
        for operator in (Operator.EQ, Operator.NE, Operator.CONTAINS)
        for scalar in (*TEXTS[1:], *NUMBERS, True, False)
    ]
    conditions += [
        AttributeCondition("x", operator, scalar)
        for operator in (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
        for scalar in (*TEXTS, *NUMBERS)
    ]
    conditions += [AttributeCondition("x", Operator.IN, (scalar, "Z")) for scalar in (5, True, "a")]
    conditions += [AttributeCondition("x", Operator.EXISTS, wanted) for wanted in (True, False)]
    with population(crowd, persons) as customers:
        for condition in conditions:
            for criteria in (Criteria(attributes=(condition,)), Criteria(not_=Criteria(attributes=(condition,)))):
                assert selected(crowd, criteria) == expected(criteria, persons, customers), criteria


def test_text_of_people_is_never_part_of_the_sql() -> None:
    evil = "x'); DROP TABLE customers; --"
    segment = segments.to_sql(
        Criteria(
            tags=(evil,),
            tags_all=(evil, evil + "2"),
            languages=(evil,),
            attributes=tuple(AttributeCondition(evil, operator, evil) for operator in Operator),
        ),
        tenant_id=uuid.uuid4(),
        as_of=AS_OF,
    )
    assert "DROP" not in segment.sql
    assert "DROP" in json.dumps(dict(segment.params), default=str)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        segments.to_sql(Criteria(), tenant_id=uuid.uuid4(), as_of=datetime(2026, 1, 1))  # noqa: DTZ001


def test_another_tenants_orders_and_tags_never_count(tenant: Tenant) -> None:
    other = accounts.create_tenant(f"o-{tenant.slug}", name="Other", tier="starter")
    with tenant_scope(tenant.id):
        customer = Customer.objects.create(tenant=tenant, phone="+254700000001")
    with tenant_scope(other.id):
        # The database would let another tenant's row name this person: only the filters keep it out.
        CustomerTag.objects.create(tenant=other, tag="vip", customer_id=customer.id)
    with tenant_scope(tenant.id):
        assert reach.calculate(tenant.id, Criteria(tags=("vip",)), as_of=AS_OF).total_matching == 0


def test_the_largest_tree_is_still_answered(tenant: Tenant) -> None:
    leaf = Criteria(tags=("vip",), purchase_history=PurchaseHistory(min_order_count=2))
    wide = Criteria(any_of=tuple(leaf for _ in range(999)))
    with tenant_scope(tenant.id):
        Customer.objects.create(tenant=tenant, phone="+254700000001")
        assert reach.calculate(tenant.id, wide, as_of=AS_OF).total_matching == 0
