"""The seam: what a person has in Python is taken as it is, or refused with the forms that are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.data.inputs import as_source, source_named, spec_given
from likewise.data.item import as_item
from likewise.errors import BadArgument, DamagedSource, SourceNotFound, WrongKind
from likewise.sources.arrays import Arrays

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (6, 28, 28)).astype(np.uint8)
NAMES = ["a", "a", "b", "b", "c", "c"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[Path]:
    """Files of the six images."""
    folder = tmp_path_factory.mktemp("pictures")
    for row, image in enumerate(GREY):
        Image.fromarray(image).save(folder / f"{row}.png")
    return [folder / f"{row}.png" for row in range(6)]


def shown(source) -> list[bytes]:
    """Every item as the plain transform opens it."""
    from likewise.transforms import FAMILY

    items = source.items()
    opens = FAMILY.build({"image": "image", "series": "series"}.get(items.kind, "vector"))
    return [opens.original(items.read(row), "it").tobytes() for row in range(len(items))]


def frames(columns):
    """The same frame of pandas, of polars and of Arrow."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    return [pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)]


def test_every_form_of_images_is_the_same_source(paths, tmp_path):
    import torch

    np.savez(tmp_path / "set.npz", items=GREY, identities=NAMES)
    (tmp_path / "list.csv").write_text("item\n" + "\n".join(map(str, paths)) + "\n")
    forms = [
        GREY,
        list(GREY),
        GREY / 255,
        GREY.astype(np.int64),
        torch.from_numpy(GREY)[:, None] / 255,
        [Image.fromarray(image) for image in GREY],
        [Image.open(path) for path in paths],
        [path.read_bytes() for path in paths],
        paths,
        tuple(map(str, paths)),
        np.array([str(path) for path in paths]),
        paths[0].parent,
        f"folder({str(paths[0].parent)!r})",
        Arrays.of(GREY, NAMES),
        Arrays.of(GREY, NAMES).items(),
        tmp_path / "set.npz",
        str(tmp_path / "set.npz"),
        *frames({"item": [str(path) for path in paths]}),
    ]
    wanted = [image.tobytes() for image in GREY]
    for form in forms:
        source = as_source(form)
        assert source.items().kind == "image"
        assert shown(source) == wanted, form
    assert shown(as_source(paths[2])) == wanted[2:3]
    assert shown(as_source(Image.open(paths[2]))) == wanted[2:3]


def test_labels_stand_beside_items_of_any_form(paths):
    frame = frames({"item": [str(path) for path in paths], "label": NAMES})
    for many in (GREY, list(GREY), paths, frame[0][["item"]], frame[0]["item"]):
        for labels in (NAMES, tuple(NAMES), np.array(NAMES), frame[0]["label"], frame[1]["label"]):
            assert as_source((many, labels)).items().identities.tolist() == NAMES
    for one in frame:
        assert as_source(one).items().identities.tolist() == NAMES
    whole = [0, 0, 1, 1, 2, 2]
    for numbers in (whole, np.array(whole, float), np.array(whole, np.int8)):
        assert as_source((GREY, numbers)).items().identities.tolist() == list("001122")
    with pytest.raises(BadArgument, match="6 items and 3 labels were given"):
        as_source((GREY, [1, 2, 3]))
    with pytest.raises(BadArgument, match="The labels are float64, and one name or whole number"):
        as_source((GREY, np.linspace(0, 1, 6)))


def test_two_items_of_one_axis_are_no_labels():
    assert len(as_source((np.arange(5.0), np.arange(5.0))).items()) == 2


def test_pairs_of_any_form(paths):
    first, second, said = [0, 0, 3], [1, 2, 4], [True, False, True]
    for many in (GREY, paths, [Image.fromarray(image) for image in GREY]):
        forms = [
            ([many[row] for row in first], [many[row] for row in second], said),
            [(many[a], many[b], same) for a, b, same in zip(first, second, said, strict=True)],
            ([many[row] for row in first], [many[row] for row in second], np.array([1, 0, 1])),
        ]
        for form in forms:
            table = as_source(form).items()
            assert len(table) == 5
            assert table.pairs.same.tolist() == [1, 0, 1]
            ends = np.stack([table.pairs.first, table.pairs.second], axis=1)
            assert [table.identities[a] == table.identities[b] for a, b in ends] == [True] * 3
            assert len(set(table.identities.tolist())) == 2
            kept = [
                GREY[row].tobytes() for a, b in zip(first, second, strict=True) for row in (a, b)
            ]
            got = shown(as_source(form))
            assert [got[row] for row in ends.ravel()] == kept
    with pytest.raises(DamagedSource, match="Pair 1 is an item and itself"):
        as_source((GREY[:2], GREY[[2, 1]], [1, 0]))
    with pytest.raises(DamagedSource, match="Pairs 0 and 1 are the same two items"):
        as_source((GREY[[0, 1]], GREY[[1, 0]], [1, 0]))
    with pytest.raises(BadArgument, match="2 first items, 2 second items and 3 answers"):
        as_source((GREY[:2], GREY[2:4], [1, 0, 1]))
    with pytest.raises(BadArgument, match=r"0\.5 was said, and True or False"):
        as_source((GREY[:2], GREY[2:4], [0.5, 1.0]))


def test_series_and_vectors():
    assert as_source([[1, 2, 3], [4, 5]]).items().kind == "series"
    assert as_source([np.arange(5.0), np.arange(7.0)]).items().kind == "series"
    assert as_source(np.ones((4, 9))).items().kind == "series"
    assert as_source(np.ones((4, 9)), kind="vector").items().kind == "vector"
    assert as_source(GREY / 255).note == (
        "float64 [28, 28] taken for an image; values 0 to 1 become pixels 0 to 255"
    )


