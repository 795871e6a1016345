"""What is wrong with an installation, and what to do about it (pure): one small function for each thing."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tulia.cli.doctor_facts import Database, Facts

OLDEST_POSTGRESQL = 150_000
_GB = 1024**3
LITTLE_SPACE = 2 * _GB
NO_SPACE = _GB // 4
CLOCK_LOOK_SECONDS = 2.0
CLOCK_WRONG_SECONDS = 30.0
LAG_LOOK_SECONDS = 30.0
LAG_WRONG_SECONDS = 300.0
WRAPAROUND = 1_500_000_000
LONG_TRANSACTION_SECONDS = 3_600.0
BIG_LOGS = 2 * _GB


class Level(enum.StrEnum):
    """`look` is for people to judge; only `wrong` makes the exit code 1."""

    OK = "ok"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: about what, what was seen, and what to do (empty when nothing need be done)."""

    level: Level
    about: str
    said: str
    to_do: str = ""


Findings = Iterator[Finding]


def examine(facts: Facts) -> list[Finding]:
    """Everything that can be said, in the order in which one would put it right."""
    return [finding for check in CHECKS for finding in check(facts)]


def data_dir(facts: Facts) -> Findings:
    machine = facts.machine
    if not machine.is_data_dir_there:
        yield Finding(
            Level.WRONG, "data directory", f"{machine.data_dir} doesn't exist: there is no installation here.",
            "Run `tulia up`, or say where it is: --data-dir or TULIA_DATA_DIR.",
        )  # fmt: skip
    elif machine.data_dir_problem:
        yield Finding(
            Level.WRONG, "data directory", f"{machine.data_dir} can't be written: {machine.data_dir_problem}.",
            "Run Tulia as the user that owns it, or give that user the right to write there.",
        )  # fmt: skip
    elif machine.journals_problem:
        yield Finding(
            Level.WRONG, "journals", f"{machine.data_dir}/journals can't be written: {machine.journals_problem}.",
            "Give it back to the user that runs the workers; they can't start without it.",
        )  # fmt: skip
    elif machine.is_open_to_others:
        yield Finding(
            Level.LOOK, "data directory", f"Everybody on this machine may write to {machine.data_dir}.",
            f"chmod o-w {machine.data_dir}",
        )  # fmt: skip
    else:
        yield Finding(Level.OK, "data directory", f"{machine.data_dir} can be written.")


def disk(facts: Facts) -> Findings:
    machine = facts.machine
    if not machine.is_data_dir_there:
        return
    free = f"{size(machine.free_bytes)} of {size(machine.total_bytes)} are free for {machine.data_dir}."
    if machine.free_bytes < NO_SPACE:
        yield Finding(Level.WRONG, "disk", free, "Make space now: without any, sending stops until there is some.")
    elif machine.free_bytes < LITTLE_SPACE or machine.free_bytes < machine.total_bytes // 20:
        yield Finding(Level.LOOK, "disk", free, "Make space before it runs out; a million messages need about 2 GB.")
    else:
        yield Finding(Level.OK, "disk", free)
    if machine.log_bytes > BIG_LOGS:
        yield Finding(
            Level.LOOK, "logs", f"The logs have {size(machine.log_bytes)}.", "Delete or rotate what nobody will read."
        )


def settings(facts: Facts) -> Findings:
    if facts.machine.settings_problem:
        yield Finding(
            Level.WRONG,
            "settings",
            facts.machine.settings_problem,
            "Correct the environment; docs/settings.md has all.",
        )


def secret_key(facts: Facts) -> Findings:
    machine = facts.machine
    if not machine.is_data_dir_there or machine.settings_problem:
        return
    if machine.is_key_file_open_to_others and not machine.is_key_in_environment:
        yield Finding(
            Level.WRONG, "secret key", f"Others on this machine can read {machine.data_dir}/secret_key.",
            f"chmod 600 {machine.data_dir}/secret_key",
        )  # fmt: skip
    if facts.secrets is None:
        return
    if facts.secrets.unreadable:
        yield Finding(
            Level.WRONG, "secret key",
            f"{facts.secrets.unreadable} of {facts.secrets.stored} senders can't be read with this machine's key.",
            "Put the right key back (the file secret_key or TULIA_SECRET_KEY, the same on every machine); "
            "if it is lost, enter the senders' tokens again.",
        )  # fmt: skip
    else:
        yield Finding(Level.OK, "secret key", f"It opens what is stored (senders: {facts.secrets.stored}).")


