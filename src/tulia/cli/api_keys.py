"""`tulia api-key create`: a key for a program."""

from __future__ import annotations

import argparse
import json

from tulia.cli.installation import add_data_dir, ready


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    api_key = commands.add_parser("api-key", help="make an API key")
    acts = api_key.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="a new key, shown once")
    create.add_argument("--tenant", required=True, metavar="SLUG")
    may = create.add_mutually_exclusive_group(required=True)
    may.add_argument("--role", help="the permissions of a role: owner, admin, analyst…")
    may.add_argument("--scopes", help="single permissions, like analytics:view,conversations:view")
    create.add_argument("--name", default="", help="what the key is for")
    create.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(create)
    create.set_defaults(run=_create)


def _create(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.core.errors import Invalid
        from tulia.governance_service import GovernanceService
        from tulia.tenants import access, queries
        from tulia.tenants.api_keys import operator

        if arguments.role:
            try:
                scopes = access.ROLES[access.role_named(arguments.role)]
            except ValueError as error:
                raise Invalid(str(error)) from error
        else:
            scopes = frozenset(scope.strip() for scope in arguments.scopes.split(",") if scope.strip())
            if not scopes:
                raise Invalid("--scopes names no permission.")
        tenant = queries.by_slug(arguments.tenant)
        name = arguments.name or arguments.role or "command line"
        _, key = GovernanceService(operator(tenant.id)).create_api_key(name=name[:100], scopes=scopes)
    print(json.dumps({"api_key": key}) if arguments.json else f"API key {key}   (shown once: keep it)")
    return 0
