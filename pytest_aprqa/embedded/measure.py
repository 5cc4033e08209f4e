"""Measures what a trained folder knows: ``python -m pytest_aprqa.embedded.measure DIR``.

Prints a table of skill and prompting: the share of conversations whose every answer is right word by word, the share
whose last answer is, and the share in which every answer ended by itself; exits with 1 below the bar. Needs the
extra ``transformers``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from pytest_aprqa.core import Prompting
from pytest_aprqa.embedded.answers import ASKED, TOLD
from pytest_aprqa.embedded.ask import converse, load
from pytest_aprqa.embedded.lessons import Lesson, answers, catalog, stream
from pytest_aprqa.scenarios import draw, recall
from pytest_aprqa.scenarios.phrasings import FACTS

BAR: Final = {
    "arithmetic": 0.98,
    "running_sum": 0.95,
    "recall": 0.98,
    "recall_drawn": 0.98,
    "fixed": 1.0,
    "capital": 1.0,
    "code": 1.0,
}
"""Least share of conversations whose last answer is right, which is what the skill is about (for recall, the answer to
what is asked back); skills without a bar only have to stop."""
EXAM_SEED: Final = 7
"""Decides the drawn part of the exam; the training has another seed."""
_STEPS: Final = {"arithmetic": 1, "running_sum": 5}
_DRAWN: Final = {"recall": 400, "edge": 200, "long": 40}


@dataclass(slots=True)
class Score:
    """What became of one skill's conversations in one prompting."""

    total: int = 0
    right: int = 0
    """Conversations without a wrong answer."""
    last: int = 0
    """Conversations whose last answer is right."""
    stopped: int = 0
    wrong: list[str] = field(default_factory=list)
    """Some wrong answers, to read."""

    def add(self, lesson: Lesson, texts: Sequence[str], *, stopped: bool) -> None:
        """Counts one conversation."""
        expected = [answer for _, answer in lesson.exchanges]
        self.total += 1
        self.stopped += stopped
        self.right += list(texts) == expected
        self.last += texts[-1] == expected[-1]
        if list(texts) != expected:
            self.wrong.append(f"{[said[:60] for said, _ in lesson.exchanges]} -> {list(texts)}")


def exam(*, fraction: int) -> Iterator[Lesson]:
    """The conversations to go through; of the sums only every `fraction`-th."""
    for skill, lessons in catalog().items():
        # Lessons alternate between template and raw; an odd step meets both.
        yield from lessons[:: _STEPS.get(skill, 0) * fraction | 1]
    missing = dict(_DRAWN)
    for lesson in islice(stream(EXAM_SEED), 100_000):
        if missing.get(lesson.skill, 0) > 0:
            missing[lesson.skill] -= 1
            yield lesson
    yield from _drawn_dialogues()


def _drawn_dialogues() -> Iterator[Lesson]:
    """Recall as playbooks draw it; the stream's own recall lessons are harder, with any sum in between."""
    for scenario in draw(recall(), seed=EXAM_SEED, count=_DRAWN["recall"]):
        fact = next(each for each in FACTS if scenario.expected in each.values)
        told, asked = (wording[fact.kind].format(value=scenario.expected) for wording in (TOLD, ASKED))
        replies = (told, *(answers()[turn] for turn in scenario.turns[1:-1]), asked)
        yield Lesson("recall_drawn", tuple(zip(scenario.turns, replies, strict=True)))


def measure(folder: Path, *, fraction: int = 1) -> dict[tuple[str, Prompting], Score]:
    """Goes through the exam with a folder's model."""
    lessons = list(exam(fraction=fraction))
    scores: dict[tuple[str, Prompting], Score] = {}
    for lesson, replies in zip(lessons, converse(load(folder), lessons), strict=True):
        score = scores.setdefault((lesson.skill, lesson.prompting), Score())
        score.add(lesson, [each.text for each in replies], stopped=all(each.stopped for each in replies))
    return scores


def passes(scores: dict[tuple[str, Prompting], Score]) -> bool:
    """Whether everything stops and every skill reaches its bar."""
    return all(
        score.stopped == score.total and score.last >= BAR.get(skill, 0.0) * score.total
        for (skill, _), score in scores.items()
    )


def table(scores: dict[tuple[str, Prompting], Score]) -> str:
    """Markdown table of the scores."""
    lines = ["| skill | prompting | conversations | all right | last right | stopped |", "|---|---|---|---|---|---|"]
    for (skill, prompting), score in sorted(scores.items()):
        shares = " | ".join(f"{100 * part / score.total:.1f} %" for part in (score.right, score.last, score.stopped))
        lines.append(f"| {skill} | {prompting} | {score.total} | {shares} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m pytest_aprqa.embedded.measure", description=__doc__)
    parser.add_argument("folder", type=Path, help="Hugging Face folder to measure")
    parser.add_argument("--fraction", type=int, default=1, help="ask only every N-th sum (default: %(default)s)")
    parser.add_argument("--wrong", type=int, default=0, help="show up to N wrong answers of each row")
    options = parser.parse_args(arguments)
    scores = measure(options.folder, fraction=options.fraction)
    sys.stdout.write(table(scores))
    for (skill, prompting), score in sorted(scores.items()):
        for line in score.wrong[: options.wrong]:
            sys.stdout.write(f"{skill} {prompting}: {line}\n")
    return 0 if passes(scores) else 1


if __name__ == "__main__":
    sys.exit(main())
