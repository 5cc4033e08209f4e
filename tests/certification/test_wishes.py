from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aprqa.certification import CertificationError, Wishes, command_line, pytest_arguments

PATH = Path("a.playbook.yaml")


def test_no_wishes_are_no_options() -> None:
    assert pytest_arguments([PATH], Wishes()) == ("a.playbook.yaml",)


def test_every_wish_reaches_pytest() -> None:
    wishes = Wishes(
        output=Path("/out dir"),
        model_cache=Path("/models"),
        model_path=Path("/models/m"),
        download=True,
        failure_policy="collect-all",
        workers=3,
        timeout_ms=500,
        no_gpu=True,
        allow_missing=True,
        profile_ci=True,
        golden_corpus="tiny",
        values=("A=1",),
        unwanted=("conversion", "parity"),
        unnamed=("F-TRACE",),
        extra=("-x", "--lf"),
    )
    assert pytest_arguments([PATH, Path("b.playbook.yaml")], wishes) == (
        "a.playbook.yaml",
        "b.playbook.yaml",
        "--aprqa-output=/out dir",
        "--aprqa-model-cache=/models",
        "--aprqa-model-path=/models/m",
        "--aprqa-failure-policy=collect-all",
        "--aprqa-timeout=500",
        "--aprqa-hf-parity=tiny",
        "--aprqa-download",
        "--aprqa-no-gpu",
        "--aprqa-allow-missing",
        "--aprqa-profile-ci",
        "--aprqa-set=A=1",
        "-n",
        "3",
        "-m",
        "not conversion and not parity",
        "-k",
        "not F-TRACE",
        "-x",
        "--lf",
    )


@pytest.mark.parametrize("words", [("-m", "chat"), ("-mchat",)])
def test_a_selection_that_would_replace_ours_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(CertificationError, match="would replace the -m that leaves tests out"):
        pytest_arguments([PATH], Wishes(unwanted=("conversion",), extra=words))
    assert pytest_arguments([PATH], Wishes(extra=words))[1:] == words
    assert pytest_arguments([PATH], Wishes(unnamed=("x",), extra=words))[-len(words) :] == words


def test_a_long_option_is_no_selection() -> None:
    assert "--maxfail=1" in pytest_arguments([PATH], Wishes(unwanted=("x",), extra=("--maxfail=1",)))


def test_the_command_can_be_pasted_into_a_shell() -> None:
    assert command_line(["a b;rm -rf $x.yaml", "-n", "2"]) == "pytest 'a b;rm -rf $x.yaml' -n 2"
