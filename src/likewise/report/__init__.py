"""The page a person looks at: it is given plain results and never computes one."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.report.page import Example, Report, card, render
    from likewise.report.precomputed import Dealt, PrecomputedReport
    from likewise.report.precomputed_wording import (
        NAMELESS,
        UNKNOWN_TRAINING,
        counted,
        stratified_words,
    )
    from likewise.report.wording import closer, counts, ends, measured, promise
    from likewise.report.write import (
        check_report,
        evaluation_page,
        examples_of,
        page_of,
        report_of,
        training_json,
        write_folds,
        write_report,
    )
    from likewise.report.write_collection import write_audit, write_duplicates
    from likewise.report.write_precomputed import (
        cross_fitted_report,
        frozen_report,
        write_precomputed_page,
    )

__getattr__, __dir__ = lazy_face(__name__, __file__)
