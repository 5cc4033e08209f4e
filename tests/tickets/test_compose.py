from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_aprqa.core import Backend, Format, Modality, Outcome, Quantization, Target
from pytest_aprqa.evidence import Record, read_evidence
from pytest_aprqa.tickets import Priority, Ticket, TicketCategory, render_ticket, tickets_of
from tests.reports.samples import CPU, GGUF, MODEL, case, eventful, evidence, good, record, weights_missing
from tests.tickets.failures import FAILED, OPEN, PASSED, SKIPPED, diagnosed, served

APR = Target(MODEL, Format.APR, None, Backend.CPU)
Q8 = Target(MODEL, Format.GGUF, Quantization.Q8_0, Backend.CPU)


def of(*records: Record) -> dict[str, Ticket]:
    found = tickets_of(evidence(records))
    by_cause = {ticket.cause: ticket for ticket in found}
    assert len(by_cause) == len(found)
    assert sum(ticket.occurrences for ticket in found) == sum(made.outcome.failed for made in records)
    return by_cause


def asked(target: Target, outcome: Outcome, *, name: str = "sum", modality: Modality = Modality.RUN) -> Record:
    return case(name, modality, target, outcome, turns=(f"What is 2+2? ({name})",))


def test_no_failure_no_ticket() -> None:
    assert tickets_of(good()) == ()
    assert tickets_of(weights_missing()) == ()
    assert tickets_of(evidence([])) == ()


def test_one_diagnosed_defect_is_one_ticket_with_all_that_follows_from_it() -> None:
    found = of(
        diagnosed("F-QUANT-ERROR-001", "unknown", 0.1),
        diagnosed("F-LAYOUT-002", "transposed", 0.97, sentence="q_proj is the transpose"),
        diagnosed("F-TRACE-DIFF-001", "dtype_misread", 0.5),
        record("F-HF-PARITY-001", GGUF, FAILED),
        asked(CPU, PASSED),
        asked(GGUF, FAILED),
        record("G2-INFER", GGUF, FAILED, reason="no token"),
        record("G4-QUALITY", GGUF, FAILED, reason="all garbage"),
        record("F-KL-MEAN-001", GGUF, OPEN, details={"not_checked": "F-LAYOUT-002"}),
        asked(GGUF, SKIPPED, name="later").model_copy(update={"reason": "G2 failed: no token"}),
    )
    (ticket,) = found.values()
    assert ticket.cause == "transposed"
    assert ticket.occurrences == 7
    assert (ticket.dependents, ticket.severity) == (2, Priority.P0)
    assert "q_proj is the transpose (confidence 0.97)" in ticket.hypothesis
    assert ticket.fixture is not None
    assert ticket.fixture.defect == "transposed_square"


def test_the_same_family_in_two_quantizations_is_one_cause_and_in_two_formats_two() -> None:
    two = tickets_of(evidence([diagnosed("F-LAYOUT-002", "transposed", target=target) for target in (GGUF, Q8, APR)]))
    assert sorted(ticket.targets for ticket in two) == [("apr-cpu",), ("gguf-q4_k_m-cpu", "gguf-q8_0-cpu")]


def test_text_and_numbers_are_two_causes_of_one_target() -> None:
    found = of(
        diagnosed("F-LAYOUT-002", "transposed"),
        diagnosed("F-TOKEN-IDS-001", "tokenizer_merges"),
        diagnosed("F-CHAT-TEMPLATE-001", "tokenizer_merges"),
    )
    assert {cause: ticket.occurrences for cause, ticket in found.items()} == {"transposed": 1, "tokenizer_merges": 2}
    assert found["transposed"].related == (found["tokenizer_merges"].key,)


def test_an_answer_that_the_original_gets_wrong_too_is_not_blamed_on_the_conversion() -> None:
    found = of(diagnosed("F-LAYOUT-002", "transposed"), asked(CPU, FAILED), asked(GGUF, FAILED), asked(APR, PASSED))
    assert found["transposed"].occurrences == 1
    assert found["wrong_answers"].scope == "several formats"


@pytest.mark.parametrize(
    ("failed", "passed", "scope"),
    [
        ([(GGUF, Modality.RUN), (Q8, Modality.RUN)], [(CPU, Modality.RUN)], "only gguf"),
        ([(GGUF, Modality.RUN)], [(Q8, Modality.RUN), (CPU, Modality.RUN)], "only gguf-q4_k_m"),
        ([(CPU, Modality.SERVE), (GGUF, Modality.SERVE)], [(CPU, Modality.RUN), (GGUF, Modality.RUN)], "only serve"),
        ([(CPU, Modality.RUN), (GGUF, Modality.RUN)], [(CPU, Modality.CHAT), (GGUF, Modality.CHAT)], "only run"),
        ([(CPU, Modality.RUN), (GGUF, Modality.RUN)], [], "several formats"),
    ],
)
def test_wrong_answers_are_told_apart_by_where_the_same_question_is_answered_rightly(
    failed: Iterable[tuple[Target, Modality]], passed: Iterable[tuple[Target, Modality]], scope: str
) -> None:
    records = [asked(target, FAILED, modality=modality) for target, modality in failed]
    records += [asked(target, PASSED, modality=modality) for target, modality in passed]
    assert of(*records)["wrong_answers"].scope == scope


