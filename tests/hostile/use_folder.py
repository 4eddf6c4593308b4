"""A process that does everything with model folders that reads them, and says what came of it.

It reads the path of an intact model, then one path of a folder a line, and answers with a line of
JSON each. The bounds of memory and time are small, so that a giant is refused soon.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from likewise.model import onnx_session
from likewise.model.folder import check_model_folder
from likewise.model.model import Model
from likewise.report import render, write
from likewise.sources.arrays import Arrays
from likewise.tasks.evaluate import evaluate
from likewise.tasks.monitor import monitor
from likewise.tasks.verify import verify
from tests.hostile.guard import Watch, attempt, bound, peak_megabytes

PATIENCE_SECONDS = 2.0
ARENA_BYTES = 384 << 20
SPACE_MEGABYTES = 2500


def digest(*values: Any) -> str:
    parts = [v.tobytes() if isinstance(v, np.ndarray) else repr(v).encode() for v in values]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def source_for(kind: str) -> Arrays:
    random = np.random.default_rng(0)
    names = [f"stranger{row // 2}" for row in range(8)]
    if kind == "image":
        return Arrays.of(random.integers(0, 256, (8, 24, 24)).astype(np.uint8), names)
    series = [random.normal(size=(20 + row, 2)).astype(np.float32) for row in range(8)]
    return Arrays.of(series, names)


def use(folder: Path, source: Arrays, *, page: bool) -> dict[str, dict[str, Any]]:
    """Everything that reads a model folder; what the intact model gives too is its value."""
    raws = [source.items().read(row) for row in (0, 1)]
    loaded: list[Model] = []

    def load() -> str:
        loaded.append(Model(folder))
        return digest(loaded[0].manifest.kind, loaded[0].manifest.claim, loaded[0].dim)

    done = {"load": attempt(load)}
    done["target"] = attempt(lambda: check_model_folder(folder, overwrite=True))
    if not loaded:
        return done
    model = loaded[0]
    actions: dict[str, Callable[[], Any]] = {
        "embed one": lambda: digest(*(model.embed_one(raw, "item") for raw in raws)),
        "embed": lambda: digest(model.embed(source.items()).vectors),
        "verify": lambda: digest(asdict(verify(model, *raws))),
        "verify by distance": lambda: digest(asdict(verify(model, *raws, comparator="distance"))),
        "calibrations": lambda: digest(dict(model.calibrations)),
        "references": lambda: digest(
            *(part for one in model.references.values() for part in (one.vectors, one.units))
        ),
        "monitor": lambda: digest(asdict(monitor(model, source))),
        "trained on": lambda: digest(
            {role: sorted(found) for role, found in model.trained_on.items.items()},
            {role: sorted(found) for role, found in model.trained_on.identities.items()},
        ),
        "files": lambda: [len(model.read(role)) for role in model.manifest.files] and "",
        "evaluate": lambda: report(model, source, page=page),
    }
    done |= {name: attempt(action) for name, action in actions.items()}
    return done


class _Reader(HTMLParser):
    """Reads a page as a browser does, and refuses markup that came with the model."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if any(name.startswith("on") or value == "x" for name, value in attributes):
            raise AssertionError(f"the page holds markup of the model's: {tag} {attributes}")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.startswith("canary"):
            raise AssertionError("the page holds a script of the model's")


def report(model: Model, source: Arrays, *, page: bool) -> str:
    evaluation = evaluate(model, source)
    made = write.report_of(model, evaluation, (), data={}, rerun=())
    if page:
        shown = render(made)
        shown.encode()
        _Reader().feed(shown)
    return digest(evaluation.verification.points, made.epochs, made.recipe)


def main() -> None:
    fence, allowed, pages = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "pages"
    onnx_session.PATIENCE_SECONDS = PATIENCE_SECONDS
    onnx_session.memory_bytes = lambda: int(ARENA_BYTES / onnx_session.MEMORY_SHARE)
    sources = {kind: source_for(kind) for kind in ("image", "series")}
    watch = Watch(fence, allowed)
    bounded = False
    for line in sys.stdin:
        plain = json.loads(line)
        folder, kind = Path(plain["folder"]), plain["kind"]
        peak_megabytes(reset=True)
        before = peak_megabytes()
        # The intact model comes first, and what it imports is no deed of a hostile one's.
        watch.on = bounded
        done = use(folder, sources[kind], page=pages)
        watch.on = False
        answer = {"done": done, "seen": watch.seen, "grown_mb": peak_megabytes() - before}
        watch.seen = []
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if not bounded:
            bound(SPACE_MEGABYTES)
            bounded = True
    # A run that was given up may still be under way.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
