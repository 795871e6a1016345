"""How large a process gets that imports, freezes and exports, with few people and with many.

    python benchmarks/memory.py [--people 1000000] [--json FILE]

Each act runs in a process of its own, once with 10,000 people and once with `--people`; its largest resident memory must
be the same within a tenth, and 200 MB at most. A worker that sends is measured by `dispatch.py`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

import figures  # noqa: E402
from figures import Figure  # noqa: E402

FEW, AT_MOST_MB, TIMES_AT_MOST = 10_000, 200.0, 1.1
ACTS = ("import", "freeze", "recipients.csv")


def act(name: str, slug: str, people: int) -> None:
    """One act, in this process; prints its largest memory in MB."""
    import django

    django.setup()
    import import_speed

    from tulia.analytics_service import AnalyticsService
    from tulia.audience_service import AudienceService
    from tulia.campaigns.models import MessageCampaign
    from tulia.channels.models import Sender
    from tulia.core import clock, threads
    from tulia.ledger import enqueue
    from tulia.tenants import api_keys, queries
    from tulia.tenants.scope import tenant_scope

    tenant = queries.by_slug(slug)
    assert tenant is not None
    caller = api_keys.operator(tenant.id)
    threads.hand_over_often()  # as every process that does this
    if name == "import":
        result = AudienceService(caller).import_file("customers", import_speed.lines(people, points=0))
        assert result.created == people
    elif name == "freeze":
        with tenant_scope(tenant.id):
            campaign = MessageCampaign.objects.create(
                tenant_id=tenant.id, name="All", message_content="Hello", status="sending", target_criteria={},
                sender=Sender.objects.get(tenant_id=tenant.id), started_at=clock.now(), seed=7,
            )  # fmt: skip
            assert enqueue.freeze(campaign, now=clock.now()) == people
    else:
        with tenant_scope(tenant.id):
            newest = MessageCampaign.objects.latest("created_at").pk
        size = sum(len(block) for block in AnalyticsService(caller).export_recipients(newest).blocks)
        assert size > 50 * people
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) / 1024)


def measure(people: int) -> dict[str, float]:
    """The largest memory of each act with so many people."""
    from tulia.channels import senders
    from tulia.tenants import accounts
    from tulia.tenants.scope import tenant_scope

    tenant = accounts.create_tenant(f"memory-{uuid.uuid4().hex[:8]}", name="Memory", tier="enterprise")
    with tenant_scope(tenant.pk):
        senders.create(
            tenant.pk, kind="whatsapp_cloud", name="Main", external_id=str(uuid.uuid4().int % 10**15),
            access_token="t", app_secret="s", verify_token="v", base_url="", rate_per_second=80,
        )  # fmt: skip
    peaks = {}
    for name in ACTS:
        asked = [sys.executable, __file__, "--act", name, "--tenant", tenant.slug, "--people", str(people)]
        said = subprocess.run(asked, env=os.environ, stdout=subprocess.PIPE, text=True, check=True).stdout
        peaks[name] = float(said.split()[-1])
        print(f"{name}, {people:,} people: {peaks[name]:.0f} MB", flush=True)
    return peaks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--act", choices=ACTS, help=argparse.SUPPRESS)
    parser.add_argument("--tenant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.act:
        act(options.act, options.tenant, options.people)
        return 0
    import conftest as tests_conftest

    tests_conftest._start_database()
    few, many = measure(FEW), measure(options.people)
    rows = [
        Figure(
            f"memory of a process, {name}, {options.people:,} people", many[name], "MB", at_most=AT_MOST_MB,
            limit=few[name], limit_is=f"{FEW:,} people", ratio_at_most=TIMES_AT_MOST,
        )
        for name in ACTS
    ]  # fmt: skip
    print(figures.table(rows))
    figures.write(options.json, rows)
    tests_conftest._held.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
