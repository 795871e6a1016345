"""`tulia verify`: every counter and balance recounted from the ledger."""

from __future__ import annotations

import argparse
import json

from tulia.cli.installation import add_data_dir, ready


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verifying = commands.add_parser("verify", help="recount every counter from the ledger; exit 1 on any difference")
    verifying.add_argument("--tenant", metavar="SLUG", help="only this tenant")
    verifying.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(verifying)
    verifying.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    with ready():
        from tulia.reports import verify
        from tulia.tenants import queries

        tenants = [queries.by_slug(arguments.tenant).id] if arguments.tenant else queries.all_ids()
        result = verify.verify(tenants)
    if arguments.json:
        differences = [
            {
                "tenant_id": str(one.tenant_id),
                "campaign_id": str(one.campaign_id),
                "what": one.what,
                "stored": one.stored,
                "recounted": one.recounted,
            }
            for one in result.differences
        ]
        print(json.dumps({"campaigns": result.campaign_count, "differences": differences}))
    else:
        for one in result.differences:
            print(f"campaign {one.campaign_id}: {one.what} is {one.stored:,}, and {one.recounted:,} recounted")
        tenant_count, difference_count = len(tenants), len(result.differences)
        print(
            f"{result.campaign_count:,} campaigns of {tenant_count:,} tenants recounted: {difference_count:,} differences"
        )
    return 1 if result.differences else 0
