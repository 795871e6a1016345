"""What `tulia doctor` looked at, before it thinks about it (pure). `None` is what couldn't be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tulia.reports.condition import Condition


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine's side: the data directory and the settings."""

    version: str
    data_dir: str
    is_data_dir_there: bool = True
    data_dir_problem: str = ""
    """Why it can't be written; empty when it can."""
    journals_problem: str = ""
    is_open_to_others: bool = False
    free_bytes: int = 0
    total_bytes: int = 1
    log_bytes: int = 0
    is_key_in_environment: bool = False
    is_key_file_open_to_others: bool = False
    settings_problem: str = ""
    is_embedded: bool = True
    is_up_running: bool = False
    public_url: str = ""
    simulator_url: str = ""
    simulator_problem: str = ""


@dataclass(frozen=True, slots=True)
class Bloat:
    """A table with many dead rows."""

    table: str
    dead_rows: int
    live_rows: int


@dataclass(frozen=True, slots=True)
class Database:
    """The database server and its tables, as the program's role sees them."""

    version_number: int
    role: str
    is_superuser: bool
    owned_tables: tuple[str, ...]
    unprotected_tables: tuple[str, ...]
    missing_migrations: tuple[str, ...]
    newer_migrations: tuple[str, ...]
    clock_ahead_seconds: float
    """How far this machine's clock is ahead of the database's."""
    is_read_only: bool
    unsafe_settings: tuple[str, ...]
    is_autovacuum_on: bool
    bloated: tuple[Bloat, ...]
    wraparound_age: int
    longest_transaction_seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """Whether what is stored encrypted opens with this machine's key."""

    stored: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class PausedSender:
    tenant: str
    sender_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    machine: Machine
    database: Database | None = None
    database_problem: str = ""
    secrets: Secrets | None = None
    condition: Condition | None = None
    real_senders: int = 0
    paused: tuple[PausedSender, ...] = ()
    condition_problem: str = ""
