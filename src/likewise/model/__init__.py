"""The artefact: load, save, embed and compare."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.model.batching import Block
    from likewise.model.drift_reference import MOST, DriftReference, evenly, to_bytes
    from likewise.model.feature_maps import FeatureMaps, vectors_of
    from likewise.model.files import most_bytes
    from likewise.model.folder import check_model_folder, save_model, update_model
    from likewise.model.leakage import LeakageRecord
    from likewise.model.model import Model, beside
    from likewise.model.onnx_check import check_onnx
    from likewise.model.onnx_encoder import LONGEST_EMBEDDING, OnnxEncoder
    from likewise.model.onnx_matcher import ComparedOnce, OnnxMatcher
    from likewise.model.onnx_session import OnnxSession
    from likewise.model.opening import as_model, load
    from likewise.model.reranking import NEAREST, Reranked, check_nearest
    from likewise.model.transform_text import dump_transform

__getattr__, __dir__ = lazy_face(__name__, __file__)
