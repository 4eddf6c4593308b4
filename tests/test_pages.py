"""Every block of Python on the pages about Python runs, with data under the names that they use."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import glyphs, waves

DOCS = Path(__file__).parents[1] / "docs"

pytestmark = pytest.mark.documents


@pytest.fixture
def place(tmp_path, monkeypatch) -> dict[str, object]:
    """A folder with everything that docs/python.md names, and the names that it uses."""
    monkeypatch.chdir(tmp_path)
    import matplotlib as mpl

    mpl.use("Agg")
    faces = glyphs(tmp_path / "faces", count=60, each=4)
    glyphs(tmp_path / "other", first=500, count=25, each=4)
    folders = sorted({path.parent for path in faces.rglob("*.png")})
    files = [sorted(folder.glob("*.png")) for folder in folders]
    Path("a.png").write_bytes(files[0][0].read_bytes())
    Path("b.png").write_bytes(files[0][1].read_bytes())
    images = np.stack([np.asarray(Image.open(one)) / 255 for each in files for one in each])
    np.save("images.npy", images.astype(np.float32))
    np.save("who.npy", np.repeat([folder.name for folder in folders], 4))
    series, names = waves(count=60, each=4)
    paths = []
    for row, one in enumerate(series):
        paths.append(Path(f"{row}.npy"))
        np.save(paths[-1], one)
    random = np.random.default_rng(0)
    each = random.normal(size=(60, 1, 6)) + random.normal(scale=0.2, size=(60, 4, 6))
    table = pd.DataFrame(each.reshape(240, 6)).rename(columns=str)
    table["who"] = np.repeat([f"v{one}" for one in range(60)], 4)
    lines = ["left,right,verdict"]
    for mine, theirs in zip(files[::2], files[1::2], strict=True):
        lines += [f"{mine[0]},{mine[1]},yes", f"{mine[0]},{theirs[0]},no"]
    Path("pairs.csv").write_text("\n".join(lines) + "\n")
    return {"paths": paths, "names": names, "table": table}


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def test_the_page_about_python_runs(place, capsys):
    found = blocks("python.md")
    assert len(found) >= 7
    for block in found:
        quick = re.sub(r'budget="\w+"', 'steps=3, precision="float32"', block)
        exec(quick, place)  # noqa: S102 - our own page
    out = capsys.readouterr().out
    assert re.search(r"^Decision\((same|different|undecided), distance=", out, re.MULTILINE)
    assert "Embeddings(10 x 64 of 'arrays')" in out
    assert "Evaluation(100 items of 25 identities: " in out
    assert "Matches(3, nearest " in out
    assert "Identified(" in out
    assert Path("distances.png").stat().st_size > 5000


def test_the_page_about_scikit_learn_runs(capsys):
    names: dict[str, object] = {}
    for block in blocks("sklearn.md"):
        exec(block, names)  # noqa: S102 - our own page
    first, *_ = capsys.readouterr().out.splitlines()
    assert float(first) > 0.5
