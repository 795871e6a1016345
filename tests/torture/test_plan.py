"""Everything left to chance comes from the seed."""

from __future__ import annotations

import json

import pytest

from tulia.core import failpoints
from tulia_torture import plan
from tulia_torture.scene import shops
from whatsapp_simulator.config import Config, merged
from whatsapp_simulator.faults import Faults


def _lines() -> set[str]:
    return {*plan._WORKER_LINES, *plan._WEB_LINES, *plan._DAWDLING}


def test_the_same_seed_makes_the_same_plan_and_another_seed_another() -> None:
    scene = shops(20)
    assert plan.draw(7, 20, scene) == plan.draw(7, 20, scene)
    assert plan.draw(7, 20, scene) != plan.draw(8, 20, scene)


def test_a_plan_can_be_kept_as_json() -> None:
    drawn = plan.draw(7, 20, shops(20))
    assert json.loads(json.dumps(drawn.to_json()))["lives"]["web"][0]["seconds"] == drawn.lives["web"][0].seconds


def test_a_longer_run_begins_like_the_shorter_one() -> None:
    short, long = (plan.draw(7, kills, shops(20)) for kills in (20, 40))
    assert long.lives["worker-1"][:21] == short.lives["worker-1"]
    assert long.weathers[: len(short.weathers)] == short.weathers


def test_every_order_of_a_plan_is_one_that_a_process_understands() -> None:
    for lives in plan.draw(3, 200, shops(20)).lives.values():
        for life in lives:
            failpoints.arm(life.failpoints)
    failpoints.arm("")


def test_every_line_that_a_plan_names_is_in_the_product_and_the_other_way_round() -> None:
    import re
    from pathlib import Path

    import tulia

    source = "\n".join(path.read_text() for path in Path(tulia.__file__).parent.rglob("*.py"))
    found = set(re.findall(r'failpoints\.reached\("(\w+)"\)', source))
    assert found == _lines()


def test_every_weather_is_one_that_the_provider_understands() -> None:
    faults = Faults(lambda: 0.0)
    for weather in plan.draw(3, 200, shops(20)).weathers:
        faults.replace(list(weather.faults))
        merged(Config(), {"noise": weather.noise})


def test_every_kind_of_death_weather_and_act_is_drawn() -> None:
    drawn = plan.draw(1, 500, shops(500))
    ends = {life.end for lives in drawn.lives.values() for life in lives}
    assert ends == {"kill", "leave", "backend", "everything"}
    killed_at = {life.failpoints.partition("=")[0] for lives in drawn.lives.values() for life in lives} - {""}
    assert killed_at == _lines()
    assert {turn.act for turn in drawn.turns} == {"clock", "hold"}
    assert {said.what for said in drawn.said} == {"stop", "order"}
    assert len({weather.name for weather in drawn.weathers}) == 7
    acts = {act for launches in drawn.launches.values() for one in launches for _, act in one.acts}
    assert acts == {"pause", "resume", "cancel"}


@pytest.mark.parametrize("kills", [20, 500])
def test_nobody_of_a_scene_shares_a_phone(kills: int) -> None:
    phones = [shop.phone(index) for shop in shops(kills) for index in range(shop.people)]
    assert len(set(phones)) == len(phones)
    assert all(len(phone) == 13 for phone in phones)
    for shop in shops(kills):
        assert sum(shop.size(segment) for segment in range(12)) == shop.people
