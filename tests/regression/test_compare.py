from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, Format, Gateway, Modality, Outcome, Target
from pytest_aprqa.evidence import Evidence, Record, RunInfo, Selection, read_evidence
from pytest_aprqa.regression import Comparison, Conclusion, Limits, compare
from tests.regression.runs import FAILED, PASSED, SKIPPED, measured, run, timed
from tests.reports.samples import CPU, GGUF, case, evidence, gateways, record


def reasons(before: Evidence, after: Evidence, limits: Limits | None = None) -> str:
    found = compare(before, after, limits=limits)
    assert found.regressed == bool(found.reasons)
    return "; ".join(found.reasons)


def test_a_run_stands_beside_itself() -> None:
    found = compare(run(PASSED, FAILED), run(PASSED, FAILED))
    assert found.conclusion is Conclusion.STOOD
    assert (found.tally.both_failed, found.flips, found.warnings) == (1, (), ())
    assert found.compared == found.tally.both_passed + 1 > 10


def test_a_run_that_is_blocked_by_what_was_not_judged_before_is_a_regression() -> None:
    blocked = run(PASSED, more=[record("F-LAYOUT-002", outcome=FAILED)])
    assert reasons(run(PASSED), blocked) == "the later run is BLOCKED, the earlier one was not"
    assert reasons(blocked, blocked) == ""


def test_one_broken_case_of_p1_is_a_regression() -> None:
    found = compare(run(PASSED), run(FAILED))
    assert found.conclusion is Conclusion.REGRESSED
    assert "1 case of P0 or P1 broke, 0 allowed: run[safetensors-cpu-sum_0]" in found.reasons


def test_broken_cases_may_be_allowed() -> None:
    assert compare(run(PASSED), run(FAILED), limits=Limits(max_broken=1)).passed


def test_many_allowed_ones_are_still_more_than_chance() -> None:
    before, after = run(*[PASSED] * 6), run(*[FAILED] * 6)
    limits = Limits(max_broken=99)
    assert "McNemar's exact test, one-sided p = 0.0156, alpha 0.05" in reasons(before, after, limits)
    assert compare(before, after, limits=replace(limits, alpha=0.01)).passed


def test_a_target_that_broke_is_not_hidden_by_one_that_was_fixed() -> None:
    def both(first: Outcome, second: Outcome) -> Evidence:
        cases = [case(f"s{n}", Modality.RUN, CPU, first) for n in range(8)]
        cases += [case(f"s{n}", Modality.RUN, GGUF, second) for n in range(8)]
        return evidence([*gateways(CPU), *gateways(GGUF), *cases])

    found = compare(both(PASSED, FAILED), both(FAILED, PASSED), limits=Limits(max_broken=99))
    assert found.test.p_worse > 0.5
    assert [reason for reason in found.reasons if "of safetensors-cpu 8 cases broke and 0 were fixed" in reason]
    assert [(group.name, group.test.broke) for group in found.by_target] == [
        ("gguf-q4_k_m-cpu", 0),
        ("safetensors-cpu", 8),
    ]


def test_sampled_answers_and_p2_gates_break_nothing_by_themselves() -> None:
    assert compare(run(PASSED, temperature=0.7), run(FAILED, temperature=0.7)).passed
    edge = [case("e", Modality.RUN, outcome=outcome, gate_id="F-EDGE-001") for outcome in (PASSED, FAILED)]
    assert compare(run(more=edge[:1]), run(more=edge[1:])).passed
    speed = [record("F-PROFILE-CI-001", outcome=outcome) for outcome in (PASSED, FAILED)]
    found = compare(run(more=speed[:1]), run(more=speed[1:]))
    assert found.passed
    assert "1 case broken by chance or clock (1 on speed, 0 sampled): they count in the test only" in found.warnings


def test_a_lost_gateway_is_a_regression() -> None:
    lost = evidence([*gateways(CPU, failed=Gateway.G2), case("sum_0", Modality.RUN)])
    assert "G2 of safetensors-cpu was passed and is failed" in reasons(run(PASSED), lost, Limits(max_broken=99))


def test_a_gateway_that_is_unknown_now_is_lost_only_where_it_was_to_be_asked() -> None:
    without = [made for made in gateways(CPU) if made.gate_id != "G3-STABLE"]
    after = evidence([*without, case("sum_0", Modality.RUN)])
    assert "G3 of safetensors-cpu was passed and is unknown" in reasons(run(PASSED), after)
    partial = after.model_copy(update={"run": RunInfo(selection=Selection.PARTIAL)})
    assert compare(run(PASSED), partial).passed


