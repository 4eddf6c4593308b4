"""Somebody's ONNX encoder becomes a model, or is refused in words."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from likewise.calibration.fit import fit_calibration
from likewise.calibration.json_format import to_json
from likewise.data.cache import decode_all
from likewise.errors import (
    BadArgument,
    DamagedModel,
    LikewiseError,
    ModelExists,
    SourceNotFound,
    UnfitEncoder,
)
from likewise.model.folder import update_model
from likewise.model.leakage import LeakageRecord
from likewise.model.model import Model
from likewise.pairs.choose import choose_pairs
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.tasks.evaluate import measure_model
from likewise.tasks.verify import verify
from likewise.tasks.wrap import wrap
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Claim
from likewise.wrapping import graph_edit
from tests.hostile import onnx_files

COLOR = "image(size=16, color=True)"


def stranger(
    *,
    shape=(1, 3, 16, 16),
    given="input.1",
    output="583",
    rank=2,
    kind=TensorProto.FLOAT,
    domains=(),
    version=10,
):
    """An encoder as exporters write them: its own names, a batch of one."""
    random = np.random.default_rng(0)
    numbers = np.float16 if kind == TensorProto.FLOAT16 else np.float32
    kernel = random.normal(size=(8, 3, 3, 3)).astype(numbers)
    matrix = random.normal(size=(8, 5)).astype(numbers)
    last = "flat" if rank == 4 else output
    nodes = [
        # The names of the house stand for other things here.
        helper.make_node("Conv", ["picture", "kernel"], ["c"], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["embedding"]),
        helper.make_node("GlobalAveragePool", ["embedding"], ["p"]),
        helper.make_node("Flatten", ["p"], ["inputs"]),
        helper.make_node("MatMul", ["inputs", "matrix"], [last]),
    ]
    last_channels = shape[-1] == 3
    first = ("Transpose", {"perm": [0, 3, 1, 2]}) if last_channels else ("Identity", {})
    nodes.insert(0, helper.make_node(first[0], [given], ["picture"], **first[1]))
    sizes = [shape[0], 5]
    if rank == 4:
        nodes.append(helper.make_node("Unsqueeze", ["flat", "axes"], [output]))
        sizes += [1, 1]
    graph = helper.make_graph(
        nodes,
        "torch_jit",
        [
            helper.make_tensor_value_info(given, kind, shape),
            # Before version 4 of the format weights stood among the inputs.
            *(
                helper.make_tensor_value_info(name, kind, weights.shape)
                for name, weights in (("kernel", kernel), ("matrix", matrix))
                if version < 4
            ),
        ],
        [helper.make_tensor_value_info(output, kind, sizes)],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(matrix, "matrix"),
            *([numpy_helper.from_array(np.array([2, 3]), "axes")] if rank == 4 else []),
        ],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in domains)]
    return helper.make_model(graph, ir_version=version, opset_imports=opsets)


def written(path, model):
    path.write_bytes(model.SerializeToString())
    return path


def renamed(data: bytes) -> onnx.ModelProto:
    """Our own exported encoder as a stranger's: other names, a batch of one, more declared."""
    model = onnx.ModelProto.FromString(data)
    graph_edit.rename(model.graph, "inputs", "input.1")
    graph_edit.rename(model.graph, "embedding", "583")
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.ClearField("value_info")
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    return model


@pytest.fixture(scope="session")
def wrapped(image_model, tmp_path_factory):
    """Our own image model, wrapped as if a stranger's."""
    place = tmp_path_factory.mktemp("wrapped")
    state = image_model.transform.state
    return wrap(
        written(place / "encoder.onnx", renamed(image_model.read("encoder.main"))),
        place / "model",
        transform="image(size=16, invert=True)",
        distance=image_model.manifest.distance,
        mean=state["mean"],
        std=state["std"],
    )


def test_our_own_encoder_wrapped_gives_equal_embeddings_and_decisions(
    wrapped, image_model, strangers, tmp_path
):
    source = Folder(str(strangers))
    theirs, ours = (model.embed(source.items()) for model in (wrapped, image_model))
    assert np.array_equal(theirs.vectors, ours.vectors)
    with decode_all(source.items(), image_model.transform) as decoded:
        tables = {}
        for model in (wrapped, image_model):
            compared = choose_pairs(model.embed_decoded(decoded), decoded.items, model.distance)
            tables[model.folder] = fit_calibration(compared, Claim.NEW_IDENTITIES, "logistic")
        assert tables[wrapped.folder] == tables[image_model.folder]
        folders = []
        for model in (wrapped, image_model):
            folder = tmp_path / model.folder.parent.name
            shutil.copytree(model.folder, folder)
            made = to_json({"default": tables[model.folder]})
            update_model(folder, {"calibration": made})
            folders.append(Model(folder))
        first, second = (
            verify(model, *sorted(strangers.glob("*/*/*.png"))[:2]) for model in folders
        )
        assert first == second
        measured = [measure_model(model, decoded, "strangers").verification for model in folders]
    assert measured[0].points == measured[1].points
    assert (measured[0].eer, measured[0].auc) == (measured[1].eer, measured[1].auc)


