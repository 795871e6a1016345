from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from tulia.campaign_service import CampaignService
from tulia.tenants import accounts, api_keys

if TYPE_CHECKING:
    from conftest import Launch, SignIn
    from tulia.tenants.models import Tenant


def draft(tenant: Tenant, name: str = "Mangoes", **fields: object) -> uuid.UUID:
    service = CampaignService(api_keys.operator(tenant.id))
    return service.create_campaign({"name": name, "message_content": "Hello", **fields}).pk


def test_without_campaigns_the_list_invites_to_write_one(sign_in: SignIn) -> None:
    page = sign_in().get("/campaigns").content.decode()
    assert "No campaigns yet" in page
    assert 'href="/campaigns/new"' in page


def test_the_list_shows_status_audience_and_denominators(sign_in: SignIn, launch: Launch) -> None:
    launch()
    page = sign_in().get("/campaigns").content.decode()
    for expected in ("Mangoes", "Sending", "Customers who have the tag “vip”.", "of delivered"):
        assert expected in page


def test_the_list_filters_by_status_and_turns_pages(sign_in: SignIn, tenant: Tenant) -> None:
    for number in range(30):
        draft(tenant, f"Campaign {number:02d}")
    browser = sign_in()
    first = browser.get("/campaigns").content.decode()
    assert "Campaign 29" in first
    assert "Campaign 04" not in first
    more = re.search(r'rel="next" href="([^"]+)"', first)
    assert more is not None
    second = browser.get("/campaigns" + more[1].replace("&amp;", "&")).content.decode()
    assert "Campaign 04" in second
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back is not None
    assert "Campaign 29" in browser.get("/campaigns" + back[1].replace("&amp;", "&")).content.decode()
    assert "No campaign is paused" in browser.get("/campaigns?status=paused").content.decode()
    assert browser.get("/campaigns?status=nonsense&after=nonsense").status_code == 200


@pytest.mark.parametrize(
    "path", ["", "/live", "/results", "/people", "/edit", "/review", "/cancel", "/delete", "/pause", "/resume", "/copy"]
)
def test_what_belongs_to_another_tenant_is_not_there(sign_in: SignIn, tenant: Tenant, path: str) -> None:
    stranger = sign_in(of=accounts.create_tenant(f"t-{uuid.uuid4().hex[:12]}", name="Other", tier="starter"))
    address = f"/campaigns/{draft(tenant)}{path}"
    can_be_read = path not in ("/pause", "/resume", "/copy")
    answers = [stranger.post(address)] + ([stranger.get(address)] if can_be_read else [])
    for answer in answers:
        assert answer.status_code == 404 or (answer.status_code == 405 and answer is answers[0])
    assert can_be_read or answers[0].status_code == 404


def test_who_may_only_read_sees_results_and_no_way_to_send(sign_in: SignIn, launch: Launch) -> None:
    campaign = launch()
    analyst = sign_in("analyst")
    page = analyst.get(f"/campaigns/{campaign.pk}").content.decode()
    assert "Balance sheet" in page
    assert "Pause" not in page
    for path in ("/campaigns/new", f"/campaigns/{campaign.pk}/cancel"):
        refused = analyst.get(path)
        assert refused.status_code == 403
        assert "conversations:view" in refused.content.decode()
    assert analyst.post(f"/campaigns/{campaign.pk}/pause").status_code == 403


def test_who_may_only_write_is_told_so_in_plain_words(sign_in: SignIn) -> None:
    refused = sign_in("support_lead").get("/campaigns")
    assert refused.status_code == 403
    assert "see campaigns and their results" in refused.content.decode()


def test_the_page_of_a_running_campaign_asks_again_each_second_and_a_canceled_one_never(
    sign_in: SignIn, launch: Launch
) -> None:
    campaign, browser = launch(), sign_in()
    page = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "<b>2</b> of 10 done, 8 to go" in page
    part = browser.get(f"/campaigns/{campaign.pk}/live?was=sending")
    assert "HX-Retarget" not in part.headers
    assert browser.post(f"/campaigns/{campaign.pk}/pause").status_code == 302
    changed = browser.get(f"/campaigns/{campaign.pk}/live?was=sending")
    assert changed["HX-Retarget"] == "#campaign"
    assert "Resume" in changed.content.decode()


def test_pausing_says_who_did_it_and_resuming_goes_on(sign_in: SignIn, launch: Launch) -> None:
    campaign, browser = launch(), sign_in()
    page = browser.post(f"/campaigns/{campaign.pk}/pause", follow=True).content.decode()
    assert "Paused by" in page
    assert "Sending goes on" in browser.post(f"/campaigns/{campaign.pk}/resume", follow=True).content.decode()
    again = browser.post(f"/campaigns/{campaign.pk}/resume", follow=True).content.decode()
    assert "only a paused one can be resumed" in again


def test_canceling_asks_first(sign_in: SignIn, launch: Launch) -> None:
    campaign, browser = launch(), sign_in()
    question = browser.get(f"/campaigns/{campaign.pk}/cancel").content.decode()
    assert "stays canceled" in question
    page = browser.post(f"/campaigns/{campaign.pk}/cancel", follow=True).content.decode()
    assert "chip-canceled" in page
    assert "Cancel…" not in page


def test_a_copy_is_a_draft_to_edit(sign_in: SignIn, launch: Launch) -> None:
    answer = sign_in().post(f"/campaigns/{launch().pk}/copy", follow=True)
    assert 'value="Mangoes (copy)"' in answer.content.decode()


def test_only_a_draft_can_be_deleted(sign_in: SignIn, launch: Launch, tenant: Tenant) -> None:
    campaign, browser = launch(), sign_in()
    kept = browser.post(f"/campaigns/{campaign.pk}/delete", follow=True).content.decode()
    assert "Only a draft can be deleted" in kept
    gone = browser.post(f"/campaigns/{draft(tenant, 'Old idea')}/delete", follow=True).content.decode()
    assert "The draft “Old idea” is deleted" in gone


def test_each_line_of_the_balance_sheet_leads_to_its_people(sign_in: SignIn, launch: Launch) -> None:
    campaign, browser = launch(), sign_in()
    page = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    links = re.findall(r'id="line-[^"]+" href="([^"]+)">.*?<td class="number">([\d,]+)</td>', page, re.DOTALL)
    assert len(links) >= 4
    for address, people in links:
        answer = browser.get(address.replace("&amp;", "&")).content.decode()
        assert answer.count('<th scope="row" role="rowheader">') == int(people)


def test_the_people_page_says_why_somebody_was_skipped(sign_in: SignIn, launch: Launch) -> None:
    campaign = launch()
    page = sign_in().get(f"/campaigns/{campaign.pk}/people?state=skipped&reason=no_consent").content.decode()
    assert "2 of 10 people" in page
    assert "Doesn&#x27;t agree to promotional messages" in page
    nobody = sign_in().get(f"/campaigns/{campaign.pk}/people?state=read&after=nonsense").content.decode()
    assert "Nobody is here" in nobody


def test_pages_are_not_kept_by_the_browser_and_load_nothing_from_elsewhere(sign_in: SignIn, launch: Launch) -> None:
    answer = sign_in().get(f"/campaigns/{launch().pk}")
    assert answer["Cache-Control"] == "no-store"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    page = answer.content.decode()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\son[a-z]+=", page)
