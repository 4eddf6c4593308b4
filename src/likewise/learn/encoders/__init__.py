"""The networks that turn an item into a vector."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.encoders.base import Encoder

FAMILY: "Family[Encoder]" = Family(
    "encoder",
    __name__,
    {
        "convnet4": "convnet4:ConvNet4",
        "koch": "koch:Koch",
        "resnet": "resnet:ResNet",
        "vgg": "vgg:VGG",
        "conv1d": "conv1d:Conv1D",
        "lstm": "lstm:LSTM",
        "transformer": "transformer:Transformer",
        "linear": "linear:Linear",
        "mlp": "mlp:MLP",
        "ensemble": "ensemble:Ensemble",
    },
    context=("shape",),
    aliases={"ensemble.unit": "normalize"},
)