def public_url(facts: Facts) -> Findings:
    url = facts.machine.public_url
    if not facts.real_senders or url.startswith("https://"):
        return
    yield Finding(
        Level.WRONG, "public address",
        f"There are {facts.real_senders} real senders, and TULIA_PUBLIC_URL is {url or 'not set'}: "
        "the provider delivers callbacks to https only.",
        "Put a TLS proxy in front and set TULIA_PUBLIC_URL=https://…",
    )  # fmt: skip


def reachable(facts: Facts) -> Findings:
    if facts.database is not None:
        version = facts.database.version_number
        said = f"PostgreSQL {version // 10_000}.{version % 10_000} answers; {size(facts.database.size_bytes)}."
        if version < OLDEST_POSTGRESQL:
            yield Finding(Level.WRONG, "database", said, "Tulia needs PostgreSQL 15 or later: upgrade the server.")
        else:
            yield Finding(Level.OK, "database", said)
    elif facts.database_problem:
        to_do = (
            f"Look into {facts.machine.data_dir}/postgres.log, and start `tulia up`."
            if facts.machine.is_embedded
            else "Look whether the server runs, and whether the address, the password and the network are right."
        )
        yield Finding(Level.WRONG, "database", f"It can't be used: {facts.database_problem.rstrip('.')}.", to_do)
    elif facts.machine.is_embedded and facts.machine.is_data_dir_there and not facts.machine.settings_problem:
        yield Finding(Level.WRONG, "database", "There is none here yet.", "Run `tulia up`, or set DATABASE_URL.")


def _of_database(about: str) -> Callable[[Callable[[Database], Findings]], Callable[[Facts], Findings]]:
    """A check that needs the database; without one it says nothing. `about` is what is fine when it finds nothing."""

    def made(check: Callable[[Database], Findings]) -> Callable[[Facts], Findings]:
        def checked(facts: Facts) -> Findings:
            if facts.database is not None:
                found = list(check(facts.database))
                yield from found or [Finding(Level.OK, *about.split(": ", 1))]

        return checked

    return made


@_of_database("role: It is no superuser, owns no table, and row-level security is forced on every table of tenants.")
def role(database: Database) -> Findings:
    if database.is_superuser:
        yield Finding(
            Level.WRONG, "role",
            f"The program works as {database.role}, whom row-level security doesn't bind: tenants aren't kept apart.",
            "Log in as a member of tulia_app that is no superuser and hasn't BYPASSRLS.",
        )  # fmt: skip
    if database.owned_tables:
        yield Finding(
            Level.WRONG, "role", f"The program's role {database.role} owns {listed(database.owned_tables)}.",
            "Let another role own the tables (ALTER TABLE … OWNER TO …), and only `tulia migrate` log in as it.",
        )  # fmt: skip
    if database.unprotected_tables:
        yield Finding(
            Level.WRONG, "tenants", f"Row-level security isn't forced on {listed(database.unprotected_tables)}.",
            "ALTER TABLE … ENABLE ROW LEVEL SECURITY, and … FORCE ROW LEVEL SECURITY.",
        )  # fmt: skip


@_of_database("tables: They are those of this version.")
def migrations(database: Database) -> Findings:
    if database.missing_migrations:
        yield Finding(
            Level.WRONG, "tables", f"The database lacks {listed(database.missing_migrations)}.", "Run `tulia migrate`."
        )
    elif database.newer_migrations:
        yield Finding(
            Level.LOOK, "tables", f"The database is newer than this program: {listed(database.newer_migrations)}.",
            "That is fine while an update is under way; finish it on this machine too.",
        )  # fmt: skip


