"""What an auditor asks for over a period: a fold over the log's entries, told in Markdown and JSON.

`fold` takes entries in, `report` makes the value of what was folded, `as_markdown` and `as_json` write it down.
"""

from detector.report.base import begin
from detector.report.compile import report
from detector.report.fold import Fold, fold
from detector.report.markdown import as_markdown
from detector.report.period import Period, instant
from detector.report.shape import Report, as_json, components, schema

__all__ = [
    "Fold",
    "Period",
    "Report",
    "as_json",
    "as_markdown",
    "begin",
    "components",
    "fold",
    "instant",
    "report",
    "schema",
]
