"""Campaigns with approved templates, a time and limits, written in the pages."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tulia.campaign_service import CampaignService
from tulia.campaigns.models import MessageCampaign
from tulia.core import clock
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from django.test import Client

    from conftest import SignIn
    from tulia.channels.models import MessageTemplate

FORM: dict[str, Any] = {
    "name": "Mangoes", "message_kind": "template", "message": "", "tags": ["vip"], "ordered_in_last_days": "",
    "min_order_count": "", "active_in_last_days": "", "variant_0_name": "A", "variant_0_content": "",
    "variant_1_name": "B", "variant_1_content": "", "budget": "", "quiet": "tenant", "quiet_from": "", "quiet_to": "",
    "exempt_reason": "",
}  # fmt: skip


@pytest.fixture
def template(tenant: Tenant) -> MessageTemplate:
    """Header, a named and an odd place in the body, footer and two buttons."""
    from tulia.channels import templates

    with tenant_scope(tenant.id):
        return templates.create(
            tenant.id, name="weekend_offer", language="en", category="marketing",
            parts=[
                {"type": "header", "format": "text", "text": "Only for {{1}}"},
                {"type": "body", "text": "Hello {{1}}, {{2}} came in *fresh*. Shall we keep some?"},
                {"type": "footer", "text": "Duka la Tulia"},
                {"type": "buttons", "buttons": [
                    {"type": "url", "text": "Order now", "url": "https://duka.example/o/{{1}}"},
                    {"type": "quick_reply", "text": "Stop promotions"},
                ]},
            ],
            examples={"1": "Amina", "2": "Mangoes"}, defaults={"1": "rafiki", "header.1": "you", "buttons[0].url": "weekend"},
        )  # fmt: skip


@pytest.fixture
def silent(tenant: Tenant, people: int) -> None:
    """Nobody wrote in the last day: free text reaches nobody."""
    from tulia.audience.models import Conversation

    with tenant_scope(tenant.id):
        Conversation.objects.filter(tenant_id=tenant.id).update(last_inbound_at=datetime(2020, 1, 1, tzinfo=UTC))


def chosen(template: MessageTemplate, **values: str) -> dict[str, Any]:
    """The form with this template chosen and its places filled."""
    given = {"1": "{{ customer.first_name }}", "2": "mangoes", "header.1": "you", "buttons[0].url": "weekend"} | values
    filled = {f"message_value.{key}": text for key, text in given.items()}
    return FORM | filled | {"message_template": str(template.pk), "message_values_of": str(template.pk)}


def only(tenant: Tenant) -> MessageCampaign:
    with tenant_scope(tenant.id):
        (campaign,) = MessageCampaign.objects.filter(tenant_id=tenant.id)
    return campaign


def made(browser: Client, form: dict[str, Any], tenant: Tenant) -> MessageCampaign:
    answer = browser.post("/campaigns/new", form)
    assert answer.status_code == 302, answer.content.decode()
    return only(tenant)


def test_a_new_campaign_begins_with_a_template_where_there_is_one(sign_in: SignIn, template: MessageTemplate) -> None:
    page = sign_in().get("/campaigns/new").content.decode()
    assert re.search(r'name="message_kind" value="template" checked', page)
    assert "weekend_offer (en): Hello {{1}}, {{2}} came in *fresh*. Shall we keep some?" in page


def test_without_approved_templates_only_text_is_offered_and_the_page_says_whom_it_reaches(sign_in: SignIn) -> None:
    page = sign_in().get("/campaigns/new").content.decode()
    assert "_kind" not in page
    assert "Free text reaches only people who wrote in the last 24 hours." in page


def test_choosing_a_template_shows_its_places_with_what_usually_stands_there(
    sign_in: SignIn, template: MessageTemplate
) -> None:
    form = FORM | {"message_template": str(template.pk), "message_value.2": "of another template"}
    page = html.unescape(sign_in().post("/campaigns/places?of=message", form).content.decode())
    assert re.search(r'name="message_value.1" value="rafiki"', page)
    assert re.search(r'name="message_value.2" value=""', page)
    assert "For example: Mangoes." in page
    assert "End of the address of the button “Order now”" in page
    assert "payload" not in page
    assert sign_in().post("/campaigns/places?of=variant_9", form).status_code == 404


def test_a_template_campaign_is_stored_and_edited_as_it_was_written(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    assert campaign.template_id == template.pk
    assert campaign.template_variables == {
        "1": "{{ customer.first_name }}", "2": "mangoes", "header.1": "you", "buttons[0].url": "weekend"
    }  # fmt: skip
    page = html.unescape(browser.get(f"/campaigns/{campaign.pk}/edit").content.decode())
    assert f'<option value="{template.pk}" selected>' in page
    assert 'name="message_value.1" value="{{ customer.first_name }}"' in page
    text = FORM | {"message_kind": "text", "message": "Hello", "campaign": str(campaign.pk)}
    browser.post(f"/campaigns/{campaign.pk}/edit", text)
    changed = only(tenant)
    assert (changed.template_id, changed.template_variables, changed.message_content) == (None, {}, "Hello")


def test_a_place_that_nothing_fills_is_asked_for_beside_it(sign_in: SignIn, template: MessageTemplate) -> None:
    answer = sign_in().post("/campaigns/new", chosen(template, **{"2": " "}))
    assert answer.status_code == 400
    assert 'id="message_value.2-error"' in answer.content.decode()
    wrong = sign_in().post("/campaigns/new", chosen(template, **{"2": "{{ customer"})).content.decode()
    assert 'id="message_value.2-error">Is not valid Liquid' in wrong
    none = sign_in().post("/campaigns/new", FORM).content.decode()
    assert 'id="message_template-error">Choose a template.' in none


def test_the_phone_shows_header_body_footer_and_buttons_of_real_people(
    sign_in: SignIn, template: MessageTemplate, people: int
) -> None:
    page = sign_in().post("/campaigns/preview", chosen(template)).content.decode()
    assert re.search(r"Hello Person\d, mangoes came in <b>fresh</b>", page)
    assert '<p class="bubble-head">Only for you</p>' in page
    assert '<p class="bubble-foot">Duka la Tulia</p>' in page
    assert "Order now<small>https://duka.example/o/weekend</small>" in page
    assert "would be skipped" not in page  # "rafiki" stands there for whoever has no name
    nobody = sign_in().post("/campaigns/preview", chosen(template) | {"tags": ["none"]}).content.decode()
    assert "Hello {{ customer.first_name }}, mangoes" in nobody


def test_a_template_reaches_those_whom_text_does_not(
    sign_in: SignIn, template: MessageTemplate, people: int, silent: None
) -> None:
    browser = sign_in()
    text = FORM | {"message_kind": "text", "message": "Hello"}
    assert "<b>0</b>" in browser.post("/campaigns/reach", text).content.decode()
    panel = browser.post("/campaigns/reach", chosen(template)).content.decode()
    assert "<b>8</b>" in panel
    assert re.search(r"About <b>\$\d\.\d\d</b> if all are delivered", panel)
    tight = browser.post("/campaigns/reach", chosen(template) | {"budget": "0.05"}).content.decode()
    assert "are beyond plan or budget" in tight


def test_arms_may_be_a_template_and_a_text(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int
) -> None:
    form = FORM | {
        "is_ab_test": "yes", "variant_0_kind": "template", "variant_0_template": str(template.pk),
        "variant_0_values_of": str(template.pk), "variant_0_value.2": "mangoes", "variant_0_value.1": "rafiki",
        "variant_1_kind": "text", "variant_1_content": "Fresh mangoes!",
    }  # fmt: skip
    browser = sign_in()
    campaign = made(browser, form, tenant)
    assert campaign.variants == [
        {
            "name": "A",
            "content": "",
            "template_id": str(template.pk),
            "template_variables": {"1": "rafiki", "2": "mangoes"},
        },
        {"name": "B", "content": "Fresh mangoes!"},
    ]
    page = html.unescape(browser.get(f"/campaigns/{campaign.pk}/edit").content.decode())
    assert 'name="variant_0_value.2" value="mangoes"' in page
    assert re.search(r'name="variant_1_kind" value="text" checked', page)


def test_limits_are_stored_and_shown_again(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int
) -> None:
    limits = {
        "budget": "$1,019.69",
        "quiet": "own",
        "quiet_from": "21:00",
        "quiet_to": "07:30",
        "exempt_reason": "Recall",
    }
    browser = sign_in()
    campaign = made(browser, chosen(template) | limits, tenant)
    assert campaign.budget_micros == 1_019_690_000
    assert (campaign.quiet_hours_rule, campaign.frequency_cap_exempt_reason) == ("own", "Recall")
    page = browser.get(f"/campaigns/{campaign.pk}/edit").content.decode()
    assert re.search(r'<details class="card limits" id="limits" open>', page)
    for shown in ('value="1019.69"', 'value="21:00"', 'value="07:30"', 'value="Recall"'):
        assert shown in page
    wrong = browser.post("/campaigns/new", chosen(template) | {"budget": "lots", "quiet": "own"}).content.decode()
    assert 'id="budget-error"' in wrong
    assert 'id="quiet-error"' in wrong


def test_a_campaign_is_scheduled_moved_and_started_from_its_review(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int, sender: None
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(timezone="Africa/Nairobi")
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    review, day = f"/campaigns/{campaign.pk}/review", clock.now().date() + timedelta(days=30)
    later = {"when": "later", "date": day.isoformat(), "time": "10:00", "local_time": "yes"}
    page = browser.post(review, later, follow=True).content.decode()
    assert re.search(r"Scheduled. It goes out <time[^>]*>\d+ \w{3}( \d{4})?, 10:00</time>", page)
    assert "on each person&#x27;s own clock" in page or "on each person's own clock" in page
    stored = only(tenant)
    assert (stored.status, stored.local_time) == ("scheduled", True)
    assert stored.scheduled_at == datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    again = browser.get(review).content.decode()
    assert f'name="date" value="{day.isoformat()}"' in again
    assert 'name="time" value="10:00"' in again
    browser.post(review, later | {"time": "11:30"})
    assert only(tenant).scheduled_at == stored.scheduled_at + timedelta(minutes=90)
    browser.post(review, {"when": "now"})
    assert only(tenant).status == "sending"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"date": "", "time": "10:00"}, "date"), ({"date": "2020-01-01", "time": "10:00"}, "date"),
        ({"date": "9999-12-31", "time": "10:00"}, "date"), ({"date": "2099-01-01", "time": "25:00"}, "time"),
        ({"date": "2099-01-01", "time": ""}, "time"),
    ],
)  # fmt: skip
def test_a_time_that_will_not_do_is_named(
    typed: dict[str, str],
    field: str,
    sign_in: SignIn,
    tenant: Tenant,
    template: MessageTemplate,
    people: int,
    sender: None,
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    answer = browser.post(f"/campaigns/{campaign.pk}/review", {"when": "later"} | typed)
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.content.decode()
    assert only(tenant).status == "draft"


def test_a_template_that_was_paused_meanwhile_is_not_sent(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int, sender: None
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    with tenant_scope(tenant.id):
        type(template).objects.filter(pk=template.pk).update(status="paused")
    page = html.unescape(browser.get(f"/campaigns/{campaign.pk}/review").content.decode())
    assert "The template 'weekend_offer' (en) is paused; only an approved one can be sent." in page
    assert "Send to" not in page
    assert "weekend_offer (en, paused)" in browser.get(f"/campaigns/{campaign.pk}/edit").content.decode()


def test_each_loss_of_the_reach_leads_to_its_people_and_each_person_to_the_rules(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int, sender: None
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    page = html.unescape(browser.get(f"/campaigns/{campaign.pk}/edit").content.decode())
    (address,) = set(re.findall(r'<a href="([^"]+reason=no_consent)">2 don', page))
    listed = browser.get(address).content.decode()
    assert listed.count('<th scope="row" role="rowheader">') == 2
    assert "Not sent yet" in listed
    why = re.findall(r'href="(/campaigns/[^"]+/people/[0-9a-f-]{36})"', listed)[0]
    told = html.unescape(browser.get(why).content.decode())
    assert "Would be left out: Doesn't agree to promotional messages" in told
    assert "Rule by rule" in told
    assert "An approved template needs no open window" in told or "Not asked" in told
    assert browser.get(f"/campaigns/{campaign.pk}/people/{campaign.pk}").status_code == 404


def test_links_to_people_go_when_the_form_says_something_else_than_the_draft(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    same = chosen(template) | {"campaign": str(campaign.pk)}
    assert "/people" in browser.post("/campaigns/reach", same).content.decode()
    assert "/people" not in browser.post("/campaigns/reach", same | {"min_order_count": "0"}).content.decode()


def test_approval_is_asked_for_at_a_time_and_given_for_that_time(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int, sender: None
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(approval_required=True)
    author, second = sign_in(), sign_in()
    campaign = made(author, chosen(template), tenant)
    review, approval = f"/campaigns/{campaign.pk}/review", f"/campaigns/{campaign.pk}/approval"
    later = {"when": "later", "date": "2099-05-04", "time": "10:00", "local_time": "yes"}
    assert "Ask for approval" in author.get(review).content.decode()
    author.post(approval, later | {"act": "request"})
    assert only(tenant).local_time
    page = second.get(review).content.decode()
    assert "Waiting for a second person" in page
    assert "and no other time" in page
    second.post(approval, {"act": "approve", "version": re.findall(r'name="version" value="(\w+)"', page)[0]})
    refused = author.post(review, later | {"time": "11:00"})
    assert refused.status_code == 400
    assert "This campaign is approved for" in refused.content.decode()
    author.post(review, later)
    assert only(tenant).status == "scheduled"


def test_a_sent_template_campaign_says_which_template_it_was(
    sign_in: SignIn, tenant: Tenant, template: MessageTemplate, people: int, sender: None
) -> None:
    browser = sign_in()
    campaign = made(browser, chosen(template), tenant)
    CampaignService(api_keys.operator(tenant.id)).execute_campaign(campaign.pk)
    page = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    assert "Template weekend_offer (en): Hello {{1}}" in page


def test_whoever_was_signed_out_comes_back_to_what_they_had_written(sign_in: SignIn, template: MessageTemplate) -> None:
    browser = sign_in()
    browser.logout()
    lost = browser.post("/campaigns/new", chosen(template), headers={"referer": "http://testserver/campaigns/new"})
    assert lost["Location"] == "/sign-in?next=%2Fcampaigns%2Fnew"
    part = browser.post(
        "/campaigns/reach", FORM, headers={"hx-request": "true", "hx-current-url": "http://testserver/campaigns/new"}
    )
    assert part["HX-Redirect"] == "/sign-in?next=%2Fcampaigns%2Fnew"
    page = sign_in().post("/campaigns/new", chosen(template) | {"do": "look", "restored": "yes"}).content.decode()
    assert "You were signed out while you wrote" in page
    assert 'value="mangoes"' in page