@_of_database("clock: This machine and the database agree.")
def clock(database: Database) -> Findings:
    ahead = database.clock_ahead_seconds
    if abs(ahead) > CLOCK_LOOK_SECONDS:
        yield Finding(
            Level.WRONG if abs(ahead) > CLOCK_WRONG_SECONDS else Level.LOOK, "clock",
            f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's.",
            "Let both follow a time server: quiet hours, schedules and windows go by the clock.",
        )  # fmt: skip


@_of_database("upkeep: Changes are kept safely, and dead rows are cleared away.")
def upkeep(database: Database) -> Findings:
    if database.is_read_only:
        yield Finding(
            Level.WRONG, "database", "It takes no writes: it is a standby, or was made read-only.",
            "Point DATABASE_URL to the primary.",
        )  # fmt: skip
    for setting in database.unsafe_settings:
        yield Finding(
            Level.WRONG, "upkeep", f"The server runs with {setting}: a crash can lose what was promised.",
            "Switch it on; without it somebody can be written to twice after a crash.",
        )  # fmt: skip
    if not database.is_autovacuum_on:
        yield Finding(Level.WRONG, "upkeep", "Autovacuum is off: tables only grow.", "Set autovacuum = on.")
    for bloat in database.bloated:
        yield Finding(
            Level.LOOK, "upkeep",
            f"{bloat.table} has {bloat.dead_rows:,} dead rows beside {bloat.live_rows:,} living ones.",
            f"Look for what holds autovacuum up (long transactions), or: VACUUM (ANALYZE) {bloat.table}",
        )  # fmt: skip
    if database.wraparound_age > WRAPAROUND:
        yield Finding(
            Level.WRONG, "upkeep", f"The oldest transaction number is {database.wraparound_age:,} old.",
            "VACUUM (FREEZE) the database before it stops at two billion.",
        )  # fmt: skip
    if database.longest_transaction_seconds > LONG_TRANSACTION_SECONDS:
        yield Finding(
            Level.LOOK, "upkeep", f"A transaction has been open for {lasted(database.longest_transaction_seconds)}.",
            "End it (pg_terminate_backend) if nobody needs it: it holds up autovacuum.",
        )  # fmt: skip


def connections(facts: Facts) -> Findings:
    if facts.condition is None:
        return
    used, allowed = facts.condition.connections, facts.condition.connections_allowed
    said = f"{used} of {allowed} connections are in use."
    if used >= allowed * 0.95:
        yield Finding(
            Level.WRONG,
            "connections",
            said,
            "Raise max_connections, or lower TULIA_DATABASE_POOL_SIZE of each process.",
        )
    elif used >= allowed * 0.8:
        yield Finding(Level.LOOK, "connections", said, "Raise max_connections before you add a process.")
    else:
        yield Finding(Level.OK, "connections", said)


def workers(facts: Facts) -> Findings:
    if facts.condition is None:
        return
    there = facts.condition.workers
    if not there:
        yield Finding(
            Level.WRONG, "workers", "None has said in the last half minute that it runs: nothing is sent or taken in.",
            "Start `tulia worker` (or `tulia up`), and look into its log if it ends.",
        )  # fmt: skip
        return
    versions = sorted({worker.version for worker in there})
    running = f"{len(there)} {'runs' if len(there) == 1 else 'run'}: " + ", ".join(
        f"{worker.machine} (process {worker.process_id}, {worker.sender_count} senders, {worker.silent_seconds:.0f} s ago)"
        for worker in there[:5]
    )
    if versions != [facts.machine.version]:
        yield Finding(
            Level.LOOK, "workers", f"{running}. Their version is {' and '.join(versions)}, and here it is "
            f"{facts.machine.version}.", "That is fine while an update is under way; finish it.",
        )  # fmt: skip
    else:
        yield Finding(Level.OK, "workers", f"{running}.")


