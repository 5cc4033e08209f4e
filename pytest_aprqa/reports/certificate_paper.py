"""What a certificate states, as sections of plain text that each form draws in its own way.

A paper never says more than the tier may award: a run of a tier that awards nothing is a record of that run, and one
that was blocked or left something out says so in its first line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from pytest_aprqa.core import GATES, Award, Gateway, Modality, counted, excerpt
from pytest_aprqa.evidence import Evidence, WeightsInfo, provenance_problems
from pytest_aprqa.reports.certificate_gaps import gaps_of
from pytest_aprqa.reports.distances import distances_of
from pytest_aprqa.reports.matrix import mark, matrix_rows
from pytest_aprqa.reports.standing import outcome_counts, status_reasons
from pytest_aprqa.scoring import (
    Mqs,
    Rules,
    Status,
    beside_ground_truth,
    blockers_of,
    coverage_of,
    headline,
    shows_letters,
)

VALID_DAYS: Final = 90
"""How long a certificate holds; after that the row is stale."""

_CLOSENESS: Final = ("F-KL-MEAN-001", "F-TOP1-001", "F-PPL-001")
"""Gates whose numbers a downloader asks for."""
_AWARDS: Final = {Status.CERTIFIED: "Certificate", Status.PROVISIONAL: "Provisional certificate"}
_SAID_FIRST: Final = (Status.BLOCKED, Status.PARTIAL)
_DANGEROUS: Final = {
    "trust_remote_code": "code from the model's own repository was run (trust_remote_code)",
    "allow_commands": "command lines from the playbook were run (allow-commands)",
}
_TEXT_CHARS: Final = 300
_ROWS: Final = 200
_REASONS: Final = 50
_PARENTS: Final = 20
_LOCK: Final = "--aprqa-lock"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a paper; what is empty is left out. All texts are plain, printable and shortened."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value."""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate, or the record of a run that earned none."""

    title: str
    lead: tuple[str, ...]
    """What the reader must know before anything else."""
    sections: tuple[Section, ...]
    status: Status
    awarded: bool
    """False for a mere record."""


def paper_of(evidence: Evidence, mqs: Mqs, *, evidence_sha256: str, now: datetime) -> Paper:
    """What may be stated of a run.

    Args:
        evidence: the run.
        mqs: its own score, see `check_basis`.
        evidence_sha256: digest of the evidence file.
        now: when the paper is made.
    """
    awarded = mqs.status in _AWARDS and Rules(evidence.playbook.tier).award is not Award.NONE
    issued = now.astimezone(UTC)
    sections = (
        _verdict(evidence, mqs, issued, awarded=awarded),
        _gateways(mqs),
        _categories(mqs),
        _closeness(evidence),
        _scope(evidence),
        _refuted(evidence),
        Section("What was not tested", lines=tuple(gaps_of(evidence, mqs)) or ("nothing that the tier asks for",)),
        _files(evidence),
        _origin(evidence),
        _engines(evidence),
        _basis(evidence, evidence_sha256),
        _validity(issued, awarded=awarded),
    )
    return Paper(
        title=_title(evidence, mqs, awarded=awarded),
        lead=tuple(_lead(evidence, mqs, issued, awarded=awarded)),
        sections=tuple(section for section in sections if section.facts or section.rows or section.lines),
        status=mqs.status,
        awarded=awarded,
    )


def _title(evidence: Evidence, mqs: Mqs, *, awarded: bool) -> str:
    model = _show(evidence.playbook.model)
    if awarded:
        return f"{_AWARDS[mqs.status]}: {model}"
    record = f"ecord of {_a_run(evidence)}: {model}"
    return f"{mqs.status}: r{record}" if mqs.status in _SAID_FIRST else f"R{record}"


def _a_run(evidence: Evidence) -> str:
    tier = evidence.playbook.tier
    if not tier:
        return "a run without a tier"
    return f"{'an' if tier == 'mvp' else 'a'} {_show(tier)} run"


def _lead(evidence: Evidence, mqs: Mqs, issued: datetime, *, awarded: bool) -> Iterator[str]:
    if awarded:
        yield (
            f"{mqs.status} until {_day(issued + timedelta(days=VALID_DAYS))}: enough of the attempts to refute the "
            "model, counted below, failed. This holds for these files, engines and settings, and for nothing else"
        )
    else:
        yield f"This is not a certificate: {_not_awarded(evidence, mqs)}"
    for name, words in _DANGEROUS.items():
        if evidence.run.options.get(name):
            yield f"Warning: {words}"
    if problems := provenance_problems(evidence):
        yield f"Warning: the files' origin is not verified ({counted(len(problems), 'remark')} under Origin)"
    yield from (f"{reason[:1].upper()}{reason[1:]}" for reason in status_reasons(evidence, mqs))


def _not_awarded(evidence: Evidence, mqs: Mqs) -> str:
    if Rules(evidence.playbook.tier).award is Award.NONE:
        return f"{_a_run(evidence)} awards nothing, whatever its score"
    if mqs.status is Status.BLOCKED and not blockers_of(mqs):
        return f"the run was {mqs.status} by its score of {mqs.mqs}"
    return f"the run was {mqs.status}"


def _verdict(evidence: Evidence, mqs: Mqs, issued: datetime, *, awarded: bool) -> Section:
    low, high = mqs.interval
    tier = mqs.tier
    rate = f"{mqs.passed:,} of {mqs.total:,} judged cases" if mqs.total else "nothing was judged"
    grades = f"{mqs.cert_grade} (certification), {mqs.grade} (normalized {mqs.normalized_score:.1f})"
    until = _day(issued + timedelta(days=VALID_DAYS)) if awarded else "never valid as a certificate"
    facts = {
        "model": evidence.playbook.model,
        "status": mqs.status if awarded or mqs.status in _SAID_FIRST else "none",
        "tier": evidence.playbook.tier or "none",
        "issued": f"{issued:%Y-%m-%d %H:%M} UTC",
        "valid until": until,
        "score (MQS)": headline(mqs),
        "grades": grades if shows_letters(mqs) else "none: the run is blocked, or has not passed its tier",
        "judged": coverage_of(evidence).words,
        "tier's own mark": f"{'passed' if tier.passed else 'not passed'}: {tier.scoped_score} of 1000, "
        f"{tier.pass_mark} needed, {tier.scoped_low} at the lower ends of the 95 % intervals",
        "pass rate": f"{mqs.rate.pass_rate:.1%} ({rate}), 95 % interval {low:.1%} .. {high:.1%}",
        "beside the original": "; ".join(it.words for it in beside_ground_truth(evidence.records))
        or "no case was judged of both",
        "records": f"{outcome_counts(mqs)}; {counted(evidence.distinct_prompts, 'distinct prompt')}",
        "penalties": ", ".join(f"-{one.points} {one.code} ({one.description})" for one in mqs.penalties) or "none",
    }
    return _facts("Verdict", facts)


def _gateways(mqs: Mqs) -> Section:
    header = ("target", *(f"{gateway} {gateway.word}" for gateway in Gateway))
    rows = [
        (_show(target), *(str(states[gateway]) for gateway in Gateway))
        for target, states in mqs.target_gateways.items()
    ]
    return Section("Gateways", header=header, rows=(*rows, ("all", *map(str, mqs.gateways.values()))))


def _categories(mqs: Mqs) -> Section:
    rows = []
    for score in mqs.categories.values():
        low, high = score.interval
        tested = f"{score.passed:,} of {score.total:,}" if score.total else "not tested"
        interval = f"{low:.1%} .. {high:.1%}" if score.total else ""
        rows.append((str(score.category), f"{score.points}/{score.max_points}", tested, interval))
    return Section("Categories", header=("category", "points", "passed", "95 % interval"), rows=tuple(rows))


def _scope(evidence: Evidence) -> Section:
    rows = [(_show(row.target_id), *map(mark, row.cells)) for row in matrix_rows(evidence.records)[:_ROWS]]
    legend = "passed/judged, ?n inconclusive, -n skipped, . not in the run"
    return Section("Scope", header=("target", *map(str, Modality)), rows=tuple(rows), lines=(legend,) if rows else ())


def _closeness(evidence: Evidence) -> Section:
    """How far each target's predictions are from the original's."""
    rows = [tuple(map(_show, found.cells)) for found in distances_of(evidence) if found.gate_id in _CLOSENESS]
    if not rows:
        return Section("Closeness to the original", lines=("not measured",))
    header = ("target", "quantity", "value", "95 % interval", "limit", "limit from")
    return Section("Closeness to the original", header=header, rows=tuple(rows[:_ROWS]))


def _refuted(evidence: Evidence) -> Section:
    found = Counter((record.gate_id, record.outcome) for record in evidence.records if record.outcome.failed)
    rows = [
        (_show(gate_id), f"{count:,} {outcome}", GATES[gate_id].title if gate_id in GATES else "")
        for (gate_id, outcome), count in sorted(found.items())[:_ROWS]
    ]
    if not rows:
        return Section("What was refuted", lines=("nothing, of what was judged",))
    return Section("What was refuted", header=("gate", "cases", "hypothesis"), rows=tuple(rows))


def _files(evidence: Evidence) -> Section:
    rows = [
        (_show(weights.target), _show(file), digest)
        for weights in evidence.weights
        for file, digest in sorted(weights.digests.items())
    ]
    return Section("Files", header=("target", "file", "sha256"), rows=tuple(rows))


_TRACED: Final = "Of every file it is recorded where it came from."
_UNTOLD: Final = "All digests are recorded; nobody recorded where these files were before they lay here: {}."


def _origin(evidence: Evidence) -> Section:
    header = ("target", "found", "revision", "converter", "made from", "signature")
    problems = tuple(map(_show, provenance_problems(evidence)[:_ROWS]))
    unknown = [_show(it.target) for it in evidence.weights if not (it.revision or it.made_from)]
    nothing_wrong = (_UNTOLD.format(", ".join(unknown[:_ROWS])),) if unknown else (_TRACED,)
    lines = problems or nothing_wrong
    return Section("Origin", header=header, rows=tuple(map(_origin_row, evidence.weights)), lines=lines)


def _origin_row(weights: WeightsInfo) -> tuple[str, ...]:
    parents = ", ".join(
        f"{_show(file)} {_show(digest)}" for file, digest in sorted(weights.made_from.items())[:_PARENTS]
    )
    texts = (weights.target, weights.source, weights.revision or "not recorded")
    made = (_show(weights.converter or "none recorded"), parents or "none recorded")
    return (*map(_show, texts), *made, _show(weights.signature or "none"))


def _engines(evidence: Evidence) -> Section:
    rows = []
    for engine in evidence.engines:
        versions = ", ".join(f"{library} {version}" for library, version in sorted(engine.versions.items()))
        rows.append(tuple(map(_show, (engine.target, engine.name, versions, engine.device, engine.dtype))))
    return Section("Engines", header=("target", "engine", "versions", "device", "type"), rows=tuple(rows))


def _basis(evidence: Evidence, evidence_sha256: str) -> Section:
    playbook, run, host = evidence.playbook, evidence.run, evidence.host
    memory = f"{host.memory_bytes / 2**30:.0f} GiB memory" if host.memory_bytes else ""
    processor = f"{host.cpu} ({host.cores} cores)" if host.cores else host.cpu
    switched_on = [words for name, words in _DANGEROUS.items() if run.options.get(name)]
    facts = {
        "evidence sha256": evidence_sha256,
        "playbook": f"{playbook.name} ({playbook.path})",
        "playbook sha256": playbook.sha256,
        "playbook lock": _lock(evidence),
        "scenarios sha256": playbook.scenarios_digest,
        "run": f"{run.id}, started {run.started_at or 'at an unknown time'}",
        "command": " ".join(run.command),
        "options": ", ".join(f"{name}={value}" for name, value in sorted(run.options.items())) or "none",
        "foreign code": "; ".join(switched_on) or "none was run",
        "pytest-aprqa": run.aprqa_version,
        "host": ", ".join(filter(None, (host.os, processor, memory, *host.gpus, f"Python {host.python}"))),
    }
    return _facts("Basis", facts)


def _lock(evidence: Evidence) -> str:
    """Which lock the playbook was verified against; the run ends before its first case where they differ."""
    option = evidence.run.options.get("lock")
    words = evidence.run.command
    given = [word.partition("=")[2] for word in words if word.startswith(f"{_LOCK}=")]
    given += [after for word, after in pairwise(words) if word == _LOCK]
    named = str(option) if option else next(iter(given), "")
    return f"verified against {named} before the run" if named else "not verified against a lock"


def _validity(issued: datetime, *, awarded: bool) -> Section:
    if not awarded:
        return Section("Validity", lines=("A record of a run certifies nothing and does not expire.",))
    until = _day(issued + timedelta(days=VALID_DAYS))
    return Section(
        "Validity",
        lines=(
            f"Valid for {VALID_DAYS} days, until {until}.",
            "Void for any other bytes: compare the digests of your files with those above.",
            "Void for another engine, version, device or setting than those above.",
            "A pass means that an attempt to refute failed, not that the model is right.",
        ),
    )


def _facts(title: str, facts: Mapping[str, str]) -> Section:
    return Section(title, facts=tuple((name, _show(value)) for name, value in facts.items() if value))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _show(text: str) -> str:
    return excerpt(text, limit=_TEXT_CHARS)
