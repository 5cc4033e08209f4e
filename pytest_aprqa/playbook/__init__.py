"""Playbooks: reading them, in every dialect, and expanding them into cases.

Knows neither pytest nor engines. Reading is the effect; everything after it is pure.
"""

from pytest_aprqa.playbook.blocks import ProfileAssertions, ProfileCi, Serve
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
from pytest_aprqa.playbook.playbook import Playbook, PropertyTest
from pytest_aprqa.playbook.read import read_playbook

__all__ = [
    "SCHEMA_FILE",
    "FailurePolicy",
    "Gates",
    "GroundTruth",
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
    "expand",
    "json_schema",
    "list_cells",
    "read_playbook",
    "users_file",
]
