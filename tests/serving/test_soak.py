from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.serving import soak as soaking
from tests.serving.soak import Look, Soaked, growth_bytes, soak, table
from tests.serving.standin_server import StandinServer

QUESTIONS = tuple(f"What is {number}+{number}?" for number in range(1, 9))


def soaked(*faults: str, seconds: float = 2.0, pool: Sequence[str] = QUESTIONS) -> Soaked:
    server = StandinServer(*faults)
    try:
        return soak(server, clients=4, seconds=seconds, pool=pool)
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def short_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soaking, "_SETTLING_S", 0.2)


def test_a_sound_server_violates_nothing() -> None:
    sound = soaked()
    assert sound.violations == []
    assert sound.right == sound.answers > 4
    assert sound.different_answers == 8
    assert "VIOLATED" not in table("stand-in", sound)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("mixes_answers", "mixed answers: 'What is"),
        ("leaks_descriptors", "descriptors are left open"),
        ("leaks_memory", "memory grows"),
        ("crowd_503", "errors: status 503"),
        ("leaks_child", "1 processes lived on"),
        ("ignores_sigterm", "had to be killed"),
        ("exits_3", "exit code 3"),
    ],
)
def test_a_faulty_server_violates(fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soaking, "GROWTH_BYTES", 2**20)  # on a slow machine few are answered
    if fault == "crowd_503":
        monkeypatch.setattr("tests.serving.standin._SLOTS", 1)
    faulty = soaked(fault, seconds=0.8)
    assert any(words in violation for violation in faulty.violations), table("stand-in", faulty)
    assert "VIOLATED" in table("stand-in", faulty)


def test_answers_of_nobody_are_wrong() -> None:
    wrong = soaked("random_answers", seconds=0.3)
    assert wrong.wrong
    assert any("wrong answers" in violation for violation in wrong.violations)


def test_a_server_that_does_not_answer_alone_is_not_soaked() -> None:
    with pytest.raises(SystemExit, match="asked alone: status 500"):
        soaked("status_500")


def test_growth_is_what_the_line_says() -> None:
    looks = [Look(float(second), 100 + 10 * second + (-1) ** second, 9) for second in range(20)]
    assert growth_bytes(looks) == pytest.approx(190, abs=3)
    assert growth_bytes(looks[:2]) == 0
