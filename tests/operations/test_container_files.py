"""The container and compose files name what there is. No container is built here: that takes a container runtime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tulia.cli.command import _parser

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "database"}


def test_every_command_is_one_of_ours_with_arguments_that_it_takes() -> None:
    (default,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    commands = [service["command"] for service in OURS.values()] + [yaml.safe_load(default)]
    for command in commands:
        assert _parser().parse_args(command).command == command[0]
    assert {command[0] for command in commands} == {"migrate", "web", "worker"}


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    used = set(re.findall(r"\b(TULIA_[A-Z_]+|DATABASE_URL)=", CONTAINER))
    for service in OURS.values():
        used |= set(service["environment"]) | set(re.findall(r"export ([A-Z_]+)=", " ".join(service["entrypoint"])))
    assert used <= documented
    assert {"DATABASE_URL", "TULIA_SECRET_KEY", "TULIA_PUBLIC_URL", "TULIA_DATA_DIR"} <= used


def test_nothing_runs_as_root_or_may_become_it_or_write_beside_its_data() -> None:
    assert re.search(r"^USER 10001:10001$", CONTAINER, re.MULTILINE)
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert [volume.rpartition(":")[2] for volume in service["volumes"]] == ["/var/lib/tulia"]
    volumes = [service["volumes"][0] for service in OURS.values()]
    assert len(set(volumes)) == len(volumes), "each process has a data directory of its own"


def test_everything_starts_in_order_and_secrets_are_files() -> None:
    assert OURS["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("web", "worker-1", "worker-2"):
        assert OURS[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    for service in COMPOSE["services"].values():
        assert set(service["secrets"]) <= set(COMPOSE["secrets"])
        assert not any("PASSWORD" in name and not name.endswith("_FILE") for name in service["environment"])


def test_what_the_image_copies_exists_and_what_it_installs_is_pinned() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINER, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
    assert "--require-hashes --requirement requirements.lock" in CONTAINER
    allowed = (ROOT / ".containerignore").read_text()
    assert {"!src", "!pyproject.toml", "!README.md", "!requirements.lock"} <= set(allowed.splitlines())
    assert allowed == (ROOT / ".dockerignore").read_text()
