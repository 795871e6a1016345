"""A tenant with one of everything, the addresses of the API and the pages, and a good body for each.

A new address without a sample here fails `test_every_address_of_the_api_has_a_sample`: give its ids a sample in
`World.ids`, its bodies one in `BODIES`, and if it takes no id say in `NAMING` what happens when its body names another
tenant's things.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from api_client import ApiClient

if TYPE_CHECKING:
    from tulia.tenants.models import Tenant

PUBLIC_API = {"healthz", "readyz", "metrics", "v1/openapi.json", "v1/docs"}
PUBLIC_PAGES = {"", "sign-in", "sign-out", "workplaces", "l/<str:token>"}
METHODS = ("get", "put", "patch", "post", "delete")  # deleting last, when the owner walks
NOON = "2026-05-04T12:00:00Z"


@dataclass(frozen=True)
class World:
    """A tenant with one of everything, and ways in."""

    tenant: Tenant
    key: str
    ids: dict[str, str]
    started_id: str

    @property
    def secret(self) -> str:
        """A text that stands in all that this tenant has."""
        return f"business of {self.tenant.slug}"

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.key)

    def path(self, route: str, **other: str) -> str:
        """The address of this tenant's own things; a KeyError names an id that has no sample."""
        known = self.ids | {"act": "pause"} | other
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: known[found[1]], route)

    def browser(self, role: str = "owner") -> Client:
        from tulia.tenants import accounts
        from tulia.tenants.models import User

        email = f"{uuid.uuid4().hex[:12]}@example.com"
        user = User.objects.create(email=email, name="Wanjiku", password="!")
        accounts.add_member(self.tenant.id, email=email, name="Wanjiku", role=role, password="unused")
        return at_work(user, self.tenant)


def at_work(user: Any, tenant: Tenant) -> Client:
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session["workplace"] = str(tenant.id)
    session.save()
    return browser


def make_tenant() -> tuple[Tenant, str]:
    from tulia.tenants import access, accounts, api_keys

    slug = f"w-{uuid.uuid4().hex[:12]}"
    tenant = accounts.create_tenant(slug, name=slug, tier="enterprise")
    return tenant, api_keys.create(tenant.id, name="walk", scopes=access.SCOPES)


def make_world() -> World:
    from tulia.campaigns.models import MessageCampaign
    from tulia.core import clock
    from tulia.ledger import enqueue
    from tulia.tenants.scope import tenant_scope

    tenant, key = make_tenant()
    api = ApiClient(key)
    secret = World(tenant, key, {}, "").secret

    def made(path: str, **body: Any) -> str:
        answer = api("POST", path, body)
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    ids = {
        "sender_id": made("/v1/senders", **NEW_SENDER | {"name": secret}),
        "template_id": made("/v1/templates", **NEW_TEMPLATE | {"body": secret}),
        "customer_id": made(
            "/v1/customers", phone="0712345678", name=secret, external_id="C-1", consent_promotional=True
        ),
    }
    ids["member_id"] = made("/v1/members", **NEW_MEMBER | {"email": f"{uuid.uuid4().hex}@example.com"})
    ids["key_id"] = made("/v1/api-keys", name=secret, scopes=["analytics:view"])
    ids["subscription_id"] = made("/v1/event-subscriptions", **NEW_SUBSCRIPTION | {"description": secret})
    fields = {"name": secret, "message_content": secret, "target_criteria": {"countries": ["KE"]}}
    ids["campaign_id"] = made("/v1/campaigns", **fields)
    ids["campaign_template_id"] = made("/v1/campaign-templates", **NEW_CAMPAIGN_TEMPLATE | {"name": secret})
    ids["recurrence_id"] = made("/v1/recurring-campaigns", **NEW_RECURRING | {"name": secret})
    started_id = made("/v1/campaigns", **fields)
    with tenant_scope(tenant.id):
        campaign = MessageCampaign.objects.get(pk=started_id)
        campaign.sender_id = uuid.UUID(ids["sender_id"])
        campaign.save(update_fields=["sender"])
        campaign.mark_sending(at=clock.now())
        assert enqueue.freeze(campaign, now=clock.now()) == 1
    started = api("GET", f"/v1/event-subscriptions/{ids['subscription_id']}/deliveries").json()["results"]
    ids["delivery_id"] = started[0]["id"]
    return World(tenant, key, ids, started_id)


