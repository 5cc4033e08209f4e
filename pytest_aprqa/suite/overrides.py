"""What the command line says about a playbook's content, in place of the playbook's own word. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook import Oracle, OracleType, Playbook, ProfileCi

_FILES = {".gguf": "gguf", ".apr": "apr"}
_TIMEOUT_MS = (1_000, 600_000)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Words of the user; None and False leave the playbook's."""

    timeout_ms: int | None = None
    """Deadline of each request; 1,000 to 600,000 milliseconds."""
    model_path: Path | None = None
    """A folder in Hugging Face layout, or a ``.gguf`` or ``.apr`` file that is tested as it is."""
    profile_ci: bool = False
    """Speed is measured where neither block nor tier asks for it, too."""
    hf_parity: str | None = None
    """A golden corpus that every target is held against."""


def override(playbook: Playbook, words: Overrides) -> Playbook:
    """The playbook as the user wants it.

    Raises:
        PlaybookError: a word makes no sense for it.
    """
    model, matrix, declared = playbook.model, playbook.matrix, playbook.declared
    if words.model_path is not None:
        kind = _FILES.get(words.model_path.suffix.lower())
        change = (
            {"local_path": words.model_path}
            if kind is None
            else {"files": model.files.model_copy(update={kind: words.model_path})}
        )
        model = model.model_copy(update=change)
    if words.timeout_ms is not None:
        low, high = _TIMEOUT_MS
        if not low <= words.timeout_ms <= high:
            raise PlaybookError(
                f"a timeout of {words.timeout_ms} ms; expected {low} to {high}",
                path=playbook.path,
                line=playbook.line_of("test_matrix"),
                column=1,
                field="test_matrix.timeout_ms",
            )
        matrix = matrix.model_copy(update={"timeout_ms": words.timeout_ms})
    if words.profile_ci:
        profile = (declared.profile_ci or ProfileCi()).model_copy(update={"enabled": True})
        declared = declared.model_copy(update={"profile_ci": profile})
    if words.hf_parity is not None:
        named = Oracle(type=OracleType.HF_PARITY, config={"corpus_path": words.hf_parity})
        declared = declared.model_copy(update={"oracles": (*declared.oracles, named)})
    return replace(playbook, model=model, matrix=matrix, declared=declared)
