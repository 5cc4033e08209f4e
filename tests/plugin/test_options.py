"""Options: each on the command line and in the ini file, and what they refuse."""

from __future__ import annotations

import pytest

from pytest_aprqa.plugin.options import OPTIONS, read_options
from tests.plugin.conftest import Project

GIVEN = {
    "text": ("transformers", "transformers"),
    "whole": ("3", 3),
    "bytes": ("1.5G", 1_610_612_736),
}


@pytest.mark.parametrize(
    "option", [it for it in OPTIONS if it.kind in GIVEN and not it.choices], ids=lambda it: it.name
)
def test_an_option_and_its_ini_twin_mean_the_same(pytester: pytest.Pytester, option: object) -> None:
    given, expected = GIVEN[option.kind]  # type: ignore[attr-defined]
    name = option.key.removeprefix("aprqa_")  # type: ignore[attr-defined]
    typed = pytester.parseconfig(f"{option.flag}={given}")  # type: ignore[attr-defined]
    assert getattr(read_options(typed), name) == expected
    pytester.makeini(f"[pytest]\n{option.key} = {given}")  # type: ignore[attr-defined]
    assert getattr(read_options(pytester.parseconfig()), name) == expected


def test_the_command_line_wins_over_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naprqa_threads = 7\naprqa_strict = true\naprqa_set = A=ini")
    options = read_options(pytester.parseconfig("--aprqa-threads=2", "--aprqa-set=A=typed"))
    assert (options.threads, options.strict, options.set["A"]) == (2, True, "typed")


def test_a_path_in_the_ini_file_starts_at_the_root(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naprqa_output = out")
    assert read_options(pytester.parseconfig()).output == pytester.path / "out"


def test_remote_code_cannot_be_trusted_from_a_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naprqa_trust_remote_code = true")
    assert read_options(pytester.parseconfig()).trust_remote_code is False
    assert read_options(pytester.parseconfig("--aprqa-trust-remote-code")).trust_remote_code is True


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--aprqa-threads=0", "*--aprqa-threads*whole number from 1*'0'*"),
        ("--aprqa-threads=two", "*--aprqa-threads*whole number*'two'*"),
        ("--aprqa-memory-limit=8", "*--aprqa-memory-limit*8G*'8'*"),
        ("--aprqa-set=NAME", "*--aprqa-set*NAME=VALUE*'NAME'*"),
        ("--aprqa-failure-policy=never", "*invalid choice*never*"),
        ("--aprqa-engine=fak", "*--aprqa-engine*'fak'; did you mean 'fake'*"),
    ],
)
def test_what_cannot_be_understood_is_said(serial: Project, argument: str, message: str) -> None:
    result = serial.pytester.runpytest_inprocess(serial.playbook(), argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
