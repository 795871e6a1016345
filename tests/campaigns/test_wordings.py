"""What each arm says when it sends a template: the campaign's values, the arm's own, the usual ones, the defaults."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from cast import NOW, add_campaign
from tulia.campaigns import draft, message, render, wordings
from tulia.campaigns.message import Wording
from tulia.channels import templates
from tulia.channels.components import Button
from tulia.channels.models import MessageTemplate
from tulia.channels.types import TemplateCall
from tulia.core.errors import Invalid
from tulia.tenants.models import Tenant
from tulia.tenants.scope import tenant_scope

ASHA = render.context_of(
    name="Asha Otieno", phone="+254700000001", external_id="C1", language="sw", country="KE",
    attributes={"order_id": "A-17"},
)  # fmt: skip
REPLIES = {"type": "buttons", "buttons": [
    {"type": "quick_reply", "text": "Tell me more"}, {"type": "quick_reply", "text": "Stop promotions"},
]}  # fmt: skip


def add(tenant: Tenant, *parts: dict[str, Any], body: str = "Hi {{first_name}}!", **fields: Any) -> MessageTemplate:
    with tenant_scope(tenant.id):
        return templates.create(
            tenant.id, name=f"t_{uuid.uuid4().hex}", language="en", category="marketing",
            parts=[{"type": "body", "text": body}, *parts], **fields,
        )  # fmt: skip


def said(
    tenant: Tenant, template: MessageTemplate, values: dict[str, str] | None = None, **fields: Any
) -> tuple[Wording, ...]:
    campaign = add_campaign(tenant, template_id=str(template.pk), template_variables=values or {}, **fields)
    with tenant_scope(tenant.id):
        return wordings.of_campaign(campaign)


def call(wording: Wording) -> TemplateCall:
    made = message.compose(wording, ASHA, to="+254700000001", reference="ref").template
    assert made is not None
    return made


def test_the_usual_placeholders_need_no_value(tenant: Tenant) -> None:
    template = add(tenant, body="Dear {{customer_name}} ({{language}}), order {{order_id}} is ready.")
    (wording,) = said(tenant, template)
    assert call(wording).named == (("customer_name", "Asha Otieno"), ("language", "sw"), ("order_id", "A-17"))
    (own,) = said(tenant, template, {"customer_name": "{{ first_name }}", "order_id": "7"})
    assert call(own).named == (("customer_name", "Asha"), ("language", "sw"), ("order_id", "7"))


def test_a_named_placeholder_means_the_same_in_header_and_body(tenant: Tenant) -> None:
    template = add(tenant, {"type": "header", "text": "For {{who}}"}, body="Hi {{who}}!")
    made = call(said(tenant, template, {"who": "{{ first_name }}"})[0])
    assert (made.header, made.named) == (message.HeaderText("Asha", "who"), (("who", "Asha"),))
    apart = call(said(tenant, template, {"who": "A", "header.who": "B"})[0])
    assert apart.header == message.HeaderText("B", "who")


def test_a_numbered_placeholder_has_no_usual_meaning_and_only_a_default_helps(tenant: Tenant) -> None:
    with pytest.raises(Invalid) as refused:
        said(tenant, add(tenant, body="Hi {{1}}, {{2}} are here now!"), {"2": "figs"})
    assert refused.value.details == {"template_variables.1": refused.value.details["template_variables.1"]}
    template = add(tenant, body="Hi {{1}}, welcome here!", defaults={"1": "friend"})
    assert call(said(tenant, template)[0]).positional == ("friend",)
    assert call(said(tenant, template, {"1": "{{ customer.attributes.nick }}"})[0]).positional == ("friend",)


def test_media_come_by_link_or_by_id_and_an_id_goes_first(tenant: Tenant) -> None:
    template = add(tenant, {"type": "header", "format": "document"}, body="The menu")
    with pytest.raises(Invalid) as refused:
        said(tenant, template)
    assert list(refused.value.details or ()) == ["template_variables.header.link"]
    link = {"header.link": "https://x.example/menu.pdf", "header.filename": "Menu.pdf"}
    assert call(said(tenant, template, link)[0]).header == message.HeaderMedia(
        "document", link="https://x.example/menu.pdf", filename="Menu.pdf"
    )
    assert call(said(tenant, template, link | {"header.id": "77"})[0]).header == message.HeaderMedia(
        "document", id="77", filename="Menu.pdf"
    )


def test_a_quick_reply_says_whose_it_is_and_an_opt_out_says_stop(tenant: Tenant) -> None:
    template = add(tenant, REPLIES, body="Mangoes!")
    assert [button.text for button in call(said(tenant, template)[0]).buttons] == ["REPLY1|ref", "STOP|ref"]
    own = call(said(tenant, template, {"buttons[0].payload": "MORE {{ customer.country }}"})[0])
    assert [button.text for button in own.buttons] == ["MORE KE|ref", "STOP|ref"]


@pytest.mark.parametrize(
    ("label", "opt_out", "expected"),
    [
        ("Stop promotions", None, True), ("STOP", None, True), ("Unsubscribe", None, True), ("acha", None, True),
        ("Stop by the shop", None, False), ("End of season", None, False), ("Not now", None, False),
        ("Not now", True, True), ("Stop", False, False),
    ],
)  # fmt: skip
def test_a_button_is_an_opt_out_by_its_whole_label_or_because_the_template_says_so(
    label: str, opt_out: bool | None, expected: bool
) -> None:
    assert wordings.is_opt_out(Button("quick_reply", label, opt_out=opt_out)) is expected


def test_each_arm_may_fill_the_same_template_in_its_own_way(tenant: Tenant) -> None:
    template = add(tenant, body="Only {{price}} for {{what}}!")
    arms = [
        {"name": "A", "template_id": str(template.pk), "template_variables": {"price": "5"}},
        {"name": "B", "template_id": str(template.pk), "template_variables": {"price": "6"}},
    ]
    first, second = said(tenant, template, {"what": "figs", "price": "9"}, is_ab_test=True, variants=arms)
    assert [call(one).named for one in (first, second)] == [
        (("price", "5"), ("what", "figs")), (("price", "6"), ("what", "figs")),
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        said(tenant, template, {}, is_ab_test=True, variants=arms)
    assert set(refused.value.details or ()) == {
        "variants[0].template_variables.what", "variants[1].template_variables.what",
    }  # fmt: skip


def test_wrong_values_of_an_arm_are_refused_with_its_place() -> None:
    arms = [{"name": "A", "content": "x"}, {"name": "B", "content": "y", "template_variables": {"1": "{{"}}]
    with pytest.raises(Invalid) as refused:
        draft.read({"variants": arms}, now=NOW, is_new=False)
    assert list(refused.value.details or ()) == ["variants[1].template_variables"]
