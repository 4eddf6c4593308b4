"""Matchers that compare feature maps: their arithmetic, and a model from training to decisions."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from likewise.data import decode_all
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, DamagedModel
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import begin_run
from likewise.learn.matchers.attention import Attention
from likewise.learn.matchers.relation import Relation
from likewise.learn.network import matching as matching_module
from likewise.learn.network.export import export_matcher, export_network
from likewise.learn.network.matching import SymmetricMatcher, matcher_of, matching_cost
from likewise.learn.network.network import Network
from likewise.learn.views.mirrored import Mirrored
from likewise.model import onnx_matcher as comparator_module
from likewise.model.feature_maps import FeatureMaps
from likewise.model.model import Model
from likewise.model.onnx_matcher import ComparedOnce, OnnxMatcher
from likewise.model.reranking import Reranked
from likewise.recipe.recipe import Recipe
from likewise.sources import FAMILY as SOURCES
from likewise.sources.arrays import Arrays
from likewise.tasks import features
from likewise.tasks.dedupe import dedupe
from likewise.tasks.evaluate import evaluate
from likewise.tasks.features import features_for
from likewise.tasks.verify import verify
from likewise.types import Form, InputShape, Labels

MAPS = (5, 2, 3)


def maps(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *MAPS, generator=torch.Generator().manual_seed(seed))


def attention_by_loops(matcher: Attention, first: np.ndarray, second: np.ndarray) -> float:
    """The docstring's formulas, number by number."""
    key, value = (part.weight.detach().double().numpy() for part in (matcher.key, matcher.value))
    sides = []
    for one in (first, second):
        places = []
        for row in range(MAPS[1]):
            for column in range(MAPS[2]):
                channels = [float(one[c, row, column]) for c in range(MAPS[0])]
                mean = sum(channels) / len(channels)
                variance = sum((x - mean) ** 2 for x in channels) / len(channels)
                places.append([(x - mean) / math.sqrt(variance + 1e-5) for x in channels])
        sides.append(places)
    width, total, numbers = len(key), 0.0, 0

    def project(matrix: np.ndarray, x: list[float]) -> list[float]:
        return [sum(matrix[k, c] * x[c] for c in range(len(x))) for k in range(width)]

    for x in sides[0]:
        asking = project(key, x)
        likeness = [
            sum(a * b for a, b in zip(asking, project(key, y), strict=True)) / math.sqrt(width)
            for y in sides[1]
        ]
        weights = [math.exp(value) for value in likeness]
        found = [0.0] * width
        for weight, y in zip(weights, sides[1], strict=True):
            for k, number in enumerate(project(value, y)):
                found[k] += weight / sum(weights) * number
        for own, other in zip(project(value, x), found, strict=True):
            total += (own - other) ** 2
            numbers += 1
    return math.exp(matcher.log_steepness.item()) * (matcher.even.item() - total / numbers)


def test_attention_is_its_formula_both_ways() -> None:
    torch.manual_seed(3)
    matcher = Attention(width=4, maps=MAPS)
    first, second = maps(4), maps(4, 1)
    with torch.no_grad():
        ways = [matcher.prepared(side) for side in (first, second)]
        one_way, both = matcher(*ways), SymmetricMatcher(matcher)(*ways)
    for row in range(4):
        pair = first[row].numpy(), second[row].numpy()
        there = attention_by_loops(matcher, *pair)
        back = attention_by_loops(matcher, *pair[::-1])
        assert one_way[row].item() == pytest.approx(there, rel=1e-4, abs=1e-5)
        assert both[row].item() == pytest.approx((there + back) / 2, rel=1e-4, abs=1e-5)


def test_attention_does_not_mind_where_a_part_lies() -> None:
    matcher = Attention(width=4, maps=MAPS)
    first = maps(3)
    moved = first.flatten(2)[:, :, [4, 2, 0, 5, 1, 3]].reshape(first.shape)
    other = matcher.prepared(maps(3, 1))
    with torch.no_grad():
        torch.testing.assert_close(
            matcher(matcher.prepared(first), other), matcher(matcher.prepared(moved), other)
        )


def test_relation_convolves_the_two_maps_laid_on_each_other() -> None:
    matcher = Relation(width=6, maps=(5, 9, 8))
    first, second = torch.randn(3, 5, 9, 8), torch.randn(3, 5, 9, 8)
    left, right = matcher.each.weight.chunk(2)
    seen = functional.conv2d(
        torch.cat([first, second], dim=1), torch.cat([left, right], dim=1), padding=1
    )
    with torch.no_grad():
        expected = matcher.head(matcher.layers(seen).flatten(1))[:, 0]
        found = matcher(matcher.prepared(first), matcher.prepared(second))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    # 9x8 places become 4x4, then 2x2.
    assert matcher.head[0].in_features == 6 * 2 * 2


