"""Which commands there are, and where each is defined; none is imported before it is called.

The group shows this table's words in its help, so that ``apr-qa --help`` imports no command.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Command(NamedTuple):
    """One row: where a command is, and what it does in a few words."""

    module: str
    """Below ``pytest_aprqa.cli``; its function has the command's name, dashes as underscores."""
    words: str
    section: str


_RUN, _CERTIFY, _EVIDENCE, _FILES, _PLAYBOOKS, _MACHINE = (
    "Qualify",
    "Certify",
    "Evidence and reports",
    "Model files",
    "Playbooks",
    "This machine",
)

COMMANDS: Final = {
    "certify": Command("certify", "Qualifies models and writes the registry.", _CERTIFY),
    "list": Command("listing", "Lists the registry's models.", _CERTIFY),
    "registry": Command("registry", "Checks, imports and publishes the registry.", _CERTIFY),
    "run": Command("run", "Runs a playbook under pytest.", _RUN),
    "tools": Command("tools", "Runs every check of files on one model.", _RUN),
    "score": Command("score", "Scores an evidence file.", _EVIDENCE),
    "report": Command("report", "Writes reports from an evidence file.", _EVIDENCE),
    "compare": Command("compare", "Compares two evidence files.", _EVIDENCE),
    "tickets": Command("tickets", "Writes tickets for what failed, grouped by cause.", _EVIDENCE),
    "export-csv": Command("export", "Writes registry rows from evidence files.", _EVIDENCE),
    "export-evidence": Command("export", "Writes an evidence file in the exchange form.", _EVIDENCE),
    "convert": Command("convert", "Writes a model in another format.", _FILES),
    "inspect": Command("inspect", "Shows what a model file holds.", _FILES),
    "validate-contract": Command("contract", "Checks what files alone can tell.", _FILES),
    "diagnose-conversion": Command("diagnose", "Finds what a conversion broke.", _FILES),
    "parity": Command("parity", "Records and compares golden logits.", _FILES),
    "bootstrap": Command("bootstrap", "Writes a playbook for a model.", _PLAYBOOKS),
    "generate": Command("generate", "Writes scenarios for a model.", _PLAYBOOKS),
    "validate": Command("validate", "Reads playbooks and says what is wrong with them.", _PLAYBOOKS),
    "lock-playbooks": Command("lock", "Records the digests of playbooks.", _PLAYBOOKS),
    "fetch": Command("fetch", "Puts a small real model into a model cache.", _MACHINE),
    "doctor": Command("doctor", "Says what this machine can run.", _MACHINE),
    "completion": Command("completion", "Prints the completion script of a shell.", _MACHINE),
}
"""Command to its row."""
