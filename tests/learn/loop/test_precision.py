"""Where a run computes, and in what."""

import time

import pytest
import torch

from likewise.errors import BadArgument, TrainingError
from likewise.learn.loop import precision
from likewise.learn.loop.objective import enough_memory
from likewise.learn.loop.precision import choose_precision, pick_device

CPU = torch.device("cpu")
LAYER = torch.nn.Linear(2, 2)


class Paced(torch.nn.Linear):
    """A layer that takes longer in one precision, by sleeping."""

    def __init__(self, slow_bf16: float, slow_float32: float) -> None:
        super().__init__(2, 2)
        self.slow = {True: slow_bf16, False: slow_float32}

    def forward(self, inputs):
        time.sleep(self.slow[torch.is_autocast_enabled("cpu")])
        return super().forward(inputs)


def cost(network):
    return network(torch.ones(3, 2)).float().sum()


@pytest.mark.parametrize(
    ("bf16", "float32", "name"), [(0.002, 0.02, "bf16"), (0.02, 0.002, "float32")]
)
def test_auto_takes_what_is_faster(bf16, float32, name, monkeypatch):
    monkeypatch.setattr(precision, "_product", lambda: 2.0)
    monkeypatch.setattr(precision, "_SECONDS", 0.2)
    network = Paced(bf16, float32)
    before = network.weight.detach().clone()
    random = torch.get_rng_state()
    found = choose_precision("auto", network, cost, CPU)
    assert found.name == name
    assert "times as fast as float32 here" in found.why
    assert torch.equal(network.weight, before)
    assert network.weight.grad is None
    assert torch.equal(torch.get_rng_state(), random)


def test_where_a_product_is_slower_in_bf16_no_step_is_tried(monkeypatch):
    monkeypatch.setattr(precision, "_product", lambda: 0.1)
    found = choose_precision("auto", LAYER, cost, CPU)
    assert (found.name, found.why) == (
        "float32",
        "a product in bf16 measured 0.1 times as fast here",
    )


def test_what_does_not_run_in_bf16_runs_in_float32(monkeypatch):
    monkeypatch.setattr(precision, "_product", lambda: 2.0)

    def refuse(network):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("could not create a primitive")
        return cost(network)

    found = choose_precision("auto", torch.nn.Linear(2, 2), refuse, CPU)
    assert found.name == "float32"
    assert "could not create a primitive" in found.why


def test_what_is_asked_for_is_taken_untried():
    assert choose_precision("bf16", LAYER, cost, CPU).name == "bf16"
    assert choose_precision("float32", LAYER, cost, CPU).why == "asked for"


def test_devices():
    assert pick_device("cpu") == CPU
    with pytest.raises(BadArgument, match=r"no device 'tpu'.*auto, cpu, cuda"):
        pick_device("tpu")
    if not torch.cuda.is_available():
        assert pick_device("auto") == CPU
        with pytest.raises(BadArgument, match=r"CUDA was asked for.*--device cpu"):
            pick_device("cuda")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "Memory ran out at step 3"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            "smaller batch",
        ),
        (RuntimeError("could not create a primitive descriptor"), "precision=float32"),
    ],
)
def test_what_the_machine_cannot_do_is_said_in_words(error, message):
    with pytest.raises(TrainingError, match=message), enough_memory(3):
        raise error


def test_other_errors_of_torch_pass():
    with pytest.raises(RuntimeError, match="something else"), enough_memory(3):
        raise RuntimeError("something else")