def test_many_pairs_are_compared_in_parts_with_the_same_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matcher = SymmetricMatcher(Attention(width=4, maps=MAPS))
    target = Labels(torch.arange(12) % 3)
    found = []
    for numbers in (2**26, 32 * 8 * 6 * 5):
        monkeypatch.setattr(matching_module, "_NUMBERS", numbers)
        seen = maps(12).requires_grad_()
        cost = matching_cost(matcher, matcher.matcher.prepared(seen), target)
        found.append([cost, *torch.autograd.grad(cost, [seen, *matcher.parameters()])])
    torch.testing.assert_close(found[0], found[1])


def test_of_many_different_pairs_four_times_the_same_are_drawn() -> None:
    same = torch.zeros(900, dtype=torch.bool)
    same[::30] = True
    drawn = matching_module._few(same)
    assert len(drawn.unique()) == len(drawn) == 30 + 120
    assert same[drawn].sum() == 30


SHAPE = InputShape(Form.IMAGES, 1, 33, 29)
MAPPED = {
    "convnet4(dim=8, width=4)": None,
    "resnet(dim=8, width=4)": None,
    "resnet(dim=8, width=4, stem='pooled')": None,
    "resnet(dim=8, width=4, stem='large', pooling='attention')": None,
    "vgg(dim=8, width=4, pooling='mean')": None,
    "vgg(dim=8, width=4)": None,
    "koch(dim=8)": InputShape(Form.IMAGES, 1, 70, 66),
}


@pytest.mark.parametrize("spec", MAPPED)
def test_an_encoder_says_the_sizes_of_its_maps_and_embeds_by_them(spec: str) -> None:
    shape = MAPPED[spec] or SHAPE
    encoder = ENCODERS.build(spec, shape=shape).eval()
    inputs = torch.randn(2, 1, shape.height or 0, shape.width or 0)
    with torch.no_grad():
        found = encoder.mapped(inputs)
        assert found.shape == (2, *(encoder.maps or ()))
        torch.testing.assert_close(encoder.pooled(found), encoder(inputs))


def test_an_encoder_without_maps_is_refused_by_name() -> None:
    encoder = ENCODERS.build("transformer(dim=8)", shape=InputShape(Form.IMAGES, 1, 28, 28))
    with pytest.raises(BadArgument, match=r"the encoder transformer gives none\. Set"):
        matcher_of("attention(width=4)", encoder, "transformer")
    assert matcher_of("mlp", encoder, "transformer").uses_feature_maps is False
    with pytest.raises(BadArgument, match="has no feature maps"):
        encoder.mapped(torch.zeros(1, 1, 28, 28))
    for wrong in (Attention, Relation):
        with pytest.raises(BadArgument, match=r"width 0.* must be positive"):
            wrong(width=0, maps=MAPS)


def test_a_view_changes_the_embedding_and_not_the_map() -> None:
    import onnxruntime

    shape = InputShape(Form.IMAGES, 1, 16, 16)
    encoder = ENCODERS.build("convnet4(dim=8, width=4)", shape=shape)
    matcher = matcher_of("attention(width=4)", encoder, "convnet4")
    plain = Network(encoder, normalize=True, matcher=matcher).eval()
    viewed = Network(encoder, normalize=True, matcher=matcher, views=[Mirrored(shape=shape)]).eval()
    inputs = torch.randn(3, 1, 16, 16)
    with torch.no_grad():
        (vectors, seen), (others, same) = plain(inputs), viewed(inputs)
    torch.testing.assert_close(seen, same, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(vectors, others)
    session = onnxruntime.InferenceSession(export_network(viewed, shape))
    _, given = session.run(["embedding", "features"], {"inputs": inputs.numpy()})
    np.testing.assert_allclose(given, same.numpy(), atol=1e-4)


# ── using ─────────────────────────────────────────────────────────────────────────────────────

FOLDER = Path("some/model")


@pytest.fixture(scope="module")
def matcher() -> SymmetricMatcher:
    torch.manual_seed(0)
    return SymmetricMatcher(Attention(width=4, maps=MAPS))


@pytest.fixture(scope="module")
def exported(matcher: SymmetricMatcher) -> bytes:
    return export_matcher(matcher, *(matcher.matcher.sizes or ()))


def featured(count: int, seed: int = 0) -> FeatureMaps:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 6)).astype(np.float32)
    return FeatureMaps(vectors, random.normal(size=(count, 8, 2, 3)).astype(np.float32))


