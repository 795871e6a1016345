"""Every address, walked by a stranger: what belongs to another tenant does not exist. The samples are in world.py."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import get_resolver

from api_client import ApiClient
from world import (
    NAMING,
    OPERATIONS,
    PAGES,
    WITH_ID,
    WITHOUT_ID,
    World,
    at_work,
    body_of,
    make_tenant,
    make_world,
    routes,
    send,
    standing,
)


@pytest.fixture(scope="module")
def theirs() -> World:
    return make_world()


@pytest.fixture(scope="module")
def stranger() -> World:
    return make_world()


@pytest.fixture(scope="module")
def browsers(theirs: World, stranger: World) -> dict[str, Client]:
    """Signed in: as the owner of the things, as a stranger, and as a member who may neither read nor compose."""
    return {
        "owner": theirs.browser(),
        "stranger": stranger.browser(),
        "unconcerned": theirs.browser("catalog_manager"),
    }


def test_every_address_of_the_api_has_a_sample(theirs: World) -> None:
    for method, route in WITH_ID:
        assert theirs.path(route)
        body_of(method, route, theirs)
    for method, route in WITHOUT_ID:
        assert method == "GET" or (method, route) in NAMING, f"say what {method} /{route} may name, in NAMING"
    for page in PAGES:
        assert theirs.path(page)


@pytest.mark.parametrize(("method", "route"), WITH_ID)
def test_what_belongs_to_another_tenant_does_not_exist(method: str, route: str, theirs: World, stranger: World) -> None:
    body = body_of(method, route, theirs)
    for path in {theirs.path(route), theirs.path(route, campaign_id=theirs.started_id)}:
        answer = send(stranger.api, method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
        assert theirs.secret not in answer.content.decode()


@pytest.mark.parametrize(("method", "route"), OPERATIONS)
def test_nobody_gets_in_without_a_key_or_without_the_scope(method: str, route: str, theirs: World) -> None:
    from tulia.tenants import access, api_keys

    pattern = dict(routes(get_resolver("tulia.config.urls").url_patterns))[route]
    needed = pattern.callback.cls.scopes[method]
    unscoped = ApiClient(api_keys.create(theirs.tenant.id, name="but one", scopes=access.SCOPES - {needed}))
    body = body_of(method, route, theirs) if "<" in route else None
    if "<" not in route and method != "GET":
        body = NAMING[method, route][0](theirs)
    assert send(ApiClient(None), method, theirs.path(route), body).status_code == 401
    assert send(ApiClient("tulia_wrong"), method, theirs.path(route), body).status_code == 401
    refused = send(unscoped, method, theirs.path(route), body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("route", [route for method, route in WITHOUT_ID if method == "GET"])
def test_lists_hold_nothing_of_another_tenant(route: str, theirs: World, stranger: World) -> None:
    answer = stranger.api("GET", f"/{route}")
    assert answer.status_code == 200
    assert not any(one in answer.content.decode() for one in (*theirs.ids.values(), theirs.started_id))


@pytest.mark.parametrize(("method", "route"), NAMING)
def test_a_body_that_names_things_of_another_tenant_touches_none_of_them(
    method: str, route: str, theirs: World
) -> None:
    _, key = make_tenant()
    before = standing(theirs)
    body, expected = NAMING[method, route]
    answer = send(ApiClient(key), method, f"/{route}", body(theirs))
    assert answer.status_code in expected, answer.content
    assert theirs.secret not in answer.content.decode()
    assert standing(theirs) == before


def test_the_walk_of_a_stranger_leaves_everything_as_it_was(theirs: World, stranger: World) -> None:
    before = standing(theirs)
    for method, route in WITH_ID:
        for path in (theirs.path(route), theirs.path(route, campaign_id=theirs.started_id)):
            send(stranger.api, method, path, body_of(method, route, theirs))
    assert standing(theirs) == before


def test_the_samples_are_real_because_their_owner_gets_an_answer() -> None:
    owner = make_world()
    for method, route in sorted(WITH_ID, key=lambda one: (one[1].endswith("/erase"), one[0] == "DELETE")):
        answer = send(owner.api, method, owner.path(route), body_of(method, route, owner))
        # A test message names a variant that isn't there, so that nothing is sent.
        # And no account is named whose templates could be listed.
        expected = {400} if route.endswith(("test-send", "sync-templates")) else {200, 201, 202, 204, 409}
        assert answer.status_code in expected, f"{method} {route}: {answer.content}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_tenant_is_missing(page: str, theirs: World, browsers: dict[str, Client]) -> None:
    visitor, owner = browsers["stranger"], browsers["owner"]
    path = theirs.path(page)
    answers = [visitor.get(path), visitor.post(path, {"campaign": theirs.ids["campaign_id"]})]
    for answer in answers:
        assert theirs.secret not in answer.content.decode()
    if "<" in page:
        assert {answer.status_code for answer in answers} | {404, 405} == {404, 405}
        assert 404 in {answer.status_code for answer in answers}
        assert owner.get(path).status_code in (200, 302, 405)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_whoever_is_not_signed_in_to_the_door(page: str, theirs: World) -> None:
    for method in ("get", "post"):
        answer = getattr(Client(), method)(theirs.path(page))
        assert answer.status_code in (302, 405)
        assert answer.status_code == 405 or answer.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_refuses_a_member_without_the_permission(page: str, theirs: World, browsers: dict[str, Client]) -> None:
    browser = browsers["unconcerned"]
    answers = {browser.get(theirs.path(page)).status_code, browser.post(theirs.path(page)).status_code}
    assert 403 in answers
    assert answers <= {403, 405}


@pytest.mark.parametrize("page", PAGES)
def test_a_session_that_claims_a_workplace_of_others_opens_nothing(page: str, theirs: World) -> None:
    from tulia.tenants.models import User

    user = User.objects.create(email=f"{uuid.uuid4().hex[:12]}@example.com", name="Nobody", password="!")
    answer = at_work(user, theirs.tenant).get(theirs.path(page))
    assert answer.status_code in (302, 405)
    assert theirs.secret not in answer.content.decode()


def test_choosing_a_workplace_of_others_is_not_possible(theirs: World, stranger: World) -> None:
    browser = stranger.browser()
    browser.post("/workplaces", {"workplace": str(theirs.tenant.id)})
    assert browser.session["workplace"] == str(stranger.tenant.id)
