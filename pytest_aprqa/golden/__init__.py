"""Golden corpora: what the ground truth said to some prompts, recorded once and held against every other artefact.

`record` makes one, `read_golden` reads one as hostile input, `self_check` looks for damage, `compare` holds an engine
against it. Effects: reads and writes corpus folders; engines are handed in.
"""

from pytest_aprqa.golden.artefact import Artefact, artefact_of
from pytest_aprqa.golden.compare import GoldenComparison, PromptResult, compare, judge_comparison, judge_parity
from pytest_aprqa.golden.corpus import (
    TOP_K,
    GoldenCorpus,
    GoldenPrompt,
    Prompt,
    Provenance,
    RecordedWith,
    Recording,
)
from pytest_aprqa.golden.observe import Check
from pytest_aprqa.golden.places import (
    Place,
    built_in_root,
    corpus_folder,
    default_root,
    family_of,
    find_golden,
    golden_for,
    list_places,
)
from pytest_aprqa.golden.prompts import BUILT_IN, read_prompts
from pytest_aprqa.golden.record import measure, record
from pytest_aprqa.golden.self_check import Problem, judge_corpus, self_check
from pytest_aprqa.golden.store import read_golden, write_golden
from pytest_aprqa.golden.wanted import Wanted, read_hf_parity

__all__ = [
    "BUILT_IN",
    "TOP_K",
    "Artefact",
    "Check",
    "GoldenComparison",
    "GoldenCorpus",
    "GoldenPrompt",
    "Place",
    "Problem",
    "Prompt",
    "PromptResult",
    "Provenance",
    "RecordedWith",
    "Recording",
    "Wanted",
    "artefact_of",
    "built_in_root",
    "compare",
    "corpus_folder",
    "default_root",
    "family_of",
    "find_golden",
    "golden_for",
    "judge_comparison",
    "judge_corpus",
    "judge_parity",
    "list_places",
    "measure",
    "read_golden",
    "read_hf_parity",
    "read_prompts",
    "record",
    "self_check",
    "write_golden",
]