def test_passes_that_are_not_judged_again_are_told_and_may_be_limited() -> None:
    before, after = run(PASSED, PASSED, PASSED), run(PASSED, SKIPPED)
    found = compare(before, after)
    assert found.passed
    assert "2 cases that passed not judged again, 1 of them not in the later run" in found.warnings
    assert reasons(before, after, Limits(max_unjudged=1)) == "2 cases that passed were not judged again, 1 allowed"


def test_comparing_nothing_is_no_pass() -> None:
    nothing = evidence([])
    for before, after in ((nothing, nothing), (run(PASSED), nothing), (nothing, run(PASSED))):
        found = compare(before, after)
        assert found.conclusion is Conclusion.NOTHING_COMPARED
        assert not found.passed
        assert found.warnings[0].startswith("nothing was compared")


def test_a_new_failure_is_no_regression_but_is_told() -> None:
    found = compare(run(PASSED), run(PASSED, FAILED))
    assert found.passed
    assert "1 case failing that the earlier run did not judge, such as run[safetensors-cpu-sum_1]" in found.warnings


def with_measure(made: Record) -> Evidence:
    return evidence([*gateways(GGUF), made])


@pytest.mark.parametrize(
    ("gate_id", "before", "after", "regressed"),
    [
        ("F-KL-MEAN-001", (0.010, (0.009, 0.011)), (0.030, (0.028, 0.032)), True),
        ("F-KL-MEAN-001", (0.030, (0.028, 0.032)), (0.010, (0.009, 0.011)), False),
        ("F-KL-MEAN-001", (0.010, (0.001, 0.040)), (0.030, (0.010, 0.060)), False),  # the intervals allow no more
        ("F-KL-MEAN-001", (0.010, (0.0099, 0.0101)), (0.012, (0.0119, 0.0121)), False),  # within a tenth of 0.1
        ("F-KL-MAX-001", (0.010, None), (0.030, None), False),  # no interval, no claim
    ],
)
def test_a_divergence_regresses_beyond_its_interval_and_its_share_of_the_limit(
    gate_id: str,
    before: tuple[float, tuple[float, float] | None],
    after: tuple[float, tuple[float, float] | None],
    regressed: bool,
) -> None:
    found = compare(with_measure(measured(gate_id, *before)), with_measure(measured(gate_id, *after)))
    assert found.regressed is regressed
    (delta,) = found.measures
    assert delta.delta == pytest.approx(after[0] - before[0])


def test_an_agreement_is_worse_when_it_is_smaller() -> None:
    high, low = (measured("F-TOP1-001", value, (value - 0.001, value + 0.001), 0.95) for value in (0.99, 0.97))
    assert compare(with_measure(high), with_measure(low)).regressed
    assert compare(with_measure(low), with_measure(high)).passed


def test_the_interval_of_a_difference_is_put_together_from_both() -> None:
    before, after = measured("F-KL-MEAN-001", 1.0, (0.7, 1.3)), measured("F-KL-MEAN-001", 2.0, (1.6, 2.4))
    (delta,) = compare(with_measure(before), with_measure(after)).measures
    assert delta.low == pytest.approx(0.5)
    assert delta.high == pytest.approx(1.5)


@pytest.mark.parametrize(("now", "regressed"), [(100.0, False), (93.0, False), (80.0, True), (200.0, False)])
def test_speed_regresses_where_the_whole_interval_is_below_its_limit(now: float, regressed: bool) -> None:
    found = compare(run(PASSED, more=[timed(100.0)]), run(PASSED, more=[timed(now)]))
    assert found.regressed is regressed
    (delta,) = found.speeds
    assert delta.ratios[0].ratio == pytest.approx(now / 100)
    assert delta.ratios[1].ratio == pytest.approx(100 / now)
    if regressed:
        assert "tokens per second while decoding of safetensors-cpu is 0.8 times what it was" in found.reasons[0]
        assert "10% less allowed" in found.reasons[0]


def test_another_machine_or_other_work_is_not_compared_by_speed() -> None:
    for other in (timed(10.0, machine="Another CPU"), timed(10.0, tokens=64)):
        found = compare(run(PASSED, more=[timed(100.0)]), run(PASSED, more=[other]))
        assert found.passed
        assert found.speeds[0].ratios == ()
        assert any("speed of safetensors-cpu is not compared" in warning for warning in found.warnings)


