"""Several encoders side by side, and a loss for each of them."""

import pytest
import torch
from torch.nn import functional

from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, TrainingError, UnknownName
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop.train import begin_run
from likewise.learn.losses import FAMILY as LOSSES
from likewise.recipe.recipe import Recipe
from likewise.types import Form, InputShape, Labels

SQUARE = InputShape(Form.IMAGES, 1, 16, 16)
SERIES = InputShape(Form.FRAMES, 2)
MEMBER = "convnet4(dim=6, width=4)"
LABELS = Labels(torch.arange(12) // 3)


def drawn(count, dim, seed=0):
    rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))
    return rows.double().requires_grad_()


def test_embeddings_of_all_members_stand_in_a_row():
    torch.manual_seed(0)
    encoder = ENCODERS.build(f"ensemble({MEMBER!r}, members=3)", shape=SQUARE).eval()
    images = torch.rand(5, 1, 16, 16)
    found = encoder(images)
    assert (encoder.dim, found.shape) == (18, (5, 18))
    alone = [functional.normalize(member(images), dim=1) for member in encoder.members]
    torch.testing.assert_close(found, torch.cat(alone, dim=1))
    assert encoder.forms == (Form.IMAGES,)
    # From other first weights, so that they see different things.
    assert not torch.allclose(alone[0], alone[1], atol=0.1)


def test_members_may_keep_their_lengths():
    torch.manual_seed(0)
    encoder = ENCODERS.build(
        "ensemble('lstm(dim=4, hidden=4)', normalize=False)", shape=SERIES
    ).eval()
    series, lengths = torch.randn(3, 9, 2), torch.tensor([9, 4, 1])
    alone = [member(series, lengths) for member in encoder.members]
    torch.testing.assert_close(encoder(series, lengths), torch.cat(alone, dim=1))
    assert encoder.forms == (Form.FRAMES,)


def test_maps_of_all_members_stand_one_behind_the_other():
    encoder = ENCODERS.build(f"ensemble({MEMBER!r})", shape=SQUARE).eval()
    images = torch.rand(4, 1, 16, 16)
    maps = encoder.mapped(images)
    assert maps.shape[1:] == encoder.maps
    assert encoder.maps[0] == 2 * encoder.members[0].maps[0]
    torch.testing.assert_close(encoder.pooled(maps), encoder(images))


def test_an_ensemble_that_cannot_be_is_refused():
    with pytest.raises(BadArgument, match="members is 1, and at least 2"):
        ENCODERS.build(f"ensemble({MEMBER!r}, members=1)", shape=SQUARE)
    with pytest.raises(BadArgument, match="an ensemble itself"):
        ENCODERS.build("ensemble('ensemble')", shape=SQUARE)
    with pytest.raises(BadArgument, match="of is by_member itself"):
        LOSSES.build("by_member('by_member')", distance=Cosine(), classes=4, dim=8)
    with pytest.raises(UnknownName, match="resnet"):
        ENCODERS.build("ensemble('resnett')", shape=SQUARE)
    with pytest.raises(BadArgument, match="members is 3, and the embedding has 8"):
        LOSSES.build("by_member(members=3)", distance=Cosine(), classes=4, dim=8)


@pytest.mark.parametrize("of", ["supcon", "triplet(margin=0.2)", "multi_similarity"])
def test_the_loss_by_member_is_the_mean_of_each_ones_own(of):
    parts = [functional.normalize(drawn(12, 4, seed), dim=1) for seed in (0, 1)]
    rows = torch.cat(parts, dim=1) / 2**0.5  # as an ensemble and the network behind it leave them
    loss = LOSSES.build(f"by_member({of!r})", distance=Euclidean(), classes=4, dim=8)
    alone = LOSSES.build(of, distance=Euclidean(), classes=4, dim=4)
    wanted = sum(alone(part, LABELS) for part in parts) / 2
    torch.testing.assert_close(loss(rows, LABELS), wanted)


def test_what_a_member_learns_hangs_on_no_other():
    rows, loss = drawn(12, 8), LOSSES.build("by_member", distance=Cosine(), classes=4, dim=8)
    (before,) = torch.autograd.grad(loss(rows, LABELS), rows)
    other = torch.cat([rows[:, :4], drawn(12, 4, seed=1)], dim=1)
    (after,) = torch.autograd.grad(loss(other, LABELS), other)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_earlier_batches_are_parted_alike():
    rows, memory = drawn(12, 8), drawn(20, 8, seed=1)
    classes = Labels(torch.arange(20) // 5)
    loss = LOSSES.build("by_member", distance=Cosine(), classes=4, dim=8)
    alone = LOSSES.build("supcon", distance=Cosine())
    each = [alone(rows[:, p], LABELS, memory[:, p], classes) for p in (slice(4), slice(4, 8))]
    torch.testing.assert_close(loss(rows, LABELS, memory, classes), sum(each) / 2)
    # A batch given as its own references is compared with itself, an item never with itself.
    torch.testing.assert_close(loss(rows, LABELS, rows, LABELS), loss(rows, LABELS))


def test_each_member_has_rows_of_its_own_for_the_classes():
    loss = LOSSES.build("by_member('proxy_anchor')", distance=Cosine(), classes=4, dim=8)
    assert loss.by_class
    assert loss.rate == 100
    assert [tuple(own.shape) for own in loss.parameters()] == [(4, 4), (4, 4)]
    loss(drawn(12, 8).float(), LABELS).backward()
    assert all(own.grad.any() for own in loss.parameters())


@pytest.mark.parametrize("encoder", ["convnet4", f"ensemble({MEMBER!r}, members=4)"])
def test_a_loss_for_other_members_than_there_are_is_refused(encoder):
    recipe = Recipe(source="characters", encoder=encoder, loss="by_member", distance="cosine")
    with pytest.raises(TrainingError, match=r"learns 2 members, and .* has [14].*members=2"):
        begin_run(recipe)


def test_an_ensemble_is_trained_from_a_recipe():
    recipe = Recipe.for_kind("image").with_settings(
        [
            "source=characters",
            "transform=image(size=16)",
            f"encoder=ensemble({MEMBER!r}, members=3)",
            "loss=by_member('supcon', members=3)",
            "distance=cosine",
            "sampler=classes_by_items(classes=8, items=2)",
            "steps=2",
        ]
    )
    run = begin_run(recipe).finish()
    network = run.model()
    run.data.close()
    assert network.encoder.dim == 18
    assert network(torch.rand(2, 1, 16, 16)).norm(dim=1).tolist() == pytest.approx([1, 1])
