"""What the last version before the reorganisation wrote still opens, and says the same.

Everything here goes through the command line and the names of `likewise` itself, so that modules
may move. What may be called otherwise since stands in the tables below, old name to new, and
nowhere else.
"""

import ast
import hashlib
import json
import math
import shlex
import shutil
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tomli_w

from likewise import Model, Recipe

GOLDEN = Path(__file__).parent / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
SPECS = tomllib.loads((GOLDEN / "recipes/specs.toml").read_text(encoding="utf-8"))
MODELS = {"images": "data/few", "series": "data/even.npz", "graded": "data/few"}
MODELS |= {"ensemble": "data/few"}
CLOSE = 1e-5

# ── what may be called otherwise since ────────────────────────────────────────────────────────

WORDS: dict[str, str] = {}
"""A word of a command line, as in `--fuse` → `--by`."""
KEYS: dict[str, str] = {}
"""A key of what `--json` prints."""
FIELDS: dict[str, str] = {
    "unit": "normalize",
    "averaging": "ema_decay",
    "average_last": "swa_fraction",
    "reestimate": "update_bn_batches",
    "shares": "fractions",
    "against": "impostors",
}
"""A field of a recipe."""
COMPONENTS: dict[str, str] = {"sequence": "series"}
"""The name of a component."""
ARGUMENTS: dict[str, str] = {
    "classes_by_items.fewer": "allow_fewer",
    "ensemble.unit": "normalize",
}
"""An argument of a component by its old names, as in `classes_by_items.fewer` → `allow_fewer`."""
CHECKPOINT_FORMAT: tuple[str, int] | None = ("format", 3)
"""The key and the number of the format in a checkpoint; None while checkpoints have no number."""
CHECKPOINT_REFUSED = "an earlier version of Likewise wrote it"
"""What is said when the last version's run is gone on with by another recipe."""

# ── answers ───────────────────────────────────────────────────────────────────────────────────

# Of this machine, or of this moment.
PASSING = {"bytes", "seconds", "version"}
# What stands in a model's files comes out as it went in; these are computed for the items.
COMPUTED = {"distance", "grade", "log_likelihood_ratio", "probability"}


def differences(ours, theirs, where="", *, exact=False):
    """Where two answers differ, in words; numbers may differ a little unless they are exact."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        theirs = {KEYS.get(key, key): value for key, value in theirs.items()}
        found = [f"{where}.{key} is in one only" for key in sorted(ours.keys() ^ theirs.keys())]
        for key in theirs.keys() & ours.keys() - PASSING:
            strict = exact and key not in COMPUTED
            found += differences(ours[key], theirs[key], f"{where}.{key}", exact=strict)
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{where} has {len(ours)} and had {len(theirs)}"]
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for at, (a, b) in pairs for d in differences(a, b, f"{where}[{at}]", exact=exact)]
    numbers = type(ours) is type(theirs) is float
    if numbers and not exact and math.isclose(ours, theirs, rel_tol=CLOSE, abs_tol=1e-7):
        return []
    return [] if ours == theirs and type(ours) is type(theirs) else [f"{where}: {ours}, {theirs}"]


@pytest.fixture
def golden(tmp_path, monkeypatch):
    """A copy of the golden folder, to be in: opening a gallery may write."""
    copy = shutil.copytree(GOLDEN, tmp_path / "golden")
    monkeypatch.chdir(copy)
    return copy


def test_no_golden_file_was_changed():
    lines = (GOLDEN / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    own = {".gitattributes", "README.md", "SHA256SUMS", "commands.toml", "make.py"}
    there = {
        path.relative_to(GOLDEN).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in GOLDEN.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name: digest for name, digest in there.items() if name not in own} == listed


@pytest.mark.parametrize("command", EXPECTED, ids=[command[:60] for command in EXPECTED])
def test_a_command_answers_as_it_did(command, golden, likewise_json):
    words = [WORDS.get(word, word) for word in shlex.split(command)]
    answer = likewise_json(*words)
    assert answer.pop("exit") == 0, answer
    exact = words[0] in {"verify", "decide", "list"}
    assert differences(answer, EXPECTED[command], exact=exact) == []


def test_what_is_asked_decides_and_has_rates():
    """The golden answers are worth something: both verdicts, by points that are supported."""
    decisions = [
        (command, answer)
        for command, answer in EXPECTED.items()
        if shlex.split(command)[0] in {"verify", "decide"}
    ]
    for model in ("images", "series", "graded", "ensemble"):
        own = [answer for command, answer in decisions if command.startswith(f"verify {model} ")]
        assert {answer["verdict"] for answer in own} == {"same", "different"}, model
        assert all(answer["point"]["supported"] for answer in own), model


# ── vectors ───────────────────────────────────────────────────────────────────────────────────


EMBEDDED: dict[str, tuple[str, list[dict[str, np.ndarray]], dict[str, np.ndarray]]] = {}


@pytest.fixture(params=MODELS)
def embedded(request, golden, likewise_json, monkeypatch):
    """A model's name, what its encoder was fed and what `embed` made of the same items."""
    if request.param in EMBEDDED:
        return EMBEDDED[request.param]
    fed = []
    run = onnxruntime.InferenceSession.run

    def recorded(self, outputs, feed, *more):
        fed.append({name: array.copy() for name, array in feed.items()})
        return run(self, outputs, feed, *more)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", recorded)
    words = ("embed", request.param, MODELS[request.param], "--out", "made.npz", "--threads", "1")
    assert likewise_json(*words)["exit"] == 0
    monkeypatch.undo()
    with np.load(golden / "made.npz", allow_pickle=False) as file:
        EMBEDDED[request.param] = request.param, fed, dict(file)
    return EMBEDDED[request.param]


