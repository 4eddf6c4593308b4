"""Likewise learns from your examples when two things are the same.

Using a model needs numpy and ONNX Runtime; `likewise.learn`, which makes one, needs torch. What
stands here is imported when it is first used.
"""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.gallery import Gallery
    from likewise.model import Model
    from likewise.recipe import Recipe
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

__getattr__, _ = lazy_face(__name__, __file__)


def __dir__() -> list[str]:
    return __all__
