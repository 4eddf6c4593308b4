"""What ties the code to one operating system is found by reading it; none but Linux was tried.

Every use of a call that Windows lacks, of a path of Linux and of a slash between names stands in
`ALLOWED` with its form on Windows, or with the reason why it is no path.
"""

import ast
import ntpath
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from likewise.data.given import files_given
from likewise.data.spec import source_spec
from likewise.errors import BadSpec, SourceNotFound
from likewise.gallery import Gallery
from likewise.gallery.request import store_spec
from likewise.io.display import printable
from likewise.registry import Spec
from likewise.results import Embeddings
from likewise.sources import FAMILY
from likewise.sources.tabular.listed import WHOLE_PATH
from likewise.stores.rows import Pin
from likewise.types import Items

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "likewise"
TREES = {
    path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}

POSIX_MODULES = {
    *("crypt", "curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "spwd"),
    *("syslog", "termios", "tty"),
}
POSIX_CALLS = re.compile(
    r"""os\.(
      fork|forkpty|register_at_fork|getuid|geteuid|getgid|getegid|getgroups|setuid|setgid|setsid
    | getpgid|getpgrp|setpgid|killpg|chown|fchown|lchown|chroot|mkfifo|mknod|sysconf|confstr
    | pathconf|fpathconf|sched_\w+|statvfs|fstatvfs|fsync|fdatasync|posix_\w+|pread|preadv|pwrite
    | pwritev|readv|writev|sendfile|nice|getloadavg|uname|wait|wait3|wait4|waitid|WNOHANG|getrusage
    | O_DIRECTORY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC|O_SYNC|O_DSYNC|O_DIRECT|O_NOCTTY|memfd_create
    | symlink|link|chflags|set_blocking|ctermid|ttyname|openpty|pipe2|dup3|lockf|sync|kill
    )|signal\.(
      SIGKILL|SIGHUP|SIGQUIT|SIGUSR1|SIGUSR2|SIGALRM|SIGPIPE|SIGCHLD|SIGSTOP|SIGCONT|alarm|pause
    | setitimer|pthread_\w+|sigwait\w*|siginterrupt|set_wakeup_fd
    )|time\.(tzset|clock_gettime)|socket\.AF_UNIX|(mmap\.)?(MAP_\w+|PROT_\w+)""",
    re.VERBOSE,
)
FORKING = re.compile(
    r"(multiprocessing|mp)\.(Pool|Process|Queue|Manager|set_start_method|get_context)"
    r"|get_context|set_start_method|ProcessPoolExecutor"
)
UNIX_PATH = re.compile(r"/(proc|sys|dev|tmp|etc|var|usr|bin|home|run|opt)(/.*)?")
WRITTEN = {"read_text": 0, "write_text": 1, "TextIOWrapper": 1}
"""What is given before the encoding, where that is given by its place."""
BINARY = {
    *("os.open", "Image.open", "Pillow.open", "archive.open", "self._database.open"),
    "formatter.write_text",
}
"""What opens no text file: bytes, a gallery, the terminal."""
TEMPORARY = {"TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"}

NAMED = (
    "names what is inside a source, an archive or a model, whose parts a slash divides everywhere"
)
URL = "a URL"
ALLOWED = {
    "io/atomic.py:_sync": "fsync of a file, which Windows has; of a folder, see sync_folder",
    "io/atomic.py:_sync_data": "os.fsync, where there is no fdatasync",
    "io/bounded.py:memory_bytes": "where there is no os.sysconf, 8 GiB are taken for the memory",
    "io/bounded.py:": "the limits of a container, which nobody finds elsewhere",
    "io/cores.py:cores": "os.cpu_count, where there is no sched_getaffinity",
    "report/write.py:_processor": "platform.processor, where there is no such file",
    "data/download.py:fetch": URL,
    "stores/postgres/server.py:Server.__init__": URL,
    "results/schemas.py:_of_type": "a reference within a JSON Schema",
    "learn/loop/checkpoint.py:prefixed": "the name of a tensor",
    "learn/loop/checkpoint.py:under": "the name of a tensor",
    "learn/loop/checkpoint.py:optimizer_tensors": "the name of a tensor",
    "model/leakage.py:_identities": "what is hashed of an identity",
    "model/model.py:beside": "the name of a calibration",
    "model/files.py:foreign_file": NAMED,
    "io/display.py:shown_place": URL,
    "sources/layout.py:identity_folders": NAMED,
    "sources/layout.py:_found": NAMED,
    "sources/characters.py:Characters.items": NAMED,
    "sources/files.py:Files.place_of": NAMED,
    "sources/files.py:_ZipReader.__call__": NAMED,
    "sources/files.py:_listed": NAMED,
    "sources/folder.py:Folder.items": NAMED,
    "sources/omniglot.py:Omniglot.items": NAMED,
    "sources/omniglot.py:_open": NAMED,
    "sources/omniglot.py:official_runs": NAMED,
}


def called(node: ast.AST) -> str:
    """A name with its attributes; empty for anything else."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def within(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the function or class that it stands in."""
    for node in ast.iter_child_nodes(tree):
        inner = name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{name}.{node.name}".strip(".")
        yield inner, node
        yield from within(node, inner)


def constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def is_glued(node: ast.AST) -> bool:
    """Whether it puts names together with a slash."""
    if isinstance(node, ast.JoinedStr):
        said = [constant(part) for part in node.values]
        return any(
            (one is None and str(other or "").startswith("/"))
            or (other is None and str(one or "").endswith("/"))
            for one, other in pairwise(said)
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        texts = [constant(side) for side in (node.left, node.right)]
        return any(isinstance(one, str) and one.strip("/") != one for one in texts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "join" and constant(node.func.value) in ("/", "\\")
    return called(node) in {"os.sep", "os.path.sep", "os.altsep"}


def is_posix(node: ast.AST) -> bool:
    """Whether Windows has no such call, module or path."""
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in POSIX_MODULES for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        whole = {f"{node.module}.{alias.name}" for alias in node.names}
        return node.module in POSIX_MODULES or any(map(POSIX_CALLS.fullmatch, whole))
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return UNIX_PATH.fullmatch(node.value) is not None
    return POSIX_CALLS.fullmatch(called(node)) is not None


def is_forking(node: ast.AST) -> bool:
    """Whether it starts a process by a fork, or by whatever is usual on a machine."""
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return node.module == "multiprocessing" and bool(names & {"Pool", "Process", "Manager"})
    if not isinstance(node, ast.Call):
        return False
    if called(node.func).endswith("os.fork"):
        return True
    if not FORKING.fullmatch(called(node.func)):
        return False
    told = [*node.args, *(keyword.value for keyword in node.keywords)]
    inner = [part for one in told for part in ast.walk(one)]
    return not any(constant(part) == "spawn" for part in inner)


def has_no_encoding(node: ast.AST) -> bool:
    """Whether it reads or writes a text as the machine is set to."""
    if not isinstance(node, ast.Call) or called(node.func) in BINARY:
        return False
    keywords = {keyword.arg: constant(keyword.value) for keyword in node.keywords}
    if "encoding" in keywords:
        return False
    name = called(node.func).rpartition(".")[2] or getattr(node.func, "attr", "")
    if name in TEMPORARY:
        return "b" not in str(keywords.get("mode", "w+b"))
    if name in WRITTEN:
        return len(node.args) <= WRITTEN[name]
    modes = [*map(constant, node.args), keywords.get("mode")]
    plain = called(node.func) in {"open", "os.fdopen"} or isinstance(modes[0], str | None)
    texts = not any(isinstance(one, str) and "b" in one for one in modes)
    return name in {"open", "fdopen"} and plain and texts


def found(trees: dict[str, ast.Module], *checks: Callable[[ast.AST], bool]) -> dict[str, str]:
    """Module and function → the first of their lines that a check finds."""
    places: dict[str, str] = {}
    for module, tree in trees.items():
        for name, node in within(tree):
            if any(check(node) for check in checks):
                places.setdefault(f"{module}:{name}", f"{node.lineno}: {ast.unparse(node)[:90]}")
    return places


def test_what_windows_lacks_has_its_form_there() -> None:
    places = found(TREES, is_posix, is_glued)
    assert {place: line for place, line in places.items() if place not in ALLOWED} == {}
    # What is gone leaves the list, too.
    assert [place for place in ALLOWED if place not in places] == []


def test_nothing_forks() -> None:
    trees = TREES | {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("benchmarks", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    assert len(trees) > len(TREES) + 20
    assert found(trees, is_forking) == {}


def test_every_text_is_read_and_written_with_its_encoding() -> None:
    assert found(TREES, has_no_encoding) == {}


@pytest.mark.parametrize(
    ("line", "check"),
    [
        ("import fcntl", is_posix),
        ("from resource import getrusage", is_posix),
        ("from os import fork", is_posix),
        ("os.getuid()", is_posix),
        ("flags = os.O_DIRECTORY", is_posix),
        ("os.kill(1, signal.SIGKILL)", is_posix),
        ("os.fsync(folder)", is_posix),
        ("Path('/proc/self/status')", is_posix),
        ("f'{folder}/{name}'", is_glued),
        ("f'{folder}/a.png'", is_glued),
        ("f'models/{name}'", is_glued),
        ("folder + '/a.png'", is_glued),
        ("'models/' + name", is_glued),
        ("'/'.join(parts)", is_glued),
        ("folder + os.sep + name", is_glued),
        ("os.fork()", is_forking),
        ("multiprocessing.Pool(2)", is_forking),
        ("from multiprocessing import Pool", is_forking),
        ("get_context('fork')", is_forking),
        ("get_context()", is_forking),
        ("ProcessPoolExecutor(2)", is_forking),
        ("open('a')", has_no_encoding),
        ("open('a', 'w')", has_no_encoding),
        ("path.open()", has_no_encoding),
        ("path.open('w')", has_no_encoding),
        ("path.read_text()", has_no_encoding),
        ("path.write_text(text)", has_no_encoding),
        ("tempfile.NamedTemporaryFile(mode='w')", has_no_encoding),
        ("io.TextIOWrapper(file)", has_no_encoding),
    ],
)
def test_each_sort_is_found(line: str, check: Callable[[ast.AST], bool]) -> None:
    assert found({"a.py": ast.parse(line)}, check).keys() == {"a.py:"}


@pytest.mark.parametrize(
    "line",
    [
        "folder / name",
        "getattr(os, 'O_NONBLOCK', 0)",
        "getattr(os, 'fdatasync', os.path)",
        "f'{one} / {other}'",
        "ProcessPoolExecutor(2, get_context('spawn'))",
        "open('a', encoding='utf-8')",
        "open('a', 'rb')",
        "path.open('rb')",
        "path.read_text(encoding='utf-8')",
        "tempfile.TemporaryFile(prefix='a')",
        "Image.open(io.BytesIO(raw))",
    ],
)
def test_what_is_portable_is_left_alone(line: str) -> None:
    assert found({"a.py": ast.parse(line)}, is_posix, is_glued, is_forking, has_no_encoding) == {}


@pytest.mark.parametrize(
    ("path", "linux", "windows"),
    [
        ("a.png", False, False),
        ("people/a.png", False, False),
        ("/data/a.png", True, True),
        ("C:\\data\\a.png", False, True),
        ("c:/data/a.png", False, True),
        ("\\\\server\\share\\a.png", False, True),
        ("C:a.png", False, False),
    ],
)
def test_which_paths_of_a_table_stand_by_themselves(path: str, linux: bool, windows: bool) -> None:
    assert [re.match(one, path) is not None for one in WHOLE_PATH] == [linux, windows]


def test_files_on_several_drives_have_no_folder_in_common(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    assert files_given([tmp_path / "a.png"]).items().namespace == printable(tmp_path.name)
    monkeypatch.setattr(os.path, "commonpath", ntpath.commonpath)
    monkeypatch.setattr(os.path, "abspath", lambda path: f"{str(path)[-1]}:\\data")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "b.png").write_bytes(b"")
    two = [tmp_path / "a.png", tmp_path / "one" / "b.png"]
    assert files_given(two).items().namespace == "files"


def test_a_windows_path_in_a_spec_is_what_was_written(tmp_path) -> None:
    path = r"C:\data\new faces"
    for spec in (f"folder:{path}", str(Spec("folder", (path,))), f"folder(r'{path}')"):
        assert Spec.parse(spec) == Spec("folder", (path,))
        assert FAMILY.build(spec).path == path
    with pytest.raises(BadSpec, match="is no spec"):
        Spec.parse(r"folder('C:\data')")
    # One letter and a colon are a drive, and no name of a source.
    with pytest.raises(SourceNotFound, match="there is no file or folder"):
        source_spec(path)
    assert store_spec(r"C:\people.db") == str(Spec("sqlite", (r"C:\people.db",)))


def test_a_name_that_the_terminal_has_no_letters_for_is_printed(tmp_path) -> None:
    pin = Pin("a" * 64, "euclidean", 2)
    with Gallery(tmp_path / "people.db", pin=pin) as gallery:
        items = Items.build("made", ["\u9234"], "image", ["\u9234.png"], [b""].__getitem__)
        gallery.enrol(Embeddings(np.ones((1, 2), dtype=np.float32), pin.fingerprint, items))
    done = subprocess.run(
        [sys.executable, "-m", "likewise", "gallery", "list", tmp_path / "people.db"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u9234.png" in done.stdout
