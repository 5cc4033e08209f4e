"""What the page holds: structure, escaping, policy, size; without a browser."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_aprqa.core import Gateway, Modality, Outcome
from pytest_aprqa.evidence import Evidence, read_evidence
from pytest_aprqa.regression import compare
from pytest_aprqa.reports.page import render_html_report
from pytest_aprqa.scoring import Rules, score
from tests.reports import samples
from tests.reports.page_parser import Page
from tests.reports.page_samples import HOSTILE, complete, hostile, measured
from tests.reports.samples import CPU, GGUF, blocked, case, eventful, evidence, good, weights_missing
from tests.reports.snapshot import check_snapshot

SAMPLES: dict[str, Callable[[], Evidence]] = {
    "good": good,
    "eventful": eventful,
    "complete": complete,
    "blocked": blocked,
    "weights_missing": weights_missing,
    "empty": samples.empty,
    "hostile": hostile,
}


def rendered(run: Evidence, before: Evidence | None = None) -> str:
    mqs = score(run.records, Rules(run.playbook.tier))
    return render_html_report(run, mqs, comparison=None if before is None else compare(before, run))


def changed() -> str:
    """A later run that lost a case, won another, left one out and came further away from the ground truth."""

    def run(kl: float, first: Outcome, second: Outcome, *names: str) -> Evidence:
        cases = [case(name, Modality.RUN) for name in names]
        turned = [case("lost", Modality.RUN, outcome=first), case("won", Modality.RUN, outcome=second, answer="5")]
        return evidence([*samples.gateways(CPU), *turned, *cases, *measured(kl=kl)])

    before = run(0.001, Outcome.CORROBORATED, Outcome.FALSIFIED, "kept", "left_out")
    return rendered(run(0.004, Outcome.FALSIFIED, Outcome.CORROBORATED, "kept"), before)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {**{name: rendered(make()) for name, make in SAMPLES.items()}, "changed": changed()}


@pytest.mark.parametrize("name", [*SAMPLES, "changed"])
def test_the_page_is_well_formed_and_can_be_found_about_in(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert page.problems == []
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert page.one("html").attributes["lang"] == "en"
    assert [len(list(page.all(landmark))) for landmark in ("main", "header", "footer", "nav", "h1")] == [1] * 5
    referred = {element.attributes.get("aria-labelledby") for element in page.elements} - {None}
    linked = {link.attributes["href"][1:].split("?")[0] for link in page.all("a")}
    assert referred | linked <= set(ids)
    levels = [int(heading.name[1]) for heading in page.all("h1", "h2", "h3", "h4")]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(section.attributes["aria-labelledby"] for section in page.all("section"))


@pytest.mark.parametrize("name", [*SAMPLES, "changed"])
def test_everything_that_is_operated_or_read_has_a_name(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert all(header.attributes.get("scope") in ("col", "row") for header in page.all("th"))
    labelled = {label.attributes["for"] for label in page.all("label") if label.text.strip()}
    assert labelled == {control.attributes["id"] for control in page.all("input", "select")}
    assert all(button.text.strip() for button in page.all("button"))
    assert all(link.text.strip() for link in page.all("a"))
    for picture in page.all("svg"):
        assert picture.attributes.get("aria-hidden") == "true" or (
            picture.attributes["role"] == "img" and picture.attributes["aria-label"]
        )
    for scrolled in (element for element in page.elements if element.attributes.get("class") == "scroll"):
        assert scrolled.attributes["tabindex"] == "0"
        assert scrolled.attributes["role"] == "region"


@pytest.mark.parametrize("name", [*SAMPLES, "changed"])
def test_the_page_may_run_its_own_script_and_nothing_else(pages: dict[str, str], name: str) -> None:
    html = pages[name]
    page = Page(html)
    (policy,) = (meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes)
    data, script = page.all("script")
    assert data.attributes == {"type": "application/json", "id": "data"}
    assert policy.startswith("default-src 'none'; ")
    for kind, element in (("script", script), ("style", page.one("style"))):
        digest = b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert json.loads(data.text)["outcomes"] == list(Outcome)


@pytest.mark.parametrize("name", [*SAMPLES, "changed"])
def test_nothing_is_loaded_and_no_element_carries_code(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    used = {attribute for element in page.elements for attribute in element.attributes}
    assert not {attribute for attribute in used if attribute.startswith("on")} | (
        used & {"src", "style", "srcset", "action"}
    )
    assert {element.name for element in page.elements} & {"img", "iframe", "link", "object", "embed", "base"} == set()
    assert re.findall(r"url\(([^)]*)\)|@import", page.one("style").text) == ["#hatch"]


def test_hostile_texts_are_shown_as_texts(pages: dict[str, str]) -> None:
    html = pages["hostile"]
    page = Page(html)
    assert page.one("h1").text == HOSTILE.replace("\n", "\\n").replace("\r", "\\r").translate(
        {ord(character): ascii(character)[1:-1] for character in "\u2028\u2029\u202e\u2066\u200b\ud800\x00\x1b"}
    )
    assert all(character.isprintable() for character in html.replace("\n", ""))
    assert "49" not in page.one("h1").text
    for term in ("Prompt", "Answer", "Expected", "System", "Standard error"):
        assert any(definition.text == term for definition in page.all("dt"))
    assert not any("javascript:" in link.attributes["href"] for link in page.all("a"))
    html.encode("utf-8")


def test_a_megabyte_in_every_text_is_cut_and_its_length_named() -> None:
    text = HOSTILE * 7000
    html = rendered(hostile(text))
    assert len(text) > 1_000_000
    assert len(html) < 3_000_000
    assert f"({len(text):,} characters)" in Page(html).one("h1").text


def test_a_text_that_is_a_template_is_not_one() -> None:
    html = rendered(evidence([case("x", Modality.RUN, outcome=Outcome.FALSIFIED, answer="{{ 7*'7' }}{% raise %}")]))
    assert "{{ 7*&#39;7&#39; }}{% raise %}" in html


def test_the_static_parts_show_what_the_run_came_to(pages: dict[str, str]) -> None:
    text = Page(pages["complete"]).one("main").text
    for shown in ("PARTIAL", "736 to 886", "no evidence for REGR", "target safetensors-gpu: all 12 cases were skipped"):
        assert shown in re.sub(r"\s+", " ", text)
    assert "serve: not built yet" in text
    assert "cd" * 32 in text
    assert "pytest 'playbooks/models/aprqa-tiny-mvp.playbook.yaml::run[safetensors-cpu-hello]'" in text


def test_a_gateway_is_run_again_by_the_name_that_pytest_knows(pages: dict[str, str]) -> None:
    text = Page(pages["blocked"]).one("section", id="counterexamples").text
    assert "pytest 'playbooks/models/aprqa-tiny-mvp.playbook.yaml::G0_integrity[gguf-q4_k_m-cpu]'" in text
    assert ".playbook.yaml::G0-" not in text


def test_what_only_a_whole_playbook_judges_is_run_again_by_it() -> None:
    page = Page(rendered(evidence(samples.gateways(CPU, failed=Gateway.G3))))
    text = page.one("section", id="counterexamples").text
    assert re.search(r"pytest playbooks/models/aprqa-tiny-mvp\.playbook\.yaml(?!:)", text)


def test_counterexamples_come_gravest_first_and_no_more_than_fifty() -> None:
    failing = [case(f"n{number}", Modality.RUN, outcome=Outcome.FALSIFIED) for number in range(60)]
    run = evidence([*failing, case("dead", Modality.RUN, outcome=Outcome.CRASHED, answer=None), *samples.gateways(CPU)])
    page = Page(rendered(run))
    examples = [one for one in page.all("details") if one.attributes["class"] == "example"]
    assert len(examples) == 50
    assert "run[safetensors-cpu-dead]" in examples[0].text
    assert "The worst 50 of 61 failed records" in page.one("main").text


def test_the_heat_map_has_color_and_text() -> None:
    def outcome(number: int, failing: int) -> Outcome:
        return Outcome.FALSIFIED if number < failing else Outcome.CORROBORATED

    rates = {Modality.RUN: 0, Modality.CHAT: 2, Modality.SERVE: 20}
    records = [case(f"n{n}", use, CPU, outcome(n, failing)) for use, failing in rates.items() for n in range(20)]
    records += [case("skipped", Modality.RUN, GGUF, Outcome.SKIPPED, answer=None)]
    found = [(cell.attributes.get("class"), cell.text) for cell in Page(rendered(evidence(records))).all("td")]
    assert ("h5", "20/20") in found
    assert ("h3", "18/20") in found
    assert ("h1", "0/20") in found
    assert ("unjudged", "1 skipped") in found
    assert ("none", "none") in found


def test_foreign_evidence_becomes_a_page(corpus: Path) -> None:
    files = sorted((corpus / "evidence").glob("*.json"))
    assert len(files) > 20
    for file in files:
        page = Page(rendered(read_evidence(file)))
        assert page.problems == [], file.name


def test_a_comparison_shows_what_turned_and_by_how_much(pages: dict[str, str]) -> None:
    text = re.sub(r"\s+", " ", Page(pages["changed"]).one("section", id="changes").text)
    assert "regressed" in text
    assert "Why this is a regression" in text
    assert "1 broke 1 fixed" in text
    assert "run[safetensors-cpu-left_out]" in text
    assert "McNemar" in text
    assert re.search(r"0\.0010\.0040\.003", text)
    assert 'id="changes"' not in pages["complete"]


@pytest.mark.parametrize("name", ["complete", "empty", "changed"])
def test_the_static_parts_are_as_reviewed(pages: dict[str, str], name: str) -> None:
    html = pages[name]
    for element, kept in (("style", "<style>"), ("script", "<script>"), ("data", 'id="data">')):
        start = html.index(kept) + len(kept)
        html = f"{html[:start]}({element}){html[html.index('</', start) :]}"
    html = re.sub(r"sha256-[^&]*", "sha256-", html)
    check_snapshot(f"page-{name}.html", "\n".join(line.rstrip() for line in html.split("\n") if line.strip()) + "\n")
