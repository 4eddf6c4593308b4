"""What all workers of a run have in common: a folder, and what the first of them has made in it."""

import os
import pickle
import shutil
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from likewise.learn.experiment import Experiment

LONGEST = 240


def folder_of(factory: pytest.TempPathFactory) -> Path:
    """The folder of this run that all its workers see; LIKEWISE_SHARED is one of several runs."""
    if kept := os.environ.get("LIKEWISE_SHARED"):
        return Path(kept)
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def experiment(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], "Experiment"]
) -> "Experiment":
    """An experiment that one worker runs and all use, each with a copy of the model's folder.

    Args:
        factory: Gives folders.
        name: What it is called.
        make: Runs it, given the folder of the model to write.
    """
    from likewise.learn.experiment import Experiment
    from likewise.model.model import Model

    place, own = folder_of(factory) / f"shared-{name}", factory.mktemp("models") / name
    kept, model, failed = place / "results", place / "model", place / "failed"
    try:
        place.mkdir()
    except FileExistsError:
        until = time.monotonic() + LONGEST
        while not kept.exists() and not failed.exists() and time.monotonic() < until:
            time.sleep(0.05)
        if not kept.exists():  # whoever made it says why
            return make(own)
        shutil.copytree(model, own)
        return Experiment(model=Model(own), **pickle.loads(kept.read_bytes()))
    try:
        made = make(own)
        results = {one.name: getattr(made, one.name) for one in fields(made) if one.name != "model"}
        shutil.copytree(own, model)
        written = place / "being written"
        written.write_bytes(pickle.dumps(results))
    except BaseException:
        failed.touch()
        raise
    written.replace(kept)
    return made
