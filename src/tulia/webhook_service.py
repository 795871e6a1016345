"""The Python API of outgoing webhooks: one method for each thing a person can do with a subscription."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from tulia.core import clock
from tulia.core.keyset import Page, PageRequest
from tulia.tenants.api_keys import Caller
from tulia.tenants.audit import act
from tulia.tenants.permission import require
from tulia.tenants.scope import tenant_scope
from tulia.webhooks import claim, deliveries, post, subscriptions
from tulia.webhooks.deliveries import LoggedDelivery
from tulia.webhooks.event_types import TEST_EVENT
from tulia.webhooks.models import WebhookDelivery, WebhookSubscription
from tulia.webhooks.subscriptions import WithSecret
from tulia.webhooks.tries import Answer

MANAGES = "integrations:manage"


class WebhookService:
    """Each method checks the permission, opens the tenant's scope and calls one act; what changes anything is on record."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._tenant_id = caller.tenant_id

    def create_subscription(
        self, *, url: str, event_types: Sequence[str], description: str = "", is_enabled: bool = True
    ) -> WithSecret:
        """A new subscription and its secret, which is never shown again."""
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.create") as entry:
            made = subscriptions.create(
                self._tenant_id, url=url, event_types=event_types, description=description, is_enabled=is_enabled
            )
            entry.made(made.subscription)
            return made

    def subscriptions(self, wanted: PageRequest) -> Page[WebhookSubscription]:
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            return subscriptions.page(self._tenant_id, wanted)

    def subscription(self, subscription_id: UUID) -> WebhookSubscription:
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            return subscriptions.get(self._tenant_id, subscription_id)

    def change_subscription(
        self,
        subscription_id: UUID,
        *,
        url: str | None = None,
        event_types: Sequence[str] | None = None,
        description: str | None = None,
        is_enabled: bool | None = None,
    ) -> WebhookSubscription:
        """Changes what is given (None: as it is)."""
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.update") as entry:
            entry.about(subscriptions.get(self._tenant_id, subscription_id))
            return subscriptions.change(
                self._tenant_id,
                subscription_id,
                url=url,
                event_types=event_types,
                description=description,
                is_enabled=is_enabled,
            )

    def delete_subscription(self, subscription_id: UUID) -> None:
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.delete") as entry:
            entry.about(subscriptions.get(self._tenant_id, subscription_id))
            subscriptions.delete(self._tenant_id, subscription_id, now=clock.now())

    def rotate_secret(self, subscription_id: UUID, *, overlap: timedelta = timedelta(days=1)) -> WithSecret:
        """A new secret; for `overlap` every event is signed with the former one too."""
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.rotate_secret") as entry:
            entry.about(subscriptions.get(self._tenant_id, subscription_id))
            return subscriptions.rotate_secret(self._tenant_id, subscription_id, overlap=overlap, now=clock.now())

    def test(self, subscription_id: UUID) -> Answer:
        """Posts a test event now, once, also to a subscription that is switched off; what the endpoint answered."""
        require(self._caller, MANAGES)
        now = clock.now()
        with tenant_scope(self._tenant_id):
            subscription = subscriptions.get(self._tenant_id, subscription_id)
            endpoint = claim.endpoint_of(subscription, now=now)
        message = claim.message_of(uuid.uuid4(), TEST_EVENT, now, {"subscription_id": str(subscription_id)})

        async def post_it() -> Answer:
            async with post.session(may_be_local=settings.WEBHOOKS_MAY_BE_LOCAL) as http:
                return await post.post(http, endpoint, message, now=now)

        answer = asyncio.run(post_it())
        with act(self._caller, "event_subscription.test") as entry:
            entry.target(subscription_id)
            entry.say(status=answer.status, error=answer.error)
        return answer

    def deliveries(
        self, subscription_id: UUID, wanted: PageRequest, *, state: str | None = None
    ) -> Page[WebhookDelivery]:
        """The log, the newest event first."""
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            subscriptions.get(self._tenant_id, subscription_id)
            return deliveries.page(self._tenant_id, subscription_id, wanted, state=state)

    def delivery(self, subscription_id: UUID, delivery_id: UUID) -> LoggedDelivery:
        require(self._caller, MANAGES)
        with tenant_scope(self._tenant_id):
            subscriptions.get(self._tenant_id, subscription_id)
            return deliveries.get(self._tenant_id, subscription_id, delivery_id)

    def replay_delivery(self, subscription_id: UUID, delivery_id: UUID) -> LoggedDelivery:
        """Sends one event again, with the same id."""
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.replay") as entry:
            subscriptions.get(self._tenant_id, subscription_id)
            replayed = deliveries.replay(self._tenant_id, subscription_id, delivery_id, now=clock.now())
            entry.target(subscription_id)
            entry.say(delivery_id=delivery_id)
            return replayed

    def replay(self, subscription_id: UUID, *, since: datetime, until: datetime) -> int:
        """Sends the events of a period again, with the same ids; how many."""
        require(self._caller, MANAGES)
        with act(self._caller, "event_subscription.replay") as entry:
            subscription = subscriptions.get(self._tenant_id, subscription_id)
            count = deliveries.replay_period(subscription, since=since, until=until, now=clock.now())
            entry.target(subscription_id)
            entry.say(since=since, until=until, event_count=count)
            return count
