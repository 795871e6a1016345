"""Breakers on the pages: what holds a campaign up, why, and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from test_campaign_pages import draft

from tulia.campaign_service import CampaignService
from tulia.channels import senders, standing, templates
from tulia.core import clock
from tulia.dispatch.published import OUTAGE
from tulia.tenants import api_keys
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from conftest import Launch, SignIn
    from tulia.campaigns.models import MessageCampaign
    from tulia.tenants.models import Tenant

EXPIRED = "The access token has expired; enter a new one for the sender."
NOTHING = "Nothing goes out from Main number at the moment."


def open_breaker(tenant: Tenant, *, reason: str = OUTAGE, mends_itself: bool = True, **how: Any) -> None:
    now = clock.now()
    with tenant_scope(tenant.id):
        sender = senders.default(tenant.id)
    assert sender
    retry_at = now + timedelta(seconds=5) if mends_itself else None
    standing.opened(tenant.id, sender.pk, reason=reason, code="outage", retry_at=retry_at, now=now, **how)


def change(tenant: Tenant, campaign: MessageCampaign, **values: object) -> None:
    with tenant_scope(tenant.id):
        type(campaign).objects.filter(pk=campaign.pk).update(**values)


def test_an_outage_is_told_once_on_the_campaign_page_and_needs_nobody(
    sign_in: SignIn, launch: Launch, tenant: Tenant
) -> None:
    campaign = launch()
    browser = sign_in()
    assert "at the moment" not in browser.get(f"/campaigns/{campaign.pk}").content.decode()
    open_breaker(tenant)
    change(tenant, campaign, status_reason=OUTAGE)
    page = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    assert NOTHING in page
    assert "You needn&#x27;t do anything: it is tried again by itself." in page
    assert page.count("nobody loses their turn") == 1
    change(tenant, campaign, status="completed", completed_at=clock.now())
    assert NOTHING not in browser.get(f"/campaigns/{campaign.pk}").content.decode()


def test_the_page_that_is_open_hears_of_it_once_and_of_its_end(sign_in: SignIn, launch: Launch, tenant: Tenant) -> None:
    address = f"/campaigns/{launch().pk}/live"
    browser = sign_in()
    assert "HX-Retarget" not in browser.get(f"{address}?was=sending").headers
    open_breaker(tenant)
    told = browser.get(f"{address}?was=sending")
    assert told.headers["HX-Retarget"] == "#campaign"
    assert NOTHING in told.content.decode()
    assert "?was=sending%20sender" in told.content.decode()
    assert "HX-Retarget" not in browser.get(f"{address}?was=sending%20sender").headers
    with tenant_scope(tenant.id):
        sender = senders.default(tenant.id)
    assert sender
    standing.closed(tenant.id, sender.pk)
    assert browser.get(f"{address}?was=sending%20sender").headers["HX-Retarget"] == "#campaign"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, (NOTHING, "You can launch all the same: messages go out as soon as it works again.")),
        ({"reason": EXPIRED, "mends_itself": False}, (NOTHING, EXPIRED, "Put that right first.")),
        (
            {"reason": EXPIRED, "mends_itself": False, "is_of_account": True},
            ("Nothing goes out at the moment from Main number or any other number of its WhatsApp account.", EXPIRED),
        ),
    ],
)
def test_before_a_launch_it_is_told_and_does_not_stand_in_its_way(
    sign_in: SignIn, tenant: Tenant, people: int, sender: None, how: dict[str, Any], said: tuple[str, ...]
) -> None:
    campaign_id = draft(tenant, target_criteria={"tags": ["vip"]})
    open_breaker(tenant, **how)
    browser = sign_in()
    page = browser.get(f"/campaigns/{campaign_id}/review").content.decode()
    for words in said:
        assert words in page
    assert "Send to 8 people" in page
    assert said[0] in browser.get(f"/campaigns/{campaign_id}").content.decode()


def test_while_it_is_tried_a_paused_campaign_says_to_resume(sign_in: SignIn, launch: Launch, tenant: Tenant) -> None:
    campaign = launch()
    open_breaker(tenant, reason=EXPIRED, mends_itself=False)
    change(tenant, campaign, status="paused", status_reason=EXPIRED)
    browser = sign_in()
    page = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    assert "Put that right, then resume the campaign: its first message tries whether it works." in page
    assert page.count(EXPIRED) == 1
    with tenant_scope(tenant.id):
        sender = senders.default(tenant.id)
    assert sender
    standing.half_opened(tenant.id, sender.pk)
    again = browser.get(f"/campaigns/{campaign.pk}").content.decode()
    assert "Messages from Main number go out one at a time at the moment." in again


def test_a_template_that_may_not_be_sent_is_told_where_the_campaign_is(
    sign_in: SignIn, tenant: Tenant, people: int, sender: None
) -> None:
    with tenant_scope(tenant.id):
        template = templates.create(
            tenant.id, name="mango_week", language="en", category="marketing",
            parts=[{"type": "body", "text": "Fresh mangoes!"}],
        )  # fmt: skip
    given = {"name": "Mangoes", "template_id": str(template.pk), "target_criteria": {"tags": ["vip"]}}
    campaign_id = CampaignService(api_keys.operator(tenant.id)).create_campaign(given).pk
    browser = sign_in()
    assert "at the moment" not in browser.get(f"/campaigns/{campaign_id}").content.decode()
    with tenant_scope(tenant.id):
        type(template).objects.filter(pk=template.pk).update(status="paused", status_reason="Too many blocks.")
    page = browser.get(f"/campaigns/{campaign_id}").content.decode()
    assert f"The template {template.name} ({template.language}) can&#x27;t be sent at the moment.</b> Too many" in page
    assert "Choose another template, or wait until WhatsApp approves it." in page
