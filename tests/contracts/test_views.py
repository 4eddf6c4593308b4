"""What every view promises, whoever adds one."""

import pytest
import torch
from torch import Tensor

from likewise.learn.views import FAMILY
from likewise.learn.views.base import View
from likewise.types import Form, InputShape

SHAPES = {
    Form.IMAGES: InputShape(Form.IMAGES, 2, 14, 18),
    Form.FRAMES: InputShape(Form.FRAMES, 3),
    Form.VECTORS: InputShape(Form.VECTORS, 6),
}


@pytest.fixture(params=FAMILY.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def view(name: str) -> View:
    (form, *_) = FAMILY.type_of(name).forms
    return FAMILY.build(name, shape=SHAPES[form])


def drawn(view: View, count: int = 4) -> Tensor:
    (form, *_) = view.forms
    sizes = [11 if size is None else size for size in SHAPES[form].sizes]
    return torch.randn(count, *sizes, generator=torch.Generator().manual_seed(0))


def test_it_gives_so_many_views_of_each_item_one_view_after_another(view: View) -> None:
    inputs = drawn(view)
    before = inputs.clone()
    out = view(inputs)
    assert view.copies >= 1
    assert out.shape == (view.copies * len(inputs), *inputs.shape[1:])
    assert out.dtype == inputs.dtype
    assert out.isfinite().all()
    assert torch.equal(inputs, before)
    by_view = out.view(view.copies, *inputs.shape)
    for row in range(len(inputs)):
        torch.testing.assert_close(view(inputs[row : row + 1]), by_view[:, row])


def test_views_are_the_same_each_time_and_differ(name: str, view: View) -> None:
    inputs = drawn(view, 1)
    torch.manual_seed(1)
    out = view(inputs)
    torch.manual_seed(2)
    again = FAMILY.build(name, shape=SHAPES[view.forms[0]]).eval()(inputs)
    assert torch.equal(out, again)
    seen = [inputs[0], *out]
    assert all(not torch.allclose(seen[i], seen[j]) for i in range(len(seen)) for j in range(i))


def test_no_item_and_an_item_that_is_everywhere_alike(view: View) -> None:
    assert view(drawn(view, 0)).shape[0] == 0
    flat = torch.full_like(drawn(view, 2), 3.5)
    torch.testing.assert_close(view(flat), flat.repeat(view.copies, *[1] * (flat.ndim - 1)))


def test_it_learns_nothing(view: View) -> None:
    assert list(view.parameters()) == []
