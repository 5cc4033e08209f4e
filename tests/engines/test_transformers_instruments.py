"""The instruments of the transformers engine, in this process, against the library itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import Backend, EngineRefused, EngineUnavailable, Format, Target
from pytest_aprqa.engines import Limits, forward
from pytest_aprqa.engines.forward import row_activations, row_logits
from pytest_aprqa.engines.transformers import TransformersModel, load
from tests import tiny
from tests.engines.architectures import IDS, SMALL, small

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

CPU = Target("org/tiny", Format.SAFETENSORS, None, Backend.CPU)
ROW = (tiny.BOS_ID, *b"The quick brown fox jumps over it.")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TransformersModel:
    return load(CPU, tiny.make_tiny(tmp_path_factory.mktemp("tiny")), Limits(threads=1))


def test_a_prompt_is_encoded_with_bos_and_control_tokens_and_plain_text_with_neither(model: TransformersModel) -> None:
    text = f"a{tiny.IM_END}{tiny.BOS}b"
    prompt, plain = model.encode([text], special=True)[0], model.encode([text], special=False)[0]
    assert prompt == (tiny.BOS_ID, ord("a"), tiny.IM_END_ID, tiny.BOS_ID, ord("b"))
    assert plain == tuple(text.encode())
    assert model.encode([text], special=True)[0] == prompt, "the one setting does not leak into the other"
    assert model.decode([prompt, plain, ()]) == (tiny.BOS + text, text, "")


def test_a_tokenizer_that_makes_control_tokens_of_plain_text_is_refused(
    model: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(model._speaker.tokenizer), "encode", lambda self, text, **_: [tiny.IM_END_ID])
    with pytest.raises(EngineRefused, match=r"the control token '<\|im_end\|>' of plain text"):
        model.encode(["a<|im_end|>"], special=False)
    assert model.encode(["no name of a token"], special=False) == ((tiny.IM_END_ID,),)


def test_rendering_is_that_of_generating(model: TransformersModel) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    (text,) = model.render([messages])
    assert text == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_without_a_template_nothing_is_rendered(tmp_path: Path) -> None:
    raw = load(CPU, tiny.make_tiny(tmp_path, template=None), Limits(threads=1))
    with pytest.raises(EngineRefused, match="no chat template"):
        raw.render([[{"role": "user", "content": "Hi"}]])


@pytest.mark.parametrize("architecture", SMALL)
def test_logits_are_those_of_one_plain_pass_also_in_pieces(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = small(architecture, **SMALL[architecture])
    with torch.no_grad():
        expected = plain(input_ids=torch.tensor([IDS])).logits[0].numpy()
    whole = row_logits(plain, IDS, last_only=False)
    assert whole.dtype == np.float32
    assert np.array_equal(whole, expected)
    assert np.allclose(row_logits(plain, IDS, last_only=True), expected[-1:], atol=1e-5)
    monkeypatch.setattr(forward, "_PIECE_BYTES", 4 * 64 * 3)
    pieces = row_logits(plain, IDS, last_only=False)
    assert pieces.shape == expected.shape
    assert np.allclose(pieces, expected, atol=1e-5)


def test_pieces_are_no_larger_than_their_bound(model: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    hook = model.model.register_forward_hook(lambda _module, _inputs, output: seen.append(output.logits.shape[1]))
    monkeypatch.setattr(forward, "_PIECE_BYTES", 4 * tiny.VOCABULARY * 8)
    row_logits(model.model, ROW, last_only=False)
    hook.remove()
    assert max(seen) == 8
    assert sum(seen) == len(ROW)


def test_greedy_continues_by_the_largest_logit(model: TransformersModel) -> None:
    rows = [ROW, ROW[:5]]
    for row, continued in zip(rows, model.greedy(rows, max_tokens=6), strict=True):
        assert len(continued) == 6 or continued[-1] in model._speaker.stop_ids
        (logits,) = model.logits([(*row, *continued)])
        assert tuple(logits[len(row) - 1 : -1].argmax(axis=-1)) == continued


@pytest.mark.parametrize("architecture", SMALL)
def test_activations_lead_from_the_embedding_to_the_logits(architecture: str) -> None:
    model = small(architecture, **SMALL[architecture])
    recorded = row_activations(model, IDS, engine="test")
    assert list(recorded) == ["embedding", "layer.0", "layer.1", "final_norm"]
    assert {values.shape for values in recorded.values()} == {(len(IDS), 16)}
    assert all(values.dtype == np.float32 for values in recorded.values())
    weight = model.get_input_embeddings().weight.detach().numpy()
    assert np.array_equal(recorded["embedding"], weight[IDS])
    head = model.get_output_embeddings().weight.detach().numpy()
    assert np.allclose(recorded["final_norm"] @ head.T, row_logits(model, IDS, last_only=False), atol=1e-4)
    assert not np.allclose(recorded["layer.0"], recorded["layer.1"])
    assert not any(module._forward_hooks for module in model.modules()), "the hooks are gone"


def test_an_architecture_whose_layers_are_not_found_is_unavailable() -> None:
    class Strange:
        base_model = object()

    strange: Any = Strange()
    with pytest.raises(EngineUnavailable, match="layers of Strange are not where"):
        row_activations(strange, IDS, engine="test")


@pytest.mark.parametrize("strange", [-1, tiny.VOCABULARY, 10**12])
def test_an_id_outside_the_vocabulary_is_refused(model: TransformersModel, strange: int) -> None:
    for call in (model.logits, model.decode, lambda rows: model.greedy(rows, max_tokens=1)):
        with pytest.raises(EngineRefused, match=f"token id {strange} is outside the vocabulary of 259"):
            call([[1, strange]])
    with pytest.raises(EngineRefused, match="outside the vocabulary"):
        model.activations([strange])


def test_a_row_beyond_the_context_is_refused(model: TransformersModel) -> None:
    assert model.logits([[1] * tiny.CONTEXT], last_only=True)[0].shape == (1, tiny.VOCABULARY)
    with pytest.raises(EngineRefused, match="513 tokens exceeds the context of 512"):
        model.logits([[1] * (tiny.CONTEXT + 1)])
    with pytest.raises(EngineRefused, match="510 tokens exceeds the context of 509"):
        model.greedy([[1] * 510], max_tokens=3)
