"""The registry of models: a csv of twenty columns, what its rows rest on, and the rules that neither may break.

Knows nothing of reports, of pytest, or of how a run is driven.
"""

from pytest_aprqa.registry.awards import Award, Awards, Origin, awards_path, read_awards
from pytest_aprqa.registry.check import check
from pytest_aprqa.registry.document import parse_registry, read_registry, render_registry
from pytest_aprqa.registry.enter import Entered, EnteredAll, award_of_file, enter, enter_all
from pytest_aprqa.registry.errors import RegistryError
from pytest_aprqa.registry.evidence_files import EvidenceFile, EvidenceIndex, index_evidence, read_evidence_file
from pytest_aprqa.registry.exchange import exchange_form, exchange_name
from pytest_aprqa.registry.finding import Finding, Rule
from pytest_aprqa.registry.published import Import, import_published
from pytest_aprqa.registry.readme import sync_readme
from pytest_aprqa.registry.row import COLUMNS, Row
from pytest_aprqa.registry.settle import new_row, settle
from pytest_aprqa.registry.sizes import SIZES, billions_of, size_of
from pytest_aprqa.registry.standing import Standing, standing
from pytest_aprqa.registry.store import read_books, update_books, update_registry
from pytest_aprqa.registry.table import Books, Registry

__all__ = [
    "COLUMNS",
    "SIZES",
    "Award",
    "Awards",
    "Books",
    "Entered",
    "EnteredAll",
    "EvidenceFile",
    "EvidenceIndex",
    "Finding",
    "Import",
    "Origin",
    "Registry",
    "RegistryError",
    "Row",
    "Rule",
    "Standing",
    "award_of_file",
    "awards_path",
    "billions_of",
    "check",
    "enter",
    "enter_all",
    "exchange_form",
    "exchange_name",
    "import_published",
    "index_evidence",
    "new_row",
    "parse_registry",
    "read_awards",
    "read_books",
    "read_evidence_file",
    "read_registry",
    "render_registry",
    "settle",
    "size_of",
    "standing",
    "sync_readme",
    "update_books",
    "update_registry",
]
