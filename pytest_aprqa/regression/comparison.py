"""The comparison of two runs, as one value that reports render and programs read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from pytest_aprqa.core import Gateway, GatewayState, Json
from pytest_aprqa.evidence import plain_json
from pytest_aprqa.regression.circumstances import Difference
from pytest_aprqa.regression.flips import Flip
from pytest_aprqa.regression.mcnemar import McNemar
from pytest_aprqa.regression.measures import MeasureDelta
from pytest_aprqa.regression.pairing import Duplicate
from pytest_aprqa.regression.speeds import SpeedDelta
from pytest_aprqa.regression.tally import Group, Tally
from pytest_aprqa.scoring import Interval, Status


class Conclusion(StrEnum):
    """What a comparison comes to."""

    REGRESSED = "regressed"
    NOTHING_COMPARED = "nothing compared"
    """No case was passed or failed by both runs; never a pass."""
    STOOD = "no regression found"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a change is a regression."""

    alpha: float = 0.05
    """Largest one-sided p of McNemar's test that is called significant; 0.0-1.0."""
    max_broken: int = 0
    """Most P0 and P1 cases that may break; with greedy decoding the same model answers the same."""
    max_unjudged: int | None = None
    """Most cases that passed and may end unjudged; None only reports them."""
    max_throughput_drop: float = 0.10
    """Share of the earlier rate. Twice what the speed gates allow, which can measure again where they doubt."""
    max_latency_rise: float = 0.20
    """Share of the earlier times; twice what the speed gates allow."""
    max_divergence_rise: float = 0.10
    """Share of what the stored type's limit allows, by which a divergence may rise."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, in short."""

    model: str
    playbook: str
    tier: str | None
    dialect: str
    run_id: str
    started_at: str
    aprqa_version: str
    selection: str
    records: int
    mqs: int
    """0-1000."""
    mqs_ceiling: int
    status: Status
    headline: str
    """Its standing and then its score, as every report tells it."""
    passed: int
    total: int
    """Judged records."""
    interval: Interval
    """95 % interval of the pass rate."""
    gateways: Mapping[Gateway, GatewayState]


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """A gateway of one target, or of the model, whose state is not what it was."""

    gateway: Gateway
    target_id: str | None
    """None for the model as a whole."""
    before: GatewayState
    after: GatewayState


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that two runs tell of each other."""

    before: Side
    after: Side
    limits: Limits
    tally: Tally
    """Over all cases."""
    test: McNemar
    """Over all cases."""
    by_target: tuple[Group, ...]
    by_category: tuple[Group, ...]
    flips: tuple[Flip, ...]
    """Every case that changed or that only one run has, what is worst first."""
    answers_changed: int
    """Cases that ended the same, greedily, with other words."""
    duplicates: tuple[Duplicate, ...]
    """Names that a run has several times; they count once, with their worst outcome."""
    measures: tuple[MeasureDelta, ...]
    speeds: tuple[SpeedDelta, ...]
    gateways: tuple[GatewayChange, ...]
    """What changed, the model's own first."""
    differences: tuple[Difference, ...]
    """What else differs, what casts doubt first."""
    warnings: tuple[str, ...]
    """What to keep in mind when reading the rest."""
    reasons: tuple[str, ...]
    """Why this is a regression; empty where it is none."""

    @property
    def compared(self) -> int:
        """Cases that both runs passed or failed."""
        return self.tally.compared

    @property
    def regressed(self) -> bool:
        """Whether the later run is worse beyond the limits."""
        return bool(self.reasons)

    @property
    def conclusion(self) -> Conclusion:
        """What it comes to."""
        if self.regressed:
            return Conclusion.REGRESSED
        return Conclusion.STOOD if self.compared else Conclusion.NOTHING_COMPARED

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing is worse."""
        return self.conclusion is Conclusion.STOOD

    def to_json(self) -> dict[str, Json]:
        """As plain JSON: every field, and ``compared``, ``regressed``, ``conclusion`` and ``passed``."""
        plain = plain_json(asdict(self))
        assert isinstance(plain, dict)
        verdict: dict[str, Json] = {
            "conclusion": self.conclusion.value,
            "passed": self.passed,
            "regressed": self.regressed,
            "compared": self.compared,
        }
        return {**verdict, **plain}
