"""A shop to try acts on: a sender, people, a campaign to all of them, in the database and nowhere else."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tulia.audience.models import Customer
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import MessageTemplate, Sender
    from tulia.ledger.models import Recipient
    from tulia.tenants.models import Tenant

T = TypeVar("T")
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
STILL_TALKING = datetime(2999, 1, 1, tzinfo=UTC)
"""Of people whose 24-hour window is open, whenever a test takes place."""
_hiring = iter(range(10**6, 10**7))


def add_sender(tenant: Tenant, *, base_url: str = "", rate: int = 80, account: str = "") -> Sender:
    from tulia.channels import senders
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        return senders.create(
            tenant.id, kind="whatsapp_cloud", name="Main", external_id=str(uuid.uuid4().int % 10**15), access_token="t",
            app_secret="s", verify_token="v", base_url=base_url, rate_per_second=rate, business_account_id=account,
        )  # fmt: skip


def add_template(tenant: Tenant, *, body: str = "Hello {{1}}", status: str = "approved") -> MessageTemplate:
    from tulia.channels import templates
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        return templates.create(
            tenant.id, name=f"t_{uuid.uuid4().hex}", language="en", category="marketing", body=body, status=status
        )


def add_people(
    tenant: Tenant,
    count: int,
    *,
    consenting: bool = True,
    last_wrote_at: datetime | None = STILL_TALKING,
    **fields: Any,
) -> list[Customer]:
    """Customers with the tag `vip`, who wrote to the shop at `last_wrote_at` (None: never)."""
    from tulia.audience.models import Conversation, Customer, CustomerTag
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        made = Customer.objects.bulk_create(
            Customer(
                tenant=tenant, phone=f"+2547{next(_hiring):08d}", country="KE", consents_promotional=consenting,
                **{"name": f"Person {i}"} | fields,
            )
            for i in range(count)
        )  # fmt: skip
        CustomerTag.objects.bulk_create(CustomerTag(tenant=tenant, tag="vip", customer=one) for one in made)
        if last_wrote_at is not None:
            Conversation.objects.bulk_create(
                Conversation(tenant=tenant, customer=one, last_activity_at=last_wrote_at, last_inbound_at=last_wrote_at)
                for one in made
            )
    return made


def add_campaign(tenant: Tenant, *, now: datetime = NOW, **fields: Any) -> MessageCampaign:
    """A draft to everyone tagged `vip`."""
    from tulia.campaigns import edit
    from tulia.tenants.scope import tenant_scope

    given: dict[str, Any] = {
        "name": "Mangoes",
        "message_content": "Fresh mangoes!",
        "target_criteria": {"tags": ["vip"]},
    }
    with tenant_scope(tenant.id):
        return edit.create(tenant.id, given | fields, created_by_id=None, now=now)


def start(campaign: MessageCampaign, *, now: datetime = NOW) -> MessageCampaign:
    """Started, and its audience frozen; nothing is sent."""
    from tulia.dispatch import scheduler
    from tulia.ledger import enqueue
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(campaign.tenant_id):
        scheduler.start(campaign, confirm_everyone=False, now=now)
        campaign.refresh_from_db()
        enqueue.freeze(campaign, now=now)
        campaign.refresh_from_db()
    return campaign


def recipients(campaign: MessageCampaign) -> list[Recipient]:
    """The campaign's rows of the ledger as they are now, in the order of sending."""
    from tulia.ledger.models import Recipient
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(campaign.tenant_id):
        return list(Recipient.objects.filter(campaign_id=campaign.pk).order_by("id"))


def reloaded(campaign: MessageCampaign) -> MessageCampaign:
    from tulia.campaigns import edit
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(campaign.tenant_id):
        return edit.find(campaign.tenant_id, campaign.pk)


def all_at_once(*acts: Callable[[], T]) -> list[T | BaseException]:
    """What each act, in a thread of its own and all begun together, returned or raised."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T | BaseException:
        with own_connection():
            together.wait(10)
            try:
                return act()
            except Exception as error:
                return error

    with concurrent.futures.ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@contextlib.contextmanager
def own_connection() -> Iterator[None]:
    """Gives back the connection that this thread takes."""
    from tulia.core import sql

    try:
        yield
    finally:
        sql.drop_connection()
