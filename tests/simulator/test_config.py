from __future__ import annotations

from typing import Any

import pytest

from whatsapp_simulator.config import Config, ConfigError, as_json, merged


def test_what_comes_out_can_go_in_again() -> None:
    changed = merged(Config(), {"noise": {"drop_rate": 0.5}, "reply_texts": ["Hm"]})
    assert merged(Config(), as_json(changed)) == changed


def test_a_change_leaves_everything_else_alone() -> None:
    changed = merged(Config(), {"behaviour": {"marketing": {"read": {"median": 1}}}})
    assert changed.behaviour.marketing.read.median == 1.0
    assert changed.behaviour.marketing.read.sigma == Config().behaviour.marketing.read.sigma
    assert changed.behaviour.utility == Config().behaviour.utility


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"noize": {}}, "noize"),
        ({"noise": {"dup": 1}}, "noise.dup"),
        ({"noise": {"dup_rate": 1.5}}, "noise.dup_rate"),
        ({"noise": {"dup_rate": "much"}}, "noise.dup_rate"),
        ({"noise": []}, "noise"),
        ({"enforce_window": 1}, "enforce_window"),
        ({"webhooks": {"batch_max": 0}}, "webhooks.batch_max"),
        ({"webhooks": {"batch_max": 1.5}}, "webhooks.batch_max"),
        ({"behaviour": {"marketing": {"sent": {"median": -1}}}}, "behaviour.marketing.sent.median"),
        ({"timestamps": "lunar"}, "timestamps"),
        ({"reply_texts": []}, "reply_texts"),
        ({"templates": {"default_category": "spam"}}, "templates.default_category"),
    ],
)
def test_a_senseless_setting_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        merged(Config(), changes)
