"""Training loops that others would write, for the same encoder on batches of the same shape."""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from likewise.distances.cosine import Cosine
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.network.network import Network
from likewise.sources.omniglot import Omniglot
from likewise.types import Form, InputShape, Labels

CLASSES, ITEMS, SIZE = 32, 4, 28
TEMPERATURE = 0.1

Loop = Callable[[float], float]
"""Call it with seconds, and it trains so long and gives its items a second."""


def network_of(encoder: str) -> Network:
    """The encoder with weights of its own, and unit length behind it."""
    torch.manual_seed(0)
    shape = InputShape(Form.IMAGES, 1, SIZE, SIZE)
    return Network(ENCODERS.build(encoder, shape=shape), normalize=True)


def bare(encoder: str, *, bf16: bool = False) -> Loop:
    """A plain loop over batches that are ready as tensors in memory."""
    network = network_of(encoder)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = LOSSES.build("supcon", distance=Cosine(), temperature=TEMPERATURE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.001, foreach=True)
    count = CLASSES * ITEMS
    images = torch.rand(64, count, 1, SIZE, SIZE)
    labels = torch.arange(CLASSES).repeat_interleave(ITEMS)

    def run(seconds: float) -> float:
        network.train()
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                embeddings = network(images[done % 64])
            cost = loss(embeddings.float(), Labels(labels))
            optimizer.zero_grad(set_to_none=True)
            cost.backward()
            optimizer.step()
            done += 1
        return done * count / (time.perf_counter() - started)

    return run


class Drawings(Dataset[tuple[Tensor, int]]):
    """Images in files and their labels, opened and made tensors when they are asked for.

    This is what `torchvision.datasets.ImageFolder` does with `Resize`, `RandomAffine`, `ToTensor`
    and `Normalize`; torchvision itself does not import beside every build of torch.

    Args:
        place: A folder to put the files into.
        affine: Whether to turn, scale, shear and move each by chance.
    """

    def __init__(self, place: Path, *, affine: bool = False) -> None:
        items = Omniglot("small1").items()
        self.paths: list[Path] = []
        for row in range(len(items)):
            self.paths.append(place / f"{row}.png")
            self.paths[-1].write_bytes(bytes(items.read(row)))
        self.labels = np.unique(items.identities, return_inverse=True)[1].tolist()
        self.affine = affine
        self.random = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        with Image.open(io.BytesIO(self.paths[row].read_bytes())) as opened:
            image = opened.convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        if self.affine:
            turn, shear, across, down = self.random.uniform(-0.1, 0.1, 4)
            scale = self.random.uniform(0.9, 1.1)
            matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            matrix = matrix @ np.array([[1, shear], [0, 1]]) / scale
            middle = np.full(2, SIZE / 2)
            offset = middle - matrix @ (middle + SIZE * np.array([across, down]))
            image = image.transform(
                image.size,
                Image.Transform.AFFINE,
                (*matrix[0], offset[0], *matrix[1], offset[1]),
                Image.Resampling.BILINEAR,
                fillcolor=255,
            )
        array = torch.from_numpy(np.array(image, dtype=np.uint8)).unsqueeze(0)
        return array.to(torch.float32).div(255).sub(0.5).div(0.5), self.labels[row]


def documented(encoder: str, place: Path, *, affine: bool = False) -> Loop:
    """A loop as the documentation of pytorch-metric-learning writes it."""
    from pytorch_metric_learning.losses import SupConLoss
    from pytorch_metric_learning.samplers import MPerClassSampler

    data = Drawings(place, affine=affine)
    batch = CLASSES * ITEMS
    sampler = MPerClassSampler(data.labels, ITEMS, batch, length_before_new_iter=100_000)
    loader = DataLoader(data, batch_size=batch, sampler=sampler)
    model: nn.Module = network_of(encoder)
    loss_func = SupConLoss(temperature=TEMPERATURE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001)

    def run(seconds: float) -> float:
        model.train()
        started, done = time.perf_counter(), 0
        for images, labels in loader:
            optimizer.zero_grad()
            embeddings = model(images)
            loss = loss_func(embeddings, labels)
            loss.backward()
            optimizer.step()
            done += batch
            if time.perf_counter() - started >= seconds:
                break
        return done / (time.perf_counter() - started)

    return run
