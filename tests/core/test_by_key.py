"""A row by its key is the same row that Django would give, and so is a page of them."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cast import add_campaign, add_people, add_sender
from tulia.audience.models import Customer
from tulia.campaigns.models import MessageCampaign
from tulia.channels.models import Sender
from tulia.core import by_key, keyset
from tulia.core.keyset import PageRequest
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope


def _content(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_it_is_the_row_that_django_gives(tenant: Tenant) -> None:
    campaign, sender = add_campaign(tenant), add_sender(tenant)
    with tenant_scope(tenant.id):
        for model, pk in ((MessageCampaign, campaign.pk), (Sender, sender.pk), (Tenant, tenant.pk)):
            ours, theirs = by_key.row(model, pk=pk), model._default_manager.get(pk=pk)
            assert ours == theirs
            assert _content(ours) == _content(theirs)
            assert ours is not None
            assert not ours._state.adding
            assert ours._state.db == theirs._state.db


def test_it_can_be_changed_and_saved(tenant: Tenant) -> None:
    campaign = add_campaign(tenant)
    with tenant_scope(tenant.id):
        found = by_key.row(MessageCampaign, tenant_id=tenant.id, pk=campaign.pk)
        assert found is not None
        found.name = "Changed"
        found.save(update_fields=["name"])
        assert MessageCampaign.objects.get(pk=campaign.pk).name == "Changed"


def test_every_part_of_the_key_must_fit_and_none_is_null(tenant: Tenant) -> None:
    add_people(tenant, 1)
    with tenant_scope(tenant.id):
        person = Customer.objects.get()
        assert by_key.row(Customer, tenant_id=tenant.id, pk=person.pk, deleted_at=None) == person
        assert by_key.row(Customer, tenant_id=uuid.uuid4(), pk=person.pk, deleted_at=None) is None
        Customer.objects.update(deleted_at=person.created_at)
        assert by_key.row(Customer, tenant_id=tenant.id, pk=person.pk, deleted_at=None) is None
        assert by_key.row(Customer, pk=person.pk, deleted_at=person.created_at) is not None


def test_a_row_of_another_tenant_is_not_there(tenant: Tenant) -> None:
    campaign = add_campaign(tenant)
    with tenant_scope(uuid.uuid4()), CaptureQueriesContext(connection) as asked:
        assert by_key.row(MessageCampaign, pk=campaign.pk) is None
    assert len(asked) == 1


@pytest.mark.parametrize("order", [("-created_at", "-id"), ("phone", "id")])
def test_pages_are_those_that_django_gives_onwards_and_back(tenant: Tenant, order: tuple[str, str]) -> None:
    add_people(tenant, 7)
    with tenant_scope(tenant.id):
        left = Customer.objects.order_by("phone")[3]
        Customer.objects.update(created_at=left.created_at)  # the ids alone tell them apart
        Customer.objects.filter(pk=left.pk).update(deleted_at=left.created_at)
        rows = Customer.objects.filter(tenant_id=tenant.id, deleted_at=None)
        wanted, seen = PageRequest(limit=4), []
        while True:
            ours = keyset.page_of(Customer, {"tenant_id": tenant.id, "deleted_at": None}, wanted, order=order)
            theirs = keyset.page(rows, wanted, order=order)
            assert ours == theirs
            assert [*map(_content, ours.results)] == [*map(_content, theirs.results)]
            seen.append(ours.results)
            if ours.next is None:
                break
            wanted = PageRequest(4, ours.next)
        assert [len(page) for page in seen] == [4, 2]
        assert ours.previous is not None
        back = PageRequest(4, ours.previous, is_backward=True)
        page = keyset.page_of(Customer, {"tenant_id": tenant.id, "deleted_at": None}, back, order=order)
        assert page == keyset.page(rows, back, order=order)
        assert page.results == seen[0]
