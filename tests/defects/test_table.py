"""docs/defects.md says what the library holds; what it says of the gates is held by `tests.defects.conversion`."""

from __future__ import annotations

from collections import Counter

from tests.defects import table
from tests.defects.conversion.artefacts import HEALTHY
from tests.defects.conversion.library import CASES, GAPS
from tests.defects.conversion.witnesses import UNPLANTED, WITNESSES
from tests.defects.library import DEFECTS

TEXT = table.PAGE.read_text(encoding="utf-8") if table.PAGE.exists() else ""


def cells(title: str) -> list[list[str]]:
    """The rows of the table below a title, its head left out."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_every_defect_has_its_row_with_its_gate() -> None:
    found = Counter(
        (name, text, label, gate)
        for name, text, labels, gate, *_ in cells("Conversion and quantization")
        for label in labels.split(", ")
    )
    assert found == Counter(
        (defect.name, defect.description, artefact.label, f"`{defect.gates[artefact.format]}`")
        for defect, artefact in CASES
    )


def test_every_defect_was_caught_and_named() -> None:
    gaps = {(name, artefact.label) for name, artefact in GAPS}
    defects = {defect.name: defect for defect, _ in CASES}
    open_gaps = set()
    for name, _, labels, _, caught, _, diagnosis in cells("Conversion and quantization"):
        defect = defects[name]
        expected = {defect.family, f"{defect.alike} ({defect.family})"} if labels != "safetensors" else {"–"}
        if caught != "yes" or diagnosis not in expected:
            open_gaps |= {(name, label) for label in labels.split(", ")}
    assert open_gaps <= gaps  # what engines say may name a defect that files alone do not
    assert cells("Gaps") == [[name, artefact.label, why] for (name, artefact), why in GAPS.items()]


def test_no_healthy_artefact_is_accused() -> None:
    rows = cells("Healthy artefacts")
    assert [row[0] for row in rows] == [artefact.label for artefact in HEALTHY]
    assert {row[-1] for row in rows} == {"0"}


def test_gates_without_a_row_of_their_own_are_explained() -> None:
    assert cells("Gates without a defect of a file") == [[f"`{gate_id}`", why] for gate_id, why in UNPLANTED.items()]
    assert cells("Gates that never speak first") == [
        [f"`{gate_id}`", defect, artefact.label, "yes"] for gate_id, defect, artefact in WITNESSES
    ]


def test_every_defect_of_a_model_folder_is_listed() -> None:
    rows = cells("Model folders")
    assert [row[0] for row in rows] == [*DEFECTS]
    assert {row[-1] for row in rows} <= {"yes", "by its tests"}


def test_the_page_names_no_machine_and_no_time() -> None:
    assert "python -m tests.defects.table" in TEXT
    assert not [word for word in ("/root", "/tmp", "/work", "seconds", " ms") if word in TEXT]
