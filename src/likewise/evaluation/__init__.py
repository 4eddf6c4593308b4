"""How well a model verifies and ranks: rates, groups, cross-validation."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.evaluation.by_group import rates_by_group
    from likewise.evaluation.cross_validation import (
        CrossFitted,
        Fitting,
        Measured,
        cross_fit,
        graded_by,
    )
    from likewise.evaluation.pooled import (
        Decided,
        Fold,
        FoldProbabilities,
        PooledEvaluation,
        PooledPoint,
        pool_folds,
    )
    from likewise.evaluation.verification import verify_all

__getattr__, __dir__ = lazy_face(__name__, __file__)
