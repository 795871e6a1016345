"""What only a real browser can show: the whole way with a mouse, with keys alone, on a phone, in the dark, without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from browser.conftest import Visit, Visitor

CAMPAIGN = re.compile(r"/campaigns/[0-9a-f-]{36}$")
MINUTE = 60_000

# Layout shifts that nobody caused by a click or a key, summed as browsers do for a page.
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""

# Every text that is too faint against what is painted behind it (WCAG 2.1, 1.4.3: 4.5, or 3 when large).
FAINT_TEXTS = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      layers.push(color);
      if (color[3] === 255) break;
    }
    return layers.reverse().reduce((under, over) =>
      under.map((c, i) => i < 3 ? over[i] * over[3] / 255 + c * (1 - over[3] / 255) : 255), [255, 255, 255, 255]);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest('.unseen, script, noscript, option, [aria-hidden=true]')) continue;
    const style = getComputedStyle(element);
    const pair = [luminance(rgba(style.color)), luminance(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (contrast < (isLarge ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return faint;
}
"""


def write_campaign(visitor: Visitor, name: str) -> None:
    """Fills in the composer: two messages, for those who buy for women and ordered this year."""
    page = visitor.page
    page.goto(visitor.at.url + "/campaigns/new")
    page.fill("#name", name)
    page.check("#is_ab_test")
    for arm in ("variant_0", "variant_1"):
        page.check(f"[name={arm}_kind][value=text]")
    page.fill("#variant_0_name", "Warm")
    page.fill("#variant_0_content", 'Habari {{ customer.first_name | default: "rafiki" }}! *20 % off* until Monday.')
    page.fill("#variant_1_name", "Short")
    page.fill("#variant_1_content", "20 % off until Monday. Reply YES.")
    page.check("input[name=tags][value=womens]")


def launch(visitor: Visitor) -> None:
    visitor.page.click("button[value=review]")
    visitor.page.wait_for_url("**/review")
    visitor.page.click("button:has-text('Send to')")
    visitor.page.wait_for_url(CAMPAIGN)


def number_in(text: str | None) -> int:
    found = re.search(r"\d[\d,]*", text or "")
    assert found is not None, text
    return int(found[0].replace(",", ""))


@pytest.fixture
def sent(visit: Visit) -> Visitor:
    """Somebody who looks at the report of a finished campaign."""
    visitor = visit()
    visitor.sign_in()
    write_campaign(visitor, "For the report")
    launch(visitor)
    visitor.page.wait_for_selector(".chip-completed", timeout=MINUTE)
    return visitor


def test_from_sign_in_to_the_report(visit: Visit) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.page
    page.click("text=New campaign")
    everybody = number_in(page.text_content("#reach .big"))
    write_campaign(visitor, "Easter sale")
    expect(page.locator("#reach .big")).not_to_contain_text(f"{everybody:,}")
    page.wait_for_timeout(1_500)  # longer than the page waits for somebody to finish typing
    expect(page.locator(".htmx-request")).to_have_count(0)
    reached = number_in(page.text_content("#reach .big"))
    assert 0 < reached < everybody
    page.wait_for_selector("#preview .bubble b:has-text('20 % off')")
    assert "Habari" in (page.text_content("#preview .bubble") or "")
    page.click("button[value=review]")
    page.wait_for_url("**/review")
    assert f"This sends to {reached:,} people. It can't be undone." in (page.text_content("h2.big") or "")
    page.click(f"button:has-text('Send to {reached:,} people')")
    page.wait_for_url(CAMPAIGN)
    page.evaluate(WATCH_SHIFTS)
    assert page.locator(".chip-sending, .chip-completed").count() == 1
    page.wait_for_selector(".chip-completed", timeout=MINUTE)
    assert page.locator("#pause").count() == 0
    expect(page.locator(".tile b").nth(1)).to_contain_text(re.compile("[1-9]"), timeout=MINUTE)
    assert page.evaluate("window.shifted") < 0.1
    sheet = page.locator(".balance")
    lines = [number_in(row) for row in sheet.locator("tbody tr:not(.part) td:nth-child(2)").all_text_contents()]
    assert sum(lines) == number_in(sheet.locator("tfoot td").first.text_content())
    assert page.locator(".verdict-head").text_content()
    assert page.locator(".arms tbody tr").count() == 2
    page.click("#line-skipped-no_consent")
    page.wait_for_url("**/people?**")
    assert "Doesn't agree to promotional messages" in (page.text_content("h1") or "")
    page.goto(visitor.at.url + "/campaigns")
    assert "Finished" in (page.text_content("tr:has-text('Easter sale')") or "")


