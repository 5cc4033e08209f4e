"""Playbooks: reading them, in every dialect, and expanding them into cases.

Knows neither pytest nor engines. Reading is the effect; everything after it is pure.
"""

from pytest_aprqa.playbook.blocks import ProfileAssertions, ProfileCi, Serve
from pytest_aprqa.playbook.catalog import Catalog, Listed, read_catalog
from pytest_aprqa.playbook.cells import cell_words, list_cells, users_file
from pytest_aprqa.playbook.describe import SCHEMA_FILE, json_schema
from pytest_aprqa.playbook.document import (
    FailurePolicy,
    Gates,
    GroundTruth,
    Matrix,
    Model,
    Oracle,
    OracleType,
    SizeCategory,
    Skip,
)
from pytest_aprqa.playbook.expand import expand
from pytest_aprqa.playbook.lock import (
    LOCK_NAME,
    Difference,
    Locked,
    LockFile,
    compare_locks,
    gather_lock,
    lock_playbooks,
    lock_problem,
    question_digest,
    read_lock,
    render_lock,
    semantic_digest,
    verify,
)
from pytest_aprqa.playbook.playbook import Playbook, PropertyTest
from pytest_aprqa.playbook.read import read_playbook

__all__ = [
    "LOCK_NAME",
    "SCHEMA_FILE",
    "Catalog",
    "Difference",
    "FailurePolicy",
    "Gates",
    "GroundTruth",
    "Listed",
    "LockFile",
    "Locked",
    "Matrix",
    "Model",
    "Oracle",
    "OracleType",
    "Playbook",
    "ProfileAssertions",
    "ProfileCi",
    "PropertyTest",
    "Serve",
    "SizeCategory",
    "Skip",
    "cell_words",
    "compare_locks",
    "expand",
    "gather_lock",
    "json_schema",
    "list_cells",
    "lock_playbooks",
    "lock_problem",
    "question_digest",
    "read_catalog",
    "read_lock",
    "read_playbook",
    "render_lock",
    "semantic_digest",
    "users_file",
    "verify",
]
