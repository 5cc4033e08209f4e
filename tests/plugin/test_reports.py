"""What other tools read: JUnit, pytest-html, the terminal."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.plugin.conftest import FOLDER, Project


def properties(junit: str) -> dict[str, str]:
    """Suite properties of a JUnit report."""
    suite = ET.fromstring(junit).find("testsuite")
    assert suite is not None
    return {it.attrib["name"]: it.attrib["value"] for it in suite.iterfind("./properties/property")}


def test_junit_carries_the_score_as_suite_properties(project: Project) -> None:
    project.run(project.playbook(), "--junitxml=junit.xml")
    found = properties((project.pytester.path / "junit.xml").read_text())
    assert found["gateway.G0"] == "passed"
    assert found["mqs.raw_score"] == "400"
    assert found["playbook"] == "tiny"


def test_junit_goes_beside_the_evidence_when_asked(project: Project) -> None:
    project.script(answers={"capital": "\x1b[31mRome\x00"})
    project.run(project.playbook(), "--aprqa-junit")
    junit = (project.pytester.path / "certifications" / FOLDER / "junit.xml").read_text()
    names = [case.attrib["name"] for case in ET.fromstring(junit).iter("testcase")]
    assert len(names) == len(set(names)) == 11
    assert len(list(ET.fromstring(junit).iter("failure"))) == 3  # both cases, and G4: a third of the texts is garbage


def test_a_timeout_is_named_and_an_inconclusive_case_is_counted_apart(project: Project) -> None:
    project.script(answers={"2\\+2": {"hang": True}})
    vague = {"name": "vague", "prompt": "hm", "oracle": "arithmetic"}
    slow = {"name": "slow", "prompt": "What is 2+2, slowly?", "oracle": "arithmetic", "expected": 4}
    playbook = project.playbook(
        scenarios=[vague, slow], test_matrix={"timeout_ms": 3000, "modalities": ["run"]}, failure_policy="collect-all"
    )
    project.script(answers={"slowly": {"hang": True}})
    result = project.run(playbook, "-v")
    result.stdout.fnmatch_lines_random(["*TIMEOUT*", "*INCONCLUSIVE*", "*1 failed*1 inconclusive*"])


def test_pytest_html_has_our_columns(serial: Project) -> None:
    pytest.importorskip("pytest_html")
    serial.script(answers={"capital": "<b>Rome</b> it is."})
    serial.run(serial.playbook(), "--html=report.html")
    page = (serial.pytester.path / "report.html").read_text()
    assert "F-A1-001" in page
    assert "<b>Rome</b>" not in page


def test_the_header_names_playbook_model_and_targets(project: Project) -> None:
    result = project.run(project.playbook(), "--collect-only")
    result.stdout.fnmatch_lines(["aprqa *: playbook tiny 1.0.0 (tier smoke)", "*model: acme/tiny", "*safetensors-cpu"])


def test_the_summary_shows_a_failure_with_prompt_and_answer(project: Project) -> None:
    project.script(answers={"capital": "It is Rome, without doubt."})
    result = project.run(project.playbook())
    result.stdout.fnmatch_lines(
        ["*G0 * passed", "*run * chat *", "*QUAL*4 of 6*", "*MQS *", "*prompt*capital of France?", "*answer*Rome*"]
    )


def test_a_run_without_playbooks_is_left_alone(serial: Project) -> None:
    pytest.importorskip("xdist", reason="needs pip install pytest-aprqa[xdist]")
    serial.pytester.makepyfile("def test_it(): pass")
    result = serial.pytester.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=1)
    assert "aprqa:" not in result.stdout.str()
    assert not (serial.pytester.path / "certifications").exists()


def test_a_summary_for_people_is_written_and_given_to_github(serial: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    page = serial.pytester.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    serial.run(serial.playbook())
    written = (serial.pytester.path / "certifications" / FOLDER / "summary.md").read_text()
    assert page.read_text() == written
    assert "acme/tiny" in written


def test_the_upstream_formula_is_shown_beside_the_score(serial: Project) -> None:
    result = serial.run(serial.playbook(), "--aprqa-score-policy=upstream")
    result.stdout.fnmatch_lines(["*MQS 400 .. 1000*", "upstream formula: 1000 of 1000*"])
    mqs = serial.evidence().mqs
    assert isinstance(mqs, dict)
    assert isinstance(mqs["upstream"], dict)
    assert mqs["upstream"]["raw_score"] == 1000


def test_a_page_lies_beside_the_evidence_unless_the_user_wants_none(serial: Project) -> None:
    folder = serial.pytester.path / "certifications" / FOLDER
    result = serial.pytester.runpytest_inprocess("--aprqa-engine=fake", serial.playbook())
    assert "What is 2+2?" in (folder / "report.html").read_text()
    result.stdout.fnmatch_lines([f"*{FOLDER}/report.html"])
    serial.run(serial.playbook(), "--aprqa-report=none")
    assert not (folder / "report.html").exists(), "the page of another run"


def test_all_reports_are_written_when_asked(serial: Project) -> None:
    serial.run(serial.playbook(), "--aprqa-report=all")
    written = {path.name for path in (serial.pytester.path / "certifications" / FOLDER).iterdir()}
    assert written >= {"report.html", "report.md", "certificate.md", "certificate.html", "statement.json", "mqs.json"}


def test_an_unknown_report_is_refused_before_anything_runs(serial: Project) -> None:
    result = serial.run(serial.playbook(), "--aprqa-report=html,pdf")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--aprqa-report: expected some of html, *; found 'pdf'*"])
