"""Plain results: decisions, rates, rankings, probabilities, curves and grades."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.results.cells import point_rows, rate_cells, rates_in_words
    from likewise.results.curves import Curve, Histogram
    from likewise.results.embeddings import Embeddings
    from likewise.results.evaluation import (
        Decision,
        Epoch,
        Evaluation,
        Mistake,
        Training,
        Verification,
        claim_sentence,
    )
    from likewise.results.grades import (
        Correlation,
        Coverage,
        Grade,
        GradeAccuracy,
        GradeBin,
        Graded,
    )
    from likewise.results.plain import to_json_values, to_plain
    from likewise.results.plots import plot_rates, plot_training
    from likewise.results.points import (
        BALANCED,
        EQUAL_ERROR,
        Criterion,
        OperatingPoint,
        check_prior,
        check_rate,
    )
    from likewise.results.probability import Choice, Probability, Reliability
    from likewise.results.ranking import AtSize, Identification, OneShot, Retrieval, Share
    from likewise.results.rates import (
        Accuracy,
        Enrolment,
        ErrorRates,
        Extremes,
        GroupRates,
        Groups,
        Promise,
        Rate,
    )
    from likewise.results.result import SCHEMA, Cell, Result
    from likewise.results.schemas import json_schema

__getattr__, __dir__ = lazy_face(__name__, __file__)
