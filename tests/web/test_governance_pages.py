"""The record and approvals in the pages."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tulia.campaign_service import CampaignService
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant

if TYPE_CHECKING:
    from tulia.campaigns.models import MessageCampaign

SignIn = Callable[..., Client]


def draft(tenant: Tenant, **fields: Any) -> MessageCampaign:
    given = {"name": "Mangoes", "message_content": "Hi", "target_criteria": {"tags": ["vip"]}}
    return CampaignService(api_keys.operator(tenant.id)).create_campaign(given | fields)


def test_the_record_tells_who_did_what_and_what_changed(tenant: Tenant, sign_in: SignIn) -> None:
    campaign = draft(tenant)
    CampaignService(api_keys.operator(tenant.id)).update_campaign(campaign.pk, {"name": "<b>Ripe</b>"})
    page = sign_in().get("/audit").content.decode()
    assert "Campaign changed" in page
    assert "Campaign made" in page
    assert "<del>Mangoes</del>" in page
    assert "&lt;b&gt;Ripe&lt;/b&gt;" in page
    assert "Command line" in page


def test_the_record_is_chosen_from_and_paged(tenant: Tenant, sign_in: SignIn) -> None:
    browser = sign_in()
    for _ in range(30):
        draft(tenant)
    first = browser.get("/audit").content.decode()
    assert first.count("Campaign made") == 25
    following = html.unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    second = browser.get("/audit" + following)
    assert second.content.decode().count("Campaign made") == 5
    for query in ("action=sender", "target=nothing", f"actor={uuid.uuid4()}", "actor=%00", "after=x~y"):
        assert browser.get(f"/audit?{query}").status_code == 200
    assert "Nothing is on record here" in browser.get("/audit?action=sender").content.decode()


@pytest.mark.parametrize("role", ["analyst", "support_lead"])
def test_the_record_is_for_those_who_manage_people(role: str, sign_in: SignIn) -> None:
    assert sign_in(role).get("/audit").status_code == 403


def test_two_people_approve_and_send_in_the_pages(tenant: Tenant, sign_in: SignIn, people: int, sender: None) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(approval_required=True)
    author, second = sign_in(), sign_in("admin")
    campaign_id = draft(tenant).pk
    review, approval = f"/campaigns/{campaign_id}/review", f"/campaigns/{campaign_id}/approval"
    page = author.get(review).content.decode()
    assert "A second person has to approve this" in page
    assert "Send to" not in page
    author.post(approval, {"act": "request"})
    version = re.findall(r'name="version" value="(\w+)"', second.get(review).content.decode())[0]
    second.post(approval, {"act": "reject", "note": ""})
    assert "Waiting for a second person" in author.get(review).content.decode()
    second.post(approval, {"act": "approve", "version": "another"})
    assert "Waiting for a second person" in author.get(review).content.decode()
    second.post(approval, {"act": "approve", "version": version})
    page = author.get(review).content.decode()
    assert "Approved by" in page
    assert second.post(approval, {"act": "dance"}).status_code == 404
