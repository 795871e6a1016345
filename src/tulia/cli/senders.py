"""`tulia sender create`: a phone number to send with."""

from __future__ import annotations

import argparse
import json

from tulia.cli.installation import add_data_dir, ready


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sender = commands.add_parser("sender", help="add a phone number to send with")
    acts = sender.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="a new sender")
    create.add_argument("--tenant", required=True, metavar="SLUG")
    create.add_argument("--kind", default="whatsapp_cloud", help="the channel (default: %(default)s)")
    create.add_argument("--name", required=True)
    create.add_argument("--phone-number-id", required=True, help="the provider's id of the number, not the number")
    create.add_argument("--access-token", required=True)
    create.add_argument("--app-secret", required=True, help="signs the provider's callbacks")
    create.add_argument("--verify-token", required=True, help="of your choice; the provider repeats it to verify")
    create.add_argument("--base-url", default="", help="another address than the provider's own")
    create.add_argument("--rate", type=int, default=80, help="messages a second, never more (default: %(default)s)")
    create.add_argument("--json", action="store_true", help="print JSON")
    add_data_dir(create)
    create.set_defaults(run=_create)


def _create(arguments: argparse.Namespace) -> int:
    with ready():
        from django.conf import settings

        from tulia.account_service import AccountService
        from tulia.channels import senders
        from tulia.tenants import queries
        from tulia.tenants.api_keys import operator

        tenant = queries.by_slug(arguments.tenant)
        sender = AccountService(operator(tenant.id)).create_sender(
            kind=arguments.kind,
            name=arguments.name,
            phone_number_id=arguments.phone_number_id,
            access_token=arguments.access_token,
            app_secret=arguments.app_secret,
            verify_token=arguments.verify_token,
            base_url=arguments.base_url,
            rate_per_second=arguments.rate,
            is_operator=True,
        )
        path = senders.webhook_path(sender.pk)
        address = f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else path
    if arguments.json:
        print(json.dumps({"sender_id": str(sender.pk), "webhook_path": path}))
    else:
        print(f"Sender {sender.name} ({sender.pk})\nCallback address for the provider: {address}")
    return 0