def queue(facts: Facts) -> Findings:
    if facts.condition is None:
        return
    jobs, callbacks = facts.condition.jobs, facts.condition.callbacks
    if jobs.stalled:
        yield Finding(
            Level.LOOK, "jobs", f"{jobs.stalled} were being done by a worker that is gone.",
            "A worker gives them back within seconds; if they stay, none runs.",
        )  # fmt: skip
    yield _lag("jobs", "background jobs", jobs.waiting, jobs.oldest_seconds)
    yield _lag("callbacks", "callbacks", callbacks.waiting, callbacks.oldest_seconds)


def _lag(about: str, things: str, waiting: int, seconds: float) -> Finding:
    if seconds < LAG_LOOK_SECONDS:
        return Finding(Level.OK, about, f"{waiting} wait, none for long.")
    return Finding(
        Level.WRONG if seconds > LAG_WRONG_SECONDS else Level.LOOK, about,
        f"{waiting:,} {things} wait, the oldest for {lasted(seconds)}.",
        "Look whether a worker runs and what its log says; if all are busy, start another.",
    )  # fmt: skip


def campaigns(facts: Facts) -> Findings:
    if facts.condition is None:
        return
    forgotten = [str(one.sender_id) for one in facts.condition.senders if one.is_forgotten]
    if forgotten:
        yield Finding(
            Level.WRONG, "campaigns", f"Campaigns are sending, and nobody sends for sender {listed(tuple(forgotten))}.",
            "Look into the log of a worker for that id; a worker takes a sender within a second when it can.",
        )  # fmt: skip
    late = facts.condition.late_starts + facts.condition.late_audiences
    if late:
        yield Finding(
            Level.WRONG, "campaigns", f"{late} are over a minute late with their start or their audience.",
            "Look whether a worker runs, and what it logs.",
        )  # fmt: skip
    if not forgotten and not late:
        sending = facts.condition.campaigns.get("sending")
        yield Finding(Level.OK, "campaigns", f"{sending.count if sending else 0} are sending, none is left alone.")


def senders(facts: Facts) -> Findings:
    for one in facts.paused:
        yield Finding(
            Level.LOOK, "senders", f"Sender {one.sender_id} of {one.tenant} is paused: {one.reason}",
            f'When that is settled: PATCH /v1/senders/{one.sender_id} {{"is_paused": false}}, and resume its campaigns.',
        )  # fmt: skip


def breakers(facts: Facts) -> Findings:
    if facts.condition is None:
        return
    for one in facts.condition.senders:
        if one.breaker_state != "closed" and one.sending_campaigns:
            yield Finding(
                Level.LOOK, "senders", f"Nothing gets through for sender {one.sender_id}: {one.breaker_reason}",
                "It is tried again by itself; if it stays so, look at the network and at the provider's status page.",
            )  # fmt: skip


def simulator(facts: Facts) -> Findings:
    if facts.machine.simulator_problem:
        yield Finding(
            Level.LOOK, "simulator", f"{facts.machine.simulator_url} doesn't answer: {facts.machine.simulator_problem}.",
            "Start it (`tulia simulator`), or unset TULIA_SIMULATOR_URL; real senders don't need it.",
        )  # fmt: skip
    elif facts.machine.simulator_url:
        yield Finding(Level.OK, "simulator", f"{facts.machine.simulator_url} answers.")


def unseen(facts: Facts) -> Findings:
    if facts.condition_problem:
        yield Finding(
            Level.WRONG, "work", f"What waits and who works can't be told: {facts.condition_problem}.",
            "Put right what stands above, and ask again.",
        )  # fmt: skip


CHECKS: tuple[Callable[[Facts], Findings], ...] = (
    settings, data_dir, disk, reachable, role, migrations, clock, upkeep, secret_key, public_url, connections, workers,
    queue, campaigns, senders, breakers, simulator, unseen,
)  # fmt: skip


def listed(names: tuple[str, ...]) -> str:
    """The first three, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / _GB:.1f} GB" if count >= _GB else f"{count / 1024**2:.0f} MB"


def lasted(seconds: float) -> str:
    """A time in words."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.0f} h"
