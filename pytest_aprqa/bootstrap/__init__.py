"""Bootstrapping: from a model's own files, or a registry's row, to playbooks and scenarios.

Knows neither registries nor engines; what is written is read again through the door that every playbook comes in by.
"""

from pytest_aprqa.bootstrap.architectures import Architecture, read_architectures
from pytest_aprqa.bootstrap.bootstrap import bootstrap, bootstrap_artefacts
from pytest_aprqa.bootstrap.draft import draft, playbook_name
from pytest_aprqa.bootstrap.folder import model_at
from pytest_aprqa.bootstrap.generate import Form, generate, render
from pytest_aprqa.bootstrap.model import Kind, ModelFacts, named
from pytest_aprqa.bootstrap.shipped import (
    ARCHITECTURES_FILE,
    MODELS_FOLDER,
    Change,
    Planned,
    Registered,
    apply,
    changes,
    is_written,
    model_of,
    plan_all,
    write_one,
)
from pytest_aprqa.bootstrap.sizes import parameters_of
from pytest_aprqa.bootstrap.templates import TEMPLATES, Template

__all__ = [
    "ARCHITECTURES_FILE",
    "MODELS_FOLDER",
    "TEMPLATES",
    "Architecture",
    "Change",
    "Form",
    "Kind",
    "ModelFacts",
    "Planned",
    "Registered",
    "Template",
    "apply",
    "bootstrap",
    "bootstrap_artefacts",
    "changes",
    "draft",
    "generate",
    "is_written",
    "model_at",
    "model_of",
    "named",
    "parameters_of",
    "plan_all",
    "playbook_name",
    "read_architectures",
    "render",
    "write_one",
]
