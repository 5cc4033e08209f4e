"""The evidence of a run, whichever file is at hand: the evidence file, foreign evidence, or a journal.

A journal counts as a partial run, for its end is not in it. Knows nothing of scores or reports.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pytest_aprqa.core import EvidenceError
from pytest_aprqa.evidence.evidence import Evidence, Selection, distinct_prompts
from pytest_aprqa.evidence.journal import read_journal
from pytest_aprqa.evidence.parse import MAX_BYTES
from pytest_aprqa.evidence.store import read_evidence

_JOURNAL_SUFFIX: Final = ".jsonl"
_NAMED: Final = 5
"""Models named in a message; a hostile file names thousands."""
_NAME_CHARS: Final = 100


def read_run(path: Path, *, max_bytes: int = MAX_BYTES) -> Evidence:
    """Reads evidence.json, foreign evidence of any known shape, or evidence.jsonl.

    Args:
        path: the file; a journal is known by its ending ``.jsonl``.
        max_bytes: a larger file is refused.

    Raises:
        EvidenceError: it is not there, not readable, too large or not evidence; the message names the limit.
    """
    if path.suffix != _JOURNAL_SUFFIX:
        return read_evidence(path, max_bytes=max_bytes)
    journal = read_journal(path, max_bytes=max_bytes)
    partial = {"selection": Selection.PARTIAL, "selection_reason": journal.truncated or "read from a journal"}
    return Evidence(
        run=journal.header.run.model_copy(update=partial),
        host=journal.header.host,
        playbook=journal.header.playbook,
        distinct_prompts=distinct_prompts(journal.records),
        records=journal.records,
    )


def of_model(evidence: Evidence, model: str, *, where: str) -> Evidence:
    """The part of the evidence that is about one model.

    Args:
        evidence: of one run; foreign evidence may be about several models.
        model: ``org/name``, or the name alone; case does not matter.
        where: what to name in an error.

    Raises:
        EvidenceError: there is no such model in it, or there are several of that name.
    """
    known = list(dict.fromkeys((evidence.playbook.model, *(record.model for record in evidence.records))))
    found = [name for name in known if name.lower() == model.lower()]
    found = found or [name for name in known if name.lower().rpartition("/")[2] == model.lower()]
    if len(found) != 1:
        raise EvidenceError(f"{where}: {_no_such_model(model, found or known, several=bool(found))}")
    records = tuple(record for record in evidence.records if record.model == found[0])
    playbook = evidence.playbook.model_copy(update={"model": found[0]})
    changes = {"records": records, "playbook": playbook, "distinct_prompts": distinct_prompts(records)}
    return evidence.model_copy(update=changes)


def _no_such_model(model: str, names: list[str], *, several: bool) -> str:
    listed = ", ".join(name[:_NAME_CHARS] for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    if several:
        return f"holds several models named {model}: {listed}{more}; give the organisation, too"
    close = get_close_matches(model.lower(), [name.lower() for name in names[:1000]], n=1, cutoff=0.4)
    meant = next((name for name in names if close and name.lower() == close[0]), "")
    hint = f"; did you mean {meant[:_NAME_CHARS]}?" if meant else ""
    return f"holds no evidence of {model}, but of {listed}{more}{hint}"
