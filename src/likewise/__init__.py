"""Likewise learns from your examples when two things are the same.

    >>> import likewise  # doctest: +SKIP
    >>> trained = likewise.train("faces/", out="model", budget="2min")  # doctest: +SKIP
    >>> likewise.verify("model", "a.png", "b.png")  # doctest: +SKIP

To make a model: `train`, `cross_validate`, `tune`, `audit`, `wrap`. To use one: `load`, `verify`,
`embed`, `evaluate`, `calibrate`, `decide`, `monitor`, `dedupe`. To know who it is: `Gallery`,
`enrol`, `identify`, `search`, `migrate`.

Using a model needs numpy and ONNX Runtime; `train`, `cross_validate` and `tune` need torch, when
they are called. What stands here is imported when it is first used.
"""

import logging
import os
import sys
from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.gallery import Gallery
    from likewise.learn.doors import cross_validate, train, tune
    from likewise.model import Model, load
    from likewise.recipe import Recipe
    from likewise.tasks.audit import audit
    from likewise.tasks.calibrate import calibrate
    from likewise.tasks.decide import decide
    from likewise.tasks.dedupe import dedupe
    from likewise.tasks.embed import embed
    from likewise.tasks.enrol import enrol
    from likewise.tasks.evaluate import evaluate
    from likewise.tasks.identify import identify
    from likewise.tasks.migrate import migrate
    from likewise.tasks.monitor import monitor
    from likewise.tasks.search import search
    from likewise.tasks.verify import verify
    from likewise.tasks.wrap import wrap

__version__ = "0.2.0"

__all__ = [
    "Gallery",
    "Model",
    "Recipe",
    "__version__",
    "audit",
    "calibrate",
    "cross_validate",
    "decide",
    "dedupe",
    "embed",
    "enrol",
    "evaluate",
    "identify",
    "load",
    "migrate",
    "monitor",
    "search",
    "train",
    "tune",
    "verify",
    "wrap",
]

# What is told there is shown by whoever asks for it: logging.basicConfig(level=logging.INFO).
logging.getLogger(__name__).addHandler(logging.NullHandler())

# Where it is imported already, that comes too late; `io.onnx_runtime` then switches it off.
if "onnxruntime" not in sys.modules:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__getattr__, _ = lazy_face(__name__, __file__)


def __dir__() -> list[str]:
    return __all__
