"""Research data: where it is, and fetching it, from a real server on loopback."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from likewise.data import catalog
from likewise.data.catalog import SETS, DataSet, File, data_set, places
from likewise.data.download import Patience, fetch
from likewise.errors import (
    BadArgument,
    DownloadFailed,
    MissingExtra,
    SaveFailed,
    SourceNotFound,
    UnknownName,
)
from likewise.sources import FAMILY
from likewise.sources.omniglot import Omniglot, official_runs

HASTE = Patience(timeout_seconds=5, attempts=3, pause_seconds=0.01)
BODY = bytes(range(256)) * 1000  # several chunks
DATA = os.environ.get("LIKEWISE_DATA", "")  # before every test unsets it
real = pytest.mark.skipif(not DATA, reason="LIKEWISE_DATA is not set: no research data")


class Server:
    """Files by path, what is wrong with each, and how often each was asked for."""

    def __init__(self):
        self.files, self.faults = {}, {}
        self.asked, self.release = Counter(), threading.Event()
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                own.answer(self)

            def log_message(self, *words):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()
        self.base = f"http://127.0.0.1:{self.http.server_port}/omniglot"

    def answer(self, asking):
        name = asking.path.removeprefix("/omniglot/")
        self.asked[name] += 1
        fault = self.faults.get(name, [])
        fault = fault.pop(0) if isinstance(fault, list) and fault else fault
        body = self.files.get(name)
        if body is None or isinstance(fault, int):
            asking.send_error(fault or 404)
            return
        if fault == "silent":
            self.release.wait(20)
            return
        if fault == "altered":
            body = body[:100] + b"?" + body[101:]
        asking.send_response(200)
        if fault not in ("no length", "endless"):
            asking.send_header("Content-Length", str(len(body)))
        asking.end_headers()
        half = len(body) // 2
        try:
            if fault in ("cut", "no length"):
                asking.wfile.write(body[:half])
            elif fault in ("stuck", "slow"):
                asking.wfile.write(body[:half])
                asking.wfile.flush()
                self.release.wait(20 if fault == "stuck" else 0.3)
                asking.wfile.write(body[half:])
            elif fault == "endless":
                while True:
                    asking.wfile.write(body)
            else:
                asking.wfile.write(body)
        except OSError:  # whoever asked has gone
            pass

    def close(self):
        self.release.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    found = Server()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The platform's cache, empty and for this test alone, and no folder of data."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("LIKEWISE_DATA", raising=False)
    return tmp_path / "caches" / "likewise"


def drawings(archive, characters):
    """A zip like those of Omniglot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(characters):
            for drawer in range(1, 21):
                page = io.BytesIO()
                Image.new("1", (105, 105), number % 2).save(page, "PNG")
                name = f"Greek/character{number + 1:02}/{number:04}_{drawer:02}.png"
                made.writestr(f"{archive}/{name}", page.getvalue())
    return out.getvalue()


def published(server, **contents):
    """A set of these files, served at the addresses that the real ones have."""
    addresses = {Path(file.name).stem: file for file in SETS["omniglot"].files}
    made = []
    for name, body in contents.items():
        known = addresses.get(name)
        address = known.address if known else f"{name}.zip"
        server.files[address] = body
        digest = hashlib.sha256(body).hexdigest()
        made.append(File(f"omniglot/{name}.zip", address, len(body), digest))
    return DataSet("omniglot", "MIT", "https://example.org", server.base, tuple(made))


def leaves(folder):
    return sorted(path.name for path in folder.rglob("*") if not path.is_dir())


# ── fetching ──────────────────────────────────────────────────────────────────────────────────


def test_a_set_is_fetched_once(server, cache):
    wanted = published(server, one=BODY, two=b"2")
    told = []
    there = fetch(wanted, patience=HASTE, tell=lambda file, count: told.append((file.name, count)))
    assert [(place.name, place.where, place.fetched) for place in there] == [
        ("omniglot/one.zip", "cache", True),
        ("omniglot/two.zip", "cache", True),
    ]
    assert Path(there[0].path) == cache / "omniglot" / "one.zip"
    assert Path(there[0].path).read_bytes() == BODY
    assert Path(there[1].path).read_bytes() == b"2"
    counts = [count for name, count in told if name == "omniglot/one.zip"]
    assert counts[0] == 0
    assert counts[-1] == len(BODY)
    assert len(counts) > 3
    assert counts == sorted(counts)
    assert server.asked == {"one.zip": 1, "two.zip": 1}
    again = fetch(wanted, patience=HASTE)
    assert [place.fetched for place in again] == [False, False]
    assert server.asked == {"one.zip": 1, "two.zip": 1}
    assert leaves(cache) == ["one.zip", "two.zip"]


