"""Previews: what real people would get, the most broken and the longest first, before anything is sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from api_client import ApiClient
from cast import add_campaign, add_people, add_sender, reloaded
from tulia.audience import addressees, criteria
from tulia.campaigns import tryout
from tulia.campaigns.message import Wording
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

NOBODYS = "00000000-0000-4000-8000-000000000001"
TO_VIPS = {"target_criteria": {"tags": ["vip"]}}


def preview(api: ApiClient, campaign_id: Any = None, **body: Any) -> Any:
    path = f"/v1/campaigns/{campaign_id}/preview" if campaign_id else "/v1/campaigns/preview"
    answer = api("POST", path, body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_most_broken_and_the_longest_come_first(tenant: Tenant, api: ApiClient) -> None:
    plain = add_people(tenant, 20, name="Jo", attributes={"city": "Thika"})
    (long,) = add_people(tenant, 1, name="Wilhelmina Oluwaseun Otieno-Kariuki", attributes={"city": "Nairobi"})
    nameless = add_people(tenant, 3, name="", attributes={"city": "Thika"})
    homeless = add_people(tenant, 2, name="Asha")
    add_people(tenant, 4, consenting=False, name="", attributes={})
    text = "Hi {{ first_name }} from {{ customer.attributes.city }}!"
    campaign = add_campaign(tenant, message_content=text)
    seen = preview(api, campaign.pk, count=4)
    assert (seen["total"], seen["examined"], seen["is_sample"], seen["failing_count"]) == (26, 26, False, 5)
    assert [(one["reason"], one["people_count"]) for one in seen["problems"]] == [
        ("first_name is not known", 3), ("customer.attributes.city is not known", 2),
    ]  # fmt: skip
    assert set(seen["problems"][0]["example_customer_ids"]) == {str(one.pk) for one in nameless}
    assert set(seen["problems"][1]["example_customer_ids"]) == {str(one.pk) for one in homeless}
    assert [one["problems"] for one in seen["samples"]] == [
        ["first_name is not known"], ["customer.attributes.city is not known"], [], [],
    ]  # fmt: skip
    assert seen["samples"][2]["customer_id"] == seen["longest"]["customer_id"] == str(long.pk)
    assert seen["longest"]["text"] == "Hi Wilhelmina from Nairobi!"
    assert seen["longest"]["length"] == 27
    assert seen["samples"][3]["customer_id"] in {str(one.pk) for one in plain}
    assert len(preview(api, campaign.pk)["samples"]) == 10


def test_a_draft_is_tried_without_being_made(tenant: Tenant, api: ApiClient) -> None:
    add_people(tenant, 3)
    variants = [{"name": "A", "content": "Hi {{ first_name }}"}, {"name": "B", "content": "Hi {{ frist_name }}"}]
    seen = preview(api, **TO_VIPS, is_ab_test=True, variants=variants)
    assert [(one["variant"], one["reason"], one["people_count"]) for one in seen["problems"]] == [
        (1, "frist_name is not known", 3)
    ]
    assert {(one["variant"], one["text"]) for one in seen["samples"]} == {(0, "Hi Person"), (1, "")}
    assert api("GET", "/v1/campaigns").json()["results"] == []


def test_arms_that_say_equally_long_things_are_both_shown(tenant: Tenant, api: ApiClient) -> None:
    add_people(tenant, 3, name="Jo")
    variants = [{"name": "A", "content": "Hi {{ name }}"}, {"name": "B", "content": "Yo {{ name }}"}]
    seen = preview(api, **TO_VIPS, is_ab_test=True, variants=variants, count=4)
    assert [one["text"] for one in seen["samples"]] == ["Hi Jo", "Yo Jo", "Hi Jo", "Yo Jo"]


def test_a_template_is_shown_as_a_phone_shows_it(tenant: Tenant, api: ApiClient) -> None:
    add_people(tenant, 1, name="Asha Otieno")
    made = api("POST", "/v1/templates", {
        "name": "offer", "language": "en", "category": "marketing", "defaults": {"price": "a good price"},
        "components": [
            {"type": "header", "format": "image"},
            {"type": "body", "text": "Hi {{customer_name}}, figs for {{price}} today."},
            {"type": "footer", "text": "Reply STOP to get no more"},
            {"type": "buttons", "buttons": [
                {"type": "url", "text": "Order", "url": "https://shop.example/{{1}}"},
                {"type": "quick_reply", "text": "Stop promotions"},
            ]},
        ],
    }).json()  # fmt: skip
    fields = {"template_id": made["id"], **TO_VIPS}
    missing = preview(api, **fields)
    assert (missing["samples"], missing["examined"]) == ([], 0)
    assert [one["reason"].partition(":")[0] for one in missing["problems"]] == [
        "template_variables.header.link", "template_variables.buttons[0].url",
    ]  # fmt: skip
    values = {
        "header.link": "https://shop.example/figs.jpg", "buttons[0].url": "o/{{ first_name }}",
        "price": "{{ customer.attributes.price }}",
    }  # fmt: skip
    (one,) = preview(api, **fields, template_variables=values)["samples"]
    assert one["text"] == (
        "[image: https://shop.example/figs.jpg]\n\nHi Asha Otieno, figs for a good price today.\n\n"
        "Reply STOP to get no more\n\n[Order: https://shop.example/o/Asha]\n[Stop promotions]"
    )
    api("PATCH", f"/v1/templates/{made['id']}", {"status": "paused"})
    (problem,) = preview(api, **fields, template_variables=values)["problems"]
    assert (problem["people_count"], problem["variant"]) == (None, None)
    assert "is paused" in problem["reason"]


def test_named_customers_are_shown_in_their_order_with_why_they_would_be_left_out(
    tenant: Tenant, api: ApiClient
) -> None:
    (agrees,) = add_people(tenant, 1, name="Asha")
    (refuses,) = add_people(tenant, 1, consenting=False, name="Bo")
    ids = [str(refuses.pk), str(agrees.pk)]
    seen = preview(api, message_content="Hi {{ name }}", customer_ids=ids)
    assert [(one["customer_id"], one["text"]) for one in seen["samples"]] == [(ids[0], "Hi Bo"), (ids[1], "Hi Asha")]
    assert [len(one["problems"]) for one in seen["samples"]] == [1, 0]
    unknown = api("POST", "/v1/campaigns/preview", {"message_content": "x", "customer_ids": [str(tenant.id)]})
    assert unknown.status_code == 404


def test_what_would_be_too_long_is_a_problem(tenant: Tenant, api: ApiClient) -> None:
    add_people(tenant, 2, name="x" * 100)
    (problem,) = preview(api, message_content="{{ name }}" * 41, **TO_VIPS)["problems"]
    assert (problem["reason"], problem["people_count"]) == ("the message would have more than 4,096 characters", 2)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "message_content"), ({"message_content": "{{"}, "message_content"), ({"count": 0}, "count"),
        ({"message_content": "x", "count": 101}, "count"), ({"message_content": "x", "customer_ids": ["x"]}, "customer_ids"),
        ({"message_content": "x", "colour": 1}, "colour"), ({"template_id": NOBODYS}, "template_id"),
        ({"message_content": "x", "target_criteria": {"tag": ["vip"]}}, "target_criteria.tag"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_by_its_field(api: ApiClient, body: dict[str, Any], path: str) -> None:
    answer = api("POST", "/v1/campaigns/preview", body)
    assert answer.status_code == 400
    assert any(key.startswith(path) for key in answer.json()["error"]["details"])


def test_a_launch_that_would_send_to_nobody_is_refused_with_the_reason(tenant: Tenant, api: ApiClient) -> None:
    add_sender(tenant)
    people = add_people(tenant, 150, name="Asha")
    campaign = add_campaign(tenant, message_content="Hi {{ frist_name }}")
    answer = api("POST", f"/v1/campaigns/{campaign.pk}/execute", {"confirm": True}, Prefer="wait=0")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "message_for_nobody")
    assert "150 people tried: frist_name is not known" in error["message"]
    assert set(error["details"]["example_customer_ids"]) <= {str(one.pk) for one in people}
    assert reloaded(campaign).status == "draft"
    test = add_campaign(tenant, is_ab_test=True, variants=[
        {"name": "Good", "content": "Hi {{ name }}"}, {"name": "Bad", "content": "Hi {{ nme }}"},
    ])  # fmt: skip
    refused = api("POST", f"/v1/campaigns/{test.pk}/execute", {"confirm": True}, Prefer="wait=0")
    assert "variant 'Bad'" in refused.json()["error"]["message"]
    add_people(tenant, 1, name="Bo", attributes={"frist_name": "Bo"})
    fits_one = add_campaign(tenant, message_content="Hi {{ customer.attributes.frist_name }}")
    assert api("POST", f"/v1/campaigns/{fits_one.pk}/execute", {"confirm": True}, Prefer="wait=0").status_code == 202


def test_a_big_audience_is_sampled_by_the_seed_and_the_longest_names_are_in_it(tenant: Tenant) -> None:
    add_people(tenant, 300, name="Jo")
    (longest,) = add_people(tenant, 1, name="Wilhelmina Oluwaseun Otieno")
    tree, now = criteria.parse({"tags": ["vip"]}), datetime.now(tz=UTC)

    def sampled(seed: int) -> set[Any]:
        with tenant_scope(tenant.id):
            found = addressees.sample(tenant.id, tree, as_of=now, most=40, seed=seed, longest=1)
        assert (found.total, found.is_whole) == (301, False)
        assert 40 <= len(found.people) <= 41
        return {one.customer_id for one in found.people}

    first = sampled(1)
    assert longest.pk in first
    assert sampled(1) == first
    assert sampled(2) != first


def test_thousands_of_messages_are_tried_in_a_second(tenant: Tenant) -> None:
    people = add_people(tenant, 2_000, attributes={"city": "Thika"})
    wording = Wording("Hi {{ first_name }} of {{ customer.attributes.city | default: 'town' }}")
    with tenant_scope(tenant.id):
        began = time.perf_counter()
        tried = tryout.on_audience(
            tenant.id, [wording], {"tags": ["vip"]}, as_of=None, seed=1, count=10, now=datetime.now(tz=UTC)
        )
        took = time.perf_counter() - began
    assert (tried.examined, tried.failing) == (len(people), 0)
    assert took < 10  # a tenth of that on a quiet machine
