"""Series of several channels and unequal lengths, from the command line to the model folder."""

import json
from pathlib import Path

import numpy as np
import pytest

from likewise.model.model import Model
from likewise.tasks.embed import embed
from tests.conftest import waves


def packed(path: Path, *, first: int = 1000, count: int = 25) -> Path:
    """An .npz of waves, padded at the end, with their lengths."""
    series, names = waves(first=first, count=count)
    lengths = np.array([len(one) for one in series])
    items = np.zeros((len(series), lengths.max(), 2), np.float32)
    for row, one in zip(items, series, strict=True):
        row[: len(one)] = one
    np.savez(path, items=items, identities=names, lengths=lengths)
    return path


def as_text(values: np.ndarray, *, header: str = "", separator: str = ",") -> str:
    rows = [separator.join(f"{value:.9g}" for value in row) for row in values]
    return "\n".join([header, *rows] if header else rows) + "\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> dict[str, Path]:
    """One wave in each form that is read, and what cannot be."""
    folder = tmp_path_factory.mktemp("series")
    (wave,), _ = waves(first=1000, count=1, each=1)
    files = {
        "plain.csv": as_text(wave),
        "header.csv": as_text(wave, header="left,right"),
        "tabs.tsv": as_text(wave, header="left\tright", separator="\t"),
        "three.csv": as_text(np.repeat(wave, 2, axis=1)[:, :3]),
        "ragged.csv": "1,2\n3,4\n5\n",
        "text.csv": "1,2\n3,4\n5,six\n",
        "unlike.csv": "left,right,up\n1,2\n3,4\n",
        "empty.csv": "",
        "names.csv": "left,right\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    np.save(folder / "array.npy", wave)
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def model(series_experiment) -> Model:
    return series_experiment.model


@pytest.mark.parametrize("other", ["plain.csv", "header.csv", "tabs.tsv", "array.npy"])
def test_verify_reads_every_form_alike(likewise_json, model, pair, other) -> None:
    found = likewise_json("verify", model.folder, pair["plain.csv"], pair[other], "--exit-code")
    # Forty waves calibrate no rate.
    assert (found["exit"], found["verdict"]) == (11, "undecided")
    assert found["distance"] == pytest.approx(0, abs=1e-5)


def test_verify_tells_other_waves_of_other_lengths_apart(likewise_json, model, tmp_path) -> None:
    series, names = waves(first=2000, count=12, each=2)
    for row, one in enumerate(series):
        (tmp_path / f"{row}.csv").write_text(as_text(one))
    assert len({len(one) for one in series}) > 3
    found = {
        same: [
            likewise_json("verify", model.folder, tmp_path / f"{a}.csv", tmp_path / f"{b}.csv")
            for a, b in ((0, 1), (2, 3), (4, 5), (0, 2), (1, 4), (3, 5))
            if (names[a] == names[b]) == same
        ]
        for same in (True, False)
    }
    distances = {same: [one["distance"] for one in found[same]] for same in found}
    assert np.median(distances[True]) < np.median(distances[False])


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("three.csv", "WrongKind", "three.csv has 3 channels, and the series learned from have 2"),
        ("ragged.csv", "UnreadableItem", "line 3 has 1 columns, and those before it have 2"),
        ("text.csv", "UnreadableItem", "line 3, column 2 is 'six', which is no number"),
        ("unlike.csv", "UnreadableItem", "line 1 names 3 channels, and those below it have 2"),
        ("empty.csv", "UnreadableItem", "empty.csv cannot be read as a series: it is empty"),
        ("names.csv", "UnreadableItem", "it holds no number, only 'left,right'"),
    ],
)
def test_verify_names_what_is_wrong_with_a_series(likewise, model, pair, name, error, said) -> None:
    for files in ((pair[name], pair["plain.csv"]), (pair["plain.csv"], pair[name])):
        code, out, err = likewise("verify", model.folder, *files)
        assert (code, out) == (2, "")
        assert err.startswith(f"likewise: {error}: {pair[name]}")
        assert said in err


def embedded(likewise_json, model: Model, source: object, out: Path) -> np.ndarray:
    found = likewise_json("embed", model.folder, source, "--out", out)
    assert (found["exit"], found["failed"]) == (0, [])
    with np.load(out) as data:
        assert str(data["fingerprint"]) == model.fingerprint
        return data["vectors"]