def test_others_may_read_what_was_fetched(server, cache):
    fetch(published(server, one=BODY), patience=HASTE)
    plain = cache / "plain"
    plain.touch()
    assert (cache / "omniglot" / "one.zip").stat().st_mode == plain.stat().st_mode


def test_the_source_reads_what_was_fetched(server):
    with pytest.raises(SourceNotFound, match=r"LIKEWISE_DATA is not set.*Run: likewise data omni"):
        Omniglot().items()
    zips = {"images_background": 3, "images_evaluation": 2, "images_background_small1": 1}
    made = {name: drawings(name, characters) for name, characters in zips.items()}
    fetch(published(server, **made), patience=HASTE)
    items = Omniglot().items()
    assert len(items) == 5 * 20
    assert sorted(set(items.parts.tolist())) == ["test", "train"]
    image = Image.open(io.BytesIO(items.read(0)))
    assert image.size == (105, 105)
    assert len(Omniglot("small1").items()) == 20
    with pytest.raises(SourceNotFound, match=r"the cache \S+ holds no omniglot/all_runs\.zip"):
        official_runs()


@pytest.mark.parametrize(
    ("fault", "reason", "asked"),
    [
        ("altered", r"what came is not what was published: its SHA-256 is [0-9a-f]{64}", 3),
        ("cut", r"cut off before all of it had come", 3),
        ("no length", r"only 128000 of 256000 bytes came", 3),
        ("endless", r"more came than the 256000 bytes that were published", 3),
        (404, r"the server answered 404 Not Found\. Nothing", 1),
        (503, r"the server answered 503 .*tried 3 times", 3),
    ],
)
def test_what_does_not_arrive_whole_is_not_kept(server, cache, fault, reason, asked):
    wanted = published(server, one=BODY)
    server.faults["one.zip"] = fault
    with pytest.raises(DownloadFailed, match=reason) as caught:
        fetch(wanted, patience=HASTE)
    text = str(caught.value)
    assert f"omniglot/one.zip could not be fetched from {server.base}/one.zip" in text
    assert "Nothing of it was kept. Try again later" in text
    assert isinstance(caught.value, OSError)
    assert leaves(cache) == []
    assert server.asked["one.zip"] == asked


@pytest.mark.parametrize("fault", ["silent", "stuck"])
def test_a_silent_server_is_not_waited_for(server, cache, fault):
    wanted = published(server, one=BODY)
    server.faults["one.zip"] = fault
    began = time.monotonic()
    with pytest.raises(DownloadFailed, match=r"the server was silent for 0\.2 s \(tried 2 times\)"):
        fetch(wanted, patience=Patience(timeout_seconds=0.2, attempts=2, pause_seconds=0.01))
    assert time.monotonic() - began < 5
    assert leaves(cache) == []


def test_nobody_there(server, cache):
    wanted = published(server, one=BODY)
    server.http.server_close()
    with pytest.raises(DownloadFailed, match=r"no connection \(Connection refused\) \(tried 3"):
        fetch(wanted, patience=HASTE)
    assert leaves(cache) == []


def test_what_fails_at_first_is_tried_again(server, cache):
    wanted = published(server, one=BODY)
    server.faults["one.zip"] = [503, "cut"]
    assert [place.fetched for place in fetch(wanted, patience=HASTE)] == [True]
    assert server.asked["one.zip"] == 3
    assert (cache / "omniglot" / "one.zip").read_bytes() == BODY


def test_an_altered_file_of_the_cache_is_replaced_or_removed(server, cache):
    wanted = published(server, one=BODY)
    fetch(wanted, patience=HASTE)
    kept = cache / "omniglot" / "one.zip"
    kept.write_bytes(BODY[:-1] + b"?")
    assert [place.where for place in places(wanted)] == ["altered"]
    assert [place.fetched for place in fetch(wanted, patience=HASTE)] == [True]
    assert kept.read_bytes() == BODY
    kept.write_bytes(BODY[:-1])
    server.faults["one.zip"] = 404
    with pytest.raises(DownloadFailed, match="404"):
        fetch(wanted, patience=HASTE)
    assert leaves(cache) == []


def test_files_in_a_folder_of_ones_own_are_left_alone(server, tmp_path):
    wanted = published(server, one=BODY, two=b"2")
    target = tmp_path / "mine"
    there = fetch(wanted, target, patience=HASTE)
    assert [place.where for place in there] == ["folder", "folder"]
    assert leaves(target) == ["one.zip", "two.zip"]
    (target / "omniglot" / "one.zip").unlink()
    (target / "omniglot" / "two.zip").write_bytes(b"packed anew")
    server.asked.clear()
    with pytest.raises(DownloadFailed, match=r"two\.zip is there already and is not the published"):
        fetch(wanted, target, patience=HASTE)
    assert server.asked == {}
    assert (target / "omniglot" / "two.zip").read_bytes() == b"packed anew"


