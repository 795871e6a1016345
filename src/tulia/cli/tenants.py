"""`tulia tenant`: a new business with its simulated sender and its first API key; another tier for one that is there."""

from __future__ import annotations

import argparse
import json
import sys

from tulia.cli.installation import add_data_dir, data_dir, ready
from tulia.cli.standing import standing


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tenant = commands.add_parser("tenant", help="make a tenant, or give it another tier")
    acts = tenant.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="a new tenant with an API key that may do everything")
    create.add_argument("--name", required=True)
    create.add_argument("--slug", required=True, help="small letters, digits and hyphens, like duka-nairobi")
    create.add_argument("--tier", required=True, help="starter, growth or enterprise")
    create.add_argument("--timezone", default="Africa/Nairobi", help="IANA name (default: %(default)s)")
    create.add_argument("--country", default="KE", help="completes local phone numbers (default: %(default)s)")
    create.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(create)
    create.set_defaults(run=_create)
    change = acts.add_parser("change-tier", help="give a tenant another tier, in force at once")
    change.add_argument("--tenant", required=True, metavar="SLUG")
    change.add_argument("--tier", required=True, help="starter, growth or enterprise")
    change.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(change)
    change.set_defaults(run=_change_tier)


def _create(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.channels import simulated
        from tulia.governance_service import GovernanceService
        from tulia.tenants import accounts
        from tulia.tenants.api_keys import operator
        from tulia.tenants.scope import tenant_scope

        tenant = accounts.create_tenant(
            arguments.slug,
            name=arguments.name,
            tier=arguments.tier,
            timezone=arguments.timezone,
            country=arguments.country,
        )
        _, key = GovernanceService(operator(tenant.id)).create_api_key(name="first key", role="owner")
        with tenant_scope(tenant.id):
            sender = simulated.ensure(tenant.id)
        if (running := standing(data_dir())) and running.simulator_url:
            try:
                simulated.introduce(sender, simulator_url=running.simulator_url, public_url=running.url)
            except simulated.SimulatorUnavailable as error:
                print(f"tulia: {error}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({"tenant_id": str(tenant.id), "slug": tenant.slug, "api_key": key}))
    else:
        print(f"Tenant  {tenant.slug} ({tenant.id})\nAPI key {key}   (shown once: keep it)")
    return 0


def _change_tier(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.governance_service import GovernanceService
        from tulia.tenants import queries
        from tulia.tenants.api_keys import operator

        tenant = queries.by_slug(arguments.tenant)
        tier = GovernanceService(operator(tenant.id)).change_tier(arguments.tier)
    if arguments.json:
        print(json.dumps({"tenant_id": str(tenant.id), "slug": tenant.slug, "tier": tier.name}))
    else:
        print(f"Tenant {tenant.slug} has the tier {tier.name}")
    return 0
