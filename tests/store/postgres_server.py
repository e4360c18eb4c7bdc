"""A private PostgreSQL for tests: a new cluster in a temporary directory, on loopback and a unix socket, gone afterwards.

It does not flush to the disk (`fsync=off`): what is tested is what a database says, not whether it survives a power cut.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from common import process_tree

USER, PASSWORD, DATABASE = "monitor", "tr0ub4dor&3", "monitor"
#: Whose rights the server has where we are root, which it refuses.
UNPRIVILEGED = ("postgres", "nobody")
#: Bytes that the tests need at most.
ROOM = 4 << 30


def find_programs() -> Path | None:
    """The directory with initdb and pg_ctl of the newest version; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    program = found[-1] if found else shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def require_programs() -> Path:
    """The same; where PostgreSQL is not installed a test is skipped, and in continuous integration it fails."""
    programs = find_programs()
    if programs is None and os.environ.get("CI"):
        pytest.fail("PostgreSQL is not installed")
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    return programs


class PostgresServer:
    """A running server with one database."""

    def __init__(self, programs: Path, *options: str) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_memory()))
        self._names = itertools.count(1)
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self.port = _free_port()
        self._options = (
            f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off "
            "-c full_page_writes=off -c shared_buffers=64MB -c max_connections=60 -c wal_level=minimal -c max_wal_senders=0 "
            "-c checkpoint_timeout=30min -c max_wal_size=2GB -c logging_collector=off "
            + " ".join(f"-c {text}" for text in options)
        )
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def url(self, schema: str = "", *, password: str | None = None) -> str:
        """A STORE_URL: over the socket, or over TCP with a password; a schema of its own where one is given."""
        options = f"options=-csearch_path%3D{schema}" if schema else ""
        if password is not None:
            quoted = "".join(f"%{ord(mark):02x}" for mark in password)
            return f"postgresql://{USER}:{quoted}@127.0.0.1:{self.port}/{DATABASE}{'?' * bool(options)}{options}"
        place = f"host={self._folder}&port={self.port}"
        return f"postgresql://{USER}@/{DATABASE}?{place}{'&' * bool(options)}{options}"

    def new_schema(self) -> str:
        """The name of a schema that is empty."""
        name = f"store_{next(self._names)}"
        self.execute(f"CREATE SCHEMA {name}")
        return name

    def connect(self, schema: str = "") -> psycopg.Connection:
        """A connection of the owner of all, in autocommit mode."""
        return psycopg.connect(self.url(schema), autocommit=True)

    def execute(self, *statements: str, schema: str = "") -> None:
        """Execute statements beside the store."""
        with self.connect(schema) as connection:
            for statement in statements:
                connection.execute(statement)

    def restart(self) -> None:
        """Stop at once and start again, as after a crash."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop at once, without a word to the clients."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self._folder / "data"))

    def kill(self) -> None:
        """End all its processes with SIGKILL, as a crash of its host does."""
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Stop all its processes with SIGSTOP: the kernel takes connections and data, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def end_sessions(self) -> int:
        """End every session but our own; how many that were."""
        ended = (
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE 'domain-monitor %'"
        )
        with self.connect() as connection:
            row = connection.execute(ended).fetchone()
        return int(row[0]) if row else 0

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self._folder / "data"), "-l", log, "-o", self._options)

    def close(self) -> None:
        """End the server and remove what it wrote."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, number: int) -> None:
        main = int((self._folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        for pid in (main, *process_tree.child_pids(main)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _begin(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        self._run(
            "initdb", "-D", str(self._folder / "data"), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}",
        )  # fmt: skip
        self.start()
        with psycopg.connect(f"postgresql://{USER}@/postgres?host={self._folder}&port={self.port}", autocommit=True) as first:
            first.execute(f"CREATE DATABASE {DATABASE}")

    def _run(self, program: str, *arguments: str) -> None:
        rights = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=self._folder,
            **rights,
        )  # fmt: skip


def _memory() -> str | None:
    """A directory in memory where there is room: each test leaves a hundred files behind, which a disk removes slowly."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


def _unprivileged_user() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user without rights to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
