"""Where a run computes, and whether bf16 pays there, found out by trying."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from likewise.errors import BadArgument

N = TypeVar("N", bound=nn.Module)

DEVICES = ("auto", "cpu", "cuda")

PAYS = 1.15
"""How much faster bf16 must be to be taken: it is a little less exact."""
_SECONDS = 1.5


@dataclass(frozen=True)
class ComputePrecision:
    """What a run computes in, and why.

    Attributes:
        name: `float32` or `bf16`.
        why: In words, for the report.
    """

    name: str
    why: str


def choose_precision(
    asked: str, network: N, cost: Callable[[N], Tensor], device: torch.device
) -> ComputePrecision:
    """The precision asked for; for `auto`, bf16 where a few training steps are faster in it.

    A processor with bf16 instructions trains about twice as fast in bf16, one with AVX-512 alone
    a third as fast: names of processors do not tell, so both are timed, on copies of the network.

    Args:
        asked: `float32`, `bf16` or `auto`.
        network: What is trained; it is not changed.
        cost: The loss of one batch for a network, through which gradients flow.
        device: Where it runs.
    """
    if asked != "auto":
        return ComputePrecision(asked, "asked for")
    if device.type == "cpu" and (product := _product()) < 1:
        return ComputePrecision(
            "float32", f"a product in bf16 measured {product:.2g} times as fast here"
        )
    try:
        ratio = _steps(network, cost, device)
    except RuntimeError as error:  # an operation without a bf16 form
        first = str(error).splitlines()[0]
        return ComputePrecision("float32", f"bf16 does not run here: {first}")
    name = "bf16" if ratio >= PAYS else "float32"
    return ComputePrecision(name, f"bf16 steps measured {ratio:.2f} times as fast as float32 here")


def _product() -> float:
    """How much faster a product of two matrices is in bf16.

    Where bf16 is emulated, a single step of a network can take a minute; this takes milliseconds.
    """
    matrix = torch.ones(256, 256)
    half = matrix.bfloat16()
    times: dict[bool, list[float]] = {False: [], True: []}
    # In turns, and the fastest of each: another process disturbs both alike.
    for _ in range(5):
        for bf16, factor in ((False, matrix), (True, half)):
            started = time.perf_counter()
            factor @ factor
            times[bf16].append(time.perf_counter() - started)
    return min(times[False]) / min(times[True])


def _steps(network: N, cost: Callable[[N], Tensor], device: torch.device) -> float:
    """How much faster forward and backward passes are in bf16, in turns as above."""
    trial = copy.deepcopy(network).to(device).train()
    times: dict[bool, list[float]] = {False: [], True: []}
    until = time.perf_counter() + _SECONDS
    # Dropout draws from the common random state, which the run shall find as it was.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        while len(times[True]) < 2 or (time.perf_counter() < until and len(times[True]) < 20):
            for bf16, found in times.items():
                started = time.perf_counter()
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                    loss = cost(trial)
                loss.backward()  # type: ignore[no-untyped-call]
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                found.append(time.perf_counter() - started)
                trial.zero_grad(set_to_none=True)
    # The first of each warms up.
    return min(times[False][1:]) / min(times[True][1:])


def pick_device(asked: str) -> torch.device:
    """The device asked for; `auto` is CUDA where there is one, else the processor.

    Raises:
        BadArgument: If there is no such device, or none here.
    """
    if asked not in DEVICES:
        raise BadArgument(f"There is no device {asked!r}. Known: {', '.join(DEVICES)}.")
    if asked == "cuda" and not torch.cuda.is_available():
        raise BadArgument(
            "CUDA was asked for, and torch finds no CUDA device here. Say --device cpu, or install "
            "a torch that is built for your graphics card."
        )
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")
