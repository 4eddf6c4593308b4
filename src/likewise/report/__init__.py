"""The page a person looks at: it is given plain results and never computes one."""

from likewise.report.page import Example, Report, card, render

__all__ = ["Example", "Report", "card", "render"]
