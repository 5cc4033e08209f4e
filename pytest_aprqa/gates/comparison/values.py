"""Judges of the tensors' values: one pass over all of them (see `tensors`), one function for each gate.

Each tensor is held to the limits of the type that it is stored in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from pytest_aprqa.core import Json, Verdict, corroborated, falsified, inconclusive
from pytest_aprqa.gates.comparison.measures import Measure, limit_of, measure, number
from pytest_aprqa.gates.comparison.pair import Pair
from pytest_aprqa.gates.comparison.tensors import Compared
from pytest_aprqa.parity import MOMENTS, RANGES, Layout, Limit, Quantity, Role, Stat, stat_limit

_SHOWN: Final = 5


class Rule(NamedTuple):
    """One quantity of a tensor."""

    name: str
    value: Callable[[Compared], float]
    quantity: Quantity


_ERRORS: Final = (
    Rule("normalized error", lambda tensor: tensor.error.nmse, Quantity.TENSOR_NMSE),
    Rule("largest error over the largest value", lambda tensor: tensor.error.max_rel, Quantity.TENSOR_MAX),
    Rule("normalized error of its worst block", lambda tensor: tensor.error.block_nmse, Quantity.BLOCK_NMSE),
    Rule("scale error of its worst block", lambda tensor: tensor.error.block_scale_error, Quantity.BLOCK_SCALE),
)
_COSINE: Final = Rule(
    # The cosine of a tensor with itself is rounded, too.
    "cosine",
    lambda tensor: 1.0 if tensor.error.identical else tensor.error.cosine,
    Quantity.TENSOR_COSINE,
)


def judge_finite(pair: Pair) -> Verdict:
    """F-ROSETTA-FP-001."""
    tensors = pair.tensors.compared
    bad = [
        (tensor, f"{tensor.name} has {tensor.theirs.nan_count} NaN and {tensor.theirs.inf_count} infinities")
        for tensor in tensors
        if tensor.theirs.nan_count or tensor.theirs.inf_count
    ]
    if bad:
        return falsified(
            f"{len(bad)} of {len(tensors)} tensors are not finite: {bad[0][1]}",
            compared=len(tensors),
            tensors=[sentence for _, sentence in bad[:_SHOWN]],
        )
    return corroborated(f"{_values(tensors)} values in {len(tensors)} tensors are finite", compared=len(tensors))


def judge_layout(pair: Pair) -> Verdict:
    """F-LAYOUT-002: the values are the ground truth's as they lie."""
    tensors = pair.tensors.compared
    moved = [tensor for tensor in tensors if tensor.layout is not Layout.SAME]
    if moved:
        first = moved[0]
        return falsified(
            f"{len(moved)} of {len(tensors)} tensors do not lie as the ground truth's: "
            f"{first.name} is {first.layout.value.replace('_', ' ')} ({_numbers(first)})",
            compared=len(tensors),
            tensors={tensor.name: tensor.layout.value for tensor in moved[:_SHOWN]},
        )
    lowest = min(
        (tensor.error.cosine for tensor in tensors if len(pair.reference.tensors[tensor.name].shape) > 1), default=1.0
    )
    return corroborated(
        f"{len(tensors)} tensors correlate with the ground truth as they lie, matrices with a cosine of "
        f"{number(lowest)} or more",
        compared=len(tensors),
    )


def judge_error(pair: Pair) -> Verdict:
    """F-QUANT-ERROR-001."""
    return _judge_rules(pair, pair.tensors.compared, _ERRORS)


def judge_cosine(pair: Pair) -> Verdict:
    """F-QUANT-COSINE-001."""
    return _judge_rules(pair, pair.tensors.compared, (_COSINE,))


def judge_lossless(pair: Pair) -> Verdict:
    """F-ROSETTA-FP-002: where a type keeps values, they are kept, or rounded to the nearest that it has."""
    tensors = [tensor for tensor in pair.tensors.compared if tensor.rounded is not None]
    wrong = [tensor for tensor in tensors if tensor.rounded is not None and not tensor.rounded.identical]
    if wrong:
        first = wrong[0]
        assert first.rounded is not None
        return falsified(
            f"{len(wrong)} of {len(tensors)} tensors of a lossless type differ: {first.rounded.different} of "
            f"{first.theirs.values} values of {first.name} ({first.dtype})",
            compared=len(tensors),
            tensors=[tensor.name for tensor in wrong[:_SHOWN]],
        )
    if not tensors:
        return inconclusive("no tensor is stored in a lossless type")
    return corroborated(
        f"{_values(tensors)} values in {len(tensors)} tensors are bit for bit the ground truth's", compared=len(tensors)
    )


def judge_statistics(pair: Pair) -> Verdict:
    """F-ROSETTA-FP-003: moments and ranges of every tensor."""
    return _judge_statistics(pair, pair.tensors.compared, MOMENTS | RANGES)


