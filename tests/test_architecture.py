"""What import contracts can't hold (see ARCHITECTURE.md): sizes, names, tables, and documents that tell the truth."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey

from statements import STATEMENTS, Statement

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
TULIA = SOURCE / "tulia"
LONGEST = {"src": 400, "tests": 600, "benchmarks": 400}
NAMES_FOR_ANYTHING = {"services", "utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}
UPSTREAM_FIRST = ("core", "tenants", "audience", "channels", "campaigns", "ledger", "ingest", "webhooks", "web")
NAMED_BY_DJANGO = TULIA / "core" / "postgresql" / "base.py"
MAY_HOLD_A_CONNECTION = {"core/sql.py", "core/by_key.py", "cli/migrate.py"}
# The counters of a campaign are a cache of the ledger, written with the facts in one statement and nowhere else.
WRITES_ELSEWHERE = {("ledger", "message_campaigns")}
_FILE = re.compile(
    r"(?<![\w/.<>{}*…-])((?:[\w.-]+/)*[\w.-]+\.(?:py|md|sql|toml|lock|html|css|png|ini|yml))(?![\w/{}*…-])"
)
_FOLDER = re.compile(r"`((?:src|docs|tests|benchmarks|\.ci)/[\w./-]*)`")
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
FORGOTTEN_WORK = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r"(?![\w])")


def _files(*endings: str, under: tuple[str, ...] = ("src", "tests", "benchmarks", "docs")) -> list[Path]:
    found = [path for folder in under for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    if ".md" in endings:
        found += ROOT.glob("*.md")
    return sorted(path for path in found if "egg-info" not in str(path))


def _named(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


DOCUMENTS = _named(_files(".md"))


@pytest.mark.parametrize("folder", LONGEST)
def test_no_file_is_longer_than_one_can_hold_in_mind(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in _files(".py", ".sql", ".html", ".css", under=(folder,))
    }
    too_long = {name: length for name, length in lengths.items() if length > LONGEST[folder]}
    assert not too_long, f"split by acts, each in a file named for it: {too_long}"


def test_no_file_is_named_for_anything_and_everything() -> None:
    named_by_us = (path for path in _files(".py", ".sql") if path != NAMED_BY_DJANGO)
    wrong = [str(path) for path in named_by_us if {path.stem, path.parent.name} & NAMES_FOR_ANYTHING]
    assert not wrong, f"name a file for the act it holds: {wrong}"


def test_foreign_keys_point_upstream_only() -> None:
    for model in apps.get_models():
        package = model._meta.app_label
        if not model.__module__.startswith("tulia."):
            continue
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey):
                target = field.related_model._meta.app_label
                assert UPSTREAM_FIRST.index(target) <= UPSTREAM_FIRST.index(package), f"{model.__name__}.{field.name}"


def test_only_one_module_holds_the_connection() -> None:
    holding = {
        str(path.relative_to(TULIA))
        for path in TULIA.rglob("*.py")
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "django.db"
        for alias in node.names
        if alias.name in ("connection", "connections", "transaction")
    }
    assert holding <= MAY_HOLD_A_CONNECTION, "use core.sql and tenants.scope"


def _tables() -> dict[str, str]:
    """Every table of ours and the package it belongs to."""
    owners = {
        model._meta.db_table: model._meta.app_label
        for model in apps.get_models()
        if model.__module__.startswith("tulia.")
    }
    for path in TULIA.glob("*/migrations/*.py"):
        owners |= dict.fromkeys(re.findall(r"CREATE TABLE (\w+)", path.read_text()), path.parents[1].name)
    return owners


def _named_statements() -> list[Any]:
    return [pytest.param(statement, id=statement.name) for statement in STATEMENTS]


@pytest.mark.parametrize("statement", _named_statements())
def test_a_statement_says_what_it_is_for_takes_returns_and_writes(statement: Statement) -> None:
    assert statement.header, "begin with a comment that says what the statement is for"
    assert "params" in statement.clauses
    assert "returns" in statement.clauses
    for table in statement.written_tables():
        assert table in statement.clauses.get("writes", ""), f"it writes {table}: say so in the header"
    if re.search(r"\bFOR (NO KEY )?UPDATE\b", statement.code):
        assert "locks" in statement.clauses, "say which rows it locks, and in which order"


@pytest.mark.parametrize("statement", _named_statements())
def test_a_statement_writes_only_tables_of_its_own_package(statement: Statement) -> None:
    owners = _tables()
    temporary = {table for other in STATEMENTS for table in other.temporary_tables()}
    for table in statement.written_tables() - temporary:
        assert owners[table] == statement.package or (statement.package, table) in WRITES_ELSEWHERE


def test_every_statement_is_used() -> None:
    code = "\n".join(path.read_text() for path in TULIA.rglob("*.py"))
    loaded = re.findall(r"sql\.load\(\s*\"(\w+)\",\s*f?\"([\w{}]+)\"", code)
    patterns = [re.compile(f"{package}/" + re.sub(r"\{\w+\}", r"\\w+", act)) for package, act in loaded]
    unused = [one.name for one in STATEMENTS if not any(pattern.fullmatch(one.name) for pattern in patterns)]
    assert not unused


def test_what_calls_itself_pure_is_held_to_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (contract["source_modules"] for contract in contracts if contract["id"] == "pure")
    for path in TULIA.rglob("*.py"):
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        if "(pure)" in said.partition("\n\n")[0]:
            module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
            covered = [module, *(module.rpartition(".")[:1])]
            assert set(covered) & set(pure), f"{module} says it is pure: name it in pyproject.toml, or don't say so"


def test_nothing_is_left_for_later() -> None:
    for path in _files(".py", ".sql", ".html", ".css", ".md"):
        found = FORGOTTEN_WORK.search(path.read_text())
        assert found is None, f"{path}: {found[0] if found else ''}: do it, or say what is accepted and why"


def _paths_named(text: str) -> Iterator[str]:
    for code in re.findall(r"`([^`\n]+)`", text):
        yield from _FILE.findall(code)
    yield from _FOLDER.findall(text)
    yield from _LINK.findall(text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_paths_that_a_document_names_exist(document: Path) -> None:
    places = (ROOT, document.parent, TULIA, SOURCE)
    anywhere = {path.name for path in (*SOURCE.rglob("*.*"), *ROOT.glob("*.*"))}
    missing = [
        name
        for name in _paths_named(document.read_text())
        if not any((place / name).exists() for place in places) and name not in anywhere
    ]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "".join(path.read_text() for path in (TULIA / "cli").glob("*.py"))
    commands = set(re.findall(r'add_parser\(\s*"([\w-]+)"', code))
    assert set(re.findall(r"`make ([\w-]+)", text)) <= targets
    assert set(re.findall(r"`tulia ([a-z][\w-]*)", text)) <= commands


def test_each_word_of_the_glossary_is_explained_once_and_found_by_the_alphabet() -> None:
    words = re.findall(r"^\*\*([^*]+)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert words
    for first, second in pairwise(words):
        assert first.casefold() < second.casefold()


def test_decisions_are_numbered_without_gaps_and_short() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text()
        assert len(text.splitlines()) <= 40, path.name
        assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name


def test_every_test_that_the_list_of_requirements_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "requirements.md").read_text())
    assert len(named) > 40
    for path, function in named:
        assert not function or f"def {function}(" in (ROOT / path).read_text(), f"{path} has no {function}"
        assert (ROOT / path).is_file()