@pytest.mark.parametrize("numbers", [2**23, 1, (16 * 48 + 8 * 36) * 5])
def test_rows_and_matrix_are_softplus_of_the_matcher(
    matcher: SymmetricMatcher,
    exported: bytes,
    numbers: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparator_module, "_NUMBERS", numbers)
    learned = OnnxMatcher(exported, 6, FOLDER, (8, 2, 3))
    every = featured(9)
    first, second = every[np.array([0, 3, 3, 8])], every[2:7]
    row, column = np.divmod(np.arange(20), 5)
    with torch.no_grad():
        logits = matcher(*(torch.from_numpy(s.maps) for s in (first[row], second[column])))
    expected = functional.softplus(-logits).numpy()
    np.testing.assert_allclose(learned.matrix(first, second).ravel(), expected, rtol=1e-4)
    np.testing.assert_allclose(learned.rows(first[row], second[column]), expected, rtol=1e-4)


def test_what_lacks_maps_is_refused(exported: bytes) -> None:
    learned = OnnxMatcher(exported, 6, FOLDER, (8, 2, 3))
    vectors = featured(3).vectors
    with pytest.raises(BadArgument, match="reads feature maps, and was given embeddings alone"):
        learned.rows(vectors, vectors)
    for sizes in (None, (8, 3, 2)):
        with pytest.raises(DamagedModel, match="The matcher in some/model takes"):
            OnnxMatcher(exported, 6, FOLDER, sizes)


