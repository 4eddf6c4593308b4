"""Each encoder against what its paper publishes, and what it refuses."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from likewise.errors import BadArgument
from likewise.learn.encoders import FAMILY
from likewise.learn.encoders.pooling import Pooling
from likewise.learn.encoders.resnet import _Block
from likewise.recipe.start import started_from
from likewise.types import Form, InputShape

SERIES = InputShape(Form.FRAMES, 3)


def images(size, channels=1):
    return InputShape(Form.IMAGES, channels, size, size)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def layers(module, kind):
    return [part for part in module.modules() if isinstance(part, kind)]


# ── as published ──────────────────────────────────────────────────────────────────────────────


def test_koch_has_the_published_layers_and_parameters():
    encoder = FAMILY.build("koch", shape=images(105))
    convolutions = layers(encoder, nn.Conv2d)
    assert [(c.out_channels, *c.kernel_size) for c in convolutions] == [
        (64, 10, 10),
        (128, 7, 7),
        (128, 4, 4),
        (256, 4, 4),
    ]
    assert [type(part).__name__ for part in encoder.layers] == [
        *("Conv2d", "ReLU", "MaxPool2d") * 3,
        *("Conv2d", "ReLU"),
    ]
    assert (encoder.head.in_features, encoder.head.out_features) == (9216, 4096)
    assert count(encoder) == 38_947_648
    with torch.no_grad():
        assert encoder(torch.zeros(1, 1, 105, 105)).shape == (1, 4096)


def test_koch_starts_as_published_and_ends_in_a_sigmoid():
    torch.manual_seed(0)
    encoder = FAMILY.build("koch(dim=50)", shape=images(65, channels=3))
    inputs = torch.randn(2, 3, 65, 65)
    with torch.no_grad():
        for convolution in layers(encoder, nn.Conv2d):
            assert float(convolution.weight.std()) == pytest.approx(0.01, rel=0.05)
            assert float(convolution.bias.mean()) == pytest.approx(0.5, abs=0.01)
        assert float(encoder.head.weight.std()) == pytest.approx(0.2, rel=0.05)
        expected = 1 / (1 + torch.exp(-encoder.head(encoder.layers(inputs).flatten(1))))
        torch.testing.assert_close(encoder(inputs), expected)


@pytest.mark.parametrize(
    ("depth", "published"),
    # Parameters of the published networks for ImageNet, less their 1000-way classifiers.
    [(18, 11_689_512 - 513_000), (34, 21_797_672 - 513_000), (50, 25_557_032 - 2_049_000)],
)
def test_resnet_has_the_published_parameters(depth, published):
    spec = f"resnet(depth={depth}, width=64, stem='large', dim=1)"
    with torch.device("meta"):
        encoder = FAMILY.build(spec, shape=images(224, channels=3))
    assert count(encoder) - count(encoder.head) == published
    maps = encoder.layers(torch.zeros(1, 3, 224, 224, device="meta"))
    assert maps.shape == (1, 2048 if depth == 50 else 512, 7, 7)


def test_resnet_of_depth_10_has_ten_layers_with_weights():
    encoder = FAMILY.build("resnet", shape=images(28))
    shortcuts = [c for c in layers(encoder, nn.Conv2d) if c.kernel_size == (1, 1)]
    assert len(layers(encoder, nn.Conv2d)) - len(shortcuts) + len(layers(encoder, nn.Linear)) == 10


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("deep", [False, True])
def test_a_residual_block_adds_its_shortcut(stride, deep):
    torch.manual_seed(0)
    block = _Block(8, 4 if deep else 8, stride, deep=deep).eval()
    maps = torch.randn(2, 8, 9, 9)
    with torch.no_grad():
        residual = block.layers(maps)
        found = block(maps)
        block.layers[-1].weight.zero_()
        block.layers[-1].bias.zero_()
        torch.testing.assert_close(block(maps), block.shortcut(maps).relu())
        torch.testing.assert_close(found, (residual + block.shortcut(maps)).relu())


@pytest.mark.parametrize("width", [3, 4, 8, 12, 16])
def test_gradients_of_narrow_nets_are_those_of_double_precision(width):
    # oneDNN alone steps through narrow maps wrongly: wrong gradients, or an aborted process.
    spec = f"resnet(dim=8, depth=8, width={width}, stem='strided', pooling='flatten')"
    network = FAMILY.build(spec, shape=InputShape(Form.IMAGES, 1, 20, 20)).eval()
    exact = copy.deepcopy(network).double()
    network = network.to(memory_format=torch.channels_last)
    images = torch.rand(96, 1, 20, 20)
    for _ in range(5):
        for one in (network, exact):
            one.zero_grad()
            given = images.to(next(one.parameters()).dtype)
            one(given.to(memory_format=torch.channels_last)).square().mean().backward()
        for (name, ours), theirs in zip(
            network.named_parameters(), exact.parameters(), strict=True
        ):
            scale = float(theirs.grad.abs().max())
            seen = ours.grad.double()
            torch.testing.assert_close(seen, theirs.grad, rtol=1e-3, atol=1e-3 * scale, msg=name)


@pytest.mark.parametrize(
    ("size", "stem", "left"),
    [
        (28, "auto", 4),
        (63, "auto", 8),
        (64, "auto", 2),
        (64, "small", 8),
        (28, "large", 1),
        (28, "pooled", 2),
        (28, "strided", 2),
        (29, "strided", 2),
    ],
)
def test_the_stem_of_resnet_follows_the_size(size, stem, left):
    with torch.device("meta"):
        encoder = FAMILY.build(f"resnet(stem={stem!r})", shape=images(size)).eval()
    maps = encoder.layers(torch.zeros(1, 1, size, size, device="meta"))
    assert maps.shape[2:] == (left, left)


@pytest.mark.parametrize("stem", ["small", "pooled", "strided", "large"])
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("size", [8, 27, 28, 65])
def test_flattened_places_are_counted_for_every_stem_and_size(stem, depth, size):
    spec = f"resnet(depth={depth}, width=2, dim=3, stem={stem!r}, pooling='flatten')"
    encoder = FAMILY.build(spec, shape=images(size)).eval()
    assert encoder(torch.zeros(2, 1, size, size)).shape == (2, 3)


@pytest.mark.parametrize(
    ("depth", "published"),
    # Parameters of the published networks, less the classifier of 123,642,856.
    [
        (11, 132_863_336 - 123_642_856),
        (13, 133_047_848 - 123_642_856),
        (16, 138_357_544 - 123_642_856),
        (19, 143_667_240 - 123_642_856),
    ],
)
def test_vgg_has_the_published_parameters(depth, published):
    spec = f"vgg(depth={depth}, width=64, batch_norm=False, dim=1)"
    with torch.device("meta"):
        encoder = FAMILY.build(spec, shape=images(224, channels=3))
    assert count(encoder.layers) == published
    assert len(layers(encoder.layers, nn.Conv2d)) == depth - 3
    assert encoder.head.in_features == 7 * 7 * 512


@pytest.mark.parametrize(
    ("size", "left", "poolings"), [(8, 2, 2), (15, 3, 2), (28, 3, 3), (63, 3, 4), (64, 2, 5)]
)
def test_vgg_never_pools_below_two_pixels(size, left, poolings):
    with torch.device("meta"):
        encoder = FAMILY.build("vgg", shape=images(size)).eval()
    maps = encoder.layers(torch.zeros(1, 1, size, size, device="meta"))
    assert maps.shape[2:] == (left, left)
    assert len(layers(encoder, nn.MaxPool2d)) == poolings


def test_pooling_before_relu_changes_nothing_in_vgg():
    torch.manual_seed(0)
    encoder = FAMILY.build("vgg(width=4, batch_norm=False)", shape=images(16)).eval()
    maps = inputs = torch.randn(3, 1, 16, 16)
    stages = (1, 1, 2, 2, 2)
    convolutions = iter(layers(encoder, nn.Conv2d))
    with torch.no_grad():
        for stage in stages:
            for _ in range(stage):
                maps = next(convolutions)(maps).relu()
            if maps.shape[-1] >= 4:
                maps = nn.functional.max_pool2d(maps, 2)
        torch.testing.assert_close(encoder(inputs), encoder.head(maps.flatten(1)))


@pytest.mark.parametrize("spec", ["resnet", "vgg", "vgg(pooling='mean')", "convnet4"])
def test_images_need_not_be_square(spec):
    shape = InputShape(Form.IMAGES, 3, 19, 34)
    encoder = FAMILY.build(spec, shape=shape).eval()
    with torch.no_grad():
        assert encoder(torch.randn(2, 3, 19, 34)).shape == (2, 64)


# ── series ────────────────────────────────────────────────────────────────────────────────────


def test_conv1d_is_the_network_of_the_paper_where_nothing_is_padded():
    """Against the same layers in plain torch, without masks."""
    torch.manual_seed(0)
    encoder = FAMILY.build("conv1d(width=4)", shape=SERIES).train()
    states = inputs = torch.randn(6, 20, 3)
    states = states.transpose(1, 2)
    widths = []
    for block in encoder.blocks:
        changed = states
        for place, (convolution, norm) in enumerate(
            zip(block.convolutions, block.norms, strict=True)
        ):
            widths.append((convolution.out_channels, *convolution.kernel_size))
            plain = nn.BatchNorm1d(convolution.out_channels)
            plain.load_state_dict(norm.norm.state_dict())
            changed = plain(convolution(changed))
            changed = changed.relu() if place < 2 else changed
        plain = nn.BatchNorm1d(changed.shape[1])
        states = (changed + plain(block.shortcut(states))).relu()
    assert widths == [(4, 7), (4, 5), (4, 3), (8, 7), (8, 5), (8, 3), (8, 7), (8, 5), (8, 3)]
    torch.testing.assert_close(encoder(inputs), encoder.head(states.mean(2)), atol=1e-5, rtol=1e-4)


def test_conv1d_normalises_by_the_real_steps_alone():
    torch.manual_seed(0)
    shape = SERIES
    inputs, lengths = torch.randn(4, 12, 3), torch.tensor([12, 5, 9, 3])
    states = {}
    for extra, filling in ((0, 0.0), (30, 100.0)):
        torch.manual_seed(1)
        encoder = FAMILY.build("conv1d(width=4)", shape=shape).train()
        padding = torch.full((4, extra, 3), filling)
        embedding = encoder(torch.cat([inputs, padding], 1), lengths)
        states[extra] = [embedding, *encoder.buffers()]
    for one, other in zip(states[0], states[30], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_last_of_an_lstm_is_the_final_state_of_both_directions():
    """Against torch's own bidirectional LSTM on each series alone."""
    torch.manual_seed(0)
    encoder = FAMILY.build("lstm(hidden=5, layers=2, pooling='last')", shape=SERIES).eval()
    both = nn.LSTM(3, 5, num_layers=2, batch_first=True, bidirectional=True)
    pairs = [*zip(encoder.forwards, encoder.backwards, strict=True)]
    for layer, (ahead, behind) in enumerate(pairs):
        for part, suffix in ((ahead, ""), (behind, "_reverse")):
            for name, value in part.named_parameters():
                getattr(both, f"{name[:-1]}{layer}{suffix}").data.copy_(value.data)
    inputs, lengths = torch.randn(3, 9, 3), torch.tensor([9, 1, 4])
    with torch.no_grad():
        embedding = encoder(inputs, lengths)
        for row, length in enumerate(lengths):
            final = both(inputs[row : row + 1, :length])[1][0]
            expected = encoder.head(torch.cat([final[-2], final[-1]], 1))
            torch.testing.assert_close(embedding[row], expected[0])


