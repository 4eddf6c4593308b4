"""The page a person looks at: it is given plain results and never computes one."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.report.page import (
        Example,
        Report,
        card,
        render,
    )
    from likewise.report.precomputed import (
        Dealt,
        PrecomputedReport,
    )
    from likewise.report.wording import (
        closer,
        promise,
    )
    from likewise.report.write import (
        check_report,
        examples_of,
        report_of,
        training_json,
        write_folds,
        write_precomputed,
        write_report,
    )
    from likewise.report.write_collection import (
        write_audit,
        write_duplicates,
    )

__all__ = [
    "Dealt",
    "Example",
    "PrecomputedReport",
    "Report",
    "card",
    "check_report",
    "closer",
    "examples_of",
    "promise",
    "render",
    "report_of",
    "training_json",
    "write_audit",
    "write_duplicates",
    "write_folds",
    "write_precomputed",
    "write_report",
]

__getattr__, __dir__ = lazy_face(__name__, __file__)
