"""What moves the weights, by the recipe."""

from typing import Any

import torch

from likewise.learn.loop.muon import Muon, groups_of
from likewise.learn.loop.objective import Objective
from likewise.learn.network.network import Network
from likewise.recipe import Recipe


def optimizer_of(recipe: Recipe, network: Network, objective: Objective) -> torch.optim.Optimizer:
    """The optimiser that a recipe names, for a network and what its loss learns itself."""
    own = objective.own_parameters()
    if recipe.optimizer == "muon":
        return Muon(
            groups_of(list(network.children()), own),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            half=recipe.precision == "bf16",
        )
    groups: list[dict[str, Any]] = [{"params": list(network.parameters())}, *own]
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True
    )
