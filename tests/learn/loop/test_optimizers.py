"""The optimiser beside independent ones, and in a run."""

import numpy as np
import pytest
import torch
from torch import nn

from likewise.errors import UnknownName
from likewise.learn.loop.optimizers import MATRICES, Muon, groups_of, optimizer_of, orthogonal
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from tests.conftest import waves


def test_matrices_move_as_those_of_torch_do():
    reference = pytest.importorskip("torch.optim").__dict__.get("Muon")
    if reference is None:
        pytest.skip("torch.optim.Muon is of torch 2.9")
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.randn(24, 40)), nn.Parameter(torch.empty(24, 40))
    theirs.data.copy_(ours.data)
    one = Muon([{"params": [ours], MATRICES: True}], lr=0.01, weight_decay=0.1, half=True)
    other = reference([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        gradient = torch.randn(24, 40)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_all_else_moves_as_under_adamw():
    ours, theirs = nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(7))
    one = Muon([{"params": [ours]}], lr=0.01, weight_decay=0.1)
    other = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1)
    for step in range(4):
        gradient = torch.arange(7.0) - step
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("shape", [(5, 30), (30, 5), (16, 16)])
def test_a_matrix_keeps_its_directions_and_loses_their_lengths(shape):
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix) @ right.T
    values = torch.diagonal(found)
    assert float(values.min()) > 0.4
    assert float(values.max()) < 1.3
    torch.testing.assert_close(found, torch.diag(values), atol=1e-3, rtol=0)


def test_a_convolution_counts_as_the_matrix_of_its_filters():
    torch.manual_seed(2)
    filters = nn.Parameter(torch.randn(8, 4, 3, 3).to(memory_format=torch.channels_last))
    plain = nn.Parameter(filters.detach().reshape(8, 36).clone())
    gradient = torch.randn(8, 4, 3, 3)
    filters.grad = gradient.to(memory_format=torch.channels_last)
    plain.grad = gradient.reshape(8, 36)
    for one in (filters, plain):
        Muon([{"params": [one], MATRICES: True}], lr=0.1, weight_decay=0.0).step()
    torch.testing.assert_close(filters.detach().reshape(8, 36), plain.detach())


def test_first_and_last_weights_and_vectors_are_left_to_adamw():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    groups = groups_of([network], [{"params": [nn.Parameter(torch.ones(2))], "factor": 3.0}])
    assert [len(group["params"]) for group in groups] == [1, 7, 1]
    assert groups[0]["params"][0] is network[1].weight
    assert not groups[1].get(MATRICES)


@pytest.mark.parametrize(
    ("matcher", "moved"),
    [
        ("", []),
        # The second convolution and the first linear layer, between what faces maps and logit.
        ("relation(width=4)", ["layers.2.weight", "head.0.weight"]),
        ("attention(width=4)", []),
        ("mlp(hidden=4)", ["layers.2.weight"]),
        ("weighted_l1", []),
    ],
)
def test_a_matcher_leaves_the_matrices_of_the_encoder_as_they_are_without_it(matcher, moved):
    pictures = list(np.random.default_rng(0).integers(0, 256, (120, 32, 32), dtype=np.uint8))
    recipe = Recipe.for_kind("image").with_settings(
        ["encoder=convnet4(dim=3, width=4)", "optimizer=muon", f"matcher={matcher}"]
    )
    names = np.repeat(np.arange(30), 4).astype(str)
    run = begin_run(recipe, Arrays.of(pictures, names, namespace="pictures"))
    run.data.close()
    made = optimizer_of(run.recipe, run.network, run.objective)
    names = {id(parameter): name for name, parameter in run.network.named_parameters()}
    found = [names[id(one)] for one in made.param_groups[0]["params"]]
    blocks = [f"encoder.blocks.{at}.weight" for at in (4, 8, 12)]
    assert found == [*blocks, *(f"matcher.matcher.{name}" for name in moved)]
    every = [id(one) for group in made.param_groups for one in group["params"]]
    assert sorted(every) == sorted(names)


def test_a_run_learns_with_it():
    series, names = waves(count=30, each=4)
    recipe = Recipe.for_kind("series").with_settings(
        ["encoder=transformer(width=8, layers=1)", "optimizer=muon", "epochs=4"]
    )
    run = begin_run(recipe, Arrays.of(series, names, namespace="waves")).finish()
    run.data.close()
    losses = [epoch.loss for epoch in run.epochs]
    assert losses[-1] < losses[0]


def test_no_other_optimizer_is_known():
    with pytest.raises(UnknownName, match=r"no optimizer is named 'mun'. Did you mean 'muon'"):
        Recipe(source="characters", optimizer="mun").checked()
