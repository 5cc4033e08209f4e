from __future__ import annotations

from pytest_aprqa.core import Quantization
from pytest_aprqa.formats import file_quantization


def test_every_quantization_of_a_playbook_is_a_file_type() -> None:
    assert {file_quantization(code) for code in range(100)} == {*Quantization, None}
