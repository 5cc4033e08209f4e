"""What is shown of a run: terminal, JUnit, HTML, Markdown. Pure: values in, text out.

Knows nothing of files, clocks or pytest.
"""

from pytest_aprqa.reports.cells import CellTally, tally_cells
from pytest_aprqa.reports.certificate import render_certificate
from pytest_aprqa.reports.certificate_basis import refusal
from pytest_aprqa.reports.failures import Failure, list_failures
from pytest_aprqa.reports.first_failure import FirstFailure, first_failure_lines, render_first_failure
from pytest_aprqa.reports.header import header_lines
from pytest_aprqa.reports.html import html_cells, html_columns
from pytest_aprqa.reports.junit import suite_properties
from pytest_aprqa.reports.junit_file import render_junit
from pytest_aprqa.reports.markdown import render_step_summary
from pytest_aprqa.reports.page import render_html_report
from pytest_aprqa.reports.report_markdown import render_report_markdown
from pytest_aprqa.reports.statement import statement_of
from pytest_aprqa.reports.terminal import render_summary

__all__ = [
    "CellTally",
    "Failure",
    "FirstFailure",
    "first_failure_lines",
    "header_lines",
    "html_cells",
    "html_columns",
    "list_failures",
    "refusal",
    "render_certificate",
    "render_first_failure",
    "render_html_report",
    "render_junit",
    "render_report_markdown",
    "render_step_summary",
    "render_summary",
    "statement_of",
    "suite_properties",
    "tally_cells",
]
