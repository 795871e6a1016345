from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from cast import STILL_TALKING

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign
    from tulia.tenants.models import Tenant

SignIn = Callable[..., Client]
Launch = Callable[..., "MessageCampaign"]


@pytest.fixture
def sign_in(tenant: Tenant) -> SignIn:
    """A browser of somebody who is signed in and has this role with `tenant`."""
    from tulia.tenants import accounts
    from tulia.tenants.models import User

    def as_role(role: str = "owner", *, of: Tenant = tenant) -> Client:
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        user = User.objects.create(email=email, name="Wanjiku Kariuki", password="!")
        accounts.add_member(of.id, email=email, name="Wanjiku Kariuki", role=role, password="unused")
        browser = Client()
        browser.force_login(user)
        session = browser.session
        session["workplace"] = str(of.id)
        session.save()
        return browser

    return as_role


@pytest.fixture
def people(tenant: Tenant) -> int:
    """Ten customers tagged vip, eight of whom agree; one of the eight has no name."""
    from tulia.audience.models import Conversation, Customer, CustomerTag
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        made = Customer.objects.bulk_create(
            Customer(
                tenant=tenant, name=f"Person{i} Otieno" if i else "", phone=f"+2547123450{i:02d}", country="KE",
                consents_promotional=i < 8,
            )
            for i in range(10)
        )  # fmt: skip
        CustomerTag.objects.bulk_create(CustomerTag(tenant=tenant, tag="vip", customer=one) for one in made)
        Conversation.objects.bulk_create(
            Conversation(tenant=tenant, customer=one, last_activity_at=STILL_TALKING, last_inbound_at=STILL_TALKING)
            for one in made
        )
    return len(made)


@pytest.fixture
def sender(tenant: Tenant) -> None:
    from tulia.channels import senders
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        senders.create(
            tenant.id, kind="whatsapp_cloud", name="Main number", external_id=str(uuid.uuid4().int % 10**15),
            access_token="t", app_secret="s", verify_token="v",
        )  # fmt: skip


@pytest.fixture
def launch(tenant: Tenant, people: int, sender: None) -> Launch:
    """A campaign to the ten, started, its audience frozen; nothing is sent."""
    from tulia.campaign_service import CampaignService
    from tulia.core import clock
    from tulia.ledger import enqueue
    from tulia.tenants import api_keys
    from tulia.tenants.scope import tenant_scope

    def start(**fields: Any) -> MessageCampaign:
        service = CampaignService(api_keys.operator(tenant.id))
        given = {"name": "Mangoes", "message_content": "Fresh mangoes!", "target_criteria": {"tags": ["vip"]}}
        campaign = service.create_campaign(given | fields)
        service.execute_campaign(campaign.pk)
        with tenant_scope(tenant.id):
            campaign.refresh_from_db()
            enqueue.freeze(campaign, now=clock.now())
            campaign.refresh_from_db()
        return campaign

    return start
