from __future__ import annotations

import pytest

from pytest_aprqa.core import PlaybookError
from tests.playbook.conftest import Read

TEMPLATE = """\
name: "${NAME:-tiny}"
model: {hf_repo: "${REPO}"}
test_matrix:
  scenario_count: ${COUNT:-3}
  prompts: ["cost: $${5}", "$x ${REPO} ${REPO}"]
"""


def test_values_are_rendered_before_they_are_typed(read: Read) -> None:
    playbook = read(TEMPLATE, {"REPO": "a/b", "COUNT": "7"})
    assert (playbook.name, playbook.model.hf_repo, playbook.matrix.scenario_count) == ("tiny", "a/b", 7)
    assert playbook.matrix.prompts == ("cost: ${5}", "$x a/b a/b")


def test_an_empty_value_takes_the_default_where_there_is_one(read: Read) -> None:
    assert read(TEMPLATE, {"REPO": "a/b", "COUNT": ""}).matrix.scenario_count == 3


def test_an_unset_variable_is_an_error_that_names_the_option(read: Read) -> None:
    with pytest.raises(PlaybookError, match=r":2:18: the variable REPO is not set; set it with --aprqa-set REPO=VALUE"):
        read(TEMPLATE)


@pytest.mark.parametrize("text", ["${", "${}", "${a-b}", "${1}", "${A:?no}", "${A:-${B}}"])
def test_what_only_looks_like_a_placeholder_is_refused(read: Read, text: str) -> None:
    with pytest.raises(PlaybookError, match=r"placeholder is not understood.*write \$\$"):
        read(f'name: "{text}"\nmodel: {{hf_repo: a/b}}\ntest_matrix: {{}}\n', {"A": "x"})


def test_a_value_cannot_change_the_structure(read: Read) -> None:
    playbook = read("model: {hf_repo: a/b}\ntest_matrix: {prompts: ['${P}']}\n", {"P": "x\nname: y\n- z"})
    assert playbook.matrix.prompts == ("x\nname: y\n- z",)


def test_rendering_cannot_fill_the_memory(read: Read) -> None:
    text = f"model: {{hf_repo: a/b}}\ntest_matrix: {{prompts: ['{'${P}' * 100_000}']}}\n"
    with pytest.raises(PlaybookError, match="rendered text is too large"):
        read(text, {"P": "x" * 100_000})


def test_a_rendered_number_must_be_one_that_can_be_read(read: Read) -> None:
    text = "model: {hf_repo: a/b}\ntest_matrix:\n  scenario_count: ${N}\n"
    with pytest.raises(PlaybookError, match=":3:19: the number is not finite"):
        read(text, {"N": "1e999"})