class Counting:
    """Compares by the product of row numbers, and counts the pairs that it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def rows(self, first: FeatureMaps, second: FeatureMaps) -> np.ndarray:
        self.asked += zip(first.rows.tolist(), second.rows.tolist(), strict=True)
        return (first.rows + second.rows).astype(np.float32)

    def matrix(self, first: FeatureMaps, second: FeatureMaps) -> np.ndarray:
        raise NotImplementedError


def test_no_pair_is_compared_twice() -> None:
    every, counting = featured(7), Counting()
    once = ComparedOnce(counting, every)
    block = once.matrix(every[1:4], every[3:])
    assert block.tolist() == [[i + j for j in range(3, 7)] for i in range(1, 4)]
    assert once.rows(every[np.array([5, 6, 0])], every[np.array([2, 1, 6])]).tolist() == [7, 7, 6]
    assert once.matrix(every, every)[6, 2] == 8
    asked = [tuple(sorted(pair)) for pair in counting.asked]
    assert len(asked) == len(set(asked)) == 7 * 8 // 2


def test_maps_of_many_items_go_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    every = featured(10)
    parts = [(every[at : at + 4].vectors, every[at : at + 4].maps) for at in (0, 4, 8)]
    for large in (2**28, 100):
        monkeypatch.setattr("likewise.model.feature_maps._LARGE_BYTES", large)
        kept = FeatureMaps.of(iter(parts), 10, (8, 2, 3))
        assert kept.shape == (10, 6)
        np.testing.assert_array_equal(kept[3:9].maps, every.maps[3:9])
        np.testing.assert_array_equal(kept.vectors, every.vectors)


@pytest.mark.parametrize("nearest", [1, 4, 50])
def test_the_nearest_follow_the_matcher_and_the_others_the_distance(nearest: int) -> None:
    every = featured(30)
    first, second = every[:6], every[6:]
    counting = Counting()
    reranked = Reranked(Euclidean(), counting, nearest)
    plain = np.asarray(Euclidean().matrix(first.vectors, second.vectors))
    found = reranked.matrix(first, second)
    assert len(counting.asked) == 6 * min(nearest, 24)
    for row in range(6):
        by_distance = sorted(range(24), key=lambda column: plain[row, column])
        near, far = by_distance[:nearest], by_distance[nearest:]
        near = sorted(near, key=lambda column: row + 6 + column)
        assert np.argsort(found[row], kind="stable").tolist() == near + far
        assert found[row, near].tolist() == [row + 6 + column for column in near]
    # The same as lists of their own, end to end.
    shown = np.tile(np.arange(24), 6)
    np.testing.assert_allclose(reranked.lists(first, second[shown], 24), found, rtol=1e-6)


def test_at_least_one_is_put_in_order() -> None:
    with pytest.raises(BadArgument, match="rerank is 0"):
        Reranked(Euclidean(), Counting(), 0)


# ── a model ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["attention(width=8)", "relation(width=16)"])
def made(request, tmp_path_factory):
    recipe = Recipe.for_kind("image").with_settings(
        [
            "source=characters",
            "transform.size=16",
            "encoder=convnet4(dim=16, width=8)",
            f"matcher={request.param}",
            "steps=120",
            "learning_rate=0.003",
            "precision=float32",
            "fractions.train=0.8",
            "fractions.calibrate=0.1",
            "fractions.test=0.1",
        ]
    )
    return run_experiment(recipe, out=tmp_path_factory.mktemp("mapped") / "model", audit=False)


def test_it_is_calibrated_beside_the_distance_and_measured(made) -> None:
    model = Model(made.model.folder)
    assert set(model.calibrations) == {"default", "default/distance"}
    assert model.uses_feature_maps()
    with pytest.warns(DeprecationWarning, match="looks_closer is called uses_feature_maps now"):
        assert model.looks_closer()
    assert not model.uses_feature_maps("distance")
    assert made.evaluation.comparator == "matcher"
    assert made.evaluation.reranked == 50
    assert made.evaluation.drawn == ""
    assert made.evaluation.verification.auc > 0.6
    assert made.evaluation.one_shot.accuracy > 0.25
    assert made.evaluation.retrieval is not None


def test_two_items_are_decided_by_their_maps(made) -> None:
    model = made.model
    items = SOURCES.build("characters").items()
    first, second = items.read(0), items.read(1)
    decided, back = verify(model, first, second), verify(model, second, first)
    assert decided.distance == pytest.approx(back.distance, rel=1e-3, abs=1e-6)
    assert decided.threshold == model.calibration().point().threshold
    pair = [model.features_for_one(one, "x") for one in (first, second)]
    assert decided.distance == pytest.approx(float(model.comparator().rows(*pair)[0]), rel=1e-3)
    plain = verify(model, first, second, comparator="distance")
    vectors = [model.embed_one(one, "x") for one in (first, second)]
    assert plain.distance == pytest.approx(float(np.linalg.norm(vectors[0] - vectors[1])), rel=1e-3)


def test_of_very_many_items_some_are_compared(made, monkeypatch) -> None:
    monkeypatch.setattr(features, "MOST_MAPPED", 40)
    source = SOURCES.build("characters")
    measured = evaluate(made.model, source, allow_overlap=True, rerank=3)
    with decode_all(source.items(), made.model.transform) as decoded:
        assert measured.drawn == "40 of 2,720 items, drawn by lot"
        assert measured.reranked == 3
        assert measured.verification.same_pairs + measured.verification.different_pairs == 780
        assert measured.verification.same_pairs == 10 * 6
        assert len(features_for(made.model, decoded, "distance").items) == 2720
        assert (
            features_for(made.model, decoded).rows.tolist()
            == features_for(made.model, decoded).rows.tolist()
        )


def test_what_would_look_at_every_pair_of_embeddings_is_refused(made) -> None:
    source = SOURCES.build("characters")
    with pytest.raises(BadArgument, match="Compare by the distance: --comparator distance"):
        dedupe(made.model, source)
    items = source.items()
    some = made.model.embed(items.take(np.arange(4)))
    with pytest.raises(BadArgument, match="reads feature maps, and was given embeddings alone"):
        made.model.distances(some, some)


def test_a_matcher_of_another_model_does_not_load(made, tmp_path) -> None:
    folder = shutil.copytree(made.model.folder, tmp_path / "model")
    assert Model(folder).fingerprint == made.model.fingerprint
    (folder / "matcher.onnx").write_bytes(b"another")
    with pytest.raises(DamagedModel, match="is altered"):
        _ = Model(folder).matcher


def training(path: Path | None, *, stop_after: int | None = None, resume: bool = False) -> Run:
    """A run on small pictures, in chunks, with items that select."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (120, 16, 16), dtype=np.uint8)
    names = np.repeat(np.arange(30), 4).astype(str)
    recipe = Recipe.for_kind("image").with_settings(
        [
            "transform.size=16",
            "encoder=convnet4(dim=8, width=4)",
            "matcher=attention(width=4)",
            "sampler=classes_by_items(classes=6, items=4)",
            "chunk=10",
            "epochs=3",
            "precision=float32",
            "fractions.train=0.4",
            "fractions.select=0.2",
            "fractions.calibrate=0.2",
            "fractions.test=0.2",
        ]
    )

    def step(share: float, loss: float) -> None:
        steps.append(loss)
        if len(steps) == stop_after:
            run.stop()

    steps: list[float] = []
    source = Arrays.of(list(pictures), names, namespace="pictures")
    run = begin_run(recipe, source, on_step=step, checkpoint_path=path, resume=resume)
    return run.finish()


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path) -> None:
    path = tmp_path / "run.checkpoint"
    whole = training(None)
    assert training(path, stop_after=3).stopped
    again = training(path, resume=True)
    ours, theirs = again.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [epoch.loss for epoch in again.epochs] == [epoch.loss for epoch in whole.epochs]
    figures = [epoch.figure for epoch in whole.epochs]
    assert [epoch.figure for epoch in again.epochs] == figures
    assert all(figure is not None and 0 <= figure < 1 for figure in figures)
