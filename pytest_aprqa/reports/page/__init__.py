"""The HTML report: one file that needs no network, from the evidence alone. Pure: values in, text out."""

from pytest_aprqa.reports.page.render import render_html_report

__all__ = ["render_html_report"]
