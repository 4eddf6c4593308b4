"""Everything that a run needs to go on after a stop, in one file.

Tensors are safetensors and the rest is JSON in its header: no pickle. The file is replaced by a
rename, so a kill leaves the old checkpoint or the new one. A checksum covers all of it: weights of
which one bit has changed would train on as if nothing were.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from likewise import __version__
from likewise.errors import BadArgument, NothingToResume, UnfinishedRun
from likewise.io import atomic
from likewise.io.display import printable
from likewise.recipe import Recipe

_KEY = "likewise.checkpoint"
_CHECKSUM = "likewise.sha256"
FORMAT = 3
"""What a checkpoint holds, and how it is named there; 2 had no checksum, those before no number."""


@dataclass(frozen=True)
class Checkpoint:
    """A run in the middle.

    Attributes:
        tensors: Weights, averages, optimiser and random states by name.
        state: Whatever else changes, as JSON holds it.
        recipe: What is followed, as TOML.
        data: A digest of what it learns from.
    """

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]
    recipe: str
    data: str


def checkpoint_path(folder: Path) -> Path:
    """The file beside a model's folder that holds the run that makes it."""
    resolved = folder.absolute()
    return resolved.with_name(f"{resolved.name}.checkpoint")


def check_resume(path: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse, before any work is done, what could not go on or would lose an unfinished run.

    Raises:
        NothingToResume: If it shall be gone on with, and is not there.
        UnfinishedRun: If it is there, and nobody said what to do with it.
    """
    if resume and overwrite:
        raise BadArgument("Both resume and overwrite are asked for. Choose one of them.")
    if resume:
        read_checkpoint(path)
    elif path.exists() and not overwrite:
        raise UnfinishedRun(
            f"{path} holds a run that was stopped. Go on with it with --resume, or begin anew with "
            "--overwrite."
        )


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint.

    Raises:
        SaveFailed: If it cannot be written; the one before still stands.
    """
    rest = {
        "format": FORMAT,
        "likewise": __version__,
        "state": checkpoint.state,
        "recipe": checkpoint.recipe,
        "data": checkpoint.data,
    }
    # Two names may share one memory (a best network that is also the last), which the format
    # refuses.
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in checkpoint.tensors.items()}
    text = json.dumps(rest)
    atomic.replace(
        path, save_tensors(tensors, metadata={_KEY: text, _CHECKSUM: _digest(text, tensors)})
    )


def _digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """The checksum of all that a checkpoint holds."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        held = tensors[name]
        digest.update(f"\0{name}\0{held.dtype}\0{list(held.shape)}\0".encode())
        digest.update(held.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        NothingToResume: If there is none, it is not one that `write_checkpoint` made, or it is of
            another format than this version writes.
    """
    try:
        with safe_open(path, framework="pt") as file:
            written = file.metadata() or {}
            rest = dict(json.loads(written[_KEY]))
            _check_format(path, rest)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if written.get(_CHECKSUM) != _digest(written[_KEY], tensors):
            raise NothingToResume(  # noqa: TRY301 - beside the other reasons
                f"{path} is damaged: it is not as it was written. Train anew with --overwrite."
            )
        return Checkpoint(tensors, dict(rest["state"]), str(rest["recipe"]), str(rest["data"]))
    except NothingToResume:
        raise
    except FileNotFoundError:
        raise NothingToResume(
            f"There is no unfinished run to go on with: {path} is not there. Train without "
            "--resume."
        ) from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NothingToResume(
            f"{path} is no checkpoint that can be gone on with ({type(error).__name__}: {error}). "
            "Train anew with --overwrite."
        ) from error


def _check_format(path: Path, rest: Mapping[str, Any]) -> None:
    """Refuse a checkpoint of another format, whose run only the version that wrote it can finish.

    Raises:
        NothingToResume: Naming the version that wrote it.
    """
    number = rest.get("format")
    if number == FORMAT:
        return
    found = "no format number" if number is None else f"format {number!r}"
    by = "an earlier version" if number is None else "another version"
    if isinstance(writer := rest.get("likewise"), str):
        by = f"version {printable(writer)}"
    raise NothingToResume(
        f"{path} has {found}: {by} of Likewise wrote it, and this one ({__version__}) goes on with "
        f"format {FORMAT} only. Finish the run with the version that began it, or train anew with "
        "--overwrite."
    )


def resumed_recipe(folder: Path) -> Recipe:
    """Return the recipe of the stopped run that was on its way to a model's folder.

    Raises:
        NothingToResume: If there is no such run.
    """
    return Recipe.from_toml(read_checkpoint(checkpoint_path(folder)).recipe)


def prefixed(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under `name/`."""
    return {f"{name}/{key}": value for key, value in tensors.items()}


def under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that were put under `name/`."""
    start = f"{name}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of every parameter of an optimiser, by the parameter's number."""
    return {
        f"{number}/{name}": torch.as_tensor(value)
        for number, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the state that `optimizer_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def recipe_of(saved: Checkpoint, given: Recipe) -> Recipe:
    """The recipe of the run to go on with, which has settled the precision.

    Raises:
        NothingToResume: If it is another than the one given.
    """
    before = Recipe.from_toml(saved.recipe)
    settled = before if given.precision == "auto" else given
    given = replace(given, precision=settled.precision)
    names = [field.name for field in fields(Recipe)]
    changed = [name for name in names if getattr(before, name) != getattr(given, name)]
    if changed:
        raise NothingToResume(
            f"The unfinished run has another recipe: {', '.join(changed)} differ. Give only --out "
            "and --resume, or train anew with --overwrite."
        )
    return before
