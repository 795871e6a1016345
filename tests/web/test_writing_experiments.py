"""Parts, holdout, automatic winner and what counts, as they are written in the pages and looked at before the launch."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from tulia.campaign_service import CampaignService
from tulia.campaigns import experiment_fields
from tulia.campaigns.models import MessageCampaign
from tulia.tenants import api_keys
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from conftest import SignIn

FORM: dict[str, Any] = {
    "name": "Mangoes", "message": "", "tags": ["vip"], "ordered_in_last_days": "", "min_order_count": "",
    "active_in_last_days": "", "is_ab_test": "yes", "variant_0_name": "A", "variant_0_content": "Warm",
    "variant_1_name": "B", "variant_1_content": "Short", "counts": "responded", "holdout": "", "variant_0_weight": "",
    "variant_1_weight": "", "test_percent": "20", "decide_after": "24", "if_undecided": "control",
}  # fmt: skip
ASKED = FORM | {
    "counts": "converted", "holdout": "12.5", "variant_0_weight": "1", "variant_1_weight": "3", "is_auto": "yes",
    "test_percent": "40", "decide_after": "1.5", "if_undecided": "stop",
}  # fmt: skip
STORED = {
    "holdout_percent": 12.5,
    "auto_winner": {"test_percent": 40, "decide_after_minutes": 90, "if_undecided": "stop"},
}


def stored(tenant: Tenant) -> MessageCampaign:
    with tenant_scope(tenant.id):
        return MessageCampaign.objects.get(tenant_id=tenant.id)


def text_of(page: bytes) -> str:
    """What stands on the page, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


def test_what_is_typed_is_stored_and_shown_again(sign_in: SignIn, tenant: Tenant, people: int) -> None:
    browser = sign_in()
    address = browser.post("/campaigns/new", ASKED)["Location"]
    campaign = stored(tenant)
    assert experiment_fields.as_posted(campaign) == STORED
    assert campaign.primary_metric == "converted"
    assert [one["weight"] for one in campaign.variants] == [1, 3]
    page = browser.get(address).content.decode()
    for shown in ("12.5", "40", "1.5", "1", "3"):
        assert f'value="{shown}"' in page
    assert 'id="is_auto" name="is_auto" value="yes" checked' in page
    assert '<option value="stop" selected>' in page
    assert 'name="counts" value="converted" checked' in page
    assert browser.post(address, ASKED | {"campaign": str(campaign.pk)}).status_code == 302
    assert experiment_fields.as_posted(stored(tenant)) == STORED


def test_what_is_left_as_it_is_asks_for_nothing(sign_in: SignIn, tenant: Tenant) -> None:
    sign_in().post("/campaigns/new", FORM)
    campaign = stored(tenant)
    assert experiment_fields.as_posted(campaign) == {}
    assert campaign.variants == [{"name": "A", "content": "Warm"}, {"name": "B", "content": "Short"}]


def test_one_message_can_have_a_holdout(sign_in: SignIn, tenant: Tenant, people: int, sender: None) -> None:
    browser = sign_in()
    form = {name: text for name, text in ASKED.items() if name != "is_ab_test"} | {"message": "Hello"}
    review = browser.post("/campaigns/new", form | {"holdout": "25", "do": "review"})["Location"]
    campaign = stored(tenant)
    assert experiment_fields.as_posted(campaign) == {"holdout_percent": 25}
    said = text_of(browser.get(review).content)
    assert "This sends to 6 people" in said
    assert "25 % get nothing (2 people), to see what would have happened anyway" in said
    assert "2 get nothing on purpose, to compare with" in said


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"holdout": "half"}, "holdout-error"),
        ({"holdout": "60"}, "holdout-error"),
        ({"variant_1_weight": "0"}, "variant_1_weight-error"),
        ({"variant_0_weight": "many"}, "variant_0_weight-error"),
        ({"test_percent": ""}, "test_percent-error"),
        ({"test_percent": "95"}, "test_percent-error"),
        ({"decide_after": ""}, "decide_after-error"),
        ({"decide_after": "1000"}, "decide_after-error"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nothing_typed_is_lost(
    sign_in: SignIn, tenant: Tenant, wrong: dict[str, str], error: str
) -> None:
    answer = sign_in().post("/campaigns/new", ASKED | wrong)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f'id="{error}"' in page
    assert all(f'value="{typed}"' in page for typed in wrong.values())
    with tenant_scope(tenant.id):
        assert not MessageCampaign.objects.exists()


def test_the_panel_and_the_review_say_what_it_can_show(
    sign_in: SignIn, tenant: Tenant, people: int, sender: None
) -> None:
    browser = sign_in()
    panel = text_of(browser.post("/campaigns/reach", FORM).content)
    assert "This test can" in panel
    assert "8 people get it" in panel
    held = text_of(browser.post("/campaigns/reach", FORM | {"holdout": "25"}).content)
    assert "6 people get it" in held
    assert "2 get nothing on purpose, to compare with" in held
    wrong = text_of(browser.post("/campaigns/reach", FORM | {"holdout": "60"}).content)
    assert "Hold out: Must be a number from 0 to 50" in wrong
    review = text_of(browser.get(browser.post("/campaigns/new", ASKED | {"do": "review"})["Location"]).content)
    assert "2 messages, drawn by lot: 1 part A, 3 parts B" in review
    assert "picked 1.5 hours after the start from a test on 40 %" in review
    assert "What counts people who buy or book" in review
    assert "What it can show" in review
    assert "On each person's own clock" not in review


def test_what_the_form_does_not_show_is_kept_until_there_is_no_test(sign_in: SignIn, tenant: Tenant) -> None:
    service = CampaignService(api_keys.operator(tenant.id))
    fields = {
        "name": "M", "message_content": "Warm", "is_ab_test": True, "control_variant": 1, "expected_rate_percent": 3.5,
        "variants": [{"name": "A", "content": "Warm"}, {"name": "B", "content": "Short"}], "outcome_window_minutes": 30,
        "assignment": {"attribute": "segment"},
    }  # fmt: skip
    campaign = service.create_campaign(fields)
    browser, address = sign_in(), f"/campaigns/{campaign.pk}/edit"
    page = browser.get(address).content.decode()
    assert "read from the attribute “segment”" in page
    assert "Send message B to the rest" in page
    browser.post(address, FORM | {"campaign": str(campaign.pk)})
    kept = experiment_fields.as_posted(stored(tenant))
    assert kept == {name: fields[name] for name in kept}
    assert len(kept) == 4
    plain = {name: text for name, text in FORM.items() if name != "is_ab_test"} | {"message": "Hello"}
    assert browser.post(address, plain | {"campaign": str(campaign.pk)}).status_code == 302
    assert experiment_fields.as_posted(stored(tenant)) == {"expected_rate_percent": 3.5, "outcome_window_minutes": 30}
