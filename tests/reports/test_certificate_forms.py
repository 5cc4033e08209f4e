"""A certificate as a page and as Markdown: both say the same, and no text of a model does anything in either."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

import pytest

from pytest_aprqa.core import Gateway, Modality, Outcome
from pytest_aprqa.evidence import Evidence, RunInfo
from tests.reports.certificates import FORMS, paper, render
from tests.reports.samples import CPU, GPU, HOSTILE, blocked, case, eventful, evidence, gateways, good, hostile_fields


def test_an_unknown_form_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="expected one of markdown, html"):
        render(good(), "pdf")


class Texts(HTMLParser):
    """Collects the texts of a page, and refuses a page whose elements are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)


@pytest.mark.parametrize("made", [good(), eventful(), blocked()], ids=["good", "eventful", "blocked"])
def test_both_forms_state_the_same(made: Evidence) -> None:
    whole = paper(made)
    stated = [whole.title, *whole.lead]
    for section in whole.sections:
        stated += [section.title, *section.lines]
        for row in (*section.facts, *section.rows):
            stated += row
    page = "".join(Texts(render(made, "html")).texts)
    markdown = re.sub(r"\\(.)", r"\1", render(made)).replace("&#64;", "@")
    for text in stated:
        assert text in page
        assert re.sub(r"\\(.)", r"\1", text) in markdown


def hostile() -> Evidence:
    made = evidence(
        [
            *gateways(CPU),
            *(
                case("x", Modality.RUN, target, outcome, case_id=HOSTILE, answer=HOSTILE, **hostile_fields())
                for target in (CPU, GPU)
                for outcome in Outcome
            ),
        ],
        run=RunInfo(id=HOSTILE, command=(HOSTILE,), options={"trust_remote_code": True, "x": HOSTILE}),
    )
    weights = tuple(one.model_copy(update={"source": HOSTILE, "digests": {HOSTILE: "cd" * 32}}) for one in made.weights)
    changed = {"name": HOSTILE, "path": HOSTILE, "model": HOSTILE, "warnings": (HOSTILE,)}
    return made.model_copy(update={"weights": weights, "playbook": made.playbook.model_copy(update=changed)})


@pytest.mark.parametrize("form", FORMS)
def test_hostile_texts_are_shown_and_do_nothing(form: str) -> None:
    text = render(hostile(), form)
    text.encode()
    assert all(line.isprintable() for line in text.split("\n"))
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


def test_a_page_holds_no_script_and_asks_for_nothing() -> None:
    page = render(hostile(), "html")
    assert not {"script", "img", "link", "iframe", "a", "form", "b"} & set(Texts(page).tags)
    assert "default-src 'none'" in page
    assert "url(" not in page


def test_a_run_of_two_thousand_cases_makes_a_short_paper() -> None:
    records = [
        case(f"c{number}", Modality.RUN, CPU, Outcome.INCONCLUSIVE, reason=f"{number}") for number in range(2_000)
    ]
    text = render(evidence([*gateways(CPU, failed=Gateway.G1), *records]))
    assert len(text) < 50_000
