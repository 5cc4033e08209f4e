"""Writes docs/defects.md: every planted defect, the gate that had to catch it, and what became of all gates.

    python -m tests.defects.table            plants all, judges all, writes the page
    python -m tests.defects.table --check    the same, and only compares with the page

Takes some minutes: each conversion defect is judged by every gate that is about its format, engines included.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa import embedded
from pytest_aprqa.core import Outcome, Verdict
from pytest_aprqa.gates import judge_gate
from tests.defects.conversion.artefacts import HEALTHY, Artefact
from tests.defects.conversion.bench import Bench, falsified_ids, families, integrity, judge_all
from tests.defects.conversion.library import CASES, CONVERSION_DEFECTS, GAPS, ConversionDefect
from tests.defects.conversion.witnesses import UNPLANTED, WITNESSES
from tests.defects.library import DEFECTS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "defects.md"

_HEAD: Final = """\
# Planted defects

A gate that never failed is not a gate. Each row below is one defect, planted into a healthy copy of the embedded model
`aprqa-tiny`, the gate that had to be falsified by it, and whether it was.

Made by `python -m tests.defects.table`, which plants every defect, judges it by every gate that is about the format,
and writes this page; nobody edits it. The defects are in `tests/defects/`; the tests there hold each gate to its row.
"""

_CONVERSION: Final = """\
## Conversion and quantization

Planted into artefacts that the package itself converted, and judged by every gate but those of further conversions,
which are about the converter. *Also falsified* are the other gates that saw it; a gate that
rests on a falsified one is not checked. *Diagnosis* is the family of defects that was named first, from everything that
was measured; a second one in brackets is what the library expects where the evidence is the same for both.

The ground truth is safetensors: a defect that leaves such a folder consistent with itself makes another ground truth,
which no comparison of formats can refute, and nothing is diagnosed of it. What its files do not contradict is held
against a golden corpus, recorded of the ground truth.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one defect in one artefact."""

    defect: ConversionDefect
    artefact: Artefact
    falsified: tuple[str, ...]
    diagnosis: str

    @property
    def gate_id(self) -> str:
        """The gate that had to."""
        return self.defect.gates[self.artefact.format]

    @property
    def cells(self) -> tuple[str, ...]:
        """All but the artefact, which rows with equal cells share."""
        others = [gate_id for gate_id in self.falsified if gate_id != self.gate_id]
        caught = "yes" if self.gate_id in self.falsified else "**no**"
        return (_code([self.gate_id]), caught, _code(others) or "–", self.diagnosis)


def main(arguments: list[str]) -> int:
    """Writes the page, or says by 1 that it would differ; what it may say is tested in `test_table`."""
    parser = argparse.ArgumentParser(prog="python -m tests.defects.table")
    parser.add_argument("--check", action="store_true", help="compare with the page instead of writing it")
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(_page(Bench(Path(folder))))
    if wanted.check:
        return int(text != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")
    return 0


def _page(bench: Bench) -> Iterator[str]:
    yield _HEAD
    yield _CONVERSION
    yield from _conversion_table([_row(bench, *case) for case in CASES])
    if GAPS:
        yield "## Gaps\n\nNot caught or not named yet; the tests expect these to fail, and fail once they do not.\n"
        gaps = ((name, artefact.label, why) for (name, artefact), why in GAPS.items())
        yield from _table(("defect", "format", "why"), gaps)
    yield "## Gates that never speak first\n\nAnother gate is falsified before them; judged alone, they see it too.\n"
    yield from _table(("gate", "defect", "format", "caught alone"), (_alone(bench, *witness) for witness in WITNESSES))
    yield "## Gates without a defect of a file\n"
    yield from _table(("gate", "why"), [(_code([gate_id]), why) for gate_id, why in UNPLANTED.items()])
    yield "## Healthy artefacts\n\nWithout a defect no gate is falsified.\n"
    yield from _table(
        ("artefact", "corroborated", "open", "falsified"), (_healthy(bench, artefact) for artefact in HEALTHY)
    )
    yield "## Model folders\n\nPlanted into a model folder, for the gateways; `–` is left to the scenarios.\n"
    yield from _table(("defect", "what", "gate that had to", "caught"), _folder_rows(bench.folder))


def _row(bench: Bench, defect: ConversionDefect, artefact: Artefact) -> Row:
    path = bench.copy(artefact, defect.name)
    defect.plant(path)
    with bench.pair(artefact, path) as pair:
        verdicts = judge_all(artefact, bench, pair)
        named = [family.value for family in families(artefact, pair)]
    _tell(f"{defect.name} {artefact.label}")
    shutil.rmtree(path if path.is_dir() else path.parent)
    return Row(defect, artefact, tuple(falsified_ids(verdicts)), _diagnosis(defect, artefact, named))


def _diagnosis(defect: ConversionDefect, artefact: Artefact, named: list[str]) -> str:
    if not artefact.compared:
        return "–"
    first = named[0] if named else "none"
    if first == defect.family:
        return first
    return f"{first} ({defect.family})" if first == defect.alike else f"{first}, **not** {defect.family}"


def _conversion_table(rows: list[Row]) -> Iterator[str]:
    """Artefacts in which all came out alike share a row."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.defect.name, *row.cells), []).append(row)
    yield from _table(
        ("defect", "what", "format", "gate that had to", "caught", "also falsified", "diagnosis"),
        (
            (name, group[0].defect.description, ", ".join(row.artefact.label for row in group), *cells)
            for (name, *cells), group in groups.items()
        ),
    )
    alike = {row.defect.name: row.defect for row in rows if row.defect.alike}
    yield "## Evidence that two families share\n"
    yield from _table(
        ("defect", "families", "why"),
        ((name, f"{it.family} or {it.alike}", it.why_alike) for name, it in alike.items()),
    )


def _alone(bench: Bench, gate_id: str, name: str, artefact: Artefact) -> tuple[str, ...]:
    path = bench.copy(artefact, f"{gate_id}-{name}")
    CONVERSION_DEFECTS[name].plant(path)
    with bench.pair(artefact, path) as pair:
        falsified = judge_gate(gate_id, pair, alone=True).outcome is Outcome.FALSIFIED
    return _code([gate_id]), name, artefact.label, "yes" if falsified else "**no**"


def _healthy(bench: Bench, artefact: Artefact) -> tuple[str, ...]:
    with bench.pair(artefact, bench.healthy(artefact)) as pair:
        verdicts = judge_all(artefact, bench, pair, further=True)
    _tell(f"healthy {artefact.label}")
    wrong = falsified_ids(verdicts)
    passed = sum(verdict.outcome.passed for verdict in verdicts.values())
    accused = f"**no**: {_code(wrong)}" if wrong else "0"
    return artefact.label, str(passed), str(len(verdicts) - passed - len(wrong)), accused


def _folder_rows(scratch: Path) -> Iterator[tuple[str, ...]]:
    for name, defect in DEFECTS.items():
        folder = scratch / f"folder-{name}"
        shutil.copytree(embedded.folder(), folder)
        defect.plant(folder)
        wrong = _safely(folder)
        gate = defect.gate_id or (f"{defect.gateway} {defect.gateway.word}" if defect.gateway else "–")
        caught = "by its tests" if not defect.gate_id else "yes" if defect.gate_id in wrong else "**no**"
        yield name, f"{defect.description}.", _code([gate]) if defect.gate_id else gate, caught
        shutil.rmtree(folder)


def _safely(folder: Path) -> list[str]:
    verdicts: dict[str, Verdict] = integrity(folder)
    return falsified_ids(verdicts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _code(words: list[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


def _tell(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
