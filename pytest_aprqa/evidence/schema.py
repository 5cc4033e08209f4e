"""The JSON Schema of the evidence file, generated from the model classes; run this module to write it anew.

``python -m pytest_aprqa.evidence.schema`` rewrites ``evidence.schema.json``, which ships with the package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pytest_aprqa.evidence.evidence import Evidence

SCHEMA_FILE: Final = Path(__file__).with_name("evidence.schema.json")
"""The shipped schema."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema as it stands in the file."""
    schema = {"$schema": _DIALECT, **Evidence.model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