def test_likewise_data_overrides_the_cache_unchecked(server, cache, tmp_path, monkeypatch):
    wanted = published(server, one=BODY, two=b"2", images_evaluation=b"3")
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path / "own"))
    own = tmp_path / "own" / "omniglot"
    (own / "two").mkdir(parents=True)
    (own / "one.zip").write_bytes(b"packed anew")
    there = fetch(wanted, patience=HASTE)
    assert [place.where for place in there] == ["LIKEWISE_DATA", "LIKEWISE_DATA", "cache"]
    assert [Path(place.path).name for place in there[:2]] == ["one.zip", "two"]
    assert server.asked == {"images_evaluation.zip": 1}
    kept = cache / "omniglot" / "images_evaluation.zip"
    assert kept.read_bytes() == b"3"
    (own / "images_evaluation" / "Greek" / "character01").mkdir(parents=True)
    (own / "images_evaluation" / "Greek" / "character01" / "0001_01.png").touch()
    assert Omniglot("evaluation").items().places[0].startswith(str(own))


def test_two_processes_at_once(server, cache):
    wanted = published(server, one=BODY)
    server.faults["one.zip"] = "slow"
    program = (
        "from likewise.data.catalog import DataSet, File\n"
        "from likewise.data.download import fetch\n"
        f"print(fetch({wanted!r})[0].fetched)"
    )
    command = [sys.executable, "-c", program]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate(timeout=60)[0].strip() for one in both].count("True") >= 1
    assert [one.returncode for one in both] == [0, 0]
    assert leaves(cache) == ["one.zip"]
    assert (cache / "omniglot" / "one.zip").read_bytes() == BODY


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_whoever_is_stopped_leaves_nothing(server, cache, stop):
    """The command itself, since the real set may be fetched from any address."""
    first = SETS["omniglot"].files[0]
    server.files[first.address] = BODY
    server.faults[first.address] = "stuck"
    command = [sys.executable, "-m", "likewise", "data", "omniglot", "--mirror", server.base]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert "fetching omniglot/images_background.zip (9.5 MB)" in running.stderr.readline()
        deadline = time.monotonic() + 20
        while not server.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(stop)
        rest = running.stderr.read()
        assert running.wait(20) == (-signal.SIGKILL if stop == signal.SIGKILL else 130)
    assert "Traceback" not in rest
    assert leaves(cache) == []


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SaveFailed, match=r"file/omniglot could not be written"):
        fetch(published(server, one=BODY), tmp_path / "file", patience=HASTE)
    assert server.asked == {}


