"""A batch in chunks has the gradient of the whole."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from likewise.errors import RecipeError
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop.chunks import embedded_in_chunks
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import begin_run
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.network.network import Network
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Form, InputShape, Labels
from tests.conftest import waves

SERIES = InputShape(Form.FRAMES, 2)
IMAGE = InputShape(Form.IMAGES, 1, 12, 12)
CASES = {
    "lstm": ("lstm(hidden=6)", SERIES),
    "transformer": ("transformer(width=8, layers=2, dropout=0.0)", SERIES),
    "vgg": ("vgg(batch_norm=False)", IMAGE),
}


def network_of(encoder: str, shape: InputShape) -> Network:
    torch.manual_seed(0)
    return Network(ENCODERS.build(encoder, shape=shape), normalize=True).double().train()


def batch_of(shape: InputShape, count: int = 23) -> tuple[Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(1)
    if shape.form is Form.IMAGES:
        return torch.rand(count, 1, 12, 12, generator=generator, dtype=torch.float64), None
    inputs = torch.rand(count, 9, 2, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(4, 10, (count,), generator=generator)


def gradients(network: nn.Module, loss: nn.Module, embeddings: Tensor) -> list[Tensor]:
    value = loss(embeddings, Labels(torch.arange(len(embeddings)) % 5))
    assert value > 0
    return list(torch.autograd.grad(value, [*network.parameters(), *loss.parameters()]))


@pytest.mark.parametrize("chunk", [1, 4, 6, 22])
@pytest.mark.parametrize("name", ["supcon", "triplet", "proxy_anchor"])
@pytest.mark.parametrize("case", CASES)
def test_the_gradient_in_chunks_is_that_of_the_whole(case: str, name: str, chunk: int) -> None:
    from likewise.distances.euclidean import Euclidean

    network = network_of(*CASES[case])
    loss = LOSSES.build(name, distance=Euclidean(), classes=5, dim=network.encoder.dim).double()
    inputs, lengths = batch_of(CASES[case][1])
    whole = network(inputs, lengths)
    parts = embedded_in_chunks(network, inputs, lengths, chunk)
    torch.testing.assert_close(parts, whole)
    for one, other in zip(
        gradients(network, loss, parts), gradients(network, loss, whole), strict=True
    ):
        torch.testing.assert_close(one, other)


def plainly(network: nn.Module, inputs: Tensor, lengths: Tensor | None, sizes: list[int]) -> Tensor:
    """The chunks one after the other, with everything kept."""
    times = [None] * len(sizes) if lengths is None else lengths.split(sizes)
    return torch.cat([network(i, t) for i, t in zip(inputs.split(sizes), times, strict=True)])


def test_random_state_is_replayed() -> None:
    from likewise.distances.euclidean import Euclidean

    network = network_of("transformer(width=8, layers=2, dropout=0.5)", SERIES)
    loss = LOSSES.build("supcon", distance=Euclidean())
    inputs, lengths = batch_of(SERIES)
    found, after = [], []
    for embed in (
        lambda: embedded_in_chunks(network, inputs, lengths, 6),
        lambda: plainly(network, inputs, lengths, [6, 6, 6, 5]),
    ):
        torch.manual_seed(7)
        found.append(gradients(network, loss, embed()))
        after.append(torch.rand(3))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(*after)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_normalisation_counts_each_chunk_once(momentum: float | None) -> None:
    from likewise.distances.euclidean import Euclidean

    inputs, _ = batch_of(IMAGE)
    found, states = [], []
    for chunked in (True, False):
        network = network_of("convnet4(width=4)", IMAGE)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = momentum
        embeddings = (
            embedded_in_chunks(network, inputs, None, 6)
            if chunked
            else plainly(network, inputs, None, [6, 6, 6, 5])
        )
        loss = LOSSES.build("supcon", distance=Euclidean())
        found.append(gradients(network, loss, embeddings))
        states.append(network.state_dict())
        norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
        assert {part.momentum for part in norms} == {momentum}
        assert {int(part.num_batches_tracked) for part in norms} == {4}
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])


@contextmanager
def kept_bytes() -> Iterator[list[int]]:
    """The bytes that are kept for the gradient, beside parameters."""
    found = [0]

    def pack(tensor: Tensor) -> Tensor:
        found[0] += 0 if isinstance(tensor, nn.Parameter) else tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield found


def test_what_is_kept_does_not_grow_with_the_batch() -> None:
    network = network_of("vgg(batch_norm=False)", IMAGE)
    inputs, _ = batch_of(IMAGE, count=64)
    with kept_bytes() as whole:
        network(inputs)
    with kept_bytes() as parts:
        embedded_in_chunks(network, inputs, None, 8)
    assert parts[0] < whole[0] / 50


def started(*settings: str) -> Run:
    series, names = waves(count=30, each=5)
    recipe = Recipe.for_kind("series").with_settings(
        ["encoder=lstm(hidden=4)", "precision=float32", "steps=6", "ema_decay=0", *settings]
    )
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"))


def weights(run: Run) -> Tensor:
    return torch.cat([p.detach().flatten() for p in run.network.parameters()])


def test_a_run_in_chunks_ends_where_the_run_of_whole_batches_does() -> None:
    whole = weights(started().finish())
    run = started("chunk=7")
    sizes = []
    forward = run.network.encoder.forward

    def counting(inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        if not torch.is_inference_mode_enabled():
            sizes.append(len(inputs))
        return forward(inputs, lengths)

    run.network.encoder.forward = counting
    run.finish()
    assert max(sizes) <= 7
    torch.testing.assert_close(weights(run), whole, rtol=1e-3, atol=1e-5)
    assert torch.equal(weights(started("chunk=1000").finish()), whole)


def test_a_chunk_below_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="chunk is -1, and 0 to"):
        started("chunk=-1")