def test_the_gateway_on_quality_belongs_to_the_garbage_that_fails_it() -> None:
    garbage = asked(GGUF, FAILED).model_copy(update={"details": {"garbage": True}})
    found = of(asked(CPU, PASSED), garbage, record("G4-QUALITY", GGUF, FAILED))
    assert found["wrong_answers"].gates == ("G4-QUALITY", "F-A1-001")


def test_a_dead_engine_is_a_crash_and_a_black_swan() -> None:
    found = of(
        case("a", Modality.RUN, GGUF, Outcome.CRASHED, exit_code=-11, stderr_tail="boom\n"),
        case("b", Modality.CHAT, GGUF, Outcome.CRASHED, exit_code=-11),
        case("c", Modality.RUN, CPU, Outcome.CRASHED, exit_code=-9),
        case("d", Modality.RUN, CPU, Outcome.TIMEOUT),
    )
    crash = found["engine_crash"]
    assert (crash.category, crash.severity, crash.black_swan, crash.occurrences) == (
        TicketCategory.CRASH,
        Priority.P0,
        True,
        2,
    )
    assert crash.excerpts[0].death == "SIGSEGV"
    assert "black-swan" in crash.labels
    assert found["out_of_memory"].black_swan
    assert not found["no_answer_in_time"].black_swan


def test_a_crash_on_hostile_input_is_as_urgent_as_its_gate() -> None:
    found = of(record("F-EDGE-001", CPU, Outcome.CRASHED, exit_code=-6))
    assert found["engine_crash"].severity is Priority.P2


@pytest.mark.parametrize(
    ("gate_id", "reason", "cause"),
    [
        ("G0-INTEGRITY-CONFIG", "config.json is missing", "missing_file"),
        ("G0-INTEGRITY-CONFIG", "does not parse", "config_mismatch"),
        ("G0-INTEGRITY-SHARDS", "ends early", "truncated_file"),
        ("G0-INTEGRITY-TOKENIZER", "no id", "tokenizer_vocabulary"),
        ("G0-VALIDATE-001", "1 value of x is NaN", "not_finite"),
        ("G0-VALIDATE-001", "all of x is zero", "zeroed"),
        ("G1-LOAD", "unknown architecture 'x'", "unsupported"),
        ("G1-LOAD", "it would not", "unknown"),
        ("F-STATE-BATCH-001", "rows differ: NaN", "state"),
        ("F-PROFILE-CI-001", "3 tok/s", "speed"),
        ("F-CONV-RT-001", "differs", "unknown"),
        ("F-TRACE-DEAD-001", "dead", "unknown"),
    ],
)
def test_a_gate_alone_names_its_cause(gate_id: str, reason: str, cause: str) -> None:
    found = of(record(gate_id, GGUF, FAILED, reason=reason))
    assert list(found) == [cause]
    assert ("nothing in the evidence points to a cause" in found[cause].hypothesis.lower()) == (cause == "unknown")


def test_a_server_that_is_not_up_is_one_ticket() -> None:
    found = of(
        served("F-SERVE-001"),
        *(asked(GGUF, FAILED, name=str(n), modality=Modality.SERVE) for n in range(3)),
        served("F-HTTP-005", SKIPPED, reason="F-SERVE-001 falsified: not as expected"),
    )
    assert (found["server_down"].occurrences, found["server_down"].dependents) == (4, 1)


def test_a_server_that_refuses_everything_is_one_ticket() -> None:
    gates = ("F-HTTP-005", "F-HTTP-006", "F-HTTP-010", "F-HTTP-016", "F-HTTP-019")
    up = [served(gate_id, PASSED) for gate_id in ("F-SERVE-001", "F-HTTP-001", "F-HTTP-002")]
    assert of(*up, *map(served, gates))["server_refuses"].occurrences == 5
    one_good = tickets_of(evidence([*up, *map(served, gates), served("F-HTTP-007", PASSED)]))
    assert [ticket.cause for ticket in one_good] == ["server_behavior"] * 5


def test_a_servers_fault_is_one_ticket_for_all_that_it_serves() -> None:
    made = evidence([served("F-HTTP-034", target=target) for target in (CPU, APR)])
    engines = tuple(engine.model_copy(update={"name": "transformers server"}) for engine in made.engines)
    (ticket,) = tickets_of(made.model_copy(update={"engines": engines}))
    assert ticket.title.startswith(f"[QA] {MODEL}: refuted: a slow reader gets all of its answer")
    assert len(ticket.targets) == 2


