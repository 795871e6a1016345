"""Rehearsing a campaign, as an operator does: everything as at a launch, and nothing sent or kept."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from flows.conftest import OpenShop
from live_installation import eventually, fetch
from tulia.campaigns.models import MessageCampaign
from tulia.ledger.models import Recipient
from tulia.tenants.scope import tenant_scope


def rehearse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tulia.cli", "rehearse", *arguments], capture_output=True, text=True, check=False
    )


def standing(rehearsal: Any) -> dict[tuple[str, str], int]:
    return {(line["state"], line["reason"]): line["people"] for line in rehearsal["standing"]}


def test_a_rehearsal_tells_what_a_launch_then_does_and_leaves_nothing_behind(open_shop: OpenShop) -> None:
    shop = open_shop(customers=60, consenting=50)
    campaign = shop.make(message_content="Hello {{ customer.name }}!", holdout_percent=10, seed=7)
    before = shop.get(f"/v1/campaigns/{campaign}")

    done = rehearse(campaign, "--json")
    assert done.returncode == 0, done.stderr
    rehearsal = json.loads(done.stdout)
    assert (rehearsal["audience"], rehearsal["tried"], rehearsal["accepted"]) == (60, 45, 45)
    assert standing(rehearsal) == {("sending", ""): 45, ("skipped", "no_consent"): 10, ("holdout", ""): 5}
    assert rehearsal["is_flawless"]

    assert shop.get(f"/v1/campaigns/{campaign}") == before
    with tenant_scope(shop.tenant_id):
        assert not Recipient.objects.filter(campaign_id=campaign).exists()
    assert fetch(f"{shop.installation.simulator_url}/_sim/messages")["messages"] == []

    assert shop.execute(campaign).status_code == 202
    eventually(lambda: shop.get(f"/v1/campaigns/{campaign}")["status"] == "completed")
    balance = shop.report(campaign)["balance"]
    assert (balance["audience"], balance["holdout"], balance["skipped"]) == (60, 5, 10)


def test_what_would_go_wrong_is_told_with_whom_it_concerns(open_shop: OpenShop) -> None:
    shop = open_shop(customers=12)
    people = shop.get("/v1/customers")["results"]
    for person in people[:9]:
        shop.call("PATCH", f"/v1/customers/{person['id']}", {"attributes": {"city": "Mombasa"}})
    campaign = shop.make(message_content="Open in {{ customer.attributes.city }}")
    done = rehearse(campaign, "--json")
    assert done.returncode == 1
    rehearsal = json.loads(done.stdout)
    assert (rehearsal["tried"], rehearsal["accepted"]) == (12, 9)
    (problem,) = rehearsal["unmakeable"]
    assert problem["people"] == 3
    assert "city" in problem["reason"]
    assert set(problem["example_customer_ids"]) == {person["id"] for person in people[9:]}


def test_a_long_one_is_tried_on_its_first_people_and_says_how_long_all_take(open_shop: OpenShop) -> None:
    shop = open_shop(customers=120, rate=2)
    campaign = shop.make()
    done = rehearse(campaign, "--people", "20")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Spring: 120 people in the audience. Nothing was sent, and nothing is kept of this.",
        "        100  would follow",
        "         20  tried in this rehearsal",
        "20 of 20 messages tried were taken by the simulator.",
        "At 2 a second, everybody takes 1 min 0 s.",
    ]


def test_what_could_not_be_started_is_refused_in_one_line(open_shop: OpenShop) -> None:
    shop = open_shop(customers=1)
    started = shop.make()
    shop.execute(started)
    done = rehearse(started, "--json")
    assert done.returncode == 1
    assert "only a draft or a scheduled one can be started" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "wrong_state"
    nobody = rehearse("01900000-0000-7000-8000-000000000000")
    assert (nobody.returncode, nobody.stderr) == (1, "tulia: There is no such campaign.\n")
    assert rehearse("mangoes").returncode == 2
    with tenant_scope(shop.tenant_id):
        assert MessageCampaign.objects.count() == 1