def test_what_arrays_are_taken_for_is_logged():
    import logging

    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logger = logging.getLogger("likewise")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        as_source(GREY / 255)
        as_source(GREY)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert told == ["float64 [28, 28] taken for an image; values 0 to 1 become pixels 0 to 255"]


def test_a_kind_is_told_to_arrays_in_a_file(tmp_path):
    np.savez(tmp_path / "set.npz", items=np.ones((4, 9)), identities=list("aabb"))
    path = tmp_path / "set.npz"
    assert as_source(path).items().kind == "series"
    assert as_source(path, kind="vector").items().kind == "vector"
    assert spec_given(path, kind="vector").endswith("kind='vector')")
    assert as_source("characters", kind="image").items().kind == "image"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (5, r"an int \(5\)"),
        (None, "a NoneType"),
        ({"a": 1}, r"a dict"),
        ([], "an empty list"),
        (np.float64(3.0), "a float64"),
        (["a.png", np.zeros(3)], "a list of ndarray and str"),
        ([1.0, 2.0], r"a list of float \(a list of numbers is one item: write \[item\]\)"),
        ([None, None], "a list of NoneType"),
    ],
)
def test_what_is_no_source_names_the_forms(given, named):
    with pytest.raises(BadArgument, match=rf"^{named}.* was given as items, and one of these is"):
        as_source(given)


def test_an_open_file_is_no_source(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with (tmp_path / "a.txt").open() as file, pytest.raises(BadArgument, match="the path of a fol"):
        as_source(file)


def test_what_is_not_there_is_said_to_be_missing():
    for given in ("nothere", "nothere/", Path("nothere"), "no where"):
        with pytest.raises(SourceNotFound, match=r"^there is no file or folder 'no"):
            as_source(given)
    with pytest.raises(SourceNotFound, match=r"'x\.png', 'y\.png' \(2 of 2 paths\)"):
        as_source(["x.png", "y.png"])


def test_columns_of_other_names(tmp_path, paths):
    columns = {"photo": [str(path) for path in paths], "who": NAMES}
    for frame in frames(columns):
        with pytest.raises(
            DamagedSource, match=r"no column 'item'. It has 'photo', 'who'.*columns="
        ):
            as_source(frame).items()
        named = as_source(frame, columns={"item": "photo", "label": "who"}).items()
        assert named.identities.tolist() == NAMES
    frames(columns)[0].to_csv(tmp_path / "table.csv", index=False)
    told = as_source(tmp_path / "table.csv", columns={"item": "photo", "label": "who"})
    assert told.items().identities.tolist() == NAMES
    with pytest.raises(BadArgument, match="columns were given for a list, and"):
        as_source(paths, columns={"item": "photo"})
    with pytest.raises(BadArgument, match="'characters' is no table"):
        as_source("characters", columns={"item": "photo"})


def test_a_frame_without_rows_or_with_what_no_table_holds():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DamagedSource, match="no column 'item'"):
        as_source(pandas.DataFrame({"x": [1]})).items()
    odd = pandas.DataFrame({"item": [object(), object()], "label": ["a", "b"]})
    with pytest.raises(BadArgument, match="the column 'item' holds what no table can"):
        as_source(odd).items()


def test_one_item_of_any_form(paths):
    import torch

    wanted = GREY[1].tobytes()
    forms = [paths[1], str(paths[1]), paths[1].read_bytes(), GREY[1], GREY[1] / 255]
    forms += [Image.open(paths[1]), torch.from_numpy(GREY[1]), GREY[1].tolist()]
    for form in forms:
        raw, _ = as_item(form, "image", "the first item")
        assert shown(as_source([raw], kind="image")) == [wanted]
    assert as_item(paths[1], "image", "it")[1] == str(paths[1])
    for wrong in (5, None, {"a": 1}, [], object()):
        with pytest.raises(
            BadArgument, match=r"^The probe .*one item is expected: the path of a fi"
        ):
            as_item(wrong, "image", "the probe")
    with pytest.raises(BadArgument, match="The probe: The values of these images run from"):
        as_item(np.full((4, 4), -1.0), "image", "the probe")
    with pytest.raises(SourceNotFound, match=r"There is no file .nothere\.png."):
        as_item("nothere.png", "image", "the probe")


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "HSV"]
)
def test_a_picture_of_any_mode_is_read_as_its_file(mode, tmp_path):
    from likewise.transforms import FAMILY

    values = RANDOM.integers(0, 256, (20, 16, 3)).astype(np.uint8)
    if mode in {"I;16", "I", "F"}:
        deep = values[:, :, 0].astype(np.float32) * (1 if mode == "F" else 250)
        kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        image = Image.fromarray(deep.astype(kinds[mode]))
    else:
        image = Image.fromarray(values).convert(mode)
    assert image.mode == mode
    path = tmp_path / "a.tif"
    (image.convert("RGB") if mode == "HSV" else image).save(path)
    opens = FAMILY.build("image")
    raw, _ = as_item(image, "image", "it")
    assert np.array_equal(opens.original(raw, "it"), opens.original(path.read_bytes(), "it"))


def test_words_of_a_command_line(paths):
    assert len(source_named(str(paths[0])).items()) == 1
    assert len(source_named("characters").items()) > 100


def test_files_of_two_kinds_are_refused_when_they_are_used(tmp_path, paths):
    (tmp_path / "a.npy").write_bytes(b"")
    items = as_source([paths[0], tmp_path / "a.npy"]).items()
    with pytest.raises(WrongKind, match="'image', 'series'"):
        _ = items.kind
