"""Whoever changes something is on record: held by a walk over every service and every address that changes anything."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import world as worlds
from api_client import ApiClient
from world import OPERATIONS, World

if TYPE_CHECKING:
    from tulia.tenants.models import AuditEntry, Tenant

SOURCE = Path(__file__).parents[1] / "src" / "tulia"
SERVICES = sorted(path.stem for path in SOURCE.glob("*_service.py"))
# Methods that read, and change nothing.
READING = {
    "AnalyticsService": {
        "timeline", "funnel", "cohorts", "response_times", "failures", "money", "messaging", "export_results",
    },
    "AccountService": {"senders", "sender", "settings"},
    "AudienceService": {"customer", "customers", "preferences", "consent_history"},
    "GovernanceService": {"audit", "api_keys", "members", "usage", "approval", "is_approval_required"},
    "CampaignService": {
        "get_campaign", "list_campaigns", "calculate_reach", "reach", "execution", "generate_report",
    },
    "CampaignTemplatesService": {"get", "page"},
    "ReachService": {"of_draft", "of_campaign", "people_of_draft", "people", "explain"},
    "RecurringService": {"get", "page", "campaigns"},
    "PrivacyService": {"refused_sends"},
    "PreviewService": {"preview_campaign", "preview_draft", "try_arms"},
    "TemplateService": {"templates", "template", "uses"},
    "PageService": {"workplace", "tags", "sender", "failures", "held_up"},
    "WebhookService": {"subscriptions", "subscription", "deliveries", "delivery"},
}  # fmt: skip
# Addresses that are posted to and change nothing.
ASKING = {
    ("POST", "v1/campaigns/reach"),
    ("POST", "v1/campaigns/reach/recipients"),
    ("POST", "v1/campaigns/preview"),
    ("POST", "v1/campaigns/<uuid:campaign_id>/preview"),
}


def _methods() -> Iterator[tuple[str, str, Any]]:
    for module in SERVICES:
        found = importlib.import_module(f"tulia.{module}")
        for class_name, service in inspect.getmembers(found, inspect.isclass):
            if service.__module__ == found.__name__ and class_name.endswith("Service"):
                for name, method in inspect.getmembers(service, inspect.isfunction):
                    if not name.startswith("__"):
                        yield class_name, name, method


def _is_on_record(method: Any) -> bool:
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if any(isinstance(one, ast.Name) and one.id == "act" for one in called):
        return True
    owner = inspect.getmodule(method)
    services = [one for _, one in inspect.getmembers(owner, inspect.isclass) if one.__module__ == method.__module__]
    private = {one.attr for one in called if isinstance(one, ast.Attribute) and one.attr.startswith("_")}
    return any(
        _is_on_record(getattr(service, name)) for service in services for name in private if name in vars(service)
    )


PUBLIC = [(owner, name, method) for owner, name, method in _methods() if not name.startswith("_")]


@pytest.mark.parametrize(("owner", "name", "method"), PUBLIC, ids=[f"{owner}.{name}" for owner, name, _ in PUBLIC])
def test_a_method_of_a_service_reads_or_is_on_record(owner: str, name: str, method: Any) -> None:
    is_reading = name in READING.get(owner, set())
    assert is_reading != _is_on_record(method), (
        "do it inside `with audit.act(caller, …)`" if not is_reading else "it changes something: take it out of READING"
    )


def test_what_is_said_to_read_exists() -> None:
    known = {(owner, name) for owner, name, _ in PUBLIC}
    assert not {(owner, name) for owner, names in READING.items() for name in names} - known


def entries_of(tenant: Tenant) -> list[AuditEntry]:
    """The record, oldest first."""
    from tulia.tenants.models import AuditEntry
    from tulia.tenants.scope import tenant_scope

    with tenant_scope(tenant.id):
        return list(AuditEntry.objects.filter(tenant_id=tenant.id).order_by("id"))


WRITING = [one for one in OPERATIONS if one[0] != "GET" and one not in ASKING]


@pytest.fixture
def world() -> World:
    return worlds.make_world()


def _send(world: World, method: str, route: str) -> Any:
    body = worlds.sample(method, route, world)
    if route.endswith("test-send"):
        return None  # what goes out is tried in tests/flows
    return worlds.send(world.api, method, world.path(route), body)


@pytest.mark.parametrize(("method", "route"), WRITING)
def test_whatever_an_address_changes_is_on_record(method: str, route: str, world: World) -> None:
    if route in ("v1/senders", "v1/templates", "v1/customers"):  # the world has these things already
        tenant, key = worlds.make_tenant()
        world = World(tenant, key, world.ids, world.started_id)
    before = len(entries_of(world.tenant))
    answer = _send(world, method, route)
    after = entries_of(world.tenant)[before:]
    if answer is None or answer.status_code >= 300:
        assert not after, "a refused act leaves nothing on record"
    else:
        assert after, "nobody would know who did that: `with audit.act(…)` in the service"
        for entry in after:
            assert (entry.via, entry.actor_kind, entry.address) == ("api", "api_key", "127.0.0.1")


def test_an_entry_says_who_did_what_to_what_from_where_and_what_changed(tenant: Tenant) -> None:
    from tulia.tenants import access, api_keys

    api = ApiClient(api_keys.create(tenant.id, name="shop", scopes=access.SCOPES))
    made = api(
        "POST", "/v1/campaigns", {"name": "Mangoes", "message_content": "Hi", "target_criteria": {"tags": ["a"]}}
    )
    campaign_id = made.json()["id"]
    api("PATCH", f"/v1/campaigns/{campaign_id}", {"name": "Ripe mangoes"}, user_agent="curl/8")
    created, updated = entries_of(tenant)
    assert created.action == "campaign.create"
    assert created.old == {}
    assert created.new["message_content"] == "Hi"
    assert created.new["target_criteria"] == {"tags": ["a"]}
    assert (updated.action, updated.target_kind, updated.target_id) == ("campaign.update", "campaign", campaign_id)
    assert (updated.old, updated.new) == ({"name": "Mangoes"}, {"name": "Ripe mangoes"})
    assert (updated.agent, updated.address, updated.target_name) == ("curl/8", "127.0.0.1", "Mangoes")
    assert updated.actor.startswith("API key tulia_")
    assert updated.actor_id is not None


def test_a_record_quotes_no_secret_and_nothing_personal_of_a_customer(tenant: Tenant) -> None:
    from tulia.tenants import access, api_keys

    api = ApiClient(api_keys.create(tenant.id, name="shop", scopes=access.SCOPES))
    sender = {"name": "Main", "phone_number_id": "1", "access_token": "ttt", "app_secret": "sss", "verify_token": "vvv"}
    sender_id = api("POST", "/v1/senders", sender).json()["id"]
    api("PATCH", f"/v1/senders/{sender_id}", {"access_token": "new-secret"})
    person = {"phone": "0712345678", "name": "Asha Otieno", "attributes": {"city": "Kisumu"}, "tags": ["vip"]}
    customer_id = api("POST", "/v1/customers", person).json()["id"]
    api("PATCH", f"/v1/customers/{customer_id}", {"name": "Asha Wanjiru", "language": "sw"})
    said = str([(entry.old, entry.new, entry.target_name) for entry in entries_of(tenant)])
    for private in ("ttt", "sss", "vvv", "new-secret", "712345678", "Asha", "Kisumu"):
        assert private not in said
    _, secret, made, renamed = entries_of(tenant)
    assert secret.new == {"access_token_encrypted": "…"}
    assert made.new["tags"] == "…", "a tag can name a person"
    assert made.new["phone"] == "…"
    assert (renamed.old["name"], renamed.new["name"], renamed.new["language"]) == ("…", "…", "sw")


def test_an_act_that_fails_leaves_no_entry_and_an_entry_that_fails_undoes_the_act(tenant: Tenant) -> None:
    from tulia.tenants import api_keys
    from tulia.tenants.audit import NothingSaid, act
    from tulia.tenants.models import ApiKey
    from tulia.tenants.scope import tenant_scope

    with pytest.raises(NothingSaid), act(api_keys.operator(tenant.id), "api_key.create"):
        api_keys.make(tenant.id, name="unsaid", scopes=[])
    with contextlib.suppress(KeyError), act(api_keys.operator(tenant.id), "api_key.create") as entry:
        entry.made(api_keys.make(tenant.id, name="broken", scopes=[])[0])
        raise KeyError
    assert entries_of(tenant) == []
    with tenant_scope(tenant.id):
        assert not ApiKey.objects.exists()


@pytest.mark.parametrize("verb", ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries"])
def test_nobody_rewrites_the_record(tenant: Tenant, verb: str) -> None:
    from django.db import ProgrammingError

    from tulia.core import sql
    from tulia.tenants import api_keys
    from tulia.tenants.audit import act
    from tulia.tenants.scope import tenant_scope

    with act(api_keys.operator(tenant.id), "settings.change") as entry:
        entry.target(tenant.id)
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(tenant.id):
        sql.execute(verb)
    assert len(entries_of(tenant)) == 1


@pytest.mark.parametrize(
    "verb", ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"]
)
def test_not_even_the_owner_of_the_tables_rewrites_it(verb: str) -> None:
    import os

    import psycopg

    with (
        psycopg.connect(os.environ["TULIA_OWNER_DATABASE_URL"]) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"),
    ):
        owner.execute(verb)
