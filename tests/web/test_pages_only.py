"""Sessions and protection of forms are for pages: programs pass by, and no page does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tulia.web import urls
from tulia.web.pages_only import OF_PROGRAMS

if TYPE_CHECKING:
    from conftest import SignIn


def addresses_of(patterns: list[URLPattern | URLResolver], before: str = "/") -> set[str]:
    found: set[str] = set()
    for one in patterns:
        address = before + str(one.pattern)
        found |= addresses_of(one.url_patterns, address) if isinstance(one, URLResolver) else {address}
    return found


def test_every_page_is_a_page_and_nothing_else_is() -> None:
    pages = addresses_of(urls.urlpatterns)
    assert len(pages) > 15
    assert {page for page in pages if page.startswith(OF_PROGRAMS)} == set()
    others = addresses_of(get_resolver().url_patterns) - pages
    assert {other for other in others if not other.startswith(OF_PROGRAMS)} == {"/l/<str:token>"}, "customers' links"


def test_a_session_opens_pages_and_not_the_api(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.get("/campaigns").status_code == 200
    answer = browser.get("/v1/campaigns")
    assert answer.status_code == 401
    assert not answer.cookies


def test_a_form_of_another_site_is_refused_and_a_program_needs_no_token(sign_in: SignIn) -> None:
    browser = sign_in()
    browser.handler.enforce_csrf_checks = True
    assert browser.post("/campaigns/new", {"name": "Not mine", "do": "draft"}).status_code == 403
    assert (
        Client(enforce_csrf_checks=True).post("/v1/campaigns", "{}", content_type="application/json").status_code == 401
    )
