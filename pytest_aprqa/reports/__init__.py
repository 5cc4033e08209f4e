"""What is shown of a run: terminal, JUnit, HTML, Markdown. Pure: values in, text out.

Knows nothing of files, clocks or pytest.
"""

from pytest_aprqa.reports.cells import CellTally, tally_cells
from pytest_aprqa.reports.failures import Failure, list_failures
from pytest_aprqa.reports.header import header_lines
from pytest_aprqa.reports.html import html_cells, html_columns
from pytest_aprqa.reports.junit import suite_properties
from pytest_aprqa.reports.markdown import render_step_summary
from pytest_aprqa.reports.terminal import render_summary
from pytest_aprqa.reports.visible import counted, excerpt, visible

__all__ = [
    "CellTally",
    "Failure",
    "counted",
    "excerpt",
    "header_lines",
    "html_cells",
    "html_columns",
    "list_failures",
    "render_step_summary",
    "render_summary",
    "suite_properties",
    "tally_cells",
    "visible",
]
