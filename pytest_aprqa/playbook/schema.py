"""``python -m pytest_aprqa.playbook.schema`` rewrites the shipped JSON Schema from the model classes."""

from __future__ import annotations

import json

from pytest_aprqa.playbook.describe import SCHEMA_FILE, json_schema


def render_schema() -> str:
    """The schema as the shipped file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(render_schema(), encoding="utf-8")
