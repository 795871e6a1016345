from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from tulia.campaign_service import CampaignService
from tulia.campaigns.models import MessageCampaign
from tulia.tenants import api_keys
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from conftest import SignIn
    from tulia.tenants.models import Tenant

FORM = {
    "name": "Mangoes", "message": "Hello {{ customer.first_name }}", "tags": ["vip"], "ordered_in_last_days": "",
    "min_order_count": "", "active_in_last_days": "", "variant_0_name": "A", "variant_0_content": "",
    "variant_1_name": "B", "variant_1_content": "",
}  # fmt: skip


def stored(tenant: Tenant) -> list[MessageCampaign]:
    with tenant_scope(tenant.id):
        return list(MessageCampaign.objects.filter(tenant_id=tenant.id))


def test_the_empty_form_offers_tags_and_the_reach_of_everybody(sign_in: SignIn, people: int, sender: None) -> None:
    page = sign_in().get("/campaigns/new").content.decode()
    assert re.search(r'name="tags" value="vip".*?<small>10</small>', page, re.DOTALL)
    assert "<b>8</b>" in page
    assert "this is every customer" in page
    assert "Main number" in page


def test_saving_makes_a_draft_of_what_was_typed(sign_in: SignIn, tenant: Tenant, people: int) -> None:
    answer = sign_in().post("/campaigns/new", FORM | {"min_order_count": "2", "statuses": ["open"], "do": "save"})
    assert answer.status_code == 302
    (campaign,) = stored(tenant)
    assert campaign.target_criteria == {
        "tags": ["vip"],
        "purchase_history": {"min_order_count": 2},
        "conversation_activity": {"status": ["open"]},
    }
    assert (campaign.status, campaign.message_content) == ("draft", FORM["message"])
    assert answer["Location"] == f"/campaigns/{campaign.pk}/edit"


