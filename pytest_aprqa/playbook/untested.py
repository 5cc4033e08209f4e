"""What a playbook declares and this version does not test: every such block is named, none is silently dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from pytest_aprqa.core import Modality, Scenario
from pytest_aprqa.playbook.cells import QUANTIZED, admits, cell_words, list_cells
from pytest_aprqa.playbook.document import Document
from pytest_aprqa.playbook.listing import is_differential
from pytest_aprqa.playbook.playbook import line_of
from pytest_aprqa.playbook.tree import Node

# Blocks that count as a whole; a block with a switch of its own is reported where it is on.
_WHOLE_BLOCKS: Final = (
    "falsification_gates",
    "verification_gates",
    "acceptance",
    "reproduction",
    "expected",
    "regression_tests",
    "tools_required",
)
_SWITCHED_BLOCKS: Final = ("ollama_parity", "state_machine")

Finding: TypeAlias = tuple[str, str]
"""Field and sentence."""


def list_untested(document: Document, scenarios: Sequence[Scenario], root: Node) -> tuple[str, ...]:
    """One sentence for each thing that is declared and not tested, in file order."""
    found = [*_blocks(document), *_differential(document), *_settings(document), *_quantizations(document)]
    found += [*_parts(document), *_repeated(document)]
    placed = [(line_of(root, field), sentence) for field, sentence in found]
    placed += _unreachable(document, scenarios)
    return tuple(f"line {line}: {sentence}" for line, sentence in sorted(placed))


def _blocks(document: Document) -> Iterator[Finding]:
    for name in _WHOLE_BLOCKS:
        if getattr(document, name):
            yield name, f"{name} is declared, not tested"
    for name in _SWITCHED_BLOCKS:
        block = getattr(document, name)
        if block is not None and block.enabled:
            yield name, f"{name} is declared, not tested"


def _differential(document: Document) -> Iterator[Finding]:
    tests = document.differential_tests
    if tests is None:
        return
    if (stats := tests.validate_stats) is not None and stats.enabled and stats.reference is not None:
        field = "differential_tests.validate_stats.reference"
        yield field, f"the reference file {stats.reference[:60]!r} is not read; the ground truth is the reference"
    if (diff := tests.tensor_diff) is not None and diff.enabled and diff.filter is not None:
        yield "differential_tests.tensor_diff.filter", "the filter narrows nothing; every tensor is compared"
    if stats is not None and stats.enabled and "tolerance" in stats.model_fields_set:
        field = "differential_tests.validate_stats.tolerance"
        yield field, "the tolerance is not used; statistics are compared by the limits of each stored type"
    if (compare := tests.inference_compare) is not None and compare.enabled and "tolerance" in compare.model_fields_set:
        field = "differential_tests.inference_compare.tolerance"
        yield field, "the tolerance is not used; logits are compared without a scale, by the limits of each type"


def _settings(document: Document) -> Iterator[Finding]:
    if document.property_settings is not None:
        yield "property_settings", "property_tests holds settings but no test; nothing is drawn for it"
    for number, (name, field) in enumerate(type(document.gates).model_fields.items()):
        if not getattr(document.gates, name):
            yield f"gates.{field.alias}", f"gateway G{number} is switched off: it is shown, but fails nothing"


def _quantizations(document: Document) -> Iterator[Finding]:
    quantizations = document.model.quantizations
    if quantizations and not any(format in QUANTIZED for format in document.model.formats):
        words = ", ".join(quantizations)
        yield "model.quantizations", f"quantizations ({words}) are declared, not tested: no listed format has any"


def _parts(document: Document) -> Iterator[Finding]:
    for index, test in enumerate(document.verification_tests):
        if is_differential(test):
            yield (
                f"verification_tests[{index}]",
                f"the {test.type} test {test.name or test.prompt!r:.60} is declared, not tested",
            )


def _repeated(document: Document) -> Iterator[Finding]:
    prompts = document.test_matrix.prompts or ()
    if repeated := len(prompts) - len(set(prompts)):
        yield "test_matrix.prompts", f"{repeated} of the {len(prompts)} prompts repeat another and are sent once"


def _unreachable(document: Document, scenarios: Sequence[Scenario]) -> Iterator[tuple[int, str]]:
    every = [cell_words(cell) for cell in list_cells(document.model, document.test_matrix)]
    for scenario in scenarios:
        if not any(admits(words, scenario) for words in every):
            only = " ".join(scenario.only)
            yield scenario.line, f"scenario {scenario.name} is for cells of {only}, of which there is none"
        elif len(scenario.turns) > 1 and Modality.CHAT not in document.test_matrix.modalities:
            yield scenario.line, f"scenario {scenario.name} is a conversation, and there is no chat cell"
