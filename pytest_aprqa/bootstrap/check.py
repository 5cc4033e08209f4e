"""Reads a written playbook again, through the door that every playbook comes in by, before anybody gets it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pytest_aprqa.core import AprqaError
from pytest_aprqa.oracles import check_spec
from pytest_aprqa.playbook import Playbook, read_playbook
from pytest_aprqa.scenarios import Draw, fill


def checked(text: str, name: str) -> Playbook:
    """The playbook that a text is.

    Raises:
        AprqaError: it would not load, or not without a warning; that is our mistake, and the text is given to nobody.
    """
    with tempfile.TemporaryDirectory(prefix="aprqa-bootstrap-") as folder:
        path = Path(folder, f"{name}.playbook.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            playbook = read_playbook(path, {}, strict=True)
            complaints = [*playbook.warnings, *playbook.reports]
            _check_scenarios(playbook)
        except (AprqaError, ValueError) as problem:
            complaints = [str(problem)]
            playbook = None
    if playbook is None or complaints:
        raise AprqaError(f"the playbook written for {name} is not good: {'; '.join(complaints)}; please report this")
    return playbook


def _check_scenarios(playbook: Playbook) -> None:
    for scenario in playbook.listed_scenarios:
        for spec in scenario.oracles:
            check_spec(spec)
    draws = [Draw(test.name, test.generator, test.oracle, test.count) for test in playbook.property_tests]
    listed, matrix = playbook.listed_scenarios, playbook.matrix
    fill(listed, draws, count=max(matrix.scenario_count, len(listed)), seed=matrix.seed)
