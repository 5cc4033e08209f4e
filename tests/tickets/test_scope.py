from __future__ import annotations

from pytest_aprqa.core import Backend, Format, Modality, Quantization, Target
from pytest_aprqa.tickets import scope_of
from tests.reports.samples import CPU, GGUF, GPU, MODEL, case

Q8 = Target(MODEL, Format.GGUF, Quantization.Q8_0, Backend.CPU)
APR = Target(MODEL, Format.APR, None, Backend.CPU)


def seen(failed: list[tuple[Target, Modality]], passed: list[tuple[Target, Modality]]) -> str:
    bad, good = ([case("a", modality, target) for target, modality in cells] for cells in (failed, passed))
    return scope_of(bad, good).words


RUN, CHAT, SERVE = Modality.RUN, Modality.CHAT, Modality.SERVE


def test_one_format_alone() -> None:
    assert seen([(GGUF, RUN), (Q8, RUN)], [(CPU, RUN), (APR, RUN)]) == "only gguf"


def test_one_quantization_alone() -> None:
    assert seen([(GGUF, RUN)], [(Q8, RUN), (CPU, RUN)]) == "only gguf-q4_k_m"


def test_one_device_alone() -> None:
    assert seen([(GPU, RUN)], [(CPU, RUN)]) == "only gpu"


def test_one_modality_alone() -> None:
    assert seen([(CPU, SERVE), (GGUF, SERVE)], [(CPU, RUN), (CPU, CHAT), (GGUF, RUN)]) == "only serve"


def test_what_cannot_be_told_apart_is_named_together() -> None:
    assert seen([(GGUF, SERVE)], [(CPU, RUN)]) == "only gguf serve"


def test_several_formats_point_to_the_model() -> None:
    found = scope_of([case("a", RUN, CPU), case("a", RUN, GGUF)], [])
    assert found.words == "several formats"
    assert "the model itself" in found.hypothesis


def test_what_was_tried_nowhere_else_is_confined_to_nothing() -> None:
    assert seen([(GGUF, RUN)], []) == ""
    assert seen([(GGUF, RUN)], [(GGUF, RUN)]) == ""
