"""Averages of a network's weights over the steps, and the batch statistics that belong to them."""

from collections.abc import Iterable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from likewise.recipe import Recipe

Tensors: TypeAlias = "tuple[Tensor, ...] | list[Tensor]"


def averaged(network: nn.Module, recipe: Recipe) -> AveragedModel | None:
    """The average that a recipe asks for, of weights and batch statistics; None where it asks none.

    With `averaging` it runs, by that decay; with `average_last` it is the plain mean over the last
    part of training, and until then the network itself.

    References:
        Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, "Averaging Weights Leads to Wider Optima and
        Better Generalization", 2018, algorithm 1, for the mean. Departures: every step counts, and
        the learning rate follows its schedule down.
    """
    if recipe.average_last:
        return AveragedModel(network, multi_avg_fn=_mean, use_buffers=True)
    if not recipe.averaging:
        return None

    def running(averages: Tensors, current: Tensors, count: Tensor | int) -> None:
        # The first steps are forgotten sooner, else a short run would keep its random start.
        _towards(averages, current, 1 - min(recipe.averaging, (1 + int(count)) / (10 + int(count))))

    return AveragedModel(network, multi_avg_fn=running, use_buffers=True)


def _mean(averages: Tensors, current: Tensors, count: Tensor | int) -> None:
    _towards(averages, current, 1 / (1 + int(count)))


def _towards(averages: Tensors, current: Tensors, share: float) -> None:
    if averages[0].is_floating_point():  # torch hands over one kind of tensors at a time
        torch._foreach_lerp_(averages, current, share)
    else:
        torch._foreach_copy_(averages, current)


def update(average: AveragedModel, network: nn.Module, recipe: Recipe, share: float) -> None:
    """Take one step's weights into the average.

    Args:
        average: What `averaged` gave.
        network: After the step.
        recipe: The same.
        share: Of training done before the step.
    """
    average.update_parameters(network)
    if recipe.average_last and share < 1 - recipe.average_last:
        average.n_averaged.zero_()  # so that the next weights are copied: nothing is counted yet


def keeps_statistics(network: nn.Module) -> bool:
    """Whether it normalises by statistics that it gathers while training."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def reestimate(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor | None]]) -> None:
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
