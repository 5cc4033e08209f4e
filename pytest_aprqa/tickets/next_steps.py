"""What to look at next, by the cause: which command, with the run's own files. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pytest_aprqa.core import Format
from pytest_aprqa.evidence import Evidence, WeightsInfo
from pytest_aprqa.parity import Family
from pytest_aprqa.tickets import causes
from pytest_aprqa.tickets.quoting import shell_line
from pytest_aprqa.tickets.reproduction import artefact_path
from pytest_aprqa.tickets.ticket import NextStep

_WORDS: Final = {
    causes.CRASH: "read the standard error below, and run the case alone under --aprqa-threads 1",
    causes.OUT_OF_MEMORY: "run with a smaller --aprqa-batch, or on a machine with more memory",
    causes.NO_ANSWER: "run the case alone with a larger --aprqa-timeout, to tell slow from hanging",
    causes.SERVER_DOWN: "start the server by hand with the arguments in docs/serving.md and read what it says",
    causes.SERVER_REFUSES: "ask the server by hand for one short answer, and read its log",
    causes.SERVER_BEHAVIOR: "look at docs/serving.md for what this server is known for",
    causes.STATE: "run the two cases in the other order, and each alone",
    causes.SPEED: "measure again on an idle machine, then compare both runs with apr-qa compare",
    causes.WRONG_ANSWERS: "read the answer below; where a format is alone with it, look at its parity gates first",
    causes.UNKNOWN: "read the evidence below; no rule of the diagnosis fits it",
    causes.MISSING_FILE: "see what the folder holds",
    causes.UNSUPPORTED: "see which engines and versions this machine has",
}
_COMMANDS: Final = {causes.MISSING_FILE: "inspect", causes.UNSUPPORTED: "doctor"}


def next_steps_of(cause: str, evidence: Evidence, targets: Collection[str]) -> tuple[NextStep, ...]:
    """What to look at next."""
    steps = [NextStep(_WORDS[cause])] if cause in _WORDS else []
    converted = [one for one in evidence.weights if one.target in targets and not _is_original(one)]
    original = next((one for one in evidence.weights if _is_original(one)), None)
    about_files = cause in tuple(Family) or cause in (causes.WRONG_ANSWERS, causes.UNKNOWN, causes.DEQUANTIZATION)
    if about_files and converted and original is not None:
        file, folder = artefact_path(converted[0]), original.folder
        diagnose = shell_line(["apr-qa", "diagnose-conversion", _path(file), "--against", _path(folder)])
        steps.append(NextStep("judge the artefact by the five invariants, and name the cause", diagnose))
        validate = shell_line(["apr-qa", "validate-contract", _path(file), "--against", _path(folder), "--logits"])
        steps.append(NextStep("judge it by every gate on files and logits", validate))
    elif about_files or cause == causes.MISSING_FILE:
        steps += _inspections(evidence, targets)
    if _COMMANDS.get(cause) == "doctor":
        steps.append(NextStep("ask what this machine can run", "apr-qa doctor"))
    return tuple(steps)


def _inspections(evidence: Evidence, targets: Collection[str]) -> list[NextStep]:
    own = [one for one in evidence.weights if one.target in targets][:1]
    return [
        NextStep("look at what the file holds", shell_line(["apr-qa", "inspect", _path(artefact_path(one))]))
        for one in own
    ]


def _is_original(weights: WeightsInfo) -> bool:
    return weights.target.startswith(Format.SAFETENSORS)


def _path(path: str) -> str:
    """A path that no command takes for an option."""
    return f"./{path}" if path.startswith("-") else path
