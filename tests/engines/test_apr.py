"""The APR engine: the ground truth's answers from an .apr file, and nothing that the file does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_aprqa.core import Backend, EngineRefused, Format, Request, Target, Weights
from pytest_aprqa.engines import Limits
from pytest_aprqa.engines.apr import load
from pytest_aprqa.engines.transformers import TransformersModel
from pytest_aprqa.engines.transformers import load as load_truth
from pytest_aprqa.formats import read_tensor
from pytest_aprqa.formats.apr import read_apr
from pytest_aprqa.formats.apr_write import AprTensor, write_apr
from tests import tiny
from tests.engines.converted import PROMPTS, answered, as_file, embedded_weights, open_supervised

pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TARGET = Target("org/model", Format.APR, None, Backend.CPU)
LIMITS = Limits(threads=1)
Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def truth() -> TransformersModel:
    return load_truth(replace(TARGET, format=Format.SAFETENSORS), embedded_weights(), LIMITS)


@pytest.fixture(scope="module")
def apr(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return as_file(embedded_weights().folder, tmp_path_factory.mktemp("apr"), format_=Format.APR)


@pytest.fixture(scope="module")
def model(apr: Weights) -> TransformersModel:
    return load(TARGET, apr, LIMITS)


def changed(weights: Weights, folder: Path, change: Callable[[Tensors], object]) -> Weights:
    """The same file with other tensors."""
    file = read_apr(weights.files[0])
    tensors = {name: np.asarray(read_tensor(entry), np.float32) for name, entry in file.tensors.items()}
    change(tensors)
    path = folder / "changed.apr"
    metadata = {key: value for key, value in file.metadata.items() if key != "tensor_shapes"}
    write_apr(path, metadata, [AprTensor(n, "F32", v.shape, lambda v=v: v) for n, v in tensors.items()])  # type: ignore[misc]  # bound now
    return replace(weights, files=(path,))


def test_everything_is_bit_for_bit_that_of_the_ground_truth(model: TransformersModel, truth: TransformersModel) -> None:
    rows = truth.encode(PROMPTS, special=True)
    assert model.encode(PROMPTS, special=True) == rows
    assert model.encode(PROMPTS, special=False) == truth.encode(PROMPTS, special=False)
    assert model.greedy(rows, max_tokens=12) == truth.greedy(rows, max_tokens=12)
    for mine, theirs in zip(model.logits(rows), truth.logits(rows), strict=True):
        assert np.array_equal(mine, theirs)
    recorded, expected_of = model.activations(rows[0]), truth.activations(rows[0])
    assert recorded.keys() == expected_of.keys()
    assert all(np.array_equal(recorded[name], expected_of[name]) for name in recorded)
    requests = [Request(id=prompt, turns=(prompt, "And 2+3?"), system="Be brief.", max_tokens=8) for prompt in PROMPTS]
    expected = [completion.answers for completion in answered(truth.generate(requests))]
    assert [completion.answers for completion in answered(model.generate(requests))] == expected


def test_the_facts_name_the_engine(model: TransformersModel, truth: TransformersModel) -> None:
    assert model.facts == replace(truth.facts, name="apr")


def test_it_runs_in_its_child_by_default(apr: Weights, truth: TransformersModel) -> None:
    engine = open_supervised(apr, format_=Format.APR)
    assert engine.facts.name == "apr"
    request = Request(id="a", turns=(PROMPTS[0],), max_tokens=8)
    assert answered(engine.generate([request]))[0].answers == answered(truth.generate([request]))[0].answers
    engine.close()


def test_a_head_of_its_own_is_used_where_it_differs_from_the_embedding(
    apr: Weights, tmp_path: Path, model: TransformersModel
) -> None:
    tied = load(TARGET, changed(apr, tmp_path, lambda tensors: None), LIMITS)
    assert np.array_equal(tied.logits([[5, 6]])[0], model.logits([[5, 6]])[0])
    assert tied.facts.parameters == model.facts.parameters

    def negate(tensors: Tensors) -> None:
        tensors["lm_head.weight"] = -tensors["model.embed_tokens.weight"]

    own = load(TARGET, changed(apr, tmp_path, negate), LIMITS)
    assert np.array_equal(own.logits([[5, 6]])[0], -model.logits([[5, 6]])[0])


def test_a_model_without_a_tied_head_runs_too(tmp_path: Path) -> None:
    weights = tiny.make_tiny(tmp_path / "tiny")
    mine = load(TARGET, as_file(weights.folder, tmp_path / "apr", format_=Format.APR), LIMITS)
    theirs = load_truth(TARGET, weights, LIMITS)
    assert np.array_equal(mine.logits([[1, 2, 3]])[0], theirs.logits([[1, 2, 3]])[0])


LAST = "model.layers.1.mlp.up_proj.weight"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tensors: tensors.pop(LAST), f"is missing: {LAST}"),
        (lambda tensors: tensors.update({LAST: tensors[LAST].T.copy()}), rf"another shape: {LAST} \["),
        (
            lambda tensors: tensors.update({"model.layers.9.mlp.up_proj.weight": tensors[LAST]}),
            "has no place.*layers.9",
        ),
        (lambda tensors: tensors.update({"surplus": tensors[LAST]}), "has no place in the architecture: surplus"),
    ],
)
def test_a_file_that_is_not_the_whole_architecture_is_refused(
    apr: Weights, tmp_path: Path, change: Callable[[Tensors], object], reason: str
) -> None:
    with pytest.raises(EngineRefused, match=reason):
        load(TARGET, changed(apr, tmp_path, change), LIMITS)


def test_a_broken_file_is_refused_in_its_readers_words(apr: Weights, tmp_path: Path) -> None:
    file = tmp_path / "model.apr"
    file.write_bytes(apr.files[0].read_bytes()[:5000])
    with pytest.raises(EngineRefused, match=r"cannot load .*model\.apr"):
        load(TARGET, replace(apr, files=(file,)), LIMITS)
    with pytest.raises(EngineRefused, match=r"no \.apr file"):
        load(TARGET, replace(apr, files=()), LIMITS)