@pytest.mark.parametrize(
    "reason",
    [
        "G1 failed: it would not",
        "G1 failed: it would not, and more",
        "stopped by stop-on-p0: G1-LOAD[gguf-q4_k_m-cpu] falsified",
        "G1 failed: G1-LOAD[gguf-q4_k_m-cpu]: it would not",
    ],
)
def test_what_was_not_judged_names_the_failure_it_waits_for(reason: str) -> None:
    waiting = [asked(GGUF, SKIPPED, name=str(n)).model_copy(update={"reason": reason}) for n in range(9)]
    other = asked(CPU, SKIPPED).model_copy(update={"reason": "gpu: no CUDA device"})
    (ticket,) = tickets_of(evidence([record("G1-LOAD", GGUF, FAILED, reason="it would not"), *waiting, other]))
    assert (ticket.dependents, len(ticket.dependent_cases)) == (9, 5)


def test_the_key_is_the_same_from_run_to_run_and_differs_by_cause_and_model() -> None:
    one = diagnosed("F-LAYOUT-002", "transposed", 0.9)
    again = diagnosed("F-QUANT-ERROR-001", "transposed", 0.5, target=Q8, sentence="other words")
    other = diagnosed("F-LAYOUT-002", "scale_error")
    keys = [tickets_of(evidence([made]))[0].key for made in (one, again, other)]
    assert keys[0] == keys[1] != keys[2]
    renamed = one.model_copy(update={"model": "other/model"})
    assert tickets_of(evidence([renamed]))[0].key != keys[0]
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys)


def test_tickets_can_be_restricted() -> None:
    made = eventful()
    assert [ticket.cause for ticket in tickets_of(made, black_swans_only=True)] == ["engine_crash"]
    assert {ticket.cause for ticket in tickets_of(made, min_occurrences=2)} == {"wrong_answers"}
    assert tickets_of(made, min_occurrences=100) == ()


def test_the_most_urgent_comes_first() -> None:
    found = tickets_of(evidence([record("F-PERF-006", GGUF, FAILED), record("F-EDGE-001", CPU, FAILED),
                                 diagnosed("F-LAYOUT-002", "transposed"), asked(CPU, FAILED)]))  # fmt: skip
    assert [ticket.severity for ticket in found] == sorted(ticket.severity for ticket in found)
    assert found[0].cause == "transposed"


def test_what_to_look_at_names_the_runs_own_files() -> None:
    made = evidence([diagnosed("F-LAYOUT-002", "transposed"), asked(CPU, PASSED)])
    weights = (
        made.weights[0].model_copy(update={"folder": "/conv/x y", "digests": {"model.gguf": "ee" * 32}}),
        made.weights[1].model_copy(update={"folder": "/models/tiny"}),
    )
    (ticket,) = tickets_of(made.model_copy(update={"weights": weights}))
    commands = [step.command for step in ticket.next_steps]
    assert commands[0] == "apr-qa diagnose-conversion '…/x y/model.gguf' --against '…/tiny'"
    assert ("sha256 of gguf-q4_k_m-cpu model.gguf", "ee" * 32) in ticket.environment


def test_the_command_has_the_options_of_the_run_and_nothing_else() -> None:
    made = evidence([asked(GGUF, FAILED)])
    command = (
        "pytest", "x.yaml", "-k", "chat", "-n", "2", "--aprqa-no-gpu", "--aprqa-output", "o", "--aprqa-model-cache",
        "my models", "--aprqa-set=A=$(touch X)", "--aprqa-resume=j", "-q",
    )  # fmt: skip
    run = made.run.model_copy(update={"command": command})
    (ticket,) = tickets_of(made.model_copy(update={"run": run}))
    assert ticket.reproduction == (
        "pytest 'playbooks/models/aprqa-tiny-mvp.playbook.yaml::run[gguf-q4_k_m-cpu-sum]' "
        "--aprqa-no-gpu --aprqa-model-cache 'my models' '--aprqa-set=A=$(touch X)'"
    )


def test_published_evidence_makes_far_fewer_tickets_than_failures(corpus: Path) -> None:
    failures = tickets = unknown = 0
    for file in sorted((corpus / "evidence").glob("*.json")):
        made = read_evidence(file)
        found = tickets_of(made)
        own = sum(one.outcome.failed for one in made.records)
        assert sum(ticket.occurrences for ticket in found) == own
        assert len({ticket.key for ticket in found}) == len(found)
        assert bool(found) == bool(own)
        assert all(len(render_ticket(ticket)) < 60_000 for ticket in found)
        failures, tickets = failures + own, tickets + len(found)
        unknown += sum(ticket.occurrences for ticket in found if ticket.cause == "unknown")
        # A model whose name holds "nano" is no NaN.
        assert not ("nano" in file.name and any(ticket.cause == "not_finite" for ticket in found))
    assert failures > 400
    assert tickets < failures / 5
    assert unknown < failures / 3
