"""From a trained network to ONNX, and the proof that both give the same."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn

from likewise.errors import TrainingError
from likewise.learn.network.matching import SymmetricMatcher
from likewise.learn.network.network import Network
from likewise.shapes import Array, Float
from likewise.types import InputShape

TOLERANCE = 1e-4


def export_network(network: Network, shape: InputShape) -> bytes:
    """Export a network to ONNX with free batch and time axes.

    The graph takes `inputs` (and `lengths`, int64, for frames and tokens) and gives `embedding`,
    and
    `features`, the feature maps, where the network's matcher reads them. It is run by ONNX Runtime
    beside torch on batches of several sizes before it is handed over.

    Raises:
        TrainingError: If the two differ by more than 1e-4.
    """
    network = network.to("cpu").eval()
    batch, time = torch.export.Dim("batch", min=1), torch.export.Dim("time", min=1)
    free = {at: time for at, size in enumerate(shape.sizes, start=1) if size is None}
    axes = {"inputs": {0: batch, **free}, "lengths": {0: batch}}
    batch_of_three = _random_batch(shape, rows=3, steps=17, seed=0)
    exported = _exported(network, batch_of_three, axes, *_outputs(network))
    _compare(network, exported, shape)
    return exported


def export_matcher(matcher: SymmetricMatcher, *sizes: int) -> bytes:
    """Export a matcher to ONNX with a free batch axis.

    The graph takes `first` and `second` [n dim], or [n channels height width] where it compares
    feature maps, and gives `logit` [n]. It is run by ONNX Runtime beside torch, as the network is.

    Args:
        matcher: The comparison, in both orders.
        sizes: Length of an embedding; or channels, height and width of a feature map.

    Raises:
        TrainingError: If the two differ by more than 1e-4.
    """
    matcher = matcher.to("cpu").eval()
    batch = torch.export.Dim("batch", min=1)
    axes = {"first": {0: batch}, "second": {0: batch}}
    exported = _exported(matcher, _random_pairs(*sizes, rows=3, seed=0), axes, "logit")
    feeds = (_random_pairs(*sizes, rows=rows, seed=rows) for rows in (1, 2, 7))
    _agree(matcher, exported, feeds, "logit")
    return exported


def _exported(
    module: nn.Module,
    feed: Mapping[str, Array],
    axes: Mapping[str, dict[int, torch.export.Dim]],
    *outputs: str,
) -> bytes:
    """The ONNX graph of a module, whose inputs are named as in `feed`, with these axes free."""
    # The exporter talks on every channel; what matters of it is compared afterwards.
    _forget_lstm_kernel()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            tuple(torch.from_numpy(array) for array in feed.values()),
            dynamo=True,
            dynamic_shapes=tuple(axes[name] for name in feed),
            input_names=list(feed),
            output_names=list(outputs),
            verbose=False,
        )
    assert program is not None  # noqa: S101 - the dynamo exporter always returns one
    exported: bytes = program.model_proto.SerializeToString()
    return exported


def _forget_lstm_kernel() -> None:
    """Let the exporter find its own decomposition of an LSTM again.

    It registers one that keeps the time axis free, but torch (2.13 at least) remembers the kernel
    that ran last: after any other export in this process the axis was fixed at the example's
    length. Where this private cache is absent, `_compare` still refuses a fixed axis.
    """
    cache = getattr(torch.ops.aten.lstm.input, "_dispatch_cache", None)
    if cache is not None:
        cache.clear()


def _compare(network: Network, exported: bytes, shape: InputShape) -> None:
    sizes = enumerate([(1, 5), (2, 16), (7, 33)])
    feeds = (
        _random_batch(shape, rows=rows, steps=steps, seed=seed) for seed, (rows, steps) in sizes
    )
    _agree(network, exported, feeds, *_outputs(network))


def _outputs(network: Network) -> tuple[str, ...]:
    return ("embedding", "features") if network.gives_maps else ("embedding",)


def _agree(
    module: nn.Module, exported: bytes, feeds: Iterator[Mapping[str, Array]], *outputs: str
) -> None:
    """Refuse an export that gives something else than torch, or does not take these sizes."""
    from likewise.io.onnx_runtime import onnxruntime

    what = _WORDS[outputs[0]]
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for feed in feeds:
        with torch.no_grad():
            found = module(*map(torch.from_numpy, feed.values()))
        ours = found if isinstance(found, tuple) else (found,)
        try:
            theirs = session.run(list(outputs), feed)
        except Exception as error:  # ONNX Runtime's errors share no public base class
            sizes = ", ".join(f"{name} {list(array.shape)}" for name, array in feed.items())
            raise TrainingError(
                f"The exported {what} does not run on {sizes} ({error}): the exporter fixed an "
                f"axis. Choose another {what}, or another version of torch."
            ) from error
        off = max(_off(our.numpy(), their) for our, their in zip(ours, theirs, strict=True))
        if not off <= TOLERANCE:
            raise TrainingError(
                f"The exported {what} differs from torch by {off:.2g}, and at most {TOLERANCE} is "
                f"expected. Training diverged, or the {what} holds an operation that does not "
                "export: try a smaller learning rate."
            )


def _off(ours: Array, theirs: Array) -> float:
    """How far two arrays are apart, as a share of the larger numbers; none may be no number."""
    apart = np.abs(ours - theirs).max() / max(1.0, float(np.abs(theirs).max()))
    return float("inf") if np.isnan(apart) else float(apart)


_WORDS = {"embedding": "encoder", "logit": "matcher"}


def _random_batch(shape: InputShape, *, rows: int, steps: int, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    lengths = random.integers(max(1, steps // 2), steps + 1, rows).astype(np.int64)
    lengths[0] = steps
    feed: dict[str, Array] = {"inputs": shape.random_batch(random, rows, steps)}
    return {**feed, "lengths": lengths} if shape.form.has_lengths else feed


def _random_pairs(*sizes: int, rows: int, seed: int) -> dict[str, Float[Array, "rows ..."]]:
    random = np.random.default_rng(seed)
    return {
        name: random.normal(size=(rows, *sizes)).astype(np.float32) for name in ("first", "second")
    }
