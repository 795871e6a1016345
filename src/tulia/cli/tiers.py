"""`tulia tier list` and `set`: what each tier allows."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from tulia.cli.installation import add_data_dir, ready

if TYPE_CHECKING:
    from tulia.tenants.models import Tier

_OPTIONS = {
    "variants": ("max_variants", "messages that an A/B test may compare, 1 to 4"),
    "campaign_sends": ("max_campaign_sends_per_month", "campaign messages a calendar month, or unlimited"),
    "messages_a_day": ("max_messages_per_day", "campaign messages in any 24 hours, or unlimited"),
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tier = commands.add_parser("tier", help="show and change what the tiers allow")
    acts = tier.add_subparsers(dest="act", required=True, metavar="ACT")
    listing = acts.add_parser("list", help="every tier with its limits")
    setting = acts.add_parser("set", help="change the limits of a tier, for all its tenants at once")
    setting.add_argument("name", help="starter, growth or enterprise")
    for option, (_, explained) in _OPTIONS.items():
        setting.add_argument(f"--{option.replace('_', '-')}", type=_limit, default=argparse.SUPPRESS, help=explained)
    for parser, run in ((listing, _list), (setting, _set)):
        parser.add_argument("--json", action="store_true", help="print JSON")
        add_data_dir(parser)
        parser.set_defaults(run=run)


def _limit(text: str) -> int | None:
    return None if text == "unlimited" else int(text)


def _list(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.tenants import tiers

        found = [_as_json(tier) for tier in tiers.everyone()]
    print(json.dumps({"tiers": found}) if arguments.json else "\n".join(_as_text(tier) for tier in found))
    return 0


def _set(arguments: argparse.Namespace) -> int:
    limits = {column: getattr(arguments, option) for option, (column, _) in _OPTIONS.items() if option in arguments}
    with ready():
        from tulia.tenants import tiers

        changed = _as_json(tiers.change(arguments.name, limits))
    print(json.dumps(changed) if arguments.json else _as_text(changed))
    return 0


def _as_json(tier: Tier) -> dict[str, object]:
    return {"name": tier.name} | {option: getattr(tier, column) for option, (column, _) in _OPTIONS.items()}


def _as_text(tier: dict[str, object]) -> str:
    limits = ((option, value) for option, value in tier.items() if option != "name")
    said = (
        f"{'unlimited' if value is None else format(value, ',')} {option.replace('_', ' ')}" for option, value in limits
    )
    return f"{tier['name']:<12} {', '.join(said)}"