def test_without_pooch(server, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    wanted = published(server, one=BODY)
    for folder in (None, tmp_path / "mine"):
        with pytest.raises(MissingExtra, match=r"Run: pip install 'likewise\[data\]'"):
            fetch(wanted, folder, patience=HASTE)
    with pytest.raises(SourceNotFound, match=r"pip install 'likewise\[data\]', and then: likewise"):
        Omniglot().items()
    assert [place.where for place in places(wanted)] == ["missing"]


@pytest.mark.parametrize(
    "base", ["ftp://example.org", "example.org", "file:///tmp", "http://", "//a"]
)
def test_an_address_that_is_none(server, base):
    with pytest.raises(BadArgument, match=r"one like https://HOST/FOLDER is expected"):
        fetch(published(server, one=BODY), base=base)


# ── the table ─────────────────────────────────────────────────────────────────────────────────


def test_every_source_that_brings_its_data_is_in_the_table():
    reading = {"folder", "arrays", "table"}  # these read what a person has
    assert set(SETS) == set(FAMILY.names()) - reading
    for one in SETS.values():
        assert one.licence
        assert one.home.startswith("https://")
        assert bool(one.files) != bool(one.advice)
        assert one.base.startswith("https://") == bool(one.files)
        for file in one.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size_bytes > 0
    with pytest.raises(UnknownName, match="Did you mean 'omniglot'"):
        data_set("omniglott")


def test_the_sizes_of_what_is_shipped():
    shipped = files("likewise.sources") / "data" / "characters.bin"
    assert SETS["characters"].size_bytes == len(shipped.read_bytes())
    sklearn = Path(find_spec("sklearn").origin).parent
    digits = sklearn / "datasets" / "data" / "digits.csv.gz"
    assert SETS["digits"].size_bytes == digits.stat().st_size


@real
def test_the_checksums_are_those_of_the_published_files():
    """The three small archives are the published bytes; the two large ones are packed anew."""
    root = Path(DATA)
    for file in SETS["omniglot"].files:
        same = catalog.is_published(root / file.name, file)
        assert same == (file.size_bytes < 2_000_000), file.name


# ── the command ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small(server, monkeypatch):
    """A small set in the place of the real one."""
    wanted = published(server, images_background=drawings("images_background", 2), all_runs=b"2")
    monkeypatch.setitem(SETS, "omniglot", wanted)
    return wanted


def test_the_list(likewise, likewise_json, small, cache, tmp_path, monkeypatch):
    code, out, _ = likewise("data")
    assert code == 0
    assert "omniglot: missing\n    Handwritten characters of fifty alphabets" in out
    assert "\n    Run: likewise data omniglot\n" in out
    assert "ucr: missing\n" in out
    assert "states no licence to pass it on. Get the sets you need from its address" in out
    assert "characters: shipped\n" in out
    assert "MIT, 0.3 MB." in out
    assert "LIKEWISE_DATA: not set\n" in out
    assert f"cache: {cache}\n" in out

    fetch(small, patience=HASTE)
    (cache / "omniglot" / "all_runs.zip").unlink()
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    (tmp_path / "ucr_uea").mkdir()
    _, out, _ = likewise("data")
    assert "omniglot: omniglot/images_background.zip: cache, omniglot/all_runs.zip: missing" in out
    assert "ucr: LIKEWISE_DATA\n" in out

    listed = likewise_json("data")
    assert listed["exit"] == 0
    assert listed["LIKEWISE_DATA"] == str(tmp_path)
    assert listed["cache"] == str(cache)
    sets = {one["name"]: one for one in listed["sets"]}
    assert list(sets) == list(SETS)
    assert [sets[name]["download"] for name in sets] == [True] + [False] * 5
    assert [file["where"] for file in sets["omniglot"]["files"]] == ["cache", "missing"]
    assert sets["omniglot"]["bytes"] == small.size_bytes
    assert sets["ucr"]["files"][0]["path"] == str(tmp_path / "ucr_uea")


def test_the_command_fetches(likewise, likewise_json, small, server, cache):
    code, out, err = likewise("data", "omniglot")
    assert (code, out) == (0, "omniglot: cache; 2 of 2 files fetched\n")
    assert err.splitlines() == [
        "fetching omniglot/images_background.zip (0.0 MB)",
        "fetching omniglot/all_runs.zip (0.0 MB)",
    ]
    code, out, err = likewise("data", "omniglot")
    assert (code, out, err) == (0, "omniglot: cache\n", "")
    assert set(server.asked.values()) == {1}
    found = likewise_json("data", "omniglot")
    assert [file["fetched"] for file in found["files"]] == [False, False]
    assert found["files"][1] == {
        "name": "omniglot/all_runs.zip",
        "where": "cache",
        "path": str(cache / "omniglot" / "all_runs.zip"),
        "fetched": False,
        "bytes": 1,
        "sha256": hashlib.sha256(b"2").hexdigest(),
    }


def test_the_command_fetches_to_a_folder_from_a_mirror(likewise, small, server, cache, tmp_path):
    broken = replace(small, base="http://127.0.0.1:9")
    SETS["omniglot"] = broken
    words = ("data", "omniglot", "--to", tmp_path / "mine", "--mirror", server.base + "/")
    code, out, _ = likewise(*words)
    assert code == 0
    assert f"sources find it there with LIKEWISE_DATA={tmp_path / 'mine'}\n" in out
    assert leaves(tmp_path / "mine") == ["all_runs.zip", "images_background.zip"]
    assert not cache.exists()


def test_a_terminal_sees_a_bar(likewise, small, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "120")
    code, _, _ = likewise("data", "omniglot")
    shown = sys.stderr.getvalue()
    assert code == 0
    assert "━" in shown
    assert "omniglot/all_runs.zip" in shown
    assert "fetching" not in shown


def test_the_command_says_what_went_wrong(likewise, likewise_json, server, cache):
    code, out, err = likewise("data", "omniglot", "--mirror", server.base)
    assert (code, out) == (2, "")
    assert "likewise: DownloadFailed: omniglot/images_background.zip could not be fetched" in err
    found = likewise_json("data", "omniglot", "--mirror", server.base)
    assert (found["exit"], found["error"]) == (2, "DownloadFailed")
    assert leaves(cache) == []
    code, _, err = likewise("data", "ucr")
    assert code == 2
    assert "ucr is not there. It is not downloaded, since" in err
    assert "https://www.timeseriesclassification.com" in err
    assert likewise("data", "characters")[:2] == (0, "characters: shipped\n")
    code, _, err = likewise("data", "--to", "somewhere")
    assert code == 2
    assert "no set is named" in err


def test_help_reads_like_a_page(likewise):
    code, out, _ = likewise("data", "--help")
    assert code == 0
    for words in ("likewise data omniglot", "LIKEWISE_DATA", "SHA-256", "--mirror"):
        assert words in out


def test_the_command_loads_nothing_heavy():
    program = (
        "import json, sys, likewise.cli\n"
        "heavy = {'pooch', 'requests', 'tqdm', 'rich.progress', 'likewise.data.download'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
