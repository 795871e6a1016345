"""Campaigns with approved templates in a real browser: from the page to sent, scheduled, and after an interruption."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.test_in_a_browser import CAMPAIGN, FAINT_TEXTS, MINUTE, WATCH_SHIFTS, launch, number_in

if TYPE_CHECKING:
    from playwright.sync_api import Request

    from browser.conftest import Visit, Visitor


def write(visitor: Visitor, name: str) -> None:
    """The weekend offer with another discount, for those who buy for women."""
    page = visitor.page
    page.goto(visitor.at.url + "/campaigns/new")
    page.fill("#name", name)
    value = page.locator("#message_template option", has_text="weekend_offer").get_attribute("value")
    page.select_option("#message_template", value)
    page.fill("[id='message_value.discount']", "25%")
    with page.expect_response(lambda answer: _counts_womens(answer.request)):  # not what was asked before that
        page.check("input[name=tags][value=womens]")
    expect(page.locator("#reach")).not_to_have_class(re.compile("htmx-request"))


def _counts_womens(request: Request) -> bool:
    return request.url.endswith("/campaigns/reach") and "tags=womens" in (request.post_data or "")


def test_a_template_campaign_from_the_page_to_sent(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.page
    write(visitor, "A weekend offer")
    assert page.input_value("[id='message_value.customer_name']") == "{{ customer.name }}"
    expect(page.locator("#preview .bubble")).to_contain_text(re.compile(r"Save 25% until Sunday, \w+"))
    expect(page.locator("#preview .bubble-buttons li").first).to_contain_text("Order now")
    expect(page.locator("#reach .cost")).to_contain_text(re.compile(r"About \$[1-9]"))
    by_template = number_in(page.text_content("#reach .big"))
    page.check("[name=message_kind][value=text]")
    expect(page.locator("#reach .waterfall")).to_contain_text("wrote in the last 24 hours")
    assert number_in(page.text_content("#reach .big")) < by_template
    page.check("[name=message_kind][value=template]")
    expect(page.locator("#reach .big b")).to_have_text(f"{by_template:,}")
    launch(visitor)
    page.wait_for_selector(".chip-completed", timeout=MINUTE)
    assert by_template == number_in(page.text_content(".progress-line b"))
    assert "Template weekend_offer (en)" in (page.text_content(".message") or "")
    page.click("#line-sent")
    page.click("table.people tbody th a >> nth=0")
    page.wait_for_selector(".rules")
    assert "WhatsApp took it" in (page.text_content(".history") or "")


def test_a_template_campaign_is_scheduled_and_canceled(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.page
    write(visitor, "For later")
    page.click("button[value=review]")
    page.wait_for_url("**/review")
    page.evaluate(WATCH_SHIFTS)
    expect(page.locator("#date")).to_be_hidden()
    page.check("[name=when][value=later]")
    page.fill("#date", "2099-05-04")
    page.fill("#time", "10:30")
    page.check("#local_time")
    page.click("button.for-later")
    page.wait_for_url(CAMPAIGN)
    assert "on each person's own clock" in (page.text_content(".under") or "")
    page.click("text=Change the time")
    assert (page.input_value("#date"), page.input_value("#time")) == ("2099-05-04", "10:30")
    page.goto(page.url.replace("/review", ""))
    page.click("#cancel")
    page.click("main button[type=submit]")
    page.wait_for_selector(".chip-canceled")


def test_what_was_written_survives_the_end_of_the_session(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.page
    write(visitor, "Interrupted")
    # Reach and preview, asked for a moment after the last change, would notice the end of the session before we do.
    expect(page.locator("#preview .bubble")).to_contain_text("Save 25%")
    page.wait_for_timeout(1_000)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".htmx-request")).to_have_count(0)
    visitor.context.clear_cookies(name="sessionid")
    page.click("button[value=review]")
    page.wait_for_url("**/sign-in**")
    page.fill("#email", visitor.at.email)
    page.fill("#password", visitor.at.password)
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Here is what you had written")
    assert page.input_value("#name") == "Interrupted"
    assert page.input_value("[id='message_value.discount']") == "25%"
    assert page.is_checked("input[name=tags][value=womens]")
    page.goto(visitor.at.url + "/campaigns")
    page.goto(visitor.at.url + "/campaigns/new")
    assert page.input_value("#name") == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1_280])
def test_the_pages_of_a_template_campaign_fit_and_can_be_read(visit: Visit, scheme: str, width: int) -> None:
    visitor = visit(width=width, color_scheme=scheme)
    visitor.sign_in()
    page = visitor.page
    write(visitor, f"At {width} in {scheme}")
    page.click("#limits summary")
    page.check("[name=quiet][value=own]")
    page.fill("#quiet_from", "21:00")
    page.fill("#quiet_to", "07:00")
    page.click("button[value=save]")
    page.wait_for_url("**/edit")
    draft = page.url.removesuffix("/edit")
    page.goto(f"{draft}/people")
    why = page.get_attribute("table.people tbody th a", "href")
    for path in (f"{draft}/edit", f"{draft}/review", f"{draft}/people", f"{visitor.at.url}{why}"):
        page.goto(path)
        if path.endswith("/review"):
            page.check("[name=when][value=later]")
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(FAINT_TEXTS) == [], path
        unlabelled = "[...document.querySelectorAll('input:not([type=hidden]), textarea, select')]"
        assert page.evaluate(f"{unlabelled}.filter(e => !e.labels.length).map(e => e.name)") == [], path
        assert page.locator("h1").count() == 1, path
