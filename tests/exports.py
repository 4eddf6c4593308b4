"""One export of each architecture for all tests of a run.

Nearly all of an export's seconds go into tracing the network, which hangs on its architecture and
not on its weights. So the traced graph is kept beside the run's other files, where every worker
finds it, and of the next network of the same architecture the weights alone are put in; the graph
is then simplified as the exporter would. `export_network` compares it with torch, as it compares
every export. Tests of the exporter itself are marked `exported_anew`.
"""

import hashlib
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnx
import onnx_ir
import torch
from torch import nn

Export = Callable[..., bytes]
PLAIN = bool | int | float | complex | str | bytes | None


class Unknown(Exception):
    """Part of a module of which nobody can say what it is; such a module is exported anew."""


def told(value: Any, seen: tuple[int, ...] = ()) -> Any:  # noqa: PLR0911 - one a sort of value
    """All of a module but the numbers that it has learned, in words that two like it share."""
    if isinstance(value, PLAIN | torch.dtype | torch.device | torch.Size | type):
        return repr(value)
    if isinstance(value, weakref.ReferenceType):
        value = value()
    if isinstance(value, nn.Parameter):
        return (str(value.dtype), tuple(value.shape))
    if id(value) in seen:
        return f"again {len(seen) - seen.index(id(value))} above"
    seen = (*seen, id(value))
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest())
    if isinstance(value, Mapping):
        return [(told(key, seen), told(one, seen)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return [told(one, seen) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(str(told(one, seen)) for one in value)
    if callable(value) and hasattr(value, "__qualname__"):
        if getattr(value, "__closure__", None) or hasattr(value, "__self__"):
            raise Unknown(value)
        return f"{value.__module__}.{value.__qualname__}"
    if not hasattr(value, "__dict__"):
        raise Unknown(value)
    inside = dict(vars(value))
    if isinstance(value, nn.Module):
        for part in ("_parameters", "_buffers"):
            inside[part] = {
                name: None if one is None else (str(one.dtype), tuple(one.shape))
                for name, one in inside[part].items()
            }
        if value._non_persistent_buffers_set:
            inside["fixed"] = {
                name: value._buffers[name] for name in sorted(value._non_persistent_buffers_set)
            }
    return (f"{type(value).__module__}.{type(value).__qualname__}", told(inside, seen))


@contextmanager
def _unsimplified() -> Iterator[None]:
    export = torch.onnx.export

    def plain(*args: Any, **options: Any) -> Any:
        return export(*args, **options, optimize=False)

    with mock.patch.object(torch.onnx, "export", plain):
        yield


def _filled(graph: bytes, module: nn.Module) -> bytes:
    """The graph with this module's weights, simplified as `torch.onnx.export` does it."""
    model = onnx.load_from_string(graph)
    weights = module.state_dict()
    for constant in model.graph.initializer:
        if constant.name in weights:
            array = weights[constant.name].detach().cpu().contiguous().numpy()
            constant.CopyFrom(onnx.numpy_helper.from_array(array, constant.name))
    program = torch.onnx.ONNXProgram(onnx_ir.from_proto(model), None)
    program.optimize()
    filled: bytes = program.model_proto.SerializeToString()
    return filled


def shared(export: Export, folder: Path) -> Export:
    """Make an export that traces each architecture once.

    Args:
        export: `likewise.learn.network.export._exported`.
        folder: Where traced graphs are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def exported(
        module: nn.Module, feed: Mapping[str, Any], axes: Mapping[str, Any], *outputs: str
    ) -> bytes:
        sizes = {name: (str(one.dtype), one.shape) for name, one in feed.items()}
        try:
            words = repr((told(module), sizes, repr(axes), outputs))
        except Unknown:
            return export(module, feed, axes, *outputs)
        path = folder / f"{hashlib.sha256(words.encode()).hexdigest()}.onnx"
        if not path.exists():
            with _unsimplified():
                graph = export(module, feed, axes, *outputs)
            beside = path.with_suffix(f".{os.getpid()}")
            beside.write_bytes(graph)
            beside.replace(path)
        return _filled(path.read_bytes(), module)

    return exported
