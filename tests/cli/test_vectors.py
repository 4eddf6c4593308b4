"""Vectors, from the command line to the model folder: features of somebody's, or measurements."""

import json
from pathlib import Path

import numpy as np
import pytest

from likewise.model.model import Model
from likewise.types import Form

DIM = 6


def vectors(*, first: int = 0, count: int = 70, each: int = 5) -> tuple[np.ndarray, list[str]]:
    """Vectors around one of their own for each identity; the last number says nothing."""
    rows, names = [], []
    for identity in range(first, first + count):
        centre = np.random.default_rng(identity).normal(size=DIM)
        for item in range(each):
            noise = np.random.default_rng([identity, item]).normal(size=DIM)
            rows.append(centre + 0.05 * noise + [0, 0, 0, 0, 0, 100 * noise[0]])
            names.append(f"thing{identity}")
    return np.array(rows), names


def archive(path: Path, **which: int) -> Path:
    """An .npz that says what it holds."""
    items, names = vectors(**which)
    np.savez(path, items=items, identities=names, kind="vector")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe
    from likewise.sources.arrays import Arrays

    folder = tmp_path_factory.mktemp("vectors")
    source = Arrays(str(archive(folder / "things.npz")))
    recipe = Recipe.for_kind("vector").with_settings(
        ["encoder=mlp(dim=8, hidden=32)", "epochs=10", "learning_rate=0.005",
         "sampler=classes_by_items(classes=10, items=4)"]
    )  # fmt: skip
    run_experiment(recipe, source, out=folder / "model")
    return folder / "model"


def test_train_on_a_table_of_lists(likewise, tmp_path) -> None:
    items, names = vectors(count=30)
    lines = [
        json.dumps({"item": row, "label": name})
        for row, name in zip(items.tolist(), names, strict=True)
    ]
    (tmp_path / "things.jsonl").write_text("\n".join(lines))
    code, text, err = likewise(
        "train", f"table({str(tmp_path / 'things.jsonl')!r}, kind='vector')", "--out",
        tmp_path / "model", "--encoder", "linear(dim=4)", "--epochs", "2",
        "--sampler", "classes_by_items(classes=6, items=4)",
    )  # fmt: skip
    assert code == 0, err
    assert "FAR" in text
    made = Model(tmp_path / "model")
    assert (made.kind, made.transform.form, made.dim) == ("vector", Form.VECTORS, 4)
    assert made.transform.shape.sizes == (DIM,)
    assert 'class="series"' in (tmp_path / "model" / "report.html").read_text()


def test_verify_reads_text_and_arrays_alike(likewise_json, likewise, trained, tmp_path) -> None:
    items, _ = vectors(first=500, count=3, each=2)
    for row, one in enumerate(items):
        (tmp_path / f"{row}.csv").write_text(",".join(map(repr, one.tolist())))
        np.save(tmp_path / f"{row}.npy", one)
    same = likewise_json("verify", trained, tmp_path / "0.csv", tmp_path / "0.npy")
    assert same["distance"] == pytest.approx(0, abs=1e-5)
    found = likewise_json("verify", trained, tmp_path / "0.csv", tmp_path / "1.npy")
    other = likewise_json("verify", trained, tmp_path / "0.csv", tmp_path / "2.npy")
    assert (found["verdict"], other["verdict"]) == ("same", "different")
    (tmp_path / "short.csv").write_text("1,2,3")
    code, _, err = likewise("verify", trained, tmp_path / "0.csv", tmp_path / "short.csv")
    assert code == 2
    assert "short.csv has 3 numbers, and the vectors learned from have 6" in err


def test_enrol_and_identify(likewise, likewise_json, trained, tmp_path) -> None:
    kept, asked = tmp_path / "kept", tmp_path / "asked.npy"
    items, names = vectors(first=500, count=6, each=3)
    np.save(asked, items[0])
    for row, (one, name) in enumerate(zip(items[1:], names[1:], strict=True)):
        (kept / name).mkdir(parents=True, exist_ok=True)
        np.save(kept / name / f"{row}.npy", one)
    gallery = tmp_path / "things.db"
    code, _, err = likewise("enrol", trained, gallery, f"folder({str(kept)!r}, kind='vector')")
    assert code == 0, err
    found = likewise_json("identify", trained, gallery, asked)
    assert found["candidates"][0]["identity"] == "thing500"


def test_audit_and_evaluate(likewise_json, trained, tmp_path) -> None:
    strangers = archive(tmp_path / "strangers.npz", first=900, count=20)
    audited = likewise_json("audit", strangers, "--out", tmp_path / "audit.html")
    assert {"length of the vector", "its numbers in 64 steps (probe)"} <= {
        clue["name"] for clue in audited["clues"]
    }
    found = likewise_json("evaluate", trained, strangers)
    assert found["verification"]["eer"] < 0.1


def test_vectors_of_unequal_lengths_are_named(likewise, tmp_path) -> None:
    lines = [{"item": [1.0] * (3 if row == 3 else 2), "label": f"x{row // 2}"} for row in range(6)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    code, _, err = likewise("audit", f"table({str(tmp_path / 't.jsonl')!r}, kind='vector')")
    assert code == 2
    assert "row 4 (line 4): a vector has 3 numbers, and those before it have 2" in err
