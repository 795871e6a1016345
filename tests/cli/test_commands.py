from __future__ import annotations

from collections.abc import Iterator

import pytest

from installation import Installation, with_tables
from tulia.config import embedded_postgres

SENDER = [
    *("sender", "create", "--tenant", "duka", "--kind", "whatsapp_cloud", "--name", "Main", "--access-token", "T"),
    *("--app-secret", "S", "--verify-token", "V", "--base-url", "http://127.0.0.1:9", "--rate", "100"),
]


@pytest.fixture(scope="module", autouse=True)
def _server(installation: Installation) -> Iterator[None]:
    """Each command would start the server and stop it again; that it does is seen in `test_up`."""
    with embedded_postgres.running(with_tables(installation.data_dir)):
        yield


def test_a_tenant_a_key_and_a_sender_are_made_in_words_and_in_json(installation: Installation) -> None:
    words = installation.tulia("tenant", "create", "--name", "Duka", "--slug", "duka", "--tier", "growth")
    assert words.returncode == 0
    assert "API key tulia_" in words.stdout
    made = installation.json(*SENDER, "--phone-number-id", "1001")
    assert made["webhook_path"] == f"/v1/webhooks/whatsapp/{made['sender_id']}"
    assert installation.json("api-key", "create", "--tenant", "duka", "--scopes", "analytics:view")["api_key"]


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ([*SENDER, "--phone-number-id", "+1"], "invalid", "phone_number_id must be"),
        (["api-key", "create", "--tenant", "nobody", "--role", "owner"], "not_found", "There is no tenant 'nobody'"),
        (["api-key", "create", "--tenant", "duka", "--role", "king"], "invalid", "There is no role 'king'"),
        (["tenant", "create", "--name", "X", "--slug", "X_", "--tier", "gold"], "invalid", "tier must be one of"),
    ],
)
def test_a_refusal_is_one_line_and_an_object_for_programs(
    installation: Installation, command: list[str], code: str, said: str
) -> None:
    done = installation.tulia(*command, "--json")
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f'"code": "{code}"' in done.stdout


def test_arguments_that_make_no_sense_are_exit_code_2(installation: Installation) -> None:
    assert installation.tulia("api-key", "create", "--tenant", "duka").returncode == 2
    assert installation.tulia("fly").returncode == 2


def test_customers_are_imported_from_a_file_and_from_standard_input(installation: Installation) -> None:
    file = installation.data_dir / "customers.csv"
    file.write_text("external_id,phone,name\n1,0712000001,Amina\n2,none,Bakari\n")
    done = installation.json("import", "customers", str(file), "--tenant", "duka")
    assert (done["created"], done["updated"], done["rejected"]) == (1, 0, 1)
    assert [fault["line"] for fault in done["errors"]] == [3]
    piped = installation.tulia(
        "import",
        "customers",
        "-",
        "--tenant",
        "duka",
        given='{"external_id": "1", "phone": "0712000001", "name": "Amina W"}\n',
    )
    assert (piped.returncode, piped.stdout) == (0, "0 created, 1 updated, 0 unchanged, 0 rejected\n")


@pytest.mark.parametrize(("file", "said"), [("/nowhere.csv", "can't be read: No such file"), ("/dev/null", "is empty")])
def test_a_file_that_can_not_be_read_at_all_is_exit_code_1(installation: Installation, file: str, said: str) -> None:
    done = installation.tulia("import", "orders", file, "--tenant", "duka")
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_operator_edits_tiers_and_gives_a_tenant_another_one(installation: Installation) -> None:
    before = {tier["name"]: tier for tier in installation.json("tier", "list")["tiers"]}
    assert before["starter"] == {"name": "starter", "variants": 2, "campaign_sends": 500, "messages_a_day": 1000}
    assert before["enterprise"]["campaign_sends"] is None
    changed = installation.json("tier", "set", "starter", "--campaign-sends", "unlimited", "--variants", "3")
    assert changed == {"name": "starter", "variants": 3, "campaign_sends": None, "messages_a_day": 1000}
    assert installation.tulia("tier", "set", "gold", "--variants", "2").returncode == 1
    refused = installation.tulia("tier", "set", "starter", "--variants", "9")
    assert "max_variants must be from 1 to 4" in refused.stderr
    installation.json("tenant", "create", "--name", "Duka", "--slug", "duka-tier", "--tier", "starter")
    moved = installation.json("tenant", "change-tier", "--tenant", "duka-tier", "--tier", "growth")
    assert (moved["slug"], moved["tier"]) == ("duka-tier", "growth")
    assert (
        "There is no tier" in installation.tulia("tenant", "change-tier", "--tenant", "duka-tier", "--tier", "x").stderr
    )