# ── pooling ───────────────────────────────────────────────────────────────────────────────────


def pooled(how, states, mask):
    torch.manual_seed(0)
    pool = Pooling(how, states.shape[2])
    with torch.no_grad():
        return pool, pool(states, mask).numpy()


@pytest.mark.parametrize("how", ["mean", "last", "attention"])
def test_pooling_equals_a_plain_loop(how):
    states = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0))
    lengths = [6, 1, 3, 5]
    mask = torch.arange(6)[None] < torch.tensor(lengths)[:, None]
    pool, found = pooled(how, states, mask)
    for row, length in enumerate(lengths):
        real = states[row, :length].double().numpy()
        if how == "mean":
            expected = real.mean(0)
        elif how == "last":
            expected = real[-1]
        else:
            first, _, second = pool.weigh
            weights = np.exp(
                np.tanh(real @ first.weight.detach().numpy().T + first.bias.detach().numpy())
                @ second.weight.detach().numpy().T
            )
            expected = (weights * real).sum(0) / weights.sum()
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


def test_attention_weighs_steps_differently_and_learns_to():
    states = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(2, 6, dtype=torch.bool)
    pool, found = pooled("attention", states, mask)
    assert not np.allclose(found, states.mean(1).numpy(), atol=1e-3)
    pool(states, mask).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in pool.parameters())


