"""The certificate as Markdown and as one HTML page that needs no network; both state the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from pytest_aprqa.evidence import Evidence, portable
from pytest_aprqa.reports.certificate_basis import check_basis
from pytest_aprqa.reports.certificate_paper import Paper, Section, paper_of
from pytest_aprqa.reports.markdown import bullets, markdown_text, table
from pytest_aprqa.scoring import Mqs

_TEMPLATE: Final = "certificate.html.jinja"


def render_certificate(evidence: Evidence, mqs: Mqs, *, evidence_sha256: str, now: datetime, form: str) -> str:
    """The certificate that a run has earned, or the record of a run that earned none.

    Args:
        evidence: the run.
        mqs: its score.
        evidence_sha256: digest of the evidence file's bytes, 64 hex digits.
        now: when it is issued.
        form: ``markdown`` or ``html``.

    Raises:
        EvidenceError: the evidence does not say which files were tested, or the score is not its own.
        ValueError: there is no such form.
    """
    if form not in _FORMS:
        raise ValueError(f"unknown form {form!r}; expected one of {', '.join(_FORMS)}")
    own = check_basis(evidence, mqs, evidence_sha256=evidence_sha256)
    return _FORMS[form](paper_of(portable(evidence), own, evidence_sha256=evidence_sha256, now=now))


def _markdown(paper: Paper) -> str:
    parts = [f"# {markdown_text(paper.title)}", *(f"**{markdown_text(line)}**" for line in paper.lead[:1])]
    parts.append(bullets(map(markdown_text, paper.lead[1:])))
    for section in paper.sections:
        parts += [f"## {markdown_text(section.title)}", *_section(section)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section) -> Iterator[str]:
    if section.facts:
        yield table(("", ""), ((markdown_text(name), markdown_text(value)) for name, value in section.facts))
    if section.rows:
        yield table(section.header, (tuple(map(markdown_text, row)) for row in section.rows))
    if section.lines:
        yield bullets(map(markdown_text, section.lines))


def _html(paper: Paper) -> str:
    # Imported here, for the plugin loads this room in every run and needs no template.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_aprqa.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE).render(paper=paper)


_FORMS: Final[Mapping[str, Callable[[Paper], str]]] = {"markdown": _markdown, "html": _html}