def test_mistakes_stand_beside_their_fields_and_nothing_typed_is_lost(sign_in: SignIn, tenant: Tenant) -> None:
    wrong = FORM | {"name": "", "message": "Hello {{ customer", "ordered_in_last_days": "soon", "min_order_count": "-1"}
    answer = sign_in().post("/campaigns/new", wrong | {"do": "review"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert stored(tenant) == []
    for error in ("name-error", "message-error", "ordered-error", "count-error"):
        assert f'id="{error}"' in page
    for typed in ("Hello {{ customer</textarea>", 'value="soon"', 'value="-1"'):
        assert typed in page
    assert re.search(r'name="tags" value="vip" checked', page)


def test_two_messages_make_an_ab_test(sign_in: SignIn, tenant: Tenant) -> None:
    form = FORM | {"message": "", "is_ab_test": "yes", "variant_0_content": "Warm", "variant_1_content": "Short"}
    assert sign_in().post("/campaigns/new", form).status_code == 302
    (campaign,) = stored(tenant)
    assert campaign.is_ab_test
    assert campaign.variants == [{"name": "A", "content": "Warm"}, {"name": "B", "content": "Short"}]


def test_a_mistake_in_a_variant_stands_beside_it(sign_in: SignIn) -> None:
    form = FORM | {"is_ab_test": "yes", "variant_0_content": "Warm", "variant_1_name": "A"}
    page = sign_in().post("/campaigns/new", form).content.decode()
    assert 'id="variant_1_content-error"' in page
    assert 'id="variant_0_content-error"' not in page


def test_a_draft_is_edited_and_keeps_criteria_that_the_form_does_not_show(sign_in: SignIn, tenant: Tenant) -> None:
    criteria = {"tags": ["vip"], "languages": ["sw"], "purchase_history": {"min_order_count": 2, "max_order_count": 9}}
    service = CampaignService(api_keys.operator(tenant.id))
    campaign = service.create_campaign({"name": "M", "message_content": "Hello", "target_criteria": criteria})
    browser = sign_in()
    page = browser.get(f"/campaigns/{campaign.pk}/edit").content.decode()
    assert "who speak sw" in page
    assert 'id="min_order_count" name="min_order_count" inputmode="numeric" autocomplete="off" value="2"' in page
    browser.post(f"/campaigns/{campaign.pk}/edit", FORM | {"campaign": str(campaign.pk), "min_order_count": "3"})
    (changed,) = stored(tenant)
    assert changed.name == "Mangoes"
    assert changed.target_criteria == criteria | {"purchase_history": {"min_order_count": 3, "max_order_count": 9}}


def test_the_reach_panel_counts_and_says_what_is_wrong(sign_in: SignIn, people: int) -> None:
    browser = sign_in()
    counted = browser.post("/campaigns/reach", FORM).content.decode()
    assert "<b>8</b>" in counted
    assert "2 don&#x27;t agree to promotional messages" in counted or "2 don't agree" in counted
    wrong = browser.post("/campaigns/reach", FORM | {"active_in_last_days": "soon"})
    assert wrong.status_code == 200
    assert "Chatted in the last … days" in wrong.content.decode()


def test_the_preview_is_made_for_real_people_and_names_who_would_be_skipped(sign_in: SignIn, people: int) -> None:
    page = sign_in().post("/campaigns/preview", FORM | {"message": "*Karibu* {{ customer.first_name }} <b>"}).content
    assert re.search(r"<b>Karibu</b> Person\d &lt;b&gt;", page.decode())
    assert "Of 8 people it was tried on, 1 would be skipped" in page.decode()


def test_without_scripts_the_page_itself_shows_reach_and_preview(sign_in: SignIn, tenant: Tenant, people: int) -> None:
    answer = sign_in().post("/campaigns/new", FORM | {"do": "look", "name": ""})
    assert answer.status_code == 200
    assert re.search(r"Hello Person\d", answer.content.decode())
    assert stored(tenant) == []


def test_review_repeats_the_numbers_and_launches_once(
    sign_in: SignIn, tenant: Tenant, people: int, sender: None
) -> None:
    browser = sign_in()
    address = browser.post("/campaigns/new", FORM | {"do": "review"})["Location"]
    page = browser.get(address).content.decode()
    assert "This sends to <b>8 people</b>. It can't be undone." in page
    for _ in range(2):
        answer = browser.post(address)
        assert answer.status_code == 302
        assert answer["Location"] == address.removesuffix("/review")
    (campaign,) = stored(tenant)
    assert campaign.status == "sending"


def test_everybody_has_to_be_meant(sign_in: SignIn, tenant: Tenant, people: int, sender: None) -> None:
    browser = sign_in()
    address = browser.post("/campaigns/new", FORM | {"tags": [], "do": "review"})["Location"]
    assert 'name="confirm_everyone"' in browser.get(address).content.decode()
    refused = browser.post(address)
    assert refused.status_code == 400
    assert "Tick the box" in refused.content.decode()
    assert browser.post(address, {"confirm_everyone": "yes"}).status_code == 302
    assert stored(tenant)[0].status == "sending"


def test_without_a_sender_there_is_no_button_to_send(sign_in: SignIn, people: int) -> None:
    browser = sign_in()
    page = browser.get(browser.post("/campaigns/new", FORM | {"do": "review"})["Location"]).content.decode()
    assert "There is no sender to send with" in page
    assert "Send to" not in page


def test_a_campaign_that_has_started_is_not_edited(sign_in: SignIn, people: int, sender: None) -> None:
    browser = sign_in()
    address = browser.post("/campaigns/new", FORM | {"do": "review"})["Location"]
    browser.post(address)
    answer = browser.get(address.replace("/review", "/edit"))
    assert answer["Location"] == address.removesuffix("/review")


def test_a_draft_that_is_not_there_has_no_reach(sign_in: SignIn) -> None:
    assert sign_in().post("/campaigns/reach", FORM | {"campaign": str(uuid.uuid4())}).status_code == 404
