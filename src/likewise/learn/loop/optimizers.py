"""What moves the weights, by the recipe: AdamW, or Muon, which makes steps orthogonal."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from likewise.learn.loop.objective import Objective
from likewise.learn.network.network import Network
from likewise.recipe import Recipe
from likewise.shapes import Float

MATRICES = "matrices"
"""A group of parameters under this name, if true, is made orthogonal; every other is AdamW's."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_MOMENTUM = 0.95


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


class Muon(torch.optim.AdamW):
    """Momentum made orthogonal for weight matrices, and AdamW for all else.

    Each matrix moves by `lr` * 0.2 * sqrt(its longer side) along the orthogonal matrix that is
    nearest to its momentum, so that its entries move about as far as under AdamW and one learning
    rate serves both. A convolution counts as the matrix of its filters, [out, in * h * w].

    Args:
        groups: Parameter groups; those with a true `matrices` hold tensors of two axes or more.
        lr: Learning rate, of both.
        weight_decay: Decoupled, of both.
        half: Whether the products are computed in bf16, where that is fast.

    References:
        Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, with its
        five rounds of the quintic Newton-Schulz iteration; Liu et al., "Muon is Scalable for LLM
        Training", 2025, eq. 4, for the scale and the weight decay.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        lr: float,
        weight_decay: float,
        *,
        half: bool = False,
    ) -> None:
        super().__init__(groups, lr=lr, weight_decay=weight_decay, foreach=True)
        self.half = half

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter once, and let go of the gradients of the matrices."""
        for group in self.param_groups:
            moved = [one for one in group["params"] if one.grad is not None]
            if not group.get(MATRICES) or not moved:
                continue
            for one in moved:
                gradient, buffer = one.grad, self._momentum(one)
                buffer.lerp_(gradient, 1 - _MOMENTUM)
                # Nesterov's momentum looks one step ahead.
                matrix = gradient.lerp(buffer, _MOMENTUM).reshape(len(gradient), -1)
                step = orthogonal(matrix.bfloat16() if self.half else matrix)
                rate = group["lr"] * 0.2 * max(matrix.shape) ** 0.5
                one.mul_(1 - group["lr"] * group["weight_decay"])
                one.add_(step.reshape(one.shape).to(one.dtype), alpha=-rate)
                # AdamW passes over what has no gradient.
                one.grad = None
        found: float | None = super().step(closure)
        return found

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            # AdamW looks for it in every state that it loads.
            state["step"] = torch.tensor(0.0)
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def orthogonal(matrix: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """Nearly the orthogonal matrix nearest to this one: its singular values become .7 to 1.2."""
    a, b, c = _COEFFICIENTS
    wide = matrix.T if len(matrix) > matrix.shape[1] else matrix
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(_ROUNDS):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide.T if len(matrix) > matrix.shape[1] else wide


def groups_of(
    networks: Sequence[nn.Module], rest: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The parameters of networks as Muon takes them, before other groups of parameters.

    The first and the last weights of each (an encoder, a matcher) are AdamW's, as is all that is no
    matrix: they face the input, the embedding or the logit, where entries have a meaning of their
    own.
    """
    each = [list(network.parameters()) for network in networks]
    every = [one for some in each for one in some]
    wide = [matrix for some in each for matrix in [one for one in some if one.ndim > 1][1:-1]]
    chosen = {id(one) for one in wide}
    others = [one for one in every if id(one) not in chosen]
    matrices: list[dict[str, Any]] = [{"params": wide, MATRICES: True}] if wide else []
    return [*matrices, {"params": others}, *rest]
