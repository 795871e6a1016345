"""What `tulia up` prints when everything runs: where, who may sign in, and three commands to try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMMANDS = """
Try it (a campaign to the shop's regular customers, on a simulated WhatsApp):

  export TULIA={url} KEY={api_key}

  ID=$(curl -s $TULIA/v1/campaigns -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{{"name": "Thank you", "message_content": "Asante for shopping with us! Reply YES for 10% off.", \
"target_criteria": {{"purchase_history": {{"min_order_count": 2}}}}}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')

  curl -s $TULIA/v1/campaigns/reach -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{{"target_criteria": {{"purchase_history": {{"min_order_count": 2}}}}}}'

  curl -s $TULIA/v1/campaigns/$ID/execute -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{{"confirm": true}}'"""

_NO_DEMO = """
Make a tenant and its API key:

  tulia tenant create --name "My shop" --slug my-shop --tier growth"""


def text(url: str, access: Mapping[str, Any]) -> str:
    """`access` is empty without a demo tenant."""
    lines = [f"Tulia Campaigns runs at {url}   (Ctrl-C stops everything; API: {url}/v1/docs)"]
    if not access:
        return "\n".join([*lines, _NO_DEMO])
    return "\n".join(
        [
            *lines,
            "",
            f"  Sign in   {access['email']}   password {access['password']}",
            f"  API key   {access['api_key']}",
            _COMMANDS.format(url=url, api_key=access["api_key"]),
        ]
    )
