from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tulia.core import clock
from tulia.tenants import accounts
from tulia.web import tries

if TYPE_CHECKING:
    from conftest import SignIn
    from tulia.tenants.models import Tenant

PASSWORD = "correct horse battery"


@pytest.fixture
def email(tenant: Tenant) -> str:
    address = f"{uuid.uuid4().hex[:12]}@example.com"
    accounts.add_member(tenant.id, email=address, name="Amina", role="owner", password=PASSWORD)
    return address


def test_signing_in_leads_to_the_page_that_was_asked_for(email: str) -> None:
    browser = Client()
    asked = browser.get("/campaigns?status=draft")
    assert asked.status_code == 302
    form = browser.get(asked["Location"]).content.decode()
    assert 'value="/campaigns?status=draft"' in form
    answer = browser.post("/sign-in", {"email": email.upper(), "password": PASSWORD, "next": "/campaigns?status=draft"})
    assert (answer.status_code, answer["Location"]) == (302, "/campaigns?status=draft")
    assert browser.get("/campaigns").status_code == 200


@pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(email: str, goal: str) -> None:
    answer = Client().post("/sign-in", {"email": email, "password": PASSWORD, "next": goal})
    assert answer["Location"] == "/campaigns"


def test_a_wrong_password_and_an_unknown_person_look_the_same(email: str) -> None:
    browser = Client()
    wrong = browser.post("/sign-in", {"email": email, "password": "nope"})
    unknown = browser.post("/sign-in", {"email": "nobody@example.com", "password": "nope"})
    assert wrong.status_code == unknown.status_code == 400
    for answer in (wrong, unknown):
        assert "don&#x27;t belong together" in answer.content.decode()
    assert email in wrong.content.decode()
    assert "nope" not in wrong.content.decode()


def test_after_five_wrong_passwords_the_right_one_has_to_wait_too(email: str) -> None:
    browser = Client()
    for _ in range(tries.MOST_TRIES):
        assert browser.post("/sign-in", {"email": email, "password": "nope"}).status_code == 400
    answer = browser.post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    assert "Too many tries" in answer.content.decode()
    elsewhere = Client(REMOTE_ADDR="192.0.2.7").post("/sign-in", {"email": email, "password": PASSWORD})
    assert elsewhere.status_code == 302


def test_the_wait_ends_and_pressing_on_does_not_make_it_longer() -> None:
    who, now = f"{uuid.uuid4()}@example.com", clock.now()
    assert [tries.wait_before(who, "::1", now=now) for _ in range(5)] == [timedelta(0)] * 5
    assert tries.wait_before(who, "::1", now=now + timedelta(minutes=1)) == timedelta(minutes=4)
    assert tries.wait_before(who, "::1", now=now + timedelta(minutes=4)) == timedelta(minutes=1)
    assert tries.wait_before(who, "::1", now=now + timedelta(minutes=5, seconds=1)) == timedelta(0)


def test_the_right_password_forgets_the_wrong_ones() -> None:
    who, now = f"{uuid.uuid4()}@example.com", clock.now()
    for _ in range(4):
        tries.wait_before(who, "::1", now=now)
    tries.forget(who, "::1", now=now)
    assert [tries.wait_before(who, "::1", now=now) for _ in range(5)] == [timedelta(0)] * 5


def test_who_has_several_workplaces_chooses_one_of_theirs(email: str, tenant: Tenant) -> None:
    other = accounts.create_tenant(f"t-{uuid.uuid4().hex[:12]}", name="Second Shop", tier="starter")
    stranger = accounts.create_tenant(f"t-{uuid.uuid4().hex[:12]}", name="Strangers", tier="starter")
    accounts.add_member(other.id, email=email, name="Amina", role="analyst", password="ignored")
    browser = Client()
    answer = browser.post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer["Location"].startswith("/workplaces")
    shown = browser.get(answer["Location"]).content.decode()
    assert "Second Shop" in shown
    assert "Strangers" not in shown
    assert browser.get("/campaigns")["Location"].startswith("/workplaces")
    assert browser.post("/workplaces", {"workplace": str(stranger.id)}).status_code == 200
    assert browser.get("/campaigns").status_code == 302
    assert browser.post("/workplaces", {"workplace": str(other.id), "next": "/campaigns"}).status_code == 302
    assert "Second Shop" in browser.get("/campaigns").content.decode()


def test_signing_out_closes_every_page(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.get("/campaigns").status_code == 200
    assert browser.get("/sign-out").status_code == 405
    browser.post("/sign-out")
    assert browser.get("/campaigns").status_code == 302


def test_a_part_of_a_page_sends_the_browser_to_sign_in(tenant: Tenant) -> None:
    answer = Client().get(f"/campaigns/{uuid.uuid4()}/live", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/sign-in"


def test_a_form_from_another_site_is_refused_in_plain_words(email: str) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
