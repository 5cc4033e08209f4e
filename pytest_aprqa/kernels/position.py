"""How a model knows the order of its tokens: rotary embedding in its kinds, ALiBi, learned positions, none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.core import Json
from pytest_aprqa.kernels.facts import KEYS, Facts
from pytest_aprqa.kernels.families import traits_of
from pytest_aprqa.kernels.operation import Aspect, Findings, Operation, Unknown
from pytest_aprqa.kernels.reading import Reading

LONG: Final = 4096
"""Tokens; a longer context is long."""
_ROPE_KEYS: Final = ("rope_theta", "rope_parameters", "rope_scaling", "rotary_emb_base", "rotary_dim", "rotary_pct")
_KINDS: Final = {
    "linear": "rope_linear",
    "dynamic": "rope_dynamic",
    "yarn": "rope_yarn",
    "llama3": "rope_llama3",
    "longrope": "rope_longrope",
    "su": "rope_longrope",
    "mrope": "rope_multimodal",
    "proportional": "rope_proportional",
}


def position(reading: Reading) -> Findings:
    """What tells the order, and how it is stretched."""
    alibi = reading.switch("alibi", "use_alibi")
    nested = reading.block("attn_config").get("alibi")
    if (alibi is not None and alibi.value) or nested is True:
        yield Operation(Aspect.POSITION, "alibi", alibi.fact if alibi else "attn_config.alibi true")
        return
    fixed = traits_of(reading.model_type).position
    fact = _rope_fact(reading)
    if fixed == "rope" or (not fixed and fact):
        yield from _rope(reading, fact or f"model_type {reading.model_type}")
    elif fixed == "alibi" and nested is False:
        yield Operation(Aspect.POSITION, "absolute_position", "attn_config.alibi false")
    elif fixed:
        name = "absolute_position" if fixed == "learned_position" else fixed
        yield Operation(Aspect.POSITION, name, f"model_type {reading.model_type}")
    else:
        yield Unknown(Aspect.POSITION, f"no key says ({', '.join(_ROPE_KEYS[:3])}, alibi)")


def _rope_fact(reading: Reading) -> str:
    stated = reading.number("rope_theta", "rotary_emb_base")
    if stated is not None:
        return stated.fact
    for name in _ROPE_KEYS[1:]:
        if reading.any(name) is not None:
            return f"{name} is given"
    return ""


def _rope(reading: Reading, fact: str) -> Findings:
    parameters = _parameters(reading)
    block = "rope_parameters" if reading.block("rope_parameters") else "rope_scaling"
    kind, name = _scaling(parameters)
    if kind in (None, "default"):
        yield Operation(Aspect.POSITION, "rope", fact)
    else:
        factor = parameters.get("factor")
        detail = f", factor {factor:g}" if isinstance(factor, int | float) and not isinstance(factor, bool) else ""
        yield Operation(Aspect.POSITION, _KINDS.get(str(kind), "rope_scaled"), f"{block}.{name} {_plain(kind)}{detail}")
    if "mrope_section" in parameters and kind != "mrope":
        yield Operation(Aspect.POSITION, "rope_multimodal", f"{block}.mrope_section is given")
    part = reading.number("partial_rotary_factor", "rotary_pct")
    inner = parameters.get("partial_rotary_factor")
    if part is not None and part.value < 1:
        yield Operation(Aspect.POSITION, "rope_partial", part.fact)
    elif isinstance(inner, float) and inner < 1:
        yield Operation(Aspect.POSITION, "rope_partial", f"{block}.partial_rotary_factor {inner:g}")
    elif (width := reading.whole("rotary_dim")) is not None:
        yield Operation(Aspect.POSITION, "rope_partial", width.fact)
    if (local := reading.number("rope_local_base_freq")) is not None or "sliding_attention" in parameters:
        yield Operation(Aspect.POSITION, "rope_by_layer", local.fact if local else "rope_parameters by kind of layer")
    if (skipped := reading.any("no_rope_layers")) is not None:
        yield Operation(Aspect.POSITION, "no_position_in_some_layers", skipped.fact)


def _parameters(reading: Reading) -> Mapping[str, Json]:
    """The block that describes rotary embedding; of several, by kind of layer, that of full attention."""
    block = reading.block("rope_parameters") or reading.block("rope_scaling")
    whole = block.get("full_attention")
    return {**whole, "sliding_attention": True} if isinstance(whole, dict) else block


def _scaling(parameters: Mapping[str, Json]) -> tuple[Json, str]:
    for key in ("rope_type", "type"):
        if parameters.get(key) is not None:
            return parameters[key], key
    return None, ""


def context(facts: Facts, reading: Reading) -> Findings:
    """Whether positions go beyond what short tests reach."""
    longest = reading.whole(*KEYS["positions"])
    if longest is None or facts.positions is None:
        yield Unknown(Aspect.CONTEXT, f"no key says ({KEYS['positions'][0]})")
    elif facts.positions > LONG:
        yield Operation(Aspect.CONTEXT, "long_context", longest.fact)


def _plain(kind: Json) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in str(kind)[:40])
