"""Somebody's ONNX encoder as a model: its graph brought to the house's names and axes."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.wrapping.adapt import WrapRequest, adapt_encoder, probe_encoder

__getattr__, __dir__ = lazy_face(__name__, __file__)