NEW_SENDER = {
    "name": "Main", "phone_number_id": "106540352242922", "access_token": "t", "app_secret": "s", "verify_token": "v",
}  # fmt: skip
NEW_TEMPLATE = {"name": "june", "language": "en", "category": "marketing", "body": "Hello"}
NEW_SUBSCRIPTION = {"url": "https://hooks.invalid/tulia", "event_types": ["campaign.started"]}
NEW_CAMPAIGN_TEMPLATE = {"name": "June", "campaign": {"message_content": "m"}}
NEW_RECURRING = {
    "name": "Weekly", "campaign": {"message_content": "m", "target_criteria": {"countries": ["KE"]}},
    "rrule": "FREQ=WEEKLY", "starts_at": "2031-01-06T09:00:00",
}  # fmt: skip

NEW_MEMBER = {"name": "Otieno", "email": "otieno@example.com", "role": "analyst", "password": "long enough by far"}

Body = dict[str, Any] | bytes | None
BODIES: dict[tuple[str, str], Callable[[World], Body]] = {
    ("PATCH", "v1/senders/<uuid:sender_id>"): lambda _: {"name": "Mine now"},
    ("PATCH", "v1/members/<uuid:member_id>"): lambda _: {"denied": ["catalog:view"]},
    ("POST", "v1/senders/<uuid:sender_id>/sync-templates"): lambda _: {},
    ("PATCH", "v1/templates/<uuid:template_id>"): lambda _: {"body": "Mine now"},
    ("PATCH", "v1/campaigns/<uuid:campaign_id>"): lambda _: {"name": "Mine now"},
    ("POST", "v1/campaigns/<uuid:campaign_id>/preview"): lambda world: {"customer_ids": [world.ids["customer_id"]]},
    ("POST", "v1/campaigns/<uuid:campaign_id>/execute"): lambda _: {"confirm": True},
    ("POST", "v1/campaigns/<uuid:campaign_id>/request-approval"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/approve"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/reject"): lambda _: {"note": "not yet"},
    ("POST", "v1/campaigns/<uuid:campaign_id>/pause"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/resume"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/cancel"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/clone"): lambda _: {},
    ("POST", "v1/campaigns/<uuid:campaign_id>/schedule"): lambda _: {"scheduled_at": "2099-01-01T00:00:00Z"},
    ("POST", "v1/campaigns/<uuid:campaign_id>/test-send"): lambda world: {
        "customer_id": world.ids["customer_id"], "variant": 3
    },
    ("PATCH", "v1/event-subscriptions/<uuid:subscription_id>"): lambda _: {"description": "Mine now"},
    ("POST", "v1/event-subscriptions/<uuid:subscription_id>/rotate-secret"): lambda _: {},
    ("POST", "v1/event-subscriptions/<uuid:subscription_id>/test"): lambda _: {},
    ("POST", "v1/event-subscriptions/<uuid:subscription_id>/replay"): lambda _: {
        "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"
    },
    ("POST", "v1/event-subscriptions/<uuid:subscription_id>/deliveries/<uuid:delivery_id>/replay"): lambda _: {},
    ("PATCH", "v1/campaign-templates/<uuid:campaign_template_id>"): lambda _: {"name": "Mine now"},
    ("POST", "v1/campaign-templates/<uuid:campaign_template_id>/start"): lambda _: {"overrides": {"name": "Mine now"}},
    ("PATCH", "v1/recurring-campaigns/<uuid:recurrence_id>"): lambda _: {"name": "Mine now"},
    ("POST", "v1/recurring-campaigns/<uuid:recurrence_id>/pause"): lambda _: {},
    ("POST", "v1/recurring-campaigns/<uuid:recurrence_id>/approve"): lambda _: {"version": "another"},
    ("POST", "v1/recurring-campaigns/<uuid:recurrence_id>/resume"): lambda _: {},
    ("POST", "v1/recurring-campaigns/<uuid:recurrence_id>/skip-next"): lambda _: {},
    ("PATCH", "v1/customers/<uuid:customer_id>"): lambda _: {"name": "Mine now"},
    ("PUT", "v1/customers/<uuid:customer_id>/preferences"): lambda _: {
        "promotional_messages": False, "source": "tenant_updated", "reason": "asked for it"
    },
    ("POST", "v1/customers/<uuid:customer_id>/erase"): lambda _: {"confirm": True, "reason": "asked for it"},
}  # fmt: skip

# Addresses without an id, with a body that names what belongs to another tenant; and what that comes to.
NAMING: dict[tuple[str, str], tuple[Callable[[World], Body], set[int]]] = {
    ("POST", "v1/senders"): (lambda _: NEW_SENDER, {201}),  # the same number at two tenants is their own affair
    ("POST", "v1/templates"): (lambda _: NEW_TEMPLATE, {201}),
    ("POST", "v1/campaigns"): (
        lambda world: {"name": "n", "message_content": "m", "sender_id": world.ids["sender_id"]}, {400, 404}
    ),
    ("POST", "v1/campaigns/reach"): (
        lambda world: {"target_criteria": {"exclude_campaigns": [world.started_id]}}, {200}
    ),
    ("POST", "v1/campaigns/preview"): (
        lambda world: {"template_id": world.ids["template_id"], "customer_ids": [world.ids["customer_id"]]}, {400, 404}
    ),
    ("POST", "v1/campaigns/reach/recipients"): (
        lambda world: {"target_criteria": {"exclude_campaigns": [world.started_id]}}, {200}
    ),
    ("POST", "v1/campaign-templates"): (
        lambda world: {"name": "n", "from_campaign_id": world.ids["campaign_id"]}, {404}
    ),
    ("POST", "v1/recurring-campaigns"): (
        lambda world: NEW_RECURRING | {"campaign": {"message_content": "m", "sender_id": world.ids["sender_id"]}}, {400}
    ),
    ("POST", "v1/customers"): (lambda _: {"phone": "0712345678", "external_id": "C-1"}, {201}),
    ("POST", "v1/customers/import"): (lambda _: b"external_id,phone,name\nC-1,0712345678,Mine now\n", {200}),
    ("POST", "v1/orders"): (
        lambda world: {
            "customer_id": world.ids["customer_id"], "placed_at": NOON, "total": "5", "status": "paid"
        }, {400, 404}
    ),
    ("POST", "v1/orders/import"): (
        lambda _: b"external_id,customer_external_id,placed_at,total,status\nO-1,C-1,2026-05-04,5,paid\n", {200}
    ),
    ("POST", "v1/bookings"): (
        lambda world: {
            "customer_id": world.ids["customer_id"], "booked_at": NOON, "starts_at": NOON, "status": "confirmed"
        }, {400, 404}
    ),
    ("POST", "v1/bookings/import"): (
        lambda _: b"external_id,customer_external_id,booked_at,starts_at,status\nB-1,C-1,2026-05-04,2026-05-05,confirmed\n",
        {200},
    ),
    ("POST", "v1/messages/import"): (
        lambda _: b"customer_external_id,direction,sent_at,text\nC-1,inbound,2026-05-04T12:00:00Z,STOP\n", {200}
    ),
    ("POST", "v1/api-keys"): (lambda _: {"name": "n", "scopes": ["analytics:view"]}, {201}),
    ("POST", "v1/members"): (
        # the same person may work for several tenants
        lambda _: NEW_MEMBER | {"email": f"{uuid.uuid4().hex}@example.com"}, {201}
    ),
    ("POST", "v1/event-subscriptions"): (lambda _: NEW_SUBSCRIPTION, {201}),
    ("PATCH", "v1/settings"): (lambda _: {"country": "KE"}, {200}),
}  # fmt: skip


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def _operations() -> list[tuple[str, str]]:
    """(method, route) of all that the API does behind a key."""
    return [
        (method.upper(), route)
        for route, pattern in routes(get_resolver("tulia.config.urls").url_patterns)
        if hasattr(pattern.callback, "cls")
        for method in METHODS
        if hasattr(pattern.callback.cls, method)
    ]


def _pages() -> list[str]:
    return [
        route
        for route, pattern in routes(get_resolver("tulia.config.urls").url_patterns)
        if not hasattr(pattern.callback, "cls") and route not in PUBLIC_API | PUBLIC_PAGES
    ]


OPERATIONS, PAGES = _operations(), _pages()
WITH_ID = [(method, route) for method, route in OPERATIONS if "<" in route]
WITHOUT_ID = [(method, route) for method, route in OPERATIONS if "<" not in route]


def send(api: ApiClient, method: str, path: str, body: Body) -> Any:
    kind = {"content_type": "text/csv"} if isinstance(body, bytes) else {}
    return api(method, path, body, Prefer="wait=0", **kind)


def body_of(method: str, route: str, world: World) -> Body:
    """A good body for an address with an id."""
    return BODIES[method, route](world) if method in ("POST", "PUT", "PATCH") else None


def sample(method: str, route: str, world: World) -> Body:
    """A good body for any address."""
    return body_of(method, route, world) if "<" in route or method == "GET" else NAMING[method, route][0](world)


def standing(world: World) -> str:
    """Everything a tenant can see of its own things, as text, but for when it looked."""
    seen = [
        world.api("GET", world.path(route))
        for method, route in WITH_ID
        if method == "GET" and not route.endswith((".csv", "/export"))  # taking data away is on record
    ]
    seen += [world.api("GET", f"/{route}") for method, route in WITHOUT_ID if method == "GET"]
    assert {answer.status_code for answer in seen} == {200}
    text = "\n".join(answer.content.decode() for answer in seen)
    assert world.secret in text
    return re.sub(r'"(next|previous|duration_seconds|at|last_used_at)":[^,}]*', "", text)
