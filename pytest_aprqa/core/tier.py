"""The tiers of a qualification: how wide each looks, how long it may take, what it needs and what it may award."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_aprqa.core.gate import Category
from pytest_aprqa.core.target import Backend, Format, Modality, Quantization


class Tier(StrEnum):
    """How deep a run goes, and so what it may award."""

    SMOKE = "smoke"
    MVP = "mvp"
    QUICK = "quick"
    STANDARD = "standard"
    DEEP = "deep"


TIER_WORDS: Final[Mapping[str, Tier]] = {
    **{str(tier): tier for tier in Tier},
    "ci": Tier.STANDARD,
    "full": Tier.DEEP,
    "nightly": Tier.DEEP,
    "release": Tier.DEEP,
}
"""Every word that names a tier, in ``metadata.tier`` or at the end of a name."""


class Award(StrEnum):
    """The best status that a tier may give."""

    NONE = "none"
    """The registry's status stays as it was."""
    PROVISIONAL = "PROVISIONAL"
    CERTIFIED = "CERTIFIED"


@dataclass(frozen=True, slots=True)
class TierPlan:
    """What one tier looks like."""

    tier: Tier
    suffix: str
    """Last word of a playbook's name, such as ``mvp``."""
    minutes: tuple[int, int]
    """Time that a run is meant to take on hardware that suits the model, from and to; minutes."""
    formats: tuple[Format, ...]
    quantizations: tuple[Quantization, ...]
    """Of the GGUF artefacts; empty where there are none."""
    backends: tuple[Backend, ...]
    modalities: tuple[Modality, ...]
    scenarios: int
    """In each cell."""
    required: tuple[Category, ...]
    """Categories that must have evidence."""
    pass_mark: int
    """Scoped score, 0-1000, from which the tier is passed."""
    award: Award


_ALL: Final = tuple(Category)
_FORMATS: Final = (Format.SAFETENSORS, Format.APR, Format.GGUF)
_MODALITIES: Final = (Modality.RUN, Modality.CHAT, Modality.SERVE)
_CPU: Final = (Backend.CPU,)
_BOTH: Final = (Backend.CPU, Backend.GPU)
_ONE: Final = (Quantization.Q4_K_M,)
_MANY: Final = (Quantization.Q8_0, Quantization.Q6_K, Quantization.Q5_K_M, Quantization.Q4_K_M)
_SMOKE: Final = (Category.QUAL, Category.STAB)

TIERS: Final[Mapping[Tier, TierPlan]] = {
    plan.tier: plan
    for plan in (
        TierPlan(
            Tier.SMOKE, "smoke", (1, 2), (Format.SAFETENSORS,), (), _CPU, (Modality.RUN,), 5, _SMOKE, 700, Award.NONE
        ),
        TierPlan(Tier.MVP, "mvp", (5, 10), _FORMATS, _ONE, _BOTH, _MODALITIES, 16, _ALL, 700, Award.PROVISIONAL),
        TierPlan(
            Tier.QUICK,
            "quick",
            (10, 30),
            _FORMATS,
            _ONE,
            _CPU,
            (Modality.RUN, Modality.CHAT),
            20,
            _ALL,
            700,
            Award.NONE,
        ),
        TierPlan(Tier.STANDARD, "ci", (60, 120), _FORMATS, _ONE, _CPU, _MODALITIES, 25, _ALL, 700, Award.NONE),
        TierPlan(Tier.DEEP, "full", (480, 1440), _FORMATS, _MANY, _BOTH, _MODALITIES, 100, _ALL, 900, Award.CERTIFIED),
    )
}
"""One row for each tier, from the cheapest to the dearest."""
