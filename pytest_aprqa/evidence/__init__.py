"""What was seen, kept: records, the journal, the evidence file, the host, and the keys under which answers are reused.

Knows nothing of scores, engines or pytest.
"""

from pytest_aprqa.evidence.evidence import (
    SCHEMA_VERSION,
    Dialect,
    EngineInfo,
    Evidence,
    HostInfo,
    PlaybookInfo,
    RunInfo,
    Selection,
    WeightsInfo,
    distinct_prompts,
    untimed,
)
from pytest_aprqa.evidence.host import read_host
from pytest_aprqa.evidence.journal import JOURNAL_NAME, Journal, JournalContents, JournalHeader, read_journal
from pytest_aprqa.evidence.keys import Resumable, completion_of, content_key
from pytest_aprqa.evidence.plain import plain_json
from pytest_aprqa.evidence.portable import portable, portable_playbook
from pytest_aprqa.evidence.provenance import provenance_problems
from pytest_aprqa.evidence.record import (
    GARBAGE,
    AnswerRecord,
    MetricsRecord,
    Observed,
    Record,
    record_of_case,
    record_of_gate,
    untimed_record,
)
from pytest_aprqa.evidence.run import of_model, read_run
from pytest_aprqa.evidence.store import (
    COMPLETE_NAME,
    EVIDENCE_NAME,
    keep_complete,
    model_folder,
    output_folder,
    read_evidence,
    write_evidence,
)

__all__ = [
    "COMPLETE_NAME",
    "EVIDENCE_NAME",
    "GARBAGE",
    "JOURNAL_NAME",
    "SCHEMA_VERSION",
    "AnswerRecord",
    "Dialect",
    "EngineInfo",
    "Evidence",
    "HostInfo",
    "Journal",
    "JournalContents",
    "JournalHeader",
    "MetricsRecord",
    "Observed",
    "PlaybookInfo",
    "Record",
    "Resumable",
    "RunInfo",
    "Selection",
    "WeightsInfo",
    "completion_of",
    "content_key",
    "distinct_prompts",
    "keep_complete",
    "model_folder",
    "of_model",
    "output_folder",
    "plain_json",
    "portable",
    "portable_playbook",
    "provenance_problems",
    "read_evidence",
    "read_host",
    "read_journal",
    "read_run",
    "record_of_case",
    "record_of_gate",
    "untimed",
    "untimed_record",
    "write_evidence",
]
