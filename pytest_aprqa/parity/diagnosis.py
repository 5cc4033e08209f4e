"""What is probably wrong with a converted model, from the symptoms that comparisons found.

Pure: rules of one shape (`tensor_rules`, `file_rules`), each naming a family only on evidence of that family.
Predictions that part with no other symptom stay `unknown`, since many defects do that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_aprqa.core import Json
from pytest_aprqa.parity import file_rules, tensor_rules
from pytest_aprqa.parity.finding import Diagnosis, Family
from pytest_aprqa.parity.symptoms import Symptoms

RULES: tuple[Callable[[Symptoms], Iterator[Diagnosis]], ...] = (
    file_rules.error_rule,
    tensor_rules.finite_rule,
    file_rules.names_rule,
    file_rules.head_rule,
    tensor_rules.place_rule,
    tensor_rules.shapes_rule,
    tensor_rules.layout_rule,
    tensor_rules.offset_rule,
    tensor_rules.rows_rule,
    tensor_rules.block_rule,
    tensor_rules.dtype_rule,
    file_rules.metadata_rule,
    file_rules.vocabulary_rule,
    file_rules.ids_rule,
    file_rules.template_rule,
)
"""All rules; of equally sure findings the earlier one stands first."""


def diagnose(symptoms: Symptoms) -> tuple[Diagnosis, ...]:
    """Names the probable defects, most probable first; empty where there is no symptom.

    Of several findings of one family the surest one is kept.
    """
    if not symptoms.any:
        return ()
    best: dict[Family, Diagnosis] = {}
    for rule in RULES:
        for finding in rule(symptoms):
            known = best.get(finding.family)
            if known is None or finding.confidence > known.confidence:
                best[finding.family] = finding
    if not best:
        return (_unknown(symptoms),)
    return tuple(sorted(best.values(), key=lambda finding: -finding.confidence))


def _unknown(symptoms: Symptoms) -> Diagnosis:
    parts, numbers = [], dict[str, Json]()
    if symptoms.errors:
        parts.append(f"reading failed: {symptoms.errors[0]}")
    if symptoms.tensors:
        names = ", ".join(tensor.name for tensor in symptoms.tensors[:3])
        parts.append(f"{len(symptoms.tensors)} tensors differ in no known way ({names})")
        numbers["tensors"] = len(symptoms.tensors)
    if symptoms.kl_mean is not None:
        parts.append(f"mean KL {symptoms.kl_mean:.4g}")
        numbers.update(kl_mean=symptoms.kl_mean, kl_limit=symptoms.kl_limit)
    if symptoms.first_diverging_layer is not None:
        parts.append(f"outputs part first at {symptoms.first_diverging_layer}")
        numbers.update(layer=symptoms.first_diverging_layer, cosine=symptoms.layer_cosine)
    if not symptoms.tensors and symptoms.tensors_compared:
        parts.append(f"all {symptoms.tensors_compared} compared tensors are within their limits")
        numbers["tensors_compared"] = symptoms.tensors_compared
    return Diagnosis(Family.UNKNOWN, 0.1, "; ".join(parts) or "no rule fits the symptoms", numbers)