def test_pooling_of_no_known_name_is_refused():
    with pytest.raises(BadArgument, match="give 'mean', 'last' or 'attention'"):
        Pooling.__init__.__wrapped__(Pooling.__new__(Pooling), "median", 3)


# ── bf16 and refusals ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        ("resnet(width=4, pooling='attention')", images(28)),
        ("resnet(depth=8, width=4, stem='strided', pooling='flatten')", images(28)),
        ("vgg(width=4)", images(28)),
        ("conv1d(width=4)", SERIES),
        ("transformer(pooling='attention')", SERIES),
    ],
)
def test_training_in_bf16_is_near_float32(spec, shape):
    torch.manual_seed(0)
    encoder = FAMILY.build(spec, shape=shape).train()
    if shape.form is Form.IMAGES:
        inputs, lengths = torch.randn(8, 1, 28, 28), None
    else:
        inputs, lengths = torch.randn(8, 12, 3), torch.arange(5, 13)
    torch.manual_seed(1)
    exact = encoder(inputs, lengths)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(inputs, lengths)
    rough.float().square().sum().backward()
    near = nn.functional.cosine_similarity(exact.flatten(), rough.float().flatten(), dim=0)
    assert near > 0.99
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters())


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("lstm", images(28), "takes series"),
        ("conv1d", images(28), "takes series"),
        ("convnet4", SERIES, "takes images"),
        ("resnet", SERIES, "takes images"),
        ("vgg", SERIES, "takes images"),
        ("koch", SERIES, "takes images"),
        ("resnet", images(7), "at least 8x8 pixels"),
        ("vgg", images(7), "at least 8x8 pixels"),
        ("koch", images(64), "at least 65x65 pixels.*Set transform.size to 105"),
        ("koch(dim=0)", images(105), "must be positive"),
        ("convnet4(dim=0)", images(28), "must be positive"),
        ("resnet(width=0)", images(28), "must be positive"),
        ("resnet(depth=21)", images(28), r"depth is 21, and Literal\[8, 10, 14, 18, 20, 34, 50\]"),
        ("resnet(stem='tiny')", images(28), "stem is 'tiny'"),
        ("resnet(pooling='last')", images(28), "pooling is 'last'"),
        ("vgg(width=0)", images(28), "must be positive"),
        ("vgg(depth=12)", images(28), "depth is 12"),
        ("vgg(pooling='last')", images(28), "pooling is 'last'"),
        ("conv1d(blocks=0)", SERIES, "must be positive"),
        ("conv1d(pooling='flatten')", SERIES, "pooling is 'flatten'"),
        ("lstm(layers=0)", SERIES, "must be positive"),
        ("transformer(patch=5)", images(28), "do not cut 28x28 evenly"),
        ("transformer(width=30)", images(28), "multiple of twice the heads"),
        ("transformer(dropout=1.0)", SERIES, "dropout"),
        ("transformer(pooling='last')", images(28), "images have no last step"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(spec, shape, message):
    with pytest.raises(BadArgument, match=message):
        FAMILY.build(spec, shape=shape)


def test_a_stride_changes_no_promise_of_conv1d():
    shape = InputShape(Form.FRAMES, 2)
    encoder = FAMILY.build("conv1d(width=8, blocks=1, stride=3)", shape=shape).eval()
    inputs = torch.randn(4, 31, 2)
    lengths = torch.tensor([31, 30, 7, 1])
    together = encoder(inputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = encoder(inputs[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=1e-4)
    noise = torch.where(torch.arange(31)[None, :, None] < lengths[:, None, None], inputs, 99.0)
    torch.testing.assert_close(encoder(noise, lengths), together, atol=1e-5, rtol=1e-4)


def test_the_preset_strides_over_long_series(tmp_path):
    random = np.random.default_rng(0)
    for steps, encoder in ((2000, "conv1d(stride=8)"), (300, "conv1d")):
        series = [random.normal(size=(steps, 1)).astype(np.float32) for _ in range(24)]
        start = started_from((series, [f"p{at // 4}" for at in range(24)]))
        assert start.recipe.encoder == encoder
        assert ("so that 8 steps become one" in start.told) == (steps == 2000)
    kept = started_from((series, ["a", "b"] * 12), settings=["encoder.stride=2"])
    assert kept.recipe.encoder == "conv1d(stride=2)"
