from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_aprqa import embedded
from pytest_aprqa.registry import Award, Awards, Origin, Registry, RegistryError, Row, sync_readme
from pytest_aprqa.registry.readme import END, START
from tests.registry.samples import NOW

GATES = dict.fromkeys(("g1", "g2", "g3", "g4"), True)
AT = "2026-05-31T12:00:00Z"
BEST = Row("x/best-7B", "x", "7B", "large", "CERTIFIED", 950, "A+", "deep", AT, GATES, {"tps_gguf_cpu": 12.0})
README = f"# Title\n\n{START}\nold\n{END}\n\nThe end. | kept \n"


def measured(*rows: Row, **changes: object) -> Awards:
    award = {"origin": Origin.MEASURED, "at": AT, "gateways": {"G0": "passed"}, **changes}
    return Awards(awards={row.model_id: Award.model_validate({"status": row.status, **award}) for row in rows})


def table(*rows: Row) -> Registry:
    return Registry(Path("models.csv"), rows=rows)


def synced(*rows: Row, awards: Awards | None = None) -> str:
    return sync_readme(README, table(*rows), measured(*rows) if awards is None else awards, now=NOW)


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| [{name}"))


def test_the_table_stands_between_the_markers_and_all_else_is_untouched() -> None:
    text = synced(BEST, Row("x/new", "x", "14B"))
    assert text.startswith(f"# Title\n\n{START}\n**Certification of 2 models** (updated: 2026-06-01 12:00 UTC)\n\n")
    assert text.endswith(f" |\n{END}\n\nThe end. | kept \n")
    assert "| Certified | 1/2 |\n| Provisional | 0/2 |\n| Blocked | 0/2 |\n| Pending | 1/2 |\n\n" in text
    assert line_of(text, "best-7B") == (
        "| [best-7B](https://huggingface.co/x/best-7B) | x | 7B | "
        "![certified](https://img.shields.io/badge/CERTIFIED-brightgreen) "
        "| 950 | A+ | ✓ | ✗ | 12.0 | - | - | - | - | - |"
    )
    assert line_of(text, "new").endswith("lightgray) | - | - | - | - | - | - | - | - | - | - |")


def test_a_second_run_changes_nothing_and_the_date_changes_with_the_table_only() -> None:
    text = synced(BEST)
    later = NOW + timedelta(days=1)
    assert sync_readme(text, table(BEST), measured(BEST), now=later) == text
    changed = sync_readme(text, table(replace(BEST, mqs_score=951)), measured(BEST), now=later)
    assert "(updated: 2026-06-02 12:00 UTC)" in changed


def test_families_and_then_parameters_by_their_number_give_the_order() -> None:
    rows = [Row(f"o/{family}-{count}", family, count) for family, count in (("b", "1B"), ("a", "7B"), ("a", "135M"))]
    text = synced(*rows)
    places = [text.index(f"[{name}]") for name in ("a-135M", "a-7B", "b-1B")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("awards", "shown"),
    [
        (Awards(), "CERTIFIED-lightgray) no evidence recorded, unverified |"),
        (measured(BEST, origin=Origin.IMPORTED), "CERTIFIED-lightgray) imported, unverified |"),
    ],
)
def test_a_status_that_does_not_hold_is_gray_and_not_counted(awards: Awards, shown: str) -> None:
    text = synced(BEST, awards=awards)
    assert shown in text
    assert "| Certified | 0/1 |" in text
    assert "| Imported, unverified or stale | 1/1 |" in text


def test_a_stale_award_drifts_once_and_not_every_day() -> None:
    text = synced(BEST)
    stale = sync_readme(text, table(BEST), measured(BEST), now=NOW + timedelta(days=100))
    assert "CERTIFIED-lightgray) stale |" in stale
    assert sync_readme(stale, table(BEST), measured(BEST), now=NOW + timedelta(days=101)) == stale


def test_one_gateway_that_did_not_pass_is_a_cross_g0_included() -> None:
    blocked = replace(BEST, status="BLOCKED", gates={**GATES, "g3": False})
    assert "| ✗ | ✗ | 12.0 |" in synced(blocked)
    all_but_g0 = replace(BEST, status="BLOCKED")
    assert "| ✗ | ✗ | 12.0 |" in synced(all_but_g0, awards=measured(all_but_g0, gateways={"G0": "failed"}))


def test_names_cannot_break_out_of_their_cell() -> None:
    text = synced(Row("o/a](b)|<script>`x`", "fam|ily", "7B*"))
    row = next(line for line in text.splitlines() if "script" in line)
    assert row.startswith(r"| a\](b)\|\<script\>\`x\` | fam\|ily | 7B\* |")


def test_bare_text_becomes_no_link_no_mention_and_no_formula() -> None:
    text = synced(Row("o/name", "https://evil.example", "www.evil.example"), Row("o/other", "@who", "$x$"))
    assert r"| https\://evil.example | www\.evil.example |" in text
    assert r"| \@who | \$x\$ |" in text


@pytest.mark.parametrize("model", ["local/mine", embedded.MODEL, "no-owner/a/b", "a/<b>"])
def test_what_is_not_on_the_hub_is_not_linked(model: str) -> None:
    assert "huggingface.co" not in synced(Row(model, "f", "1B"))
    assert "huggingface.co/o/there" in synced(Row("o/there", "f", "1B"))


@pytest.mark.parametrize(
    ("readme", "says"),
    [
        ("nothing", f"expected one line {START}, found 0"),
        (f"{START}\n", f"expected one line {END}, found 0"),
        (f"{START}\n{START}\n{END}\n", f"expected one line {START}, found 2"),
        (f"{END}\n{START}\n", f"{END} stands before {START}"),
        (f"in text {START} and {END}\n", "found 0"),
    ],
)
def test_markers_that_are_missing_or_wrong_are_an_error(readme: str, says: str) -> None:
    with pytest.raises(RegistryError, match=says):
        sync_readme(readme, table(BEST), measured(BEST), now=NOW, path=Path("README.md"))


def test_line_ends_of_the_readme_are_kept() -> None:
    text = sync_readme(README.replace("\n", "\r\n"), table(BEST), measured(BEST), now=NOW)
    assert text.count("\n") == text.count("\r\n")
    assert sync_readme(text, table(BEST), measured(BEST), now=NOW) == text
