"""Averages of a network's weights over the steps, and the batch statistics that belong to them."""

import copy
from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from likewise.recipe import Recipe


class Averaged(nn.Module):
    """A copy of a network that holds an average of its weights and batch statistics.

    It is torch's `AveragedModel` with what that does at every step done once: the tensors are
    listed and sorted by kind when it is made. Its state has the same names.

    Args:
        network: Whose parameters and buffers are averaged.
        decay: Of a running average; 0 for the plain mean.

    Attributes:
        module: The average as a network.
        n_averaged: How many steps it holds, as a tensor.
    """

    def __init__(self, network: nn.Module, decay: float = 0.0) -> None:
        super().__init__()
        self.decay = decay
        self.module = copy.deepcopy(network)
        self.n_averaged: Tensor
        count = torch.tensor(0, device=next(network.parameters()).device)
        self.register_buffer("n_averaged", count)
        # Not detached: a layer may move the storage of its parameters (an LSTM does, on CUDA).
        pairs = list(zip(_tensors(self.module), _tensors(network), strict=True))
        self._blended = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    def take(self) -> None:
        """Take the network's tensors as they are now into the average."""
        count = int(self.n_averaged)
        share = 1 / (1 + count)
        if self.decay and count:
            # The first steps are forgotten sooner, else a short run would keep its random start.
            share = 1 - min(self.decay, (1 + count) / (10 + count))
        with torch.no_grad():
            _towards(self._blended, share)
            _towards(self._copied, 1.0)
        self.n_averaged += 1


def _tensors(network: nn.Module) -> Iterable[Tensor]:
    return chain(network.parameters(), network.buffers())


def _towards(pairs: Sequence[tuple[Tensor, Tensor]], share: float) -> None:
    averages, current = [one for one, _ in pairs], [one for _, one in pairs]
    if averages and share < 1:
        torch._foreach_lerp_(averages, current, share)
    elif averages:
        torch._foreach_copy_(averages, current)


def averaged(network: nn.Module, recipe: Recipe) -> Averaged | None:
    """The average that a recipe asks for, of weights and batch statistics; None where it asks none.

    With `ema_decay` it runs, by that decay; with `swa_fraction` it is the plain mean over the last
    part of training, and until then the network itself.

    References:
        Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, "Averaging Weights Leads to Wider Optima and
        Better Generalization", 2018, algorithm 1, for the mean. Departures: every step counts, and
        the learning rate follows its schedule down.
    """
    if recipe.swa_fraction:
        return Averaged(network)
    return Averaged(network, recipe.ema_decay) if recipe.ema_decay else None


def update_average(average: Averaged, recipe: Recipe, share: float) -> None:
    """Take one step's weights into the average.

    Args:
        average: What `averaged` gave.
        recipe: The same.
        share: Of training done before the step.
    """
    average.take()
    if recipe.swa_fraction and share < 1 - recipe.swa_fraction:
        average.n_averaged.zero_()  # so that the next weights are copied: nothing is counted yet


def keeps_statistics(network: nn.Module) -> bool:
    """Whether it normalises by statistics that it gathers while training."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def update_bn(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor | None]]) -> None:
    """Measure batch statistics anew, as the plain mean over these batches.

    Those that were gathered while training belong to weights that changed at every step, and their
    average is only near to those of the averaged weights.

    Args:
        network: Its weights stay.
        batches: The encoder's inputs, with lengths where they are series.

    References:
        Izmailov et al., as above, section 3.3.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch's word for the plain mean
    network.train()
    with torch.no_grad():
        for inputs, lengths in batches:
            network(inputs, lengths)
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
