"""Plans and results as lines for people; every text of unknown origin is made printable. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_aprqa.certification.estimate import Estimate
from pytest_aprqa.certification.outlook import Outlook
from pytest_aprqa.certification.settled import Settled
from pytest_aprqa.core import Award, counted, visible
from pytest_aprqa.scoring import headline

_NAME_CHARS: Final = 36
_GIB: Final = 2**30
_AWARDS: Final = {
    Award.NONE: "no status: the registry stays as it is",
    Award.PROVISIONAL: "PROVISIONAL at most",
    Award.CERTIFIED: "CERTIFIED",
}


def outlook_lines(outlook: Outlook) -> list[str]:
    """The plan of one playbook."""
    return [visible(line) for line in _outlook(outlook)]


def summary_lines(results: Sequence[Settled]) -> list[str]:
    """A table of all models, then what is to be known of each."""
    head = f"{'model':<{_NAME_CHARS}} {'tier':<9}{'ending':<13}{'status':<12} score"
    lines = [head, *(_row(one) for one in results)]
    for one in results:
        lines += ["", *_details(one)]
    return [visible(line) for line in lines]


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(50), duration(400), duration(9000)
    ('50 s', '7 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def time_words(estimate: Estimate | None) -> str:
    """How long it takes, and with how much memory; an estimate that says so."""
    if estimate is None:
        return "unknown: the size of the model is not known, or nothing can run"
    memory = estimate.memory_bytes / _GIB
    return f"about {duration(estimate.seconds)} and {memory:.1f} GiB of memory (an estimate, good to a factor of three)"


def _outlook(outlook: Outlook) -> Iterator[str]:
    tier = f"tier {outlook.tier}" if outlook.tier else "no tier"
    yield f"{outlook.model}: {outlook.name}, {tier}"
    yield f"  playbook   {outlook.playbook}"
    yield f"  lock       {outlook.lock.word}"
    yield from (f"             {line}" for line in (*outlook.lock.problems, outlook.lock.remark) if line)
    yield f"  weights    {outlook.weights.where}"
    yield from (f"             to get them: {way}" for way in outlook.weights.ways)
    yield f"  may award  {_AWARDS[outlook.award]}"
    yield f"  time       {time_words(outlook.estimate)}"
    yield f"  prompts    {outlook.distinct_prompts} distinct"
    yield "  cells"
    for cell in outlook.cells:
        yield f"    {cell.id:<28} {counted(cell.cases, 'case')}{f'; skipped: {cell.skip}' if cell.skip else ''}"
    total = sum(outlook.items.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in outlook.items.items())
    yield f"  items that run: {total}{f' ({kinds})' if kinds else ''}"
    yield from (f"  skipped: {count}: {reason}" for reason, count in outlook.skips.items())
    yield from (f"  not tested: {report}" for report in outlook.reports)


def _row(one: Settled) -> str:
    name = one.model if len(one.model) <= _NAME_CHARS else f"{one.model[: _NAME_CHARS - 1]}…"
    score = "-" if one.mqs is None else f"{one.mqs.mqs} .. {one.mqs.mqs_ceiling}"
    return f"{name:<{_NAME_CHARS}} {one.tier or '-':<9}{one.ending:<13}{one.status:<12} {score}"


def _details(one: Settled) -> Iterator[str]:
    yield one.model
    if one.mqs is not None:
        verdict = one.mqs.tier
        yield f"  {headline(one.mqs)}; scoped score {verdict.scoped_score}, pass mark {verdict.pass_mark}"
    for reason in one.reasons:
        yield from (f"  {line}" for line in f"why: {reason}".split("\n"))
    yield from (f"  remark: {remark}" for remark in one.remarks)
    yield from (f"  {path}" for path in (*one.files, *one.tickets))
    yield from (f"  to file it: {command}" for command in one.gh_commands)
