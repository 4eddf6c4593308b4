"""The help says what is true: its examples run, its defaults are the real ones, and it is quick."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.completion import Shells

from likewise.calibration.calibration import TARGETS
from likewise.cli import app, completion
from likewise.io.progress import Counter
from likewise.recipe.recipe import Recipe
from likewise.registry import families
from likewise.types import Claim
from tests.conftest import glyphs, waves

GROUP = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)
ACTIONS = sorted(GROUP.commands["gallery"].commands)
# A group has a cover, and each of its actions a page.
PAGES = [(name,) for name in COMMANDS if name != "gallery"]
PAGES += [("gallery", action) for action in ACTIONS]
BIN = Path(sys.executable).parent
# What is fetched from a network, and an unfinished run, are not there; the rest is.
NOT_RUN = (
    "likewise data omniglot",
    "likewise train",
    "likewise tune",
    "likewise --install",
    "likewise evaluate",
    "likewise dedupe new/",
)


def page(*words: str) -> str:
    context = GROUP.make_context("likewise", [], resilient_parsing=True)
    command = GROUP
    for word in words:
        command = command.commands[word]
        context = command.make_context(word, [], parent=context, resilient_parsing=True)
    return command.get_help(context)


def written(text: str, section: str) -> list[str]:
    """The lines of a section of a page."""
    found = re.search(rf"^{section}:\n((?:  .*\n?)+)", text, re.MULTILINE)
    assert found, f"no section {section!r}"
    return [line.strip() for line in found[1].splitlines()]


def examples() -> list[str]:
    pages = [page(), page("gallery"), *(page(*words) for words in PAGES)]
    lines = [line for text in pages for line in written(text, "Examples") + written(text, "Next")]
    return sorted(set(lines))


def words_of(example: str) -> list[str]:
    words = shlex.split(example.partition(" && ")[0])
    assert words[0] == "likewise"
    return words[1:]


@pytest.mark.parametrize("words", PAGES)
def test_a_page_says_everything(words):
    text, name = page(*words), " ".join(words)
    assert text.startswith(f"Usage: likewise {name} [OPTIONS]")
    headings = re.findall(r"^(\w[^\n]*):$", text, re.MULTILINE)
    assert headings[0] == "Arguments"
    assert headings[-2:] == ["Exit codes", "Next"]
    assert "Examples" in headings
    assert all(line.startswith(f"likewise {name}") for line in written(text, "Examples"))
    assert {line.partition(" ")[0] for line in written(text, "Exit codes")} >= {"0", "2"}
    assert max(map(len, text.splitlines())) < 80
    assert "Writes" in headings or "Nothing is written" in " ".join(text.split())


@pytest.mark.parametrize("words", [(), ("gallery",)])
def test_a_cover_lists_every_command_whole(words):
    text = page(*words)
    listed = written(text, "Commands")
    group = GROUP.commands[words[0]] if words else GROUP
    assert [line.split()[0] for line in listed] == list(group.commands)
    assert {line.partition(" ")[0] for line in written(text, "Exit codes")} >= {"0", "2"}
    assert re.findall(r"^(\w[^\n]*):$", text, re.MULTILINE)[-2:] == ["Exit codes", "Next"]
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)
    assert max(map(len, text.splitlines())) < 80


def test_a_command_without_words_shows_the_help(likewise):
    assert likewise()[:2] == (0, page() + "\n")


@pytest.mark.parametrize("example", examples())
def test_examples_can_be_parsed(example):
    words = words_of(example)
    context = GROUP.make_context("likewise", [], resilient_parsing=True)
    if words[0].startswith("--"):
        assert words[0] in completion.OPTIONS
        assert words[1] in completion.SHELLS
        return
    command = GROUP.commands[words.pop(0)]
    if hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    if "--help" not in words:
        made = command.make_context(command.name, words, parent=context)
        assert made.params


@pytest.fixture
def workplace(image_model, strangers, tmp_path, monkeypatch):
    """A folder in which the things that the examples name are there."""
    shutil.copytree(image_model.folder, tmp_path / "model")
    shutil.copytree(strangers, tmp_path / "others")
    picture = next(strangers.glob("*/*/0.png")).read_bytes()
    (tmp_path / "images" / "one").mkdir(parents=True)
    for name in ("a.png", "b.png", "images/one/a.png"):
        (tmp_path / name).write_bytes(picture)
    for name in ("images", "others"):
        shutil.make_archive(str(tmp_path / name), "zip", tmp_path, name)
    (tmp_path / "encoder.onnx").write_bytes(image_model.read("encoder.main"))
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 3)
    noise = random.normal(size=(120, 8))
    vectors = random.normal(size=(40, 8))[labels] + 0.3 * noise
    np.savez(tmp_path / "vectors.npz", vectors=vectors, labels=labels)
    rows = [f"a{i},b{i},{i % 2},{random.random()}" for i in range(60)]
    (tmp_path / "comparisons.csv").write_text("\n".join(["id1,id2,same,distance", *rows]) + "\n")
    (tmp_path / "goods.csv").write_text("item,label,season\na.png,a,winter\nb.png,b,summer\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.documents
def test_examples_run(workplace, likewise):
    run = [one for one in examples() if not one.startswith(NOT_RUN)]
    assert len(run) >= 10
    # First, since nothing is measured on what calibrated.
    for example in ["likewise evaluate model/ others.zip --report others.html --no-examples", *run]:
        code, out, err = likewise(*words_of(example))
        assert code == 0, (example, err)
        assert out
    assert {path.name for path in workplace.glob("e.*")} >= {"e.npz", "e.npy", "e.parquet"}
    assert (workplace / "others.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("example", [e for e in examples() if e.startswith("likewise train")])
def test_examples_of_training_run(example, workplace, likewise):
    if "--resume" in example or "--help" in example or "omniglot" in example:
        pytest.skip("needs an unfinished run, or a download")
    drawings = glyphs(workplace / "faces", count=60, each=4)
    series, names = waves(count=30, each=6)
    np.savez(workplace / "gestures.npz", items=np.stack([s[:24] for s in series]), identities=names)
    places = sorted(drawings.glob("*/*"))
    rows = ["first,second,same"]
    for one, two in zip(places[::2], places[1::2], strict=True):
        rows += [f"{one}/0.png,{one}/{i}.png,1" for i in (1, 2, 3)]
        rows += [f"{one}/{i}.png,{two}/{i}.png,0" for i in range(4)]
    (workplace / "pairs.csv").write_text("\n".join(rows) + "\n")
    (workplace / "tuned.toml").write_text(Recipe(source="folder('faces/')").to_toml())
    words = [*words_of(example), "--overwrite", "--set", "steps=3"]
    if "--budget" in words:
        at = words.index("--budget")
        del words[at : at + 2]
    code, out, err = likewise(*words)
    assert code == 0, err
    assert "report:" in out


def test_the_defaults_are_the_real_ones():
    said = {one.name: str(one.show_default) for one in GROUP.commands["train"].params}
    plain = Recipe.for_kind("image")
    for field in ("transform", "encoder", "distance", "loss", "sampler", "augment", "epochs"):
        assert said[field] == "as in the recipe"
    for field in ("claim", "seed", "precision"):
        assert said[field] == str(getattr(plain, field))
    assert not plain.matcher
    assert not plain.budget_seconds


def test_allowed_values_are_all_named():
    train, verify = (" ".join(page(name).split()) for name in ("train", "verify"))
    assert all(claim.value in train for claim in Claim)
    assert ", ".join(map(str, TARGETS[:-1])) + f" or {TARGETS[-1]}" in verify
    assert ", ".join(list(families())[:-1]) + f" or {list(families())[-1]}" in " ".join(
        page("list").split()
    )
    assert tuple(shell.value for shell in Shells) == completion.SHELLS


def test_the_help_imports_nothing_heavy():
    program = (
        "import json, sys\nfrom likewise.cli import main\nsys.argv = ['likewise', 'train', "
        "'--help']\ntry:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = run(sys.executable, "-c", program)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "typer" in loaded
    assert not {"numpy", "onnxruntime", "PIL", "rich", "torch", "scipy", "pydantic"} & loaded


def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**clean, "PATH": f"{BIN}:{os.environ['PATH']}", **environment},
    )


def test_as_a_module():
    assert run(sys.executable, "-m", "likewise", "--help").stdout == page() + "\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_a_command(shell, likewise):
    code, script, _ = likewise("--show-completion", shell)
    assert code == 0
    assert f"_LIKEWISE_COMPLETE=complete_{shell}" in script
    found = run(
        "likewise",
        _LIKEWISE_COMPLETE=f"complete_{shell}",
        COMP_WORDS="likewise ev",
        COMP_CWORD="1",
        _TYPER_COMPLETE_ARGS="likewise ev",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert "evaluate" in found.stdout
    assert "train" not in found.stdout


def test_completion_in_a_real_shell():
    program = (
        'eval "$(likewise --show-completion bash)"; COMP_WORDS=(likewise verify --exit); '
        'COMP_CWORD=2; _likewise_completion likewise; echo "${COMPREPLY[@]}"'
    )
    assert run("bash", "-c", program).stdout == "--exit-code\n"


@pytest.mark.parametrize("words", [(), ("bash",)])
def test_completion_is_installed(words, tmp_path):
    command = shlex.join(["likewise", "--install-completion", *words])
    run("bash", "-c", f"{command}; true", HOME=str(tmp_path))
    assert "complete" in (tmp_path / ".bash_completions" / "likewise.sh").read_text()
    assert "likewise.sh" in (tmp_path / ".bashrc").read_text()


def test_an_unknown_shell_is_refused(likewise):
    code, out, err = likewise("--show-completion", "bosh")
    assert (code, out) == (2, "")
    assert "UnknownName: no shell is named 'bosh'. Did you mean 'bash'?" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--ot", "model/"), "--out"),
        (("train", "faces/"), "Missing option '--out'"),
        (("verify", "model/", "a.png"), "Missing argument 'SECOND'"),
        (("verify", "model/", "a.png", "b.png", "--far", "little"), "little"),
        (("trian", "faces/"), "trian"),
        (("embed", "model/", "images/", "--out", "e.npz", "--threads", "0"), "0 is not in"),
    ],
)
def test_what_cannot_be_parsed_is_refused_alike(words, message, likewise, likewise_json):
    code, out, err = likewise(*words)
    assert (code, out) == (2, "")
    assert err.startswith("likewise: ")
    assert message in err
    assert "Read: likewise " in err
    assert err.rstrip().endswith("--help")
    found = likewise_json(*words)
    assert (found["exit"], found["error"]) == (2, "BadUsage")
    assert message in found["message"]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_command_that_is_stopped_says_so(more, image_model, tmp_path):
    pipe = tmp_path / "never.png"
    os.mkfifo(pipe)
    command = [BIN / "likewise", "verify", image_model.folder, pipe, pipe, *more]
    started = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with pipe.open("wb"):  # opened once the command waits for what is in it
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    assert started.returncode == 130
    if more:
        told = {"error": "Stopped", "message": "It was stopped by Ctrl-C."}
        assert json.loads(out) == {"schema": 1, **told}
        assert err == ""
    else:
        assert (out, err) == ("", "likewise: stopped.\n")


def shown(monkeypatch, **environment: str) -> str:
    """What a counter writes to a pseudo-terminal."""
    for name, value in {"TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    main, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with Counter("embedding", quiet=False) as count:
            count.show(1, 2)
            count.show(2, 2)
            if count.bar is not None:
                count.bar.refresh()
    parts = []
    with os.fdopen(main, "rb", buffering=0) as there, suppress(OSError):  # at its end, EIO
        while part := there.read(65_536):
            parts.append(part)
    return b"".join(parts).decode()


def test_a_bar_moves_on_a_terminal(monkeypatch):
    text = shown(monkeypatch)
    assert "\x1b[" in text
    assert "2/2" in text


def test_a_terminal_that_moves_nothing_is_given_lines(monkeypatch):
    text = shown(monkeypatch, TERM="dumb")
    assert re.fullmatch(r"embedding: 2 of 2 items, \d+ items/s\r\n", text)


def test_no_bar_goes_to_a_file_whatever_the_environment_asks(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Counter("embedding", quiet=False) as count:
        count.show(2, 2)
    err = capsys.readouterr().err
    assert re.fullmatch(r"embedding: 2 of 2 items, \d+ items/s\n", err)


def test_a_reader_that_stops_early_ends_the_command_quietly():
    done = run("bash", "-c", "likewise list | head -1; likewise --show-completion bash | head -1")
    assert done.stdout.splitlines()[0] == "kinds"
    assert done.stderr == ""
