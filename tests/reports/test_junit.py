from __future__ import annotations

from xml.etree import ElementTree

from pytest_aprqa.core import Modality
from pytest_aprqa.reports import suite_properties
from pytest_aprqa.scoring import Rules, score
from tests.reports.samples import HOSTILE, blocked, case, empty, eventful, evidence, hostile_fields
from tests.reports.snapshot import check_snapshot


def test_the_properties_are_those_that_were_reviewed() -> None:
    made = eventful()
    pairs = suite_properties(made, score(made.records, Rules("mvp")))
    check_snapshot("junit-properties.txt", "".join(f"{name} = {value}\n" for name, value in pairs))


def test_every_name_is_there_once() -> None:
    made = blocked()
    names = [name for name, _ in suite_properties(made, score(made.records, Rules("mvp")))]
    assert len(names) == len(set(names))


def test_a_failed_gateway_and_an_unknown_one_are_told_apart() -> None:
    made = blocked()
    pairs = dict(suite_properties(made, score(made.records, Rules("mvp"))))
    assert (pairs["gateway.G0"], pairs["gateway.G1"], pairs["mqs.status"]) == ("failed", "unknown", "BLOCKED")
    assert pairs["gateway.G0.safetensors-cpu"] == "passed"


def test_hostile_values_survive_xml() -> None:
    made = evidence([case("x", Modality.RUN, **hostile_fields())])
    made = made.model_copy(update={"playbook": made.playbook.model_copy(update={"name": HOSTILE, "path": HOSTILE})})
    pairs = suite_properties(made, score(made.records, Rules("mvp")))
    assert all(text.isprintable() for pair in pairs for text in pair)
    element = ElementTree.Element("property", dict(pairs))
    assert ElementTree.fromstring(ElementTree.tostring(element)).attrib == dict(pairs)


def test_no_evidence_has_properties_too() -> None:
    pairs = dict(suite_properties(empty(), score((), Rules())))
    assert pairs["category.QUAL"] == "no evidence"
    assert pairs["mqs.ceiling"] == "1000"
