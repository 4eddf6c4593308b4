"""Likewise learns from your examples when two things are the same.

Using a model needs numpy and ONNX Runtime; `likewise.learn`, which makes one, needs torch. What
stands here is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from likewise.gallery import Gallery
    from likewise.model.model import Model
    from likewise.recipe.recipe import Recipe
    from likewise.tasks.calibrate import calibrate
    from likewise.tasks.dedupe import dedupe
    from likewise.tasks.embed import embed
    from likewise.tasks.enrol import enrol
    from likewise.tasks.evaluate import evaluate
    from likewise.tasks.identify import identify
    from likewise.tasks.migrate import migrate
    from likewise.tasks.monitor import monitor
    from likewise.tasks.search import search
    from likewise.tasks.verify import verify

__version__ = "0.1.0"

_WHERE = {
    "Gallery": "likewise.gallery",
    "Model": "likewise.model.model",
    "Recipe": "likewise.recipe.recipe",
    "calibrate": "likewise.tasks.calibrate",
    "dedupe": "likewise.tasks.dedupe",
    "embed": "likewise.tasks.embed",
    "enrol": "likewise.tasks.enrol",
    "evaluate": "likewise.tasks.evaluate",
    "identify": "likewise.tasks.identify",
    "migrate": "likewise.tasks.migrate",
    "monitor": "likewise.tasks.monitor",
    "search": "likewise.tasks.search",
    "verify": "likewise.tasks.verify",
}

__all__ = [
    "Gallery",
    "Model",
    "Recipe",
    "__version__",
    "calibrate",
    "dedupe",
    "embed",
    "enrol",
    "evaluate",
    "identify",
    "migrate",
    "monitor",
    "search",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'likewise' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__
