"""The deliverer against a receiver on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from hook_receiver import Receiver, receiving
from live_installation import eventually
from webhooks.listening import deliveries, subscribe

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant
    from tulia.webhooks.models import WebhookSubscription

Deliver = Callable[[], contextlib.AbstractContextManager[None]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@contextlib.contextmanager
def _delivering(*, may_be_local: bool = True) -> Iterator[None]:
    """A deliverer in a thread with a loop of its own, as the worker has one."""
    from django.test import override_settings

    from tulia.webhooks import deliverer

    stopping = asyncio.Event()
    loop = asyncio.new_event_loop()
    with override_settings(WEBHOOKS_MAY_BE_LOCAL=may_be_local):
        thread = threading.Thread(target=loop.run_until_complete, args=(deliverer.deliver(stopping),))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
            loop.close()


def _tell(tenant: Tenant, count: int = 1) -> None:
    from webhooks.test_claiming_deliveries import _tell

    _tell(tenant, count)


def _reloaded(tenant: Tenant, subscription: WebhookSubscription) -> WebhookSubscription:
    from tulia.tenants.scope import tenant_scope
    from tulia.webhooks import subscriptions

    with tenant_scope(tenant.id):
        return subscriptions.get(tenant.id, subscription.pk)


def test_events_arrive_signed_once_each(tenant: Tenant, receiver: Receiver) -> None:
    made = subscribe(tenant, "campaign.started", url=receiver.url)
    _tell(tenant, 50)
    with _delivering():
        eventually(lambda: len(receiver.arrived) >= 50)
        eventually(lambda: {one.state for one in deliveries(tenant)} == {"delivered"})
    assert len(receiver.arrived) == len(receiver.times()) == 50
    for one in receiver.arrived:
        payload = one.verify(made.secret)
        assert set(payload) == {"type", "timestamp", "data"}
        assert payload["type"] == "campaign.started"
        assert payload["data"]["campaign_id"]
        assert one.headers["content-type"] == "application/json"
    assert {str(one.event_id) for one in deliveries(tenant)} == set(receiver.times())


def test_a_failure_is_tried_again_with_the_same_id_and_body(tenant: Tenant, receiver: Receiver) -> None:
    receiver.answer = lambda n: (500, {}) if n == 0 else (200, {})
    made = subscribe(tenant, "campaign.started", url=receiver.url)
    _tell(tenant)
    with _delivering():
        eventually(lambda: len(receiver.arrived) >= 2)
        eventually(lambda: deliveries(tenant)[0].state == "delivered")
    first, second = receiver.arrived
    assert (first.id, first.body) == (second.id, second.body)
    second.verify(made.secret)
    (delivery,) = deliveries(tenant)
    assert (delivery.attempt_count, delivery.last_status, delivery.last_response) == (2, 200, "hey")


def test_an_endpoint_that_asks_for_time_gets_it(tenant: Tenant, receiver: Receiver) -> None:
    from tulia.core import clock

    receiver.answer = lambda _: (503, {"Retry-After": "600"})
    subscribe(tenant, "campaign.started", url=receiver.url)
    _tell(tenant)
    with _delivering():
        eventually(lambda: deliveries(tenant)[0].attempt_count == 1)
    (delivery,) = deliveries(tenant)
    assert delivery.next_attempt_at
    assert delivery.next_attempt_at > clock.now() + timedelta(seconds=500)


def test_gone_switches_the_subscription_off(tenant: Tenant, receiver: Receiver) -> None:
    receiver.answer = lambda _: (410, {})
    made = subscribe(tenant, "campaign.started", url=receiver.url)
    _tell(tenant)
    with _delivering():
        eventually(lambda: not _reloaded(tenant, made.subscription).is_enabled)
    assert "410" in _reloaded(tenant, made.subscription).disabled_reason
    assert len(receiver.arrived) == 1


def test_redirects_are_not_followed(tenant: Tenant, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answer = lambda _: (307, {"Location": elsewhere.url})
        subscribe(tenant, "campaign.started", url=receiver.url)
        _tell(tenant)
        with _delivering():
            eventually(lambda: deliveries(tenant)[0].attempt_count == 1)
        assert elsewhere.arrived == []
    assert "redirects are not followed" in deliveries(tenant)[0].last_error


def test_a_dead_endpoint_holds_up_nobody_else(tenant: Tenant, receiver: Receiver) -> None:
    with socket.socket() as silent:  # takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        dead = subscribe(tenant, "campaign.started", url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        subscribe(tenant, "campaign.started", url=receiver.url)
        _tell(tenant, 40)
        with _delivering():
            began = time.monotonic()
            eventually(lambda: len(receiver.arrived) == 40)
            assert time.monotonic() - began < 8
            eventually(lambda: any(one.attempt_count for one in deliveries(tenant, dead.subscription.pk)))
    tried = [one for one in deliveries(tenant, dead.subscription.pk) if one.attempt_count]
    assert {one.last_error for one in tried} == {"No answer within 10 seconds."}


def test_name_servers_that_do_not_answer_hold_up_nobody_else(
    tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = socket.getaddrinfo

    def slow_for_some(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith("slow.invalid"):
            time.sleep(8)
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow_for_some)
    for number in range(12):  # more than a loop has threads of its own
        subscribe(tenant, "campaign.started", url=f"http://{number}.slow.invalid/")
    _tell(tenant)
    with _delivering():
        eventually(lambda: sum(1 for one in threading.enumerate() if one.name.startswith("names")) >= 12)
        subscribe(tenant, "campaign.started", url=receiver.url.replace("127.0.0.1", "localhost"))
        _tell(tenant)
        began = time.monotonic()
        eventually(lambda: receiver.arrived)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_nothing_is_posted_into_our_own_network(tenant: Tenant, receiver: Receiver, host: str) -> None:
    port = receiver.url.split(":")[2]
    subscribe(tenant, "campaign.started", url=f"http://{host}:{port}")
    _tell(tenant)
    with _delivering(may_be_local=False):
        eventually(lambda: deliveries(tenant)[0].attempt_count >= 1)
    assert receiver.arrived == []
    assert "does not lead to the public internet" in deliveries(tenant)[0].last_error


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/", "could not be connected to"),
        ("https://hooks.invalid/", "name is not known"),
    ],
)
def test_what_goes_wrong_is_said_in_words(tenant: Tenant, url: str, said: str) -> None:
    subscribe(tenant, "campaign.started", url=url)
    _tell(tenant)
    with _delivering():
        eventually(lambda: deliveries(tenant)[0].attempt_count >= 1)
    assert said in deliveries(tenant)[0].last_error
