"""Types of playbook fields: strict, with ranges, and with errors that say what was expected.

Numbers are never read from quoted text; booleans are, because every real playbook quotes them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from pytest_aprqa.core import Backend, Format, Modality, Quantization

_T = TypeVar("_T")

_SWITCHES: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Block(BaseModel):
    """A mapping of a playbook. Unknown keys are kept, so that they can be reported with a hint."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
        json_schema_extra={"additionalProperties": False},
    )


def refusal(problem: str, *, expected: str, hint: str = "") -> PydanticCustomError:
    """What a validator raises so that the reader sees our words; braces in them are harmless."""
    return PydanticCustomError("refusal", "{problem}", {"problem": problem, "expected": expected, "hint": hint})


def _matching(pattern: str, expected: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise refusal("is malformed", expected=expected)
        return text

    return AfterValidator(check)


def _read_switch(value: object) -> object:
    return _SWITCHES.get(value.lower(), value) if isinstance(value, str) else value


def lower_case(value: object) -> object:
    """Texts in lower case: ``Q4_K_M`` and ``SafeTensors`` are what people write."""
    return value.lower() if isinstance(value, str) else value


def listed(value: object) -> object:
    """A single value as a list of one."""
    return value if isinstance(value, list) else [value]


def _check_distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(f"lists {str(value)[:40]!r} twice", expected="each value once")
    return values


def _read_path(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise refusal("is no path", expected="the path of a file or folder")
    return Path(value)


Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
Switch = Annotated[
    bool,
    Strict(),
    BeforeValidator(_read_switch, json_schema_input_type=bool | Literal["true", "false", "yes", "no", "on", "off"]),
]
"""A boolean, also in quotes and in the words of YAML 1.1."""
FilePath = Annotated[Path, BeforeValidator(_read_path)]
"""Relative to the playbook's folder; ``~`` is the user's."""

Name = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=100),
    _matching(r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, '.', '_' and '-', such as 'qwen2.5-coder-7b-mvp'"),
]
Version = Annotated[
    str,
    Strict(),
    _matching(r"\d+(\.\d+){1,2}([-+][0-9A-Za-z.-]+)?", "two or three numbers, such as '1.0.0'"),
]
Repository = Annotated[
    str,
    Strict(),
    _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*", "org/name, such as 'Qwen/Qwen3-0.6B'"),
]

FormatWord = Annotated[Format, BeforeValidator(lower_case)]
BackendWord = Annotated[Backend, BeforeValidator(lower_case)]
ModalityWord = Annotated[Modality, BeforeValidator(lower_case)]
QuantizationWord = Annotated[Quantization, BeforeValidator(lower_case)]

Formats = Annotated[tuple[FormatWord, ...], Field(min_length=1), AfterValidator(_check_distinct)]
Backends = Annotated[tuple[BackendWord, ...], Field(min_length=1), AfterValidator(_check_distinct)]
Modalities = Annotated[tuple[ModalityWord, ...], Field(min_length=1), AfterValidator(_check_distinct)]
Quantizations = Annotated[tuple[QuantizationWord, ...], Field(min_length=1), AfterValidator(_check_distinct)]

NonNegative = Annotated[float, Strict(), Field(ge=0)]
Temperature = Annotated[float, Strict(), Field(ge=0, le=2)]
"""0.0 is greedy."""
TokenLimit = Annotated[int, Strict(), Field(ge=1, le=32_768)]


def kebab_case(value: object) -> object:
    """Texts in lower case with hyphens: ``stop_on_p0`` is ``stop-on-p0``."""
    return value.lower().replace("_", "-") if isinstance(value, str) else value


def snake_case(text: str) -> str:
    """A CamelCase word in snake case; others stay.

    >>> snake_case("FusedQ4kMatvec"), snake_case("swi_glu")
    ('fused_q4k_matvec', 'swi_glu')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
