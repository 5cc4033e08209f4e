"""What an artefact answers wrongly that the original answers rightly."""

from __future__ import annotations

from dataclasses import replace

from pytest_aprqa.core import Backend, Modality, Outcome
from pytest_aprqa.evidence import Record
from pytest_aprqa.scoring import Beside, beside_ground_truth
from tests.reports.samples import CPU, GGUF, case, record

GOOD, BAD, OPEN = Outcome.CORROBORATED, Outcome.FALSIFIED, Outcome.INCONCLUSIVE


def asked(name: str, original: Outcome, artefact: Outcome) -> list[Record]:
    return [case(name, Modality.RUN, CPU, original), case(name, Modality.RUN, GGUF, artefact)]


def test_cases_are_told_apart_by_what_the_original_answers() -> None:
    records = [
        *asked("lost", GOOD, BAD),
        *asked("hung", GOOD, Outcome.TIMEOUT),
        *asked("kept", GOOD, GOOD),
        *asked("shared", BAD, BAD),
        *asked("gained", BAD, GOOD),
    ]
    (beside,) = beside_ground_truth(records)
    assert beside == Beside(GGUF.id, lost=2, kept=1, shared=1, gained=1)
    assert beside.words == (
        f"{GGUF.id} fails 2 of 3 cases that the original passes; 1 fail in both, 1 in the original alone"
    )


def test_what_was_not_judged_of_both_in_the_same_way_is_not_counted() -> None:
    records = [
        *asked("open", OPEN, BAD),
        *asked("skipped", GOOD, Outcome.SKIPPED),
        case("elsewhere", Modality.CHAT, CPU, GOOD),
        case("elsewhere", Modality.RUN, GGUF, BAD),
        record("F-KL-MEAN-001", GGUF, BAD),
    ]
    assert beside_ground_truth(records) == ()


def test_the_original_on_another_device_is_held_against_it_too() -> None:
    gpu = replace(CPU, backend=Backend.GPU)
    records = [case("sum", Modality.RUN, CPU, GOOD), case("sum", Modality.RUN, gpu, BAD)]
    (beside,) = beside_ground_truth(records)
    assert (beside.target, beside.lost) == (gpu.id, 1)
