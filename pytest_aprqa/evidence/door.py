"""The door that every evidence value passes: a strict, frozen pydantic base with one way out and one way in.

Strict means that the number 3 is never read from the text "3"; what is wrong is said in one `EvidenceError`.
"""

from __future__ import annotations

import json
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pytest_aprqa.core import EvidenceError, Json

_SHOWN_PROBLEMS: Final = 3
"""Problems quoted in one message; a wrong file has thousands."""


class EvidenceModel(BaseModel):
    """Base of all evidence values: frozen, no unknown fields, no silent conversions, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def to_json(self) -> dict[str, Json]:
        """The value as plain JSON types, fit for a pytest report, a file and a worker's channel."""
        dumped: dict[str, Json] = self.model_dump(mode="json")
        return dumped

    @classmethod
    def from_json(cls, value: Json, *, where: str = "") -> Self:
        """Reads what `to_json` made.

        Args:
            value: plain JSON.
            where: what to name in an error, such as ``evidence.jsonl:12``.

        Raises:
            EvidenceError: a field is missing, unknown or of the wrong type.
        """
        try:
            return cls.model_validate_json(json.dumps(value, allow_nan=False))
        except ValidationError as exc:
            raise EvidenceError(f"{where or 'evidence'}: not a valid {cls.__name__}: {_explain(exc)}") from exc
        except (TypeError, ValueError, RecursionError) as exc:
            raise EvidenceError(f"{where or 'evidence'}: not plain JSON: {exc}") from exc


def _explain(exc: ValidationError) -> str:
    problems = exc.errors(include_url=False, include_context=False)
    shown = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}, found {_excerpt(problem['input'])}"
        for problem in problems[:_SHOWN_PROBLEMS]
    ]
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _excerpt(value: object, *, limit: int = 60) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"