def test_hostile_samples_are_no_traceback() -> None:
    broken = timed(10.0)
    speed = {**broken.details["speed"], "samples": {"decode_tok_per_s": ["x", None]}}  # type: ignore[dict-item]
    found = compare(run(more=[timed(9.0)]), run(more=[broken.model_copy(update={"details": {"speed": speed}})]))
    assert "samples" in found.speeds[0].problem


def changed(**updates: object) -> Evidence:
    made = run(PASSED)
    playbook = made.playbook.model_copy(update=updates)
    return made.model_copy(update={"playbook": playbook})


@pytest.mark.parametrize(
    ("updates", "what"),
    [
        ({"model": "other/model"}, "model: these are two models"),
        ({"name": "another"}, "playbook: the runs are of two playbooks"),
        ({"sha256": "ef" * 32}, "playbook digest: the playbook was changed"),
        ({"sha256": "ef" * 32, "question_sha256": "ef" * 32}, "playbook digest: the playbook was changed"),
        ({"scenarios_digest": "ef" * 32}, "scenarios digest: the scenarios were changed"),
        ({"tier": "deep"}, "tier: the tiers differ"),
    ],
)
def test_what_casts_doubt_is_told(updates: dict[str, object], what: str) -> None:
    found = compare(run(PASSED), changed(**updates))
    assert [warning for warning in found.warnings if warning.startswith(what)]


def test_other_places_of_the_same_questions_cast_no_doubt() -> None:
    asked = {"question_sha256": "ef" * 32}
    runs = []
    for sha256, path in (("01" * 32, "/a/good.gguf"), ("02" * 32, "/b/bad.gguf")):
        made = changed(**asked, sha256=sha256)
        runs.append(made.model_copy(update={"run": made.run.model_copy(update={"options": {"model_path": path}})}))
    assert compare(*runs).warnings == ()
    other = changed(question_sha256="ab" * 32)
    assert "the playbook was changed" in compare(runs[0], other).warnings[0]


def test_machines_engines_and_weights_are_told_without_doubt() -> None:
    before = run(PASSED)
    engine = before.engines[0].model_copy(update={"versions": {"torch": "3.0.0"}})
    weights = before.weights[0].model_copy(update={"digests": {"model.safetensors": "ee" * 32}})
    host = before.host.model_copy(update={"cpu": "Another CPU"})
    after = before.model_copy(update={"engines": (engine,), "weights": (weights,), "host": host})
    found = compare(before, after)
    assert [(one.what, one.after) for one in found.differences] == [
        ("processor", "Another CPU"),
        ("engine of safetensors-cpu", "transformers torch 3.0.0"),
        ("weights of safetensors-cpu", "model.safetensors eeeeeeeeeeee"),
    ]
    assert found.warnings == ()


def test_answers_that_say_it_otherwise_are_counted() -> None:
    one = run(more=[case("a", Modality.RUN, answer="4")])
    other = run(more=[case("a", Modality.RUN, answer="four")])
    assert compare(one, other).answers_changed == 1


def test_json_is_plain_and_says_the_verdict() -> None:
    found = compare(run(PASSED, more=[timed(100.0)]), run(FAILED, more=[timed(50.0)]))
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (told["conclusion"], told["regressed"], told["passed"]) == ("regressed", True, False)
    assert told["compared"] == found.compared
    assert told["flips"][0]["change"] == "broke"
    assert set(told) >= set(Comparison.__slots__)


def test_two_thousand_cases_of_one_gpu_target_are_compared_in_a_moment() -> None:
    gpu = Target("a/b", Format.GGUF, None, Backend.GPU)
    outcomes = [PASSED] * 1990 + [FAILED] * 10
    found = compare(run(*outcomes, target=gpu), run(*reversed(outcomes), target=gpu))
    assert (found.tally.broke, found.tally.fixed) == (10, 10)


def test_published_evidence_stands_beside_itself_and_duplicates_are_named(corpus: Path) -> None:
    files = sorted((corpus / "evidence").glob("*.json"))
    assert len(files) == 27
    for file in files:
        made = read_evidence(file)
        found = compare(made, made)
        assert found.flips == ()
        assert found.conclusion is Conclusion.STOOD
        records = sum(one.before - 1 for one in found.duplicates)
        tally = found.tally
        assert tally.compared + tally.both_unjudged + records == len(made.records)