def judge_survival(pair: Pair) -> Verdict:
    """F-CONTRACT-I4-001: moments of every tensor; none has become zero."""
    tensors = pair.tensors.compared
    dead = [tensor.name for tensor in tensors if tensor.ours.l2 > 0 and tensor.theirs.l2 == 0]
    if dead:
        return falsified(
            f"{len(dead)} of {len(tensors)} tensors became zero, such as {dead[0]}",
            compared=len(tensors),
            tensors=[*dead[:_SHOWN]],
        )
    return _judge_statistics(pair, tensors, MOMENTS)


def judge_role(role: Role) -> Callable[[Pair], Verdict]:
    """F-ROSETTA-STATS-001 to 003: moments of the tensors of one role."""

    def judge(pair: Pair) -> Verdict:
        return _judge_statistics(pair, _of_role(pair, role), MOMENTS)

    return judge


def judge_coverage(pair: Pair) -> Verdict:
    """F-ROSETTA-STATS-004: every tensor of the ground truth was read on both sides and compared."""
    done, wanted = pair.tensors.compared, len(pair.reference_names) - pair.optional_head
    lost = pair.tensors.unreadable
    if lost:
        return falsified(f"{len(lost)} tensors could not be read: {lost[0]}", compared=wanted, unreadable=[*lost[:5]])
    empty = [tensor.name for tensor in done if not tensor.theirs.values]
    if len(done) < wanted or empty:
        first = f", such as {empty[0]}, which has no finite value" if empty else ""
        return falsified(f"{len(done) - len(empty)} of {wanted} tensors could be compared{first}", compared=wanted)
    return corroborated(f"all {len(done)} tensors were compared", compared=len(done))


def judge_norm(stat: Stat) -> Callable[[Pair], Verdict]:
    """F-ROSETTA-STATS-005 and 006: one statistic of every norm."""

    def judge(pair: Pair) -> Verdict:
        return _judge_statistics(pair, _of_role(pair, Role.NORM), frozenset({stat}))

    return judge


def _of_role(pair: Pair, role: Role) -> tuple[Compared, ...]:
    return tuple(tensor for tensor in pair.tensors.compared if tensor.role is role)


def _judge_rules(pair: Pair, tensors: Sequence[Compared], rules: Sequence[Rule]) -> Verdict:
    found = [
        (tensor, measure(rule.name, rule.value(tensor), limit_of(tensor.dtype, rule.quantity, pair.limits)))
        for tensor in tensors
        for rule in rules
    ]
    return _judge_measures(found, len(tensors))


def _judge_statistics(pair: Pair, tensors: Sequence[Compared], stats: Iterable[Stat]) -> Verdict:
    wanted = sorted(stats)
    found = []
    for tensor in tensors:
        moved = tensor.deviations
        for stat in wanted:
            found.append((tensor, measure(f"deviation of {stat.value}", moved[stat], _stat_limit(pair, tensor, stat))))
    return _judge_measures(found, len(tensors))


def _stat_limit(pair: Pair, tensor: Compared, stat: Stat) -> Limit:
    if stat in RANGES:
        return limit_of(tensor.dtype, Quantity.STAT_RANGE, pair.limits)
    limit_of(tensor.dtype, Quantity.STAT_DEVIATION, pair.limits)
    return stat_limit(tensor.dtype, tensor.role, pair.limits)


def _judge_measures(found: Sequence[tuple[Compared, Measure]], tensors: int) -> Verdict:
    """Falsified when one measure is beyond its limit; the one that exhausts its limit most is named."""
    if not found:
        return inconclusive("there is no tensor of this kind to compare")
    wrong = [(tensor, one) for tensor, one in found if not one.holds]
    tensor, most = max(wrong or found, key=lambda item: _exhaustion(item[1]))
    details: dict[str, Json] = {"worst": tensor.name, "dtype": tensor.dtype, "quantity": most.name, **most.details}
    if wrong:
        names = list(dict.fromkeys(one.name for one, _ in wrong))
        return falsified(
            f"{len(names)} of {tensors} tensors are beyond the limit of their type: {tensor.name} ({tensor.dtype}) has "
            f"{most.sentence}",
            compared=tensors,
            tensors=[*names[:_SHOWN]],
            **details,
        )
    return corroborated(
        f"{tensors} tensors are within the limits of their types; nearest to its limit is {tensor.name} "
        f"({tensor.dtype}) with {most.sentence}",
        compared=tensors,
        **details,
    )


def _exhaustion(one: Measure) -> float:
    """How much of the limit is used up: above 1.0 it is passed."""
    value, limit = one.value, one.limit
    if value != value:
        return float("inf")
    cost, allowed = (value, limit.value) if limit.at_most else (1 - value, 1 - limit.value)
    if cost <= 0:
        return 0.0
    return cost / allowed if allowed > 0 else float("inf")


def _values(tensors: Iterable[Compared]) -> str:
    return f"{sum(tensor.theirs.values for tensor in tensors):,}"


def _numbers(tensor: Compared) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in tensor.layout_numbers.items())
