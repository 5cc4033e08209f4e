"""Playbooks as pytest modules: what is collected, how it is named and selected."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

GATEWAYS = ["G0_integrity", "G1_load", "G2_inference"]


def names(result: pytest.RunResult) -> list[str]:
    """Item names of ``--collect-only -q``."""
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_items_are_gateways_then_cases_then_gateways(serial: Project) -> None:
    collected = names(serial.run("--collect-only", "-q", serial.playbook()))
    assert collected[:3] == [f"{gateway}[safetensors-cpu]" for gateway in GATEWAYS]
    assert collected[3:6] == [
        "run[safetensors-cpu-two_plus_two]",
        "run[safetensors-cpu-three_times_three]",
        "run[safetensors-cpu-capital]",
    ]
    assert collected[-2:] == ["G3_stability[safetensors-cpu]", "G4_quality[safetensors-cpu]"]
    assert len(collected) == 11


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (("-k", "capital"), 2),
        (("-m", "chat"), 3),
        (("-m", "gateway"), 5),
        (("-m", "G1"), 1),
        (("-m", "safetensors and run"), 3),
        (("-m", "gpu"), 0),
        (("-k", "capital and chat"), 1),
    ],
)
def test_items_are_selected_by_word_and_mark(serial: Project, selection: tuple[str, ...], count: int) -> None:
    assert len(names(serial.run("--collect-only", "-q", *selection, serial.playbook()))) == count


def test_one_node_id_runs_alone(serial: Project) -> None:
    result = serial.run(f"{serial.playbook().name}::chat[safetensors-cpu-capital]")
    result.assert_outcomes(passed=1)


def test_deselected_items_do_not_run(serial: Project) -> None:
    playbook = serial.playbook()
    result = serial.run(playbook, "--deselect", f"{playbook.name}::chat[safetensors-cpu-capital]")
    result.assert_outcomes(passed=10, deselected=1)


def test_last_failed_runs_only_what_failed(serial: Project) -> None:
    playbook = serial.playbook()
    serial.script(answers={"3\\*3": "It is 10."})
    serial.run(playbook).assert_outcomes(passed=9, failed=2)
    serial.run(playbook, "--lf").assert_outcomes(failed=2)


def test_a_location_is_the_playbooks_line(serial: Project) -> None:
    playbook = serial.playbook()
    result = serial.run(playbook, "--collect-only", "-q", "-k", "chat and capital")
    assert names(result) == ["chat[safetensors-cpu-capital]"]
    serial.script(answers={"capital": "It is Rome, without doubt."})
    failed = serial.run(playbook, "-k", "chat and capital", "--junitxml=out.xml", "-o", "junit_family=xunit1")
    line = next(n for n, text in enumerate(playbook.read_text().splitlines(), 1) if "name: capital" in text)
    failed.assert_outcomes(failed=1)
    assert f'line="{line - 1}"' in (serial.pytester.path / "out.xml").read_text()


def test_a_mistake_is_one_line_with_its_place(serial: Project) -> None:
    playbook = serial.playbook()
    playbook.write_text(playbook.read_text().replace("- cpu", "- cpuu"))
    result = serial.run(playbook)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.re_match_lines([r".*tiny\.playbook\.yaml:\d+:\d+: .*cpuu.*"])
    assert "Traceback" not in result.stdout.str()


def test_unknown_keys_are_errors_when_strict(serial: Project) -> None:
    playbook = serial.playbook(oracels=[])
    assert serial.run(playbook, "--collect-only").ret == pytest.ExitCode.OK
    strict = serial.run(playbook, "--collect-only", "--aprqa-strict")
    assert strict.ret == pytest.ExitCode.INTERRUPTED
    strict.stdout.fnmatch_lines(["*did you mean 'oracles'*"])


def test_placeholders_take_values_from_the_command_line(serial: Project) -> None:
    playbook = serial.playbook(description="for ${WHOM}")
    missing = serial.run(playbook, "--collect-only")
    assert missing.ret == pytest.ExitCode.INTERRUPTED
    missing.stdout.fnmatch_lines(["*WHOM*--aprqa-set*"])
    assert serial.run(playbook, "--collect-only", "--aprqa-set", "WHOM=us").ret == pytest.ExitCode.OK


def test_collection_imports_nothing_heavy(serial: Project) -> None:
    serial.pytester.makeconftest(
        """
        import sys
        def pytest_collection_finish():
            heavy = {"torch", "transformers", "tokenizers", "accelerate"} & set(sys.modules)
            assert not heavy, heavy
        """
    )
    result = serial.pytester.runpytest_subprocess(serial.playbook(), "--collect-only")
    assert result.ret == pytest.ExitCode.OK


def test_a_fixture_of_ours_outside_a_playbook_says_where_it_belongs(serial: Project) -> None:
    serial.pytester.makepyfile("def test_it(case): pass")
    result = serial.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture for items of *.playbook.yaml files*"])


def test_a_conftest_may_override_a_fixture(serial: Project) -> None:
    serial.pytester.makeconftest(
        """
        import pytest
        @pytest.fixture
        def awake(awake):
            print("woken:", awake.facts.name)
            return awake
        """
    )
    result = serial.run(serial.playbook(), "-s", "-k", "run and capital")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*woken: fake*"])


def test_an_oracle_that_does_not_exist_is_refused_before_anything_runs(serial: Project) -> None:
    broken = {"name": "x", "prompt": "Hello", "oracle": {"type": "contains", "config": {"anny": ["a"]}}}
    result = serial.run(serial.playbook(scenarios=[broken]))
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.re_match_lines([r".*tiny\.playbook\.yaml:\d+:1: scenario 'x': .*anny.*any.*"])