def test_every_command_works_on_a_wrapped_model(wrapped, strangers, likewise, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(wrapped.folder, model)
    some, *_ = pictures = sorted(strangers.glob("*/*/*.png"))
    code, _, err = likewise("verify", model, some, pictures[1])
    assert (code, "NotCalibrated" in err) == (2, True)
    code, out, err = likewise("calibrate", model, strangers, "--share", "0.6")
    assert code == 0, err
    code, out, err = likewise("verify", model, some, pictures[1])
    assert code == 0, err
    code, out, err = likewise("embed", model, strangers, "--out", tmp_path / "e.npz")
    assert code == 0, err
    # What calibrated it is remembered, though what trained it is not known.
    code, _, err = likewise("evaluate", model, strangers)
    assert (code, "Leak" in err) == (2, True)
    code, out, err = likewise("evaluate", model, strangers, "--allow-overlap")
    assert code == 0, err
    assert "Whether the encoder behind these distances learned from these items" in out
    page = (model / "evaluation-strangers.html").read_text()
    assert "the encoder was made elsewhere, and wrapped" in page
    with pytest.raises(DamagedModel, match=r"no file for 'weights'.*A wrapped encoder has none"):
        Model(model).read("weights")


def test_the_command(tmp_path, likewise, likewise_json):
    path = written(tmp_path / "encoder.onnx", stranger())
    out = tmp_path / "model"
    words = ("wrap", path, "--transform", COLOR, "--out", out)
    found = likewise_json(*words)
    assert (found["exit"], found["dim"], found["kind"]) == (0, 5, "image")
    code, _, err = likewise(*words)
    assert (code, "holds a model already" in err) == (2, True)
    code, text, err = likewise(*words, "--mean", "0.5,0.4,0.3", "--std", "0.5", "--overwrite")
    assert (code, "not calibrated yet" in text) == (0, True), err
    assert Model(out).transform.state == {"mean": [0.5, 0.4, 0.3], "std": [0.5] * 3}
    code, _, err = likewise(*words[:-1], tmp_path / "other", "--mean", "half")
    assert (code, "numbers between commas" in err) == (2, True)
    assert not (tmp_path / "other").exists()


PICTURE = np.random.default_rng(1).integers(0, 255, (20, 20, 3)).astype(np.uint8)


def by_hand(model: onnx.ModelProto, picture) -> np.ndarray:
    """What ONNX Runtime gives of the encoder as it was, fed by hand."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    pixels = TRANSFORMS.build(COLOR).decode(picture, "picture")[None].astype(np.float32) / 255
    given = session.get_inputs()[0]
    pixels = pixels.transpose(0, 2, 3, 1) if given.shape[-1] == 3 else pixels
    kind = np.float16 if given.type == "tensor(float16)" else np.float32
    found = session.run(None, {given.name: pixels.astype(kind)})[0]
    return found.reshape(1, -1).astype(np.float32)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"given": "inputs_0", "output": "logits"},
        {"shape": ("N", 3, "H", "W")},
        {"shape": (1, 16, 16, 3)},
        {"rank": 4},
        {"domains": ("ai.onnx.ml", "com.microsoft")},
        {"version": 3},
        {"kind": TensorProto.FLOAT16},
    ],
)
def test_what_exporters_write_is_understood(changes, tmp_path):
    theirs = stranger(**changes)
    layout = (
        "nhwc" if theirs.graph.input[0].type.tensor_type.shape.dim[3].dim_value == 3 else "nchw"
    )
    path = written(tmp_path / "encoder.onnx", theirs)
    model = wrap(path, tmp_path / "model", transform=COLOR, layout=layout)
    one = model.embed_one(PICTURE, "picture")
    off = 1e-2 if changes.get("kind") == TensorProto.FLOAT16 else 1e-5
    assert one == pytest.approx(by_hand(theirs, PICTURE), abs=off)
    assert model.dim == 5
    assert model.manifest.distance == "cosine"
    assert model.trained_on == LeakageRecord(Claim.NEW_IDENTITIES, model.trained_on.salt, {}, {})
    # The batch is free now.
    batch = Arrays.of(np.stack([PICTURE, PICTURE[::-1]]), ["a", "b"])
    assert model.embed(batch.items()).vectors[0] == pytest.approx(one[0], abs=off)


def test_an_input_that_has_our_name_already(tmp_path):
    made = stranger()
    for old, new in (("inputs", "flat_0"), ("embedding", "relu"), ("input.1", "inputs")):
        graph_edit.rename(made.graph, old, new)
    graph_edit.rename(made.graph, "583", "embedding")
    path = written(tmp_path / "encoder.onnx", made)
    model = wrap(path, tmp_path / "model", transform=COLOR)
    assert model.embed_one(PICTURE, "picture") == pytest.approx(by_hand(made, PICTURE), abs=1e-5)


def two_outputs():
    made = stranger()
    made.graph.output.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, [1, 8, 16, 16]))
    return made


def statistics():
    """An encoder whose batch statistics let one item change another."""
    made = stranger(shape=("N", 3, 16, 16))
    graph_edit.rename(made.graph, "583", "before")
    made.graph.output[0].name = "583"
    made.graph.initializer.append(numpy_helper.from_array(np.array([0]), "rows"))
    made.graph.node.append(helper.make_node("ReduceMean", ["before"], ["mean"], axes=[0]))
    made.graph.node.append(helper.make_node("Sub", ["before", "mean"], ["583"]))
    return made


def fixed_batch(*shapes):
    """An encoder that reshapes one item, as `x.view(1, -1)` is exported."""
    made = stranger()
    graph_edit.rename(made.graph, "583", "before0")
    made.graph.output[0].name = "583"
    for place, shape in enumerate(shapes):
        target = "583" if place == len(shapes) - 1 else f"before{place + 1}"
        made.graph.initializer.append(numpy_helper.from_array(np.array(shape), f"s{place}"))
        node = helper.make_node("Reshape", [f"before{place}", f"s{place}"], [target])
        made.graph.node.append(node)
    return made


@pytest.mark.parametrize("shape", [[1, 5], [1, -1]])
def test_a_batch_of_one_in_a_shape_is_freed(shape, tmp_path):
    made = fixed_batch(shape)
    model = wrap(written(tmp_path / "e.onnx", made), tmp_path / "model", transform=COLOR)
    batch = Arrays.of(np.stack([PICTURE[::-1], PICTURE]), ["a", "b"])
    found = model.embed(batch.items()).vectors[1]
    assert found == pytest.approx(by_hand(made, PICTURE)[0], abs=1e-5)


def whole_numbers():
    return stranger(kind=TensorProto.UINT8)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (stranger(), {"transform": "image(size=16)"}, r"Write --transform 'image\(size=16, color="),
        (stranger(shape=(1, 3, 112, 112)), {}, r"takes \[1 3 112 112\].*image\(size=112, color=T"),
        (stranger(shape=(1, 16, 16, 3)), {}, r"channels stand last: add --layout nhwc"),
        (stranger(shape=(1, 3, 16, 24)), {}, r"makes square images"),
        (stranger(), {"output": "584"}, r"gives '583', and none is '584'. Name one with --output"),
        (stranger(), {"inputs": "x"}, r"takes 'input.1', and none is 'x'"),
        (stranger(), {"lengths": "x"}, r"--lengths x is for series"),
        (stranger(), {"transform": "sequence"}, r"takes no lengths"),
        (two_outputs(), {}, r"gives '583', 'c'. Name one with --output"),
        (two_outputs(), {"output": "c"}, r"gives \[1 8 16 16\] as 'c'.*with its pooling"),
        (statistics(), {}, r"depends on what it is embedded with.*evaluation mode"),
        (fixed_batch([5], [1, 5]), {}, r"does not run on a batch of two items.*free batch axis"),
        (whole_numbers(), {}, r"takes numbers of the type 2 "),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(model, options, message, tmp_path):
    path = written(tmp_path / "encoder.onnx", model)
    with pytest.raises(UnfitEncoder, match=message):
        wrap(path, tmp_path / "model", **{"transform": COLOR, **options})
    assert not (tmp_path / "model").exists()


def test_files_and_arguments_that_are_none(tmp_path):
    path = written(tmp_path / "encoder.onnx", stranger())
    out = tmp_path / "model"
    with pytest.raises(SourceNotFound, match=r"no file '.*absent.onnx'"):
        wrap(tmp_path / "absent.onnx", out, transform=COLOR)
    with pytest.raises(UnfitEncoder, match=r"no plain file"):
        wrap(tmp_path, out, transform=COLOR)
    (tmp_path / "text.onnx").write_text("not ONNX at all")
    with pytest.raises(UnfitEncoder, match=r"no ONNX file that can be read"):
        wrap(tmp_path / "text.onnx", out, transform=COLOR)
    with pytest.raises(BadArgument, match=r"std is 0, and one number or 3.*positive"):
        wrap(path, out, transform=COLOR, std=[0])
    with pytest.raises(BadArgument, match=r"mean is 1, 2, and one number or 3"):
        wrap(path, out, transform=COLOR, mean=[1, 2])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(ModelExists, match=r"no model and not empty"):
        wrap(path, tmp_path / "full", transform=COLOR)
    assert not out.exists()


def test_series_with_lengths_and_without(series_experiment, tmp_path):
    ours = series_experiment.model
    theirs = onnx.ModelProto.FromString(ours.read("encoder.main"))
    for old, new in (("inputs", "x"), ("lengths", "n"), ("embedding", "y")):
        graph_edit.rename(theirs.graph, old, new)
    state = ours.transform.state
    model = wrap(
        written(tmp_path / "encoder.onnx", theirs),
        tmp_path / "model",
        transform="sequence",
        distance=ours.manifest.distance,
        channels=2,
        mean=state["mean"],
        std=state["std"],
    )
    series = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    assert np.array_equal(model.embed_one(series, "x"), ours.embed_one(series, "x"))


def hostile(secret):
    families = {
        "giants": onnx_files.giants(),
        "loops": onnx_files.loops(),
        "domains": onnx_files.domains(),
        "outside": onnx_files.outside(secret),
        "lying": onnx_files.lying(),
    }
    return [(f"{family}: {name}", m) for family, all_of in families.items() for name, m in all_of]


# What is declared and used by nothing is left out.
HARMLESS = {"domains: com.microsoft declared only", "lying: two payloads"}
# They run for long, or ask for all memory that one may have; the slow suite tries them all.
HEAVY = ("giants",)


def refused(model, folder) -> str:
    """What is said of a hostile encoder; nothing may be left of it."""
    path = written(folder / "encoder.onnx", model)
    try:
        wrap(path, folder / "model", transform="image(size=16)")
    except LikewiseError as error:
        assert not (folder / "model").exists()
        return type(error).__name__
    return ""


def test_hostile_encoders_are_refused(tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"secret" * 100)
    accepted = set()
    for name, model in hostile(tmp_path / "secret.bin"):
        if not name.startswith(HEAVY):
            folder = tmp_path / name.replace(" ", "-").replace(":", "")
            folder.mkdir()
            if not refused(model, folder):
                accepted.add(name)
    assert accepted == HARMLESS


# How much memory there is depends on the machine, and is fixed with the first graph of a process.
WRAP_IN_LITTLE_MEMORY = """
import os, pathlib, sys
from likewise.model import onnx_session
from likewise.errors import LikewiseError
from likewise.tasks.wrap import wrap

onnx_session.memory_bytes = lambda: int(384 * 2**20 / onnx_session.MEMORY_SHARE)
for path in map(pathlib.Path, sys.argv[1:]):
    try:
        wrap(path, path.with_suffix(""), transform="image(size=16)")
        print("wrapped", path.stem)
    except LikewiseError:
        print("left something" if path.with_suffix("").exists() else "refused", path.stem)
sys.stdout.flush()
os._exit(0)  # runs that were given up are still at work
"""
IMPATIENT = """
import sys
from likewise import cli
from likewise.model import onnx_session

onnx_session.PATIENCE_SECONDS = 0.5
cli.main()
"""


@pytest.mark.slow
def test_heavy_encoders_are_refused(tmp_path):
    paths = [
        written(tmp_path / f"{name.partition(': ')[2].replace(' ', '-')}.onnx", model)
        for name, model in hostile(tmp_path / "secret.bin")
        if name.startswith(HEAVY)
    ]
    assert len(paths) > 5
    done = subprocess.run(
        [sys.executable, "-c", WRAP_IN_LITTLE_MEMORY, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"refused {path.stem}" for path in paths]


@pytest.mark.slow
def test_a_run_that_was_given_up_does_not_abort_the_command(tmp_path):
    (model,) = (m for name, m in onnx_files.giants() if name == "product of large matrices")
    path = written(tmp_path / "encoder.onnx", model)
    words = ["wrap", str(path), "--out", str(tmp_path / "m"), "--transform", "image(size=16)"]
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "did not come to an end within" in done.stderr
    assert "terminate" not in done.stderr


def test_damaged_bytes_are_refused_or_harmless(tmp_path):
    whole = stranger().SerializeToString()
    random = np.random.default_rng(0)
    for number in range(40):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 3):
            data[place] = random.integers(0, 256)
        cut = len(data) if number % 2 else int(random.integers(1, len(data)))
        path = tmp_path / "encoder.onnx"
        path.write_bytes(bytes(data[:cut]))
        try:
            wrap(path, tmp_path / f"model{number}", transform=COLOR)
        except LikewiseError as error:
            assert str(error)


def test_it_is_written_as_json_that_a_model_reads(wrapped):
    plain = json.loads((wrapped.folder / "trained_on.json").read_text())
    assert (plain["identities"], plain["items"]) == ({}, {})
    assert sorted(wrapped.manifest.files) == ["encoder.main", "trained_on", "transform"]
