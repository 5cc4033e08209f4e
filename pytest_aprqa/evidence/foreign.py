"""Reads evidence that others published, in any of its four shapes, into our records.

Shapes: a bare array of records; an object with ``evidence`` and ``metadata``; an export (``evidence``, ``summary``,
``model``); an execution result (``evidence`` and totals). A record's outcome is a word in any case or a one-key object
whose body holds the reason. What has no place in `Record` is kept under the same name in `Record.details`; what was
not recorded stays unknown (null), such as how many items were compared. Takes parsed JSON; knows nothing of files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from pytest_aprqa.core import Backend, EvidenceError, Format, Json, Modality, Outcome
from pytest_aprqa.evidence.evidence import (
    Dialect,
    Evidence,
    HostInfo,
    PlaybookInfo,
    RunInfo,
    distinct_prompts,
)
from pytest_aprqa.evidence.parse import check_count
from pytest_aprqa.evidence.plain import plain_json, plain_text
from pytest_aprqa.evidence.record import AnswerRecord, Record

PLACEHOLDER_MODEL: Final = "conversion/test"
"""What published conversion checks name instead of their model."""

_ALIASES: Final = {"memory_mb": "memory_peak_mb"}
"""Metric names of the documented schema to those of the files."""

_TAKEN: Final = ("gate_id", "scenario", "outcome", "reason", "output", "stderr", "exit_code")
_TAKEN_OF_SCENARIO: Final = (
    "id",
    "model",
    "model_id",
    "modality",
    "backend",
    "format",
    "prompt",
    "temperature",
    "max_tokens",
    "seed",
    "oracle_type",
)

_Word = TypeVar("_Word", bound=StrEnum)


class _Ending(NamedTuple):
    outcome: Outcome
    body: Mapping[str, Json]
    """What the outcome's object held, if it was one."""


def read_foreign(value: Json, *, where: str) -> Evidence:
    """Maps foreign evidence to ours.

    Args:
        value: the parsed file.
        where: the file's name, for errors.

    Raises:
        EvidenceError: it is none of the known shapes, holds too many records, or a field has a wrong type.
    """
    dialect, items = _shape_of(value, where)
    check_count(len(items), where=where)
    raw = [_object(item, f"{where}: record {place}") for place, item in enumerate(items)]
    scenarios = [_object(item.get("scenario", {}), f"{where}: record {n}.scenario") for n, item in enumerate(raw)]
    names = [_model_name(scenario, f"{where}: record {n}.scenario") for n, scenario in enumerate(scenarios)]
    model = _model_of_file(value, names)
    records = tuple(
        _record(place, item, scenario, model if name in ("", PLACEHOLDER_MODEL) else name, f"{where}: record {place}")
        for place, (item, scenario, name) in enumerate(zip(raw, scenarios, names, strict=True))
    )
    return Evidence(
        dialect=dialect,
        run=RunInfo(),
        host=_host(raw, where),
        playbook=PlaybookInfo(model=model),
        distinct_prompts=distinct_prompts(records),
        records=records,
    )


def _shape_of(value: Json, where: str) -> tuple[Dialect, list[Json]]:
    if isinstance(value, list):
        return Dialect.ARRAY, value
    if not isinstance(value, dict) or not isinstance(items := value.get("evidence"), list):
        raise EvidenceError(
            f"{where}: not evidence; expected an object with 'schema_version', an array of records, "
            f"or an object with an 'evidence' array, found {_kind(value)}"
        )
    if "summary" in value:
        return Dialect.EXPORT, items
    return (Dialect.RESULT if "total_scenarios" in value else Dialect.DOCUMENTED), items


def _record(place: int, item: dict[str, Json], scenario: dict[str, Json], model: str, where: str) -> Record:
    ending = _ending(item.get("outcome"), where)
    body = ending.body
    metrics = _object(item.get("metrics") or {}, f"{where}.metrics")
    prompt, oracle = _text(scenario, "prompt", where), _text(scenario, "oracle_type", where)
    output, name = _text(item, "output", where), _text(scenario, "id", where)
    gate_id = _text(item, "gate_id", where)
    if not gate_id:
        raise EvidenceError(f"{where}: gate_id is missing; expected a text such as 'F-A1-001'")
    plain: dict[str, Json] = {
        "case_id": name or _text(item, "id", where) or f"record-{place}",
        "playbook": "",
        "index": place,
        "gate_id": gate_id,
        "outcome": ending.outcome.value,
        "reason": _text(item, "reason", where) or _text(body, "reason", where) or "",
        "compared": None,
        "details": plain_json(_leftovers(item, scenario, metrics, body)),
        "model": model,
        "format": _word(Format, scenario, "format"),
        "backend": _word(Backend, scenario, "backend"),
        "modality": _word(Modality, scenario, "modality"),
        "scenario": name,
        "turns": [prompt] if prompt else [],
        "answers": [AnswerRecord(text=output).to_json()] if output and _generates(gate_id) else [],
        "oracles": [oracle] if oracle else [],
        "temperature": _number(scenario, "temperature", where),
        "max_tokens": _integer(scenario, "max_tokens", where),
        "seed": _integer(scenario, "seed", where),
        "stderr_tail": _text(item, "stderr", where) or "",
        "exit_code": _first(_integer(item, "exit_code", where), _integer(body, "exit_code", where)),
        "duration_ms": _first(_number(metrics, "duration_ms", where), _number(body, "duration_ms", where)),
    }
    return Record.from_json(plain, where=where)