def test_keys_alone_can_sign_in_and_launch(visit: Visit) -> None:
    visitor = visit()
    page, keys = visitor.page, visitor.page.keyboard
    page.goto(visitor.at.url + "/")
    visitor.tab_to("#email")
    keys.type(visitor.at.email)
    visitor.tab_to("#password")
    keys.type(visitor.at.password)
    keys.press("Enter")
    page.wait_for_url("**/campaigns")
    keys.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    visitor.tab_to("a[href='/campaigns/new']")
    keys.press("Enter")
    page.wait_for_url("**/campaigns/new")
    visitor.tab_to("#name")
    keys.type("Written with keys")
    visitor.tab_to("[name=message_kind]")
    keys.press("ArrowDown")
    visitor.tab_to("#message")
    keys.type("Karibu!")
    visitor.tab_to("input[name=tags][value=vip]")
    assert page.evaluate("getComputedStyle(document.activeElement.closest('label')).outlineStyle") != "none"
    keys.press("Space")
    visitor.tab_to("button[value=review]")
    keys.press("Enter")
    page.wait_for_url("**/review")
    visitor.tab_to("button.for-now")
    keys.press("Enter")
    page.wait_for_url(CAMPAIGN)
    page.wait_for_selector(".chip-completed", timeout=MINUTE)


def test_a_mistake_takes_the_focus_to_its_field(visit: Visit) -> None:
    visitor = visit(may_complain=True)  # the browser reports the answer 400 as an error
    visitor.sign_in()
    visitor.page.goto(visitor.at.url + "/campaigns/new")
    visitor.page.check("[name=message_kind][value=text]")
    visitor.page.fill("#message", "Hello")
    visitor.page.click("button[value=review]")
    visitor.page.wait_for_selector("#name-error")
    visitor.page.wait_for_function("document.activeElement.id === 'name'")
    assert visitor.page.input_value("#message") == "Hello"
    assert [trouble for trouble in visitor.complaints() if "400" not in trouble] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1_280])
def test_every_page_fits_and_can_be_read(visit: Visit, sent: Visitor, scheme: str, width: int) -> None:
    report = sent.page.url.removeprefix(sent.at.url)
    visitor = visit(width=width, color_scheme=scheme, storage_state=sent.context.storage_state())
    for path in ("/campaigns", "/campaigns/new", report, f"{report}/people", "/workplaces"):
        visitor.page.goto(visitor.at.url + path)
        visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert visitor.page.evaluate(FAINT_TEXTS) == [], path
        unlabelled = visitor.page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), textarea, select')]"
            ".filter(e => !e.labels.length).map(e => e.name)"
        )
        assert unlabelled == [], path
        assert visitor.page.locator("h1").count() == 1, path
    background = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 150) == (scheme == "dark")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1_280), ("dark", 390)])
def test_a_test_is_asked_for_with_keys_alone_and_says_what_it_can_show(visit: Visit, scheme: str, width: int) -> None:
    visitor = visit(width=width, color_scheme=scheme, reduced_motion="reduce")
    visitor.sign_in()
    page = visitor.page
    page.goto(visitor.at.url + "/campaigns/new")

    def key(selector: str, pressed: str) -> None:
        visitor.tab_to(selector)
        page.keyboard.press(pressed)

    visitor.tab_to("#name")
    page.keyboard.type("Half for the winner")
    key("#is_ab_test", "Space")
    for arm in ("variant_0", "variant_1"):
        page.check(f"[name={arm}_kind][value=text]")
        page.fill(f"#{arm}_content", f"Habari from {arm}")
    key(".parts summary", "Enter")
    visitor.tab_to("#variant_0_weight")
    page.keyboard.type("2")
    key("#is_auto", "Space")
    visitor.tab_to("#test_percent")
    page.keyboard.press("Control+A")
    page.keyboard.type("50")
    key("#measure summary", "Enter")
    visitor.tab_to("#holdout")
    page.keyboard.type("10")
    expect(page.locator("#reach .can-show")).to_contain_text("This test can")
    expect(page.locator("#reach")).to_contain_text("get nothing on purpose")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(FAINT_TEXTS) == []
    page.click("button[value=review]")
    page.wait_for_url("**/review")
    said = page.text_content(".facts") or ""
    assert "2 parts A, 1 part B" in said
    assert "from a test on 50 %" in said
    assert "10 % get nothing" in said
    assert page.evaluate(FAINT_TEXTS) == []


def test_without_scripts_a_campaign_can_still_be_written_and_sent(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.sign_in()
    page = visitor.page
    page.goto(visitor.at.url + "/campaigns/new")
    page.fill("#name", "Without scripts")
    template = page.locator("#message_template option", has_text="fresh_this_week").get_attribute("value")
    page.select_option("#message_template", template)
    page.check("input[name=tags][value=wholesale]")
    page.click("button:has-text('Update reach and preview')")
    page.fill("[id='message_value.product']", "the first mangoes")
    page.click("button:has-text('Update reach and preview')")
    page.wait_for_selector("#preview .bubble:has-text('the first mangoes')")
    assert 0 < number_in(page.text_content("#reach .big")) < 100
    launch(visitor)
    assert "Without scripts" in (page.text_content("h1") or "")
