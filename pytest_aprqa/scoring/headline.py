"""How a score is told: what the run amounts to stands first, so that no number is read as praise of a blocked model.

One wording for every place that shows a score to people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from pytest_aprqa.core import GatewayState, excerpt
from pytest_aprqa.evidence import Evidence
from pytest_aprqa.scoring.gate_ids import FLOOR_GATE, gateway_of
from pytest_aprqa.scoring.mqs import Mqs
from pytest_aprqa.scoring.status import Status

_NAMED: Final = 3
"""Gates that one headline names."""
_NAME_CHARS: Final = 100
_AWARDS: Final = (Status.PROVISIONAL, Status.CERTIFIED)


class Coverage(NamedTuple):
    """How much of a playbook was judged; what was deselected, skipped or left open was not."""

    judged: int
    """Planned cases of which a record passed or failed."""
    planned: int
    """Cases that the playbook stands for; 0 in foreign evidence, which does not say."""

    @property
    def words(self) -> str:
        """Such as ``26 of 567 planned cases were judged``; empty where the plan is not known."""
        return f"{self.judged:,} of {self.planned:,} planned cases were judged" if self.planned else ""


def coverage_of(evidence: Evidence) -> Coverage:
    """How much of its playbook a run judged."""
    judged = {record.index for record in evidence.records if record.outcome.passed or record.outcome.failed}
    return Coverage(len(judged), evidence.playbook.planned)


def blockers_of(mqs: Mqs) -> tuple[str, ...]:
    """What blocks the run whatever its score: failed gateways, refuted P0 gates of none of them, slow targets."""
    failed = [gateway for gateway, state in mqs.gateways.items() if state is GatewayState.FAILED]
    gates = [gate_id for gate_id in mqs.refuted_p0 if gateway_of(gate_id) not in failed]
    slow = [f"{FLOOR_GATE} on {target}" for target in mqs.too_slow]
    return (*(f"gateway {gateway}" for gateway in failed), *gates, *slow)


def headline(mqs: Mqs) -> str:
    """What the run amounts to, then its score.

    Such as ``BLOCKED by F-LAYOUT-002; MQS of the rest 942 .. 942 of 1000``.
    """
    numbers = f"{mqs.mqs} .. {mqs.mqs_ceiling} of 1000"
    if mqs.status is Status.BLOCKED:
        blockers = blockers_of(mqs)
        if not blockers:
            return f"BLOCKED by its score; MQS {numbers}"
        rest = "" if GatewayState.FAILED in mqs.gateways.values() else " of the rest"
        return f"BLOCKED by {_listed(blockers)}; MQS{rest} {numbers}"
    if mqs.total == 0:
        return f"nothing was judged; MQS {numbers}"
    tier = (
        f"tier {excerpt(mqs.tier.tier, limit=_NAME_CHARS)}"
        if mqs.tier.tier
        else f"mark {mqs.tier.pass_mark}, without a tier,"
    )
    verdict = f"{tier} {'passed' if mqs.tier.passed else 'not passed'}"
    said = mqs.status in _AWARDS or mqs.status is Status.PARTIAL
    return f"{f'{mqs.status}, ' if said else ''}{verdict}; MQS {numbers}"


def full_headline(evidence: Evidence, mqs: Mqs) -> str:
    """The headline with how much was judged, and with the letters where the tier was passed."""
    letters = f"normalized {mqs.normalized_score:.1f}, grade {mqs.grade}, cert grade {mqs.cert_grade}"
    parts = filter(None, (letters if shows_letters(mqs) else "", coverage_of(evidence).words))
    told = "; ".join(parts)
    return f"{headline(mqs)}{f' ({told})' if told else ''}"


def shows_letters(mqs: Mqs) -> bool:
    """Whether a letter says something of the run as a whole: not of a blocked one, nor where its tier was missed."""
    return mqs.status is not Status.BLOCKED and mqs.tier.passed


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(excerpt(name, limit=_NAME_CHARS) for name in names[:_NAMED])}{more}"