def _leftovers(
    item: dict[str, Json], scenario: dict[str, Json], metrics: dict[str, Json], body: Mapping[str, Json]
) -> dict[str, Json]:
    kept: dict[str, Json] = {key: value for key, value in item.items() if key not in _TAKEN}
    if item.get("output") and not _generates(str(item["gate_id"])):
        kept["output"] = item["output"]
    if metrics:
        kept["metrics"] = {_ALIASES.get(key, key): value for key, value in metrics.items()}
    rest = {key: value for key, value in scenario.items() if key not in _TAKEN_OF_SCENARIO}
    for key, kind in (("format", Format), ("backend", Backend), ("modality", Modality)):
        if scenario.get(key) is not None and _word(kind, scenario, key) is None:
            rest[key] = scenario[key]
    rest["model"] = scenario.get("model", scenario.get("model_id"))
    if scenario:
        kept["scenario"] = rest
    if body:
        kept["outcome"] = dict(body)
    return kept


def _generates(gate_id: str) -> bool:
    # What a G0 check prints is a tool's report on files, not text of the model.
    return not gate_id.startswith("G0")


def _ending(value: Json, where: str) -> _Ending:
    word, body = value, {}
    if isinstance(value, dict) and len(value) == 1:
        word, inner = next(iter(value.items()))
        body = inner if isinstance(inner, dict) else {}
    try:
        return _Ending(Outcome(word.lower() if isinstance(word, str) else ""), body)
    except ValueError as exc:
        expected = ", ".join(Outcome)
        raise EvidenceError(f"{where}: outcome: expected one of {expected}, found {_kind(value)}") from exc


def _model_name(scenario: dict[str, Json], where: str) -> str:
    model = scenario.get("model")
    if isinstance(model, dict):
        parts = (_text(model, "org", where), _text(model, "name", where))
        return "/".join(part for part in parts if part)
    return _text(scenario, "model", where) or _text(scenario, "model_id", where) or ""


def _model_of_file(value: Json, names: list[str]) -> str:
    counted = Counter(name for name in names if name not in ("", PLACEHOLDER_MODEL))
    if counted:
        return counted.most_common(1)[0][0]
    named = value.get("model") if isinstance(value, dict) else None
    if isinstance(named, dict):
        named = named.get("hf_repo") or named.get("id")
    return plain_text(named) if isinstance(named, str) and named else "unknown"


def _host(raw: list[dict[str, Json]], where: str) -> HostInfo:
    host = next((item["host"] for item in raw if isinstance(item.get("host"), dict)), None)
    if not isinstance(host, dict):
        return HostInfo()
    gpu = _text(host, "gpu", where)
    return HostInfo(
        hostname=_text(host, "hostname", where) or "",
        os=_text(host, "os", where) or "",
        cpu=_text(host, "cpu", where) or "",
        gpus=(gpu,) if gpu else (),
    )


def _word(kind: type[_Word], source: Mapping[str, Json], key: str) -> _Word | None:
    value = source.get(key)
    try:
        return kind(value.lower()) if isinstance(value, str) else None
    except ValueError:
        return None


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise EvidenceError(f"{where}: expected an object, found {_kind(value)}")
    return value


def _text(source: Mapping[str, Json], key: str, where: str) -> str | None:
    value = source.get(key)
    if value is not None and not isinstance(value, str):
        raise EvidenceError(f"{where}: {key}: expected a text, found {_kind(value)}")
    return None if value is None else plain_text(value)


def _number(source: Mapping[str, Json], key: str, where: str) -> float | None:
    value = source.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise EvidenceError(f"{where}: {key}: expected a number, found {_kind(value)}")
    try:
        return None if value is None else float(value)
    except OverflowError as exc:
        raise EvidenceError(f"{where}: {key}: the number is too large") from exc


def _integer(source: Mapping[str, Json], key: str, where: str) -> int | None:
    value = source.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise EvidenceError(f"{where}: {key}: expected a whole number, found {_kind(value)}")
    return value


_Value = TypeVar("_Value", int, float)


def _first(first: _Value | None, second: _Value | None) -> _Value | None:
    return second if first is None else first


def _kind(value: Json) -> str:
    if isinstance(value, dict):
        return f"an object with {', '.join(repr(key[:40]) for key in list(value)[:5]) or 'no keys'}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