def test_an_encoder_is_given_the_same_numbers_bit_for_bit(embedded):
    """What the transform makes is numpy's work alone, the same on any machine."""
    model, fed, _ = embedded
    with np.load(GOLDEN / f"vectors/{model}-inputs.npz", allow_pickle=False) as file:
        before = dict(file)
    assert all(feed.keys() == before.keys() for feed in fed)
    for name, array in before.items():
        now = np.concatenate([feed[name] for feed in fed])
        assert now.dtype == array.dtype
        assert now.shape == array.shape
        assert now.tobytes() == array.tobytes()


def test_an_embedding_is_what_plain_onnx_runtime_makes_bit_for_bit(embedded):
    model, fed, made = embedded
    manifest = tomllib.loads((GOLDEN / model / "model.toml").read_text(encoding="utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        GOLDEN / model / manifest["files"]["encoder.main"]["path"],
        sess_options=options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["ConstantFolding"],
    )
    plain = np.concatenate([session.run(["embedding"], feed)[0] for feed in fed])
    assert made["vectors"].dtype == plain.dtype == np.float32
    assert made["vectors"].tobytes() == plain.tobytes()


def test_an_embedding_is_that_of_the_last_version(embedded):
    """Another processor may round otherwise in the last bits."""
    model, _, made = embedded
    with np.load(GOLDEN / f"vectors/{model}.npz", allow_pickle=False) as file:
        before = dict(file)
    np.testing.assert_allclose(made["vectors"], before["vectors"], rtol=CLOSE, atol=1e-6)
    assert made.keys() == before.keys()
    for name in before.keys() - {"vectors"}:
        assert made[name].tolist() == before[name].tolist()


@pytest.mark.parametrize("model", MODELS)
def test_a_model_opens_from_python(model):
    opened = Model(GOLDEN / model)
    with np.load(GOLDEN / f"vectors/{model}.npz", allow_pickle=False) as file:
        assert opened.fingerprint == str(file["fingerprint"])
        assert opened.dim == file["vectors"].shape[1]


# ── recipes ───────────────────────────────────────────────────────────────────────────────────

LISTS = ("augmentations", "views")
SINGLE = ("source", "transform", "encoder", "distance", "matcher", "loss", "sampler", "calibrator")


def meaning(spec, *, renamed):
    """A spec as its name and arguments, so that how it is written does not count."""
    tree = ast.parse(spec, mode="eval").body if spec.strip() else None
    if tree is None:
        return spec
    if isinstance(tree, ast.Name):
        return (COMPONENTS.get(tree.id, tree.id) if renamed else tree.id, [], {})
    assert isinstance(tree, ast.Call), spec
    assert isinstance(tree.func, ast.Name), spec
    name = tree.func.id

    def value(node):
        found = ast.literal_eval(node)
        inner = isinstance(found, str) and found.endswith(")")
        return meaning(found, renamed=renamed) if inner else found

    named = {
        (ARGUMENTS.get(f"{name}.{one.arg}", one.arg) if renamed else one.arg): value(one.value)
        for one in tree.keywords
    }
    given = [value(node) for node in tree.args]
    return (COMPONENTS.get(name, name) if renamed else name, given, named)


def fields_of(text, *, renamed):
    """What a recipe says, with specs by their meaning and, of an old one, under new names."""
    said = tomllib.loads(text)
    said.pop("format", None)
    said |= {name: meaning(said[name], renamed=renamed) for name in SINGLE}
    said |= {name: [meaning(spec, renamed=renamed) for spec in said[name]] for name in LISTS}
    return {(FIELDS.get(name, name) if renamed else name): value for name, value in said.items()}


RECIPES = [
    *(f"{model}/recipe.toml" for model in MODELS),
    *(f"recipes/{name}.toml" for name in ("everything", "series", "pairs")),
]


@pytest.mark.parametrize("path", RECIPES)
def test_a_recipe_is_read_as_it_was(path):
    recipe = Recipe.from_toml((GOLDEN / path).read_text(encoding="utf-8"))
    before = (GOLDEN / "recipes/read" / path.replace("/", "-")).read_text(encoding="utf-8")
    now = fields_of(recipe.to_toml(), renamed=False)
    assert now == fields_of(before, renamed=True)


@pytest.mark.parametrize(
    ("family", "spec"), [(family, spec) for family, specs in SPECS.items() for spec in specs]
)
def test_a_component_is_known_by_its_old_name_and_arguments(family, spec):
    field = {"losses": "loss", "augmentations": "augmentations", "views": "views"}.get(
        family, family.removesuffix("s")
    )
    said = {"matcher": "mlp", field: [spec] if field in LISTS else spec}
    recipe = Recipe.from_toml(tomli_w.dumps(said))
    now = tomllib.loads(recipe.to_toml())[FIELDS.get(field, field)]
    now = now[0] if isinstance(now, list) else now
    assert meaning(now, renamed=False) == meaning(spec, renamed=True)


# ── a run that was stopped ────────────────────────────────────────────────────────────────────

RESUME = ("train", "--out", "unfinished", "--resume", "--device", "cpu")
CHECKPOINT = "unfinished.checkpoint"


def test_a_stopped_run_of_the_last_version_is_read_or_refused_by_name(golden, likewise):
    code, _, said = likewise(*RESUME, "--set", "learning_rate=0.5")
    assert code == 2
    assert CHECKPOINT_REFUSED in said
    assert (golden / CHECKPOINT).read_bytes() == (GOLDEN / CHECKPOINT).read_bytes()
    assert not (golden / "unfinished").exists()


@pytest.mark.slow
@pytest.mark.skipif(CHECKPOINT_FORMAT is not None, reason="the last version's run is refused")
def test_a_stopped_run_of_the_last_version_goes_on(golden, likewise_json):
    assert likewise_json(*RESUME)["exit"] == 0
    assert (golden / "unfinished/model.toml").is_file()
    assert not (golden / CHECKPOINT).exists()


@pytest.mark.skipif(CHECKPOINT_FORMAT is None, reason="checkpoints have no number yet")
def test_a_checkpoint_of_another_number_is_refused_by_name(golden, likewise):
    key, number = CHECKPOINT_FORMAT
    data = (golden / CHECKPOINT).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    rest = json.loads(header["__metadata__"]["likewise.checkpoint"])
    header["__metadata__"]["likewise.checkpoint"] = json.dumps({**rest, key: number + 1})
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (golden / CHECKPOINT).write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    code, _, said = likewise(*RESUME)
    assert code == 2
    assert f"{key} {number + 1}" in said
    assert str(number) in said.replace(str(number + 1), "")
    assert not (golden / "unfinished").exists()
