"""Whoever has a crowd waiting holds up nobody: campaigns of one sender, and shops on one worker."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from cast import add_people, reloaded
from dispatch.provider import Run, accepted, elsewhere
from tulia.audience.models import CustomerTag
from tulia.dispatch.courses import Course, Courses
from tulia.ledger.status import State
from tulia.tenants import accounts, tenant_settings
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

SENT = (State.ACCEPTED, "")


@pytest.fixture
def other_tenant() -> Tenant:
    slug = f"t-{uuid4().hex[:12]}"
    return tenant_settings.change(accounts.create_tenant(slug, name=slug, tier="enterprise").pk, {"quiet_hours": None})


def add_few(tenant: Tenant, count: int) -> None:
    """People tagged `few`, besides."""

    def do() -> None:
        people = add_people(tenant, count)
        with tenant_scope(tenant.id):
            CustomerTag.objects.filter(customer__in=people).delete()
            CustomerTag.objects.bulk_create(CustomerTag(tenant=tenant, tag="few", customer=one) for one in people)

    elsewhere(do)


async def test_a_campaign_with_a_crowd_waiting_does_not_hold_up_another_of_the_same_sender(tenant: Tenant) -> None:
    run = Run(tenant, people=3_000, rate=100)
    add_few(tenant, 40)
    async with run.provider.listening(), run.dispatching():
        await run.until(lambda: run.provider.posts.total() > 30)
        begun = time.monotonic()
        few = run.another(target_criteria={"tags": ["few"]})
        await run.until(lambda: elsewhere(lambda: reloaded(few)).delivery_count == 40)
        seconds = time.monotonic() - begun
    assert seconds < 0.9 + 0.5 + 1.0, "half the rate is theirs: 40 people in 0.9 s, and half a second until it is seen"
    assert run.now().delivery_count > 30


async def test_a_campaign_whose_people_come_in_drops_gets_as_much_as_one_with_a_crowd(tenant: Tenant) -> None:
    """Turns are counted in people, so that small claims are no disadvantage; who was idle doesn't catch up at once."""
    courses = Courses(tenant.id, uuid4(), None, None)  # type: ignore[arg-type] - whose turn it is takes no database
    crowd, drops = _course(), _course()
    courses._courses = {uuid4(): crowd, uuid4(): drops}
    had = {id(crowd): 0, id(drops): 0}
    for turn in range(1, 2_000):
        course = courses.whose_turn(float(turn))
        assert course is not None
        count = 40 if course is crowd else 3
        course.had += count
        had[id(course)] += count
    assert abs(had[id(crowd)] - had[id(drops)]) <= 80
    drops.idle_until = 10_000.0
    for turn in range(2_000, 2_100):
        courses.whose_turn(float(turn)).had += 40  # type: ignore[union-attr]
    drops.idle_until, drops.is_drained = 0.0, True
    drops_turns = 0
    for turn in range(2_100, 2_120):
        course = courses.whose_turn(float(turn))
        assert course is not None
        course.is_drained = False
        course.had += 40
        drops_turns += course is drops
    assert drops_turns == 10


def _course() -> Course:
    return Course(None, (), None, 0.0)  # type: ignore[arg-type]


async def test_a_shop_with_a_crowd_waiting_does_not_hold_up_another_shop_on_the_same_worker(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    crowd = Run(tenant, people=6_000, rate=100_000, answer=accepted())
    few = Run(other_tenant, people=100, rate=1_000)
    async with crowd.provider.listening(), few.provider.listening(), crowd.dispatching() as working:
        await crowd.until(lambda: crowd.provider.posts.total() > 500)
        begun = time.monotonic()
        async with few.dispatching(beside=working):
            await few.until(few.is_over)
            seconds = time.monotonic() - begun
        assert not crowd.is_over()
    assert few.states() == {SENT: 100}
    assert seconds < 1.0 + 0.5 + 1.0
