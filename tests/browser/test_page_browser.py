"""The report in a real browser: filters, paging, keyboard, themes, many records, and scripts that must not run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.regression import compare
from pytest_aprqa.reports.page import render_html_report
from pytest_aprqa.scoring import Rules, score
from tests.browser.conftest import Opener
from tests.reports.page_samples import complete, hostile, large, measured
from tests.reports.samples import CPU, case, evidence, gateways

if TYPE_CHECKING:
    from playwright.sync_api import Page


def rendered(run: Evidence, before: Evidence | None = None) -> str:
    mqs = score(run.records[:500], Rules(run.playbook.tier))
    return render_html_report(run, mqs, comparison=None if before is None else compare(before, run))


@pytest.fixture(scope="module")
def html() -> str:
    return rendered(complete())


def rows(page: Page) -> list[str]:
    return page.locator("#table tbody tr.row").all_inner_texts()


def count(page: Page) -> str:
    return page.locator("#count").inner_text()


def state(page: Page) -> str:
    address: str = page.evaluate("location.hash")
    return address


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_width_in_both_themes(opened: Opener, html: str, screenshots: Path, width: int) -> None:
    page = opened(html, viewport={"width": width, "height": 900})
    themes: tuple[tuple[Literal["light", "dark"], str], ...] = (
        ("light", "rgb(246, 246, 243)"),
        ("dark", "rgb(19, 22, 25)"),
    )
    for theme, ground in themes:
        page.emulate_media(color_scheme=theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        page.screenshot(path=screenshots / f"report-{width}-{theme}.png", full_page=theme == "light")


def test_filters_narrow_the_records_and_are_in_the_address(opened: Opener, html: str) -> None:
    page = opened(html)
    assert count(page) == "124 records"
    page.get_by_role("button", name="falsified").click()
    assert count(page) == "2 of 124 records"
    page.get_by_role("button", name="timeout").click()
    assert count(page) == "3 of 124 records"
    page.get_by_label("Use").select_option("chat")
    assert state(page) == "#records?modality=chat&outcome=falsified%2Ctimeout"
    assert [text.split()[0] for text in rows(page)] == ["timeout"]
    page.get_by_role("button", name="Clear filters").click()
    assert count(page) == "124 records"
    for label, word, found in (
        ("Format", "gguf", 43),
        ("Category", "EDGE", 2),
        ("Gate", "F-EDGE-001", 2),
        ("Backend", "gpu", 12),
    ):
        page.get_by_label(label, exact=True).select_option(word)
        assert count(page) == f"{found} of 124 records"
        page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Text", exact=True).fill("SIGSEGV")
    page.wait_for_selector("text=1 of 124 records")
    page.get_by_label("Text", exact=True).fill("no such text")
    page.wait_for_selector("text=No record fits these filters.")


def test_an_address_restores_the_view_it_was_taken_from(opened: Opener, html: str) -> None:
    page = opened(html, "#records?target=safetensors-cpu&outcome=corroborated&sort=-case&page=2")
    assert page.locator("#page").inner_text() == "page 2 of 2"
    assert page.get_by_label("Target", exact=True).input_value() == "safetensors-cpu"
    assert page.get_by_role("button", name="corroborated").get_attribute("aria-pressed") == "true"
    assert page.locator("#table th[aria-sort=descending]").inner_text().startswith("Case")
    page.goto(page.url.split("#")[0] + "#records?sort=constructor&page=-7&outcome=__proto__&gate=%00")
    assert count(page) == "0 of 124 records"


def test_a_cell_of_the_matrix_leads_to_its_records(opened: Opener, html: str) -> None:
    page = opened(html)
    page.locator(".heat td a", has_text="9/10").click()
    assert count(page) == "11 of 124 records"
    page.go_back()
    page.locator(".heat td a", has_text="20/20").click()
    assert count(page) == "20 of 124 records"


def test_everything_works_by_keyboard_alone(opened: Opener, html: str) -> None:
    page = opened(html)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("[data-step=next]").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#page").inner_text() == "page 2 of 3"
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert page.locator("#page").inner_text() == "page 3 of 3"
    assert page.evaluate("document.activeElement.dataset.step") == "next"
    outlined = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outlined == "solid"
    page.locator("#table tbody button").first.focus()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        assert page.locator("#table tr.detail dt", has_text="Gate").count() == 1
        assert page.locator("#table tbody button").first.get_attribute("aria-expanded") == "true"
        page.keyboard.press(key)
        assert page.locator("#table tr.detail").count() == 0
    page.get_by_role("button", name="Time", exact=True).focus()
    page.keyboard.press("Enter")
    assert state(page) == "#records?sort=duration"
    stops = page.evaluate(
        "[...document.querySelectorAll('a, button, select, input, summary')].filter(one => one.tabIndex < 0).length"
    )
    assert stops == 0


def test_a_record_opens_with_all_that_is_known_of_it(opened: Opener, html: str) -> None:
    page = opened(html, "#records?q=SIGSEGV")
    page.locator("#table tbody button").first.click()
    detail = page.locator("#table tr.detail").inner_text()
    for told in (
        "SIGSEGV",
        "ggml: assertion failed",
        "Exit code",
        "-11",
        "\\x00\\x00",
        "pytest 'playbooks/models/aprqa",
    ):
        assert told in detail


def test_the_theme_can_be_chosen_and_is_kept(opened: Opener, html: str) -> None:
    page = opened(html, color_scheme="light")
    toggle = page.get_by_role("button", name=re.compile("Theme"))
    grounds = []
    for _ in range(3):
        grounds.append((toggle.inner_text(), page.evaluate("getComputedStyle(document.body).backgroundColor")))
        toggle.click()
    light, dark = "rgb(246, 246, 243)", "rgb(19, 22, 25)"
    assert grounds == [("Theme: system", light), ("Theme: light", light), ("Theme: dark", dark)]
    toggle.click()
    toggle.click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_without_scripts_the_static_parts_are_there(opened: Opener, html: str) -> None:
    page = opened(html, java_script_enabled=False)
    for section in ("#summary", "#gateways", "#categories", "#counterexamples", "#provenance"):
        assert page.locator(section).is_visible()
    page.locator("#counterexamples summary", has_text="hello").click()
    assert page.get_by_text("expected 4, found 7").first.is_visible()
    assert not page.locator("#browser").is_visible()
    assert page.get_by_text("switched off here").is_visible()


def test_no_injected_script_runs(opened: Opener, screenshots: Path) -> None:
    page = opened(rendered(hostile(), hostile("before")), viewport={"width": 1280, "height": 900})
    for opener in page.locator("#table tbody button").all()[:6]:
        opener.click()
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.screenshot(path=screenshots / "report-hostile.png")


def test_code_put_into_the_page_is_refused_by_its_policy(opened: Opener, complaints: list[str], html: str) -> None:
    code = '<script>window.pwned = 1</script><img src="x" onerror="window.pwned = 1">'
    page = opened(html.replace("<main>", f"<main>{code}"))
    assert page.evaluate("window.pwned") is None
    assert any("Executing inline script violates" in complaint for complaint in complaints)
    assert any("Loading the image" in complaint for complaint in complaints)
    complaints.clear()


def test_a_comparison_can_be_read(opened: Opener, screenshots: Path) -> None:
    def run(outcome: Outcome, kl: float) -> Evidence:
        turned = [case(f"sum_{number}", Modality.RUN, outcome=outcome) for number in range(4)]
        return evidence([*gateways(CPU), *turned, *measured(kl=kl)])

    page = opened(rendered(run(Outcome.FALSIFIED, 0.004), run(Outcome.CORROBORATED, 0.001)))
    assert page.locator("#changes").get_by_text("Why this is a regression").is_visible()
    page.locator("#changes details.example summary").first.click()
    assert page.locator("#changes details.example dd").first.is_visible()
    page.screenshot(path=screenshots / "report-changes.png", full_page=True)


def test_printing_opens_the_counterexamples_and_leaves_the_controls_out(opened: Opener, html: str) -> None:
    page = opened(html, color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details.example')].every(one => one.open)")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_twenty_thousand_records_open_and_filter_at_once(opened: Opener, screenshots: Path) -> None:
    html = rendered(large(20_000))
    assert len(html.encode()) < 15_000_000
    page = opened(html)
    took: dict[str, Any] = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    assert took["loadEventEnd"] < 4_000
    assert count(page) == "20,000 records"
    assert len(rows(page)) == 50
    page.get_by_label("Text", exact=True).fill("story of number 19999 ")
    page.wait_for_selector("text=1 of 20,000 records", timeout=4_000)
    page.screenshot(path=screenshots / "report-20000.png")
