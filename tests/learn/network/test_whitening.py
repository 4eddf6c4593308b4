"""The map after an encoder that spreads the items of a class alike in every direction."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load
from sklearn.covariance import ShrunkCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from likewise.errors import TrainingError
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.experiment import run_experiment
from likewise.learn.loop import epochs
from likewise.learn.loop.train import begin_run
from likewise.learn.network.network import Network
from likewise.learn.network.whitening import Whitening
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Labels, Pairs
from tests.conftest import waves

SMALL = [
    "encoder=conv1d(width=4, dim=8)",
    "sampler=classes_by_items(classes=6, items=4)",
    "epochs=2",
    "precision=float32",
]

SELECTING = [
    "fractions.train=0.5",
    "fractions.select=0.2",
    "fractions.calibrate=0.15",
    "fractions.test=0.15",
]


def clusters(classes=50, each=40, dim=6, seed=0):
    """Embeddings that within a class are spread far more in some directions than in others."""
    random = np.random.default_rng(seed)
    shape = random.standard_normal((dim, dim)) * np.logspace(-1, 1, dim)
    labels = np.repeat(np.arange(classes), each)
    inside = random.standard_normal((len(labels), dim)) @ shape
    return random.standard_normal((classes, dim))[labels] * 5 + inside, labels


def fitted(vectors, target, shrinkage):
    whitening = Whitening(vectors.shape[1])
    whitening.fit([(torch.from_numpy(vectors).float(), target)], shrinkage)
    return whitening


def within(vectors, labels):
    """The covariance within classes, by another library."""
    found = LinearDiscriminantAnalysis(solver="lsqr", store_covariance=True).fit(vectors, labels)
    return found.covariance_


def test_parts_are_mapped_each_by_itself():
    vectors, labels = clusters()
    target = Labels(torch.from_numpy(labels))
    parted = Whitening(6, parts=2)
    parted.fit([(torch.from_numpy(vectors).float(), target)], 0.05)
    assert not parted.matrix[:3, 3:].any()
    assert not parted.matrix[3:, :3].any()
    mean = np.trace(within(vectors, labels)) / 6
    for part in (slice(3), slice(3, 6)):
        inside = within(vectors[:, part], labels) / mean
        values, turned = np.linalg.eigh(inside)
        root = (turned * np.sqrt(1.05 / (values + 0.05))) @ turned.T
        np.testing.assert_allclose(parted.matrix[part, part].numpy(), root, rtol=1e-3, atol=1e-4)


def test_before_it_is_fitted_it_changes_nothing():
    vectors = torch.randn(5, 3)
    whitening = Whitening(3)
    assert torch.equal(whitening(vectors), vectors)
    whitening.fit([(torch.randn(40, 3), Labels(torch.arange(40) // 4))], 0.1)
    assert not torch.equal(whitening(vectors), vectors)
    whitening.reset()
    assert torch.equal(whitening(vectors), vectors)


def test_items_of_a_class_are_spread_alike_afterwards():
    vectors, labels = clusters()
    whitening = fitted(vectors, Labels(torch.from_numpy(labels)), 1e-9)
    mapped = whitening(torch.from_numpy(vectors)).double().numpy()
    before, after = within(vectors, labels), within(mapped, labels)
    assert np.linalg.cond(before) > 50
    # The scale is that of the mean variance before.
    np.testing.assert_allclose(after, np.eye(6) * after.trace() / 6, atol=1e-3 * after.trace())


@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 2.0])
def test_the_shrinkage_is_that_of_another_library(shrinkage):
    vectors, labels = clusters()
    whitening = fitted(vectors, Labels(torch.from_numpy(labels)), shrinkage)
    means = np.stack([vectors[labels == one].mean(0) for one in range(50)])
    shrunk = ShrunkCovariance(assume_centered=True, shrinkage=shrinkage / (1 + shrinkage)).fit(
        vectors - means[labels]
    )
    matrix = whitening.matrix.double().numpy()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    product = matrix @ shrunk.covariance_ @ matrix
    np.testing.assert_allclose(
        product, np.eye(6) * product.trace() / 6, atol=1e-5 * product.trace()
    )


def test_a_spread_that_is_alike_is_left():
    random = np.random.default_rng(0)
    vectors, labels = random.standard_normal((60_000, 3)) * 7, np.arange(60_000) // 3
    whitening = fitted(vectors, Labels(torch.from_numpy(labels)), 0.01)
    np.testing.assert_allclose(whitening.matrix.numpy(), np.eye(3), atol=0.02)


def test_of_pairs_those_that_are_the_same_tell_it():
    vectors, labels = clusters(classes=2000, each=2)
    first = torch.arange(0, 4000, 2)
    same = torch.ones(2000)
    far = Pairs(
        torch.cat([first, first[:-1]]),
        torch.cat([first + 1, first[1:]]),
        torch.cat([same, torch.zeros(1999)]),
    )
    by_pairs = fitted(vectors, far, 0.05).matrix
    by_labels = fitted(vectors, Labels(torch.from_numpy(labels)), 0.05).matrix
    torch.testing.assert_close(by_pairs, by_labels)


def test_no_two_items_of_a_class_are_refused():
    with pytest.raises(TrainingError, match=r"whiten is 0.1, and no batch.* Set whiten=0"):
        fitted(np.eye(4), Labels(torch.arange(4)), 0.1)


@pytest.mark.parametrize("value", [1.0, float("nan")])
def test_what_has_collapsed_is_left_to_those_who_say_so(value):
    whitening = fitted(np.full((8, 4), value), Labels(torch.arange(8) // 2), 0.1)
    assert torch.equal(whitening.matrix, torch.eye(4))


def started(*settings):
    series, names = waves(count=30, each=5)
    recipe = Recipe.for_kind("series").with_settings([*SMALL, *settings])
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"))


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_what_is_trained_is_as_without_it(averaging):
    plain = started(f"ema_decay={averaging}").finish()
    mapped = started(f"ema_decay={averaging}", "whiten=0.1").finish()
    assert set(mapped.best) - set(plain.best) == {"whitening.matrix"}
    for name, value in plain.network.state_dict().items():
        assert torch.equal(mapped.network.state_dict()[name], value), name
    matrix = mapped.best["whitening.matrix"]
    assert not torch.allclose(matrix, torch.eye(8), atol=0.01)
    inputs = torch.randn(3, 20, 2)
    lengths = torch.tensor([20, 20, 20])
    embeddings = mapped.model().encoder(inputs, lengths) @ matrix
    expected = embeddings / embeddings.norm(dim=1, keepdim=True)
    torch.testing.assert_close(mapped.model()(inputs, lengths), expected)


def test_a_saved_model_has_it(tmp_path):
    series, names = waves(count=40, each=6)
    source = Arrays.of(series, names, namespace="waves")
    recipe = Recipe.for_kind("series").with_settings([*SMALL, "whiten=0.1"])
    # The export is compared with torch before it is handed over.
    model = run_experiment(recipe, source, out=tmp_path / "model", audit=False).model
    assert "whiten = 0.1" in (tmp_path / "model" / "recipe.toml").read_text(encoding="utf-8")
    weights = load(model.read("weights"))
    encoder = ENCODERS.build(recipe.encoder, shape=model.transform.shape)
    network = Network(encoder, normalize=recipe.normalize, whitened=True).eval()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    inputs = model.transform.finish(torch.from_numpy(model.decode(series[0], "one"))[None])
    lengths = torch.tensor([len(series[0])])
    with torch.no_grad():
        with_it = network(inputs, lengths).numpy()
        network.whitening.reset()
        without = network(inputs, lengths).numpy()
    embedded = model.embed_one(series[0], "one")
    np.testing.assert_allclose(embedded, with_it, atol=1e-4)
    assert not np.allclose(embedded, without, atol=1e-2)


def test_a_matcher_is_refused_beside_it():
    with pytest.raises(TrainingError, match=r"whiten is 0.1, and weighted_l1.* Set whiten=0"):
        started("whiten=0.1", "matcher=weighted_l1")


def test_without_labels_the_views_of_an_item_are_a_class():
    run = started("whiten=0.1", "sampler=two_views(16)", "loss=nt_xent").finish()
    assert not torch.allclose(run.best["whitening.matrix"], torch.eye(8), atol=0.01)


@pytest.mark.parametrize("chosen", [[], SELECTING])
def test_what_a_stopped_run_keeps_has_it(chosen):
    run = started("whiten=0.1", "epochs=50", *chosen)
    for epoch in run:
        if epoch.number == 3:
            run.stop()
    assert run.stopped
    assert not torch.allclose(run.best["whitening.matrix"], torch.eye(8), atol=0.01)


def test_it_is_fitted_in_the_memory_of_a_chunk():
    run = started("whiten=0.1", "chunk=7", "ema_decay=0").finish()
    network, seen = run.network, []
    network.encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    found = {}
    for chunk in (7, 0):
        run.recipe = replace(run.recipe, chunk=chunk)
        epochs._whiten(run, network, network.whitening, 0)
        found[chunk] = network.whitening.matrix.clone(), max(seen)
        seen.clear()
    assert (found[7][1], found[0][1]) == (6, 24)
    torch.testing.assert_close(found[7][0], found[0][0], atol=1e-4, rtol=1e-4)


def test_pairs_learn_with_it():
    run = started("whiten=0.1", "loss=contrastive", "sampler=balanced_pairs(pairs=16)").finish()
    assert not torch.allclose(run.best["whitening.matrix"], torch.eye(8), atol=0.01)