def test_embed_reads_npz_ts_and_folders_of_text_alike(likewise_json, model, tmp_path) -> None:
    from likewise.sources.arrays import Arrays

    series, names = waves(first=1000, count=5)
    expected = embed(model, Arrays.of(series, names)).vectors
    archive = packed(tmp_path / "waves.npz", count=5)
    lines = ["@problemName waves", "@univariate false", "@dimensions 2", "@equalLength false"]
    lines += [f"@classLabel true {' '.join(sorted(set(names)))}", "@data"]
    for one, name in zip(series, names, strict=True):
        channels = [",".join(f"{value:.9g}" for value in one[:, c]) for c in range(2)]
        lines.append(":".join([*channels, name]))
    (tmp_path / "waves.ts").write_text("\n".join(lines))
    folder = tmp_path / "waves"
    for row, (one, name) in enumerate(zip(series, names, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        header = "left,right" if row % 2 else ""
        (folder / name / f"{row}.csv").write_text(as_text(one, header=header))
    for source in (archive, tmp_path / "waves.ts", folder):
        found = embedded(likewise_json, model, source, tmp_path / "e.npz")
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=str(source))


def test_embed_refuses_other_channels_by_name(likewise, model, tmp_path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for row, channels in enumerate((2, 2, 3)):
        (folder / f"{row}.csv").write_text(as_text(np.eye(9, channels)))
    code, _, err = likewise("embed", model.folder, folder, "--out", tmp_path / "e.npz")
    assert code == 2
    assert f"WrongKind: {folder}/2.csv has 3 channels, and the series learned from have 2" in err
    (tmp_path / "three.ts").write_text("@classLabel true a b\n@data\n1,2:3,4:5,6:a\n")
    code, _, err = likewise("embed", model.folder, tmp_path / "three.ts", "--out",
                            tmp_path / "e.npz")  # fmt: skip
    assert code == 2
    assert "three.ts:3 has 3 channels, and the series learned from have 2" in err
    (tmp_path / "mixed.ts").write_text("@classLabel true a b\n@data\n1,2:3,4:a\n1,2:b\n")
    code, _, err = likewise("embed", model.folder, tmp_path / "mixed.ts", "--out",
                            tmp_path / "e.npz")  # fmt: skip
    assert code == 2
    assert "mixed.ts:4: 1 channels, and 2 are expected" in err
    assert not (tmp_path / "e.npz").exists()


def test_evaluate_an_npz_and_look_at_the_lines(likewise, model, tmp_path) -> None:
    page = tmp_path / "report.html"
    archive = packed(tmp_path / "waves.npz", count=40)
    code, out, err = likewise("evaluate", model.folder, archive, "--report", page)
    assert code == 0, err
    assert "320 items of 40 identities" in out
    text = page.read_text()
    drawings = text.count('<svg class="series"')
    assert drawings >= 2
    # A line a channel, one below the other.
    assert text.count("<polyline") == 2 * drawings
    assert "2 channels below one another, each on a scale of its own" in text


@pytest.mark.slow
def test_train_on_an_npz_and_use_what_was_trained(likewise, likewise_json, pair, tmp_path) -> None:
    archive = packed(tmp_path / "waves.npz", first=0, count=40)
    out = tmp_path / "model"
    code, text, err = likewise(
        "train", archive, "--out", out, "--encoder", "conv1d(width=8, blocks=1)", "--epochs", "2",
        "--sampler", "classes_by_items(classes=6, items=4)", "--no-examples",
    )  # fmt: skip
    assert code == 0, err
    assert "equal error rate" in text
    made = Model(out)
    assert (made.kind, made.transform.shape.channels) == ("series", 2)
    found = likewise_json("verify", out, pair["plain.csv"], pair["header.csv"])
    assert found["distance"] == pytest.approx(0, abs=1e-5)
    code, _, err = likewise("verify", out, pair["three.csv"], pair["plain.csv"], "--json")
    assert code == 2


def test_train_refuses_mixed_channels_by_name(likewise, tmp_path) -> None:
    folder = tmp_path / "mixed"
    for row in range(60):
        (folder / f"p{row // 2}").mkdir(parents=True, exist_ok=True)
        wide = np.eye(9, 3 if row == 41 else 2, dtype=np.float32)
        np.save(folder / f"p{row // 2}" / f"{row}.npy", wide)
    code, out, _ = likewise("train", folder, "--out", tmp_path / "m", "--epochs", "1", "--json")
    assert code == 2
    said = json.loads(out)
    assert said["error"] == "WrongKind"
    assert said["message"].startswith(f"{folder}/p20/41.npy has 3 channels, and {folder}/p0/0.npy")
    assert not (tmp_path / "m").exists()
