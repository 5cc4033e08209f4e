from __future__ import annotations

from collections import Counter
from pathlib import Path

from pytest_aprqa.core import GATES, EngineCrashed, EngineUnavailable, Format, Outcome
from pytest_aprqa.gates import COMPARISONS, judge_gate
from tests.gates.comparison.pairs import pair_of
from tests.gates.comparison.stand_in import StandIn

OTHER_GATES = (
    *(
        "G0-",
        "G1-",
        "G2-",
        "G3-",
        "G4-",
        "F-A1-",
        "F-A2-",
        "F-A3-",
        "F-A4-",
        "F-A5-",
        "F-A6-",
        "F-EDGE-",
        "F-HF-PARITY-",
    ),
    *("F-STATE-", "F-RUN-", "F-PAR-", "F-PROFILE-", "F-PERF-", "F-SERVE-", "F-HTTP-", "F-API-"),
)


def test_every_gate_of_a_comparison_has_one_check() -> None:
    wanted = {id for id in GATES if not id.startswith(OTHER_GATES)}
    counted = Counter(check.gate_id for check in COMPARISONS)
    assert set(counted) == wanted
    assert set(counted.values()) == {1}


def test_a_check_rests_on_earlier_ones_only() -> None:
    seen: set[str] = set()
    for check in COMPARISONS:
        assert seen.issuperset(check.after), check.gate_id
        seen.add(check.gate_id)


def test_what_rests_on_a_falsified_gate_is_not_checked_and_names_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(40))
    pair = pair_of(broken, tmp_path, ours=StandIn(), theirs=StandIn())
    assert judge_gate("F-META-SIZE-001", pair).outcome is Outcome.FALSIFIED
    verdict = judge_gate("F-KL-MEAN-001", pair)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("not checked: F-CONTRACT-I2-001 is falsified: ")
    assert verdict.compared == 0


def test_judged_alone_a_gate_does_not_mind_its_ground(healthy: dict[str, Path], tmp_path: Path) -> None:
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=StandIn(noise=3))
    assert judge_gate("F-LOGIT-NMSE-001", pair).outcome is Outcome.FALSIFIED
    assert judge_gate("F-ROSETTA-INF-001", pair).outcome is Outcome.INCONCLUSIVE
    assert judge_gate("F-ROSETTA-INF-001", pair, alone=True).outcome is Outcome.FALSIFIED


def test_without_engines_nothing_is_claimed_of_what_they_compute(healthy: dict[str, Path], tmp_path: Path) -> None:
    verdict = judge_gate("F-TOKEN-BOS-001", pair_of(healthy["f32"], tmp_path))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no engine" in verdict.reason


def test_a_missing_engine_is_inconclusive_and_names_the_install(healthy: dict[str, Path], tmp_path: Path) -> None:
    missing = StandIn(error=EngineUnavailable("llama_cpp", "not there", install="pip install it"))
    verdict = judge_gate("F-LOGIT-NMSE-001", pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=missing))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "pip install it" in verdict.reason


def test_a_crash_refutes_the_artefact_and_not_what_the_ground_truth_did(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    crashing = StandIn(error=EngineCrashed("measuring", exit_code=-11))
    theirs = judge_gate("F-LOGIT-NMSE-001", pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=crashing))
    ours = judge_gate("F-LOGIT-NMSE-001", pair_of(healthy["f32"], tmp_path, ours=crashing, theirs=StandIn()))
    assert theirs.outcome is Outcome.FALSIFIED
    assert "SIGSEGV" in theirs.reason
    assert ours.outcome is Outcome.INCONCLUSIVE


def test_a_question_that_failed_is_not_put_again(healthy: dict[str, Path], tmp_path: Path) -> None:
    crashing = StandIn(error=EngineCrashed("measuring", exit_code=-11))
    pair = pair_of(healthy["f32"], tmp_path, ours=StandIn(), theirs=crashing)
    judge_gate("F-TOKEN-IDS-001", pair)
    judge_gate("F-TOKEN-BYTES-001", pair)
    assert crashing.asked == 1


def test_both_engines_can_be_asked_one_after_the_other(healthy: dict[str, Path], tmp_path: Path) -> None:
    ours, theirs = StandIn(), StandIn()
    pair = pair_of(healthy["f32"], tmp_path, ours=ours, theirs=theirs)
    pair.measure_reference()
    pair.measure_artefact()
    asked = ours.asked, theirs.asked
    engines = {check.gate_id for check in COMPARISONS if check.kind == "parity" and Format.GGUF in check.formats}
    for gate_id in engines - {"F-TRACE-DIFF-001"}:
        judge_gate(gate_id, pair)
    assert (ours.asked, theirs.asked) == asked


def test_what_is_said_to_rest_on_files_alone_asks_no_engine_and_converts_nothing(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("f32", "apr"):
        pair = pair_of(healthy[name], tmp_path / name, ours=StandIn(), theirs=StandIn())
        own = [check for check in COMPARISONS if pair.format in check.formats]
        said = {judge_gate(check.gate_id, pair).outcome for check in own if check.from_files}
        assert said == {Outcome.CORROBORATED}
        assert pair.only_read
        judge_gate("F-CONTRACT-I5-001", pair)
        assert pair.was_asked
        assert not pair.only_read
