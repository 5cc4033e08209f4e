from __future__ import annotations

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.reports import CellTally, tally_cells
from tests.reports.samples import CPU, GGUF, case, eventful, gateways


def test_skipped_and_inconclusive_are_in_neither_number_but_are_shown() -> None:
    outcomes = {
        Outcome.CORROBORATED: 38,
        Outcome.FALSIFIED: 2,
        Outcome.INCONCLUSIVE: 1,
        Outcome.SKIPPED: 4,
    }
    tally = CellTally("chat[safetensors-cpu]", outcomes, 12_345)
    assert tally.line == "  chat[safetensors-cpu]  38/40 corroborated, 2 falsified, 1 inconclusive, 4 skipped  12.3 s"


def test_a_cell_in_which_nothing_was_judged_claims_no_passes() -> None:
    assert CellTally("run[apr-cpu]", {Outcome.SKIPPED: 3}).line == "  run[apr-cpu]  3 skipped  0.0 s"


def test_crashes_and_timeouts_are_told_apart() -> None:
    line = CellTally("run[apr-cpu]", {Outcome.TIMEOUT: 1, Outcome.CRASHED: 2}).line
    assert "0/3 corroborated, 2 crashed, 1 timeout" in line


def test_records_are_tallied_by_cell_and_gateways_by_none() -> None:
    tallies = tally_cells(eventful().records)
    assert list(tallies) == [
        "run[safetensors-cpu]",
        "chat[safetensors-cpu]",
        "run[gguf-q4_k_m-cpu]",
        "serve[safetensors-cpu]",
        "serve[gguf-q4_k_m-cpu]",
        "run[safetensors-gpu]",
    ]
    assert (tallies["run[safetensors-cpu]"].passed, tallies["run[safetensors-cpu]"].judged) == (38, 40)
    assert tally_cells(gateways(GGUF)) == {}


def test_time_taken_in_an_earlier_run_is_not_counted() -> None:
    fresh, resumed = case("a", Modality.RUN, CPU), case("b", Modality.RUN, CPU, resumed=True)
    assert CellTally("run[safetensors-cpu]").plus(fresh).plus(resumed).duration_ms == 250.0
