"""Where a run computes, and whether bf16 pays there, found out by trying."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.network import Network

Device = Literal["auto", "cpu", "cuda"]

PAYS = 1.15
"""How much faster bf16 must be to be taken: it is a little less exact."""
_SECONDS = 0.8


@dataclass(frozen=True)
class Precision:
    """What a run computes in, and why.

    Attributes:
        name: `float32` or `bf16`.
        why: In words, for the report.
    """

    name: str
    why: str


def choose(
    asked: str, network: Network, cost: Callable[[Network], Tensor], device: torch.device
) -> Precision:
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
        return Precision(asked, "asked for")
    full = _pace(network, cost, device, bf16=False)
    try:
        half = _pace(network, cost, device, bf16=True, most=3 / full)
    except RuntimeError as error:  # an operation without a bf16 form
        first = str(error).splitlines()[0]
        return Precision("float32", f"bf16 does not run here: {first}")
    ratio = half / full
    name = "bf16" if ratio >= PAYS else "float32"
    return Precision(name, f"bf16 steps measured {ratio:.2f} times as fast as float32 here")


def _pace(
    network: Network,
    cost: Callable[[Network], Tensor],
    device: torch.device,
    *,
    bf16: bool,
    most: float = _SECONDS,
) -> float:
    """Forward and backward passes a second: the fastest of those that fit into the time."""
    trial = copy.deepcopy(network).to(device).train()
    times: list[float] = []
    until = time.perf_counter() + min(max(most, 0.1), _SECONDS)
    # Dropout draws from the common random state, which the run shall find as it was.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        while len(times) < 2 or (time.perf_counter() < until and len(times) < 20):
            started = time.perf_counter()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                loss = cost(trial)
            loss.backward()  # type: ignore[no-untyped-call]
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - started)
            trial.zero_grad(set_to_none=True)
    return 1 / min(times[1:])


def pick_device(asked: Device) -> torch.device:
    """The device asked for; `auto` is CUDA where there is one, else the processor.

    Raises:
        BadArgument: If there is no such device, or none here.
    """
    if asked not in get_args(Device):
        raise BadArgument(f"There is no device {asked!r}. Known: {', '.join(get_args(Device))}.")
    if asked == "cuda" and not torch.cuda.is_available():
        raise BadArgument(
            "CUDA was asked for, and torch finds no CUDA device here. Say --device cpu, or install "
            "a torch that is built for your graphics card."
        )
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")
