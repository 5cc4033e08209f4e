"""The transformers engine's own part, in this process, against ``model.generate`` on a tiny random model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import pytest_aprqa
from pytest_aprqa.core import (
    Backend,
    Completion,
    EngineRefused,
    EngineUnavailable,
    Finish,
    Format,
    Prompting,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Limits, Result, open_engine
from pytest_aprqa.engines.decode import decode, greedy
from pytest_aprqa.engines.transformers import TransformersModel, load
from tests import tiny

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

CPU = Target("org/tiny", Format.SAFETENSORS, None, Backend.CPU)
STOPS = (tiny.IM_END_ID, *range(0, 256, 12))
"""So many that answers end at several lengths."""
HEADS = {"GPT2": "LMHeadModel", "Mistral": "ForCausalLM", "Mamba": "ForCausalLM"}
PROMPTS = (
    "Hi",
    "What is 2+2?",
    "Tell me a rather longer story about a fox, a crow and a piece of cheese.",
    "ü€🎉",
    "a",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TransformersModel:
    return load(CPU, tiny.make_tiny(tmp_path_factory.mktemp("tiny"), stop_ids=STOPS), Limits(threads=1))


@pytest.fixture(scope="module")
def without_template(tmp_path_factory: pytest.TempPathFactory) -> TransformersModel:
    return load(CPU, tiny.make_tiny(tmp_path_factory.mktemp("raw"), template=None), Limits(threads=1))


def answered(results: tuple[Result, ...]) -> list[Completion]:
    for result in results:
        if not isinstance(result, Completion):
            raise result
    return [result for result in results if isinstance(result, Completion)]


def reference(
    model: TransformersModel, prompt_ids: list[int], max_tokens: int, stops: Iterable[int] = STOPS
) -> tuple[int, ...]:
    """What the library's own greedy generation gives for one prompt."""
    ids = torch.tensor([prompt_ids])
    generative: Any = model.model
    out = generative.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=max_tokens,
        pad_token_id=0,
        eos_token_id=sorted(stops),
    )
    return tuple(out[0, len(prompt_ids) :].tolist())


def templated(turns: list[tuple[str, str]]) -> list[int]:
    ids: list[int] = []
    for role, text in turns:
        ids += [tiny.IM_START_ID, *f"{role}\n{text}".encode(), tiny.IM_END_ID, *b"\n"]
    return [*ids, tiny.IM_START_ID, *b"assistant\n"]


def requests(*, max_tokens: int = 24, prompting: Prompting = Prompting.TEMPLATE) -> list[Request]:
    return [Request(id=p, turns=(p,), max_tokens=max_tokens, prompting=prompting) for p in PROMPTS]


def test_greedy_answers_are_those_of_the_library_for_each_prompt_alone_and_together(model: TransformersModel) -> None:
    together = answered(model.generate(requests()))
    alone = [answered(model.generate([request]))[0] for request in requests()]
    expected = [reference(model, templated([("user", prompt)]), 24) for prompt in PROMPTS]
    assert [c.answers[0].token_ids for c in together] == expected
    assert [c.answers[0].token_ids for c in alone] == expected
    assert len({len(ids) for ids in expected}) > 2, "rows must leave the batch at several times"


def test_raw_prompts_get_the_tokenizers_own_special_tokens_and_nothing_else(model: TransformersModel) -> None:
    together = answered(model.generate(requests(prompting=Prompting.RAW)))
    for completion, prompt in zip(together, PROMPTS, strict=True):
        ids = [tiny.BOS_ID, *prompt.encode()]
        assert completion.answers[0].prompt_tokens == len(ids)
        assert completion.answers[0].token_ids == reference(model, ids, 24)


def test_the_answer_leaves_out_one_trailing_stop_token_only(model: TransformersModel) -> None:
    finishes = set()
    for completion in answered((*model.generate(requests()), *model.generate(requests(max_tokens=2)))):
        answer = completion.answers[0]
        shown = answer.token_ids[:-1] if answer.finish is Finish.STOP else answer.token_ids
        assert (answer.token_ids[-1] in STOPS) == (answer.finish is Finish.STOP)
        names = {tiny.BOS_ID: tiny.BOS, tiny.IM_START_ID: tiny.IM_START, tiny.IM_END_ID: tiny.IM_END}
        assert answer.text == b"".join(names[i].encode() if i in names else bytes([i]) for i in shown).decode(
            "utf-8", "replace"
        )
        finishes.add(answer.finish)
    assert finishes == {Finish.STOP, Finish.LENGTH}


def test_a_conversation_feeds_earlier_answers_back(model: TransformersModel) -> None:
    turns = ("My name is Ada.", "What is my name?", "Thanks")
    talk = Request(id="talk", turns=turns, system="Be brief.", max_tokens=12)
    other = Request(id="other", turns=("One", "Two", "Three"), system="Be long.", max_tokens=12)
    for batch in ([talk], [other, talk]):
        completion = answered(model.generate(batch))[-1]
        said = [("system", "Be brief.")]
        for turn, answer in zip(turns, completion.answers, strict=True):
            said.append(("user", turn))
            ids = model._speaker.tokenizer.encode(
                "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in said) + "<|im_start|>assistant\n",
                add_special_tokens=False,
            )
            assert answer.prompt_tokens == len(ids)
            assert answer.token_ids == reference(model, ids, 12)
            said.append(("assistant", model._speaker.decode(answer.token_ids, special=False)))


def test_metrics_are_measured(model: TransformersModel) -> None:
    (completion,) = answered(model.generate([Request(id="a", turns=("Hello", "again"), max_tokens=8)]))
    metrics = completion.metrics
    assert metrics.generated_tokens == sum(len(answer.token_ids) for answer in completion.answers)
    assert metrics.prompt_tokens == sum(answer.prompt_tokens for answer in completion.answers)
    assert metrics.ttft_ms is not None
    assert 0 < metrics.ttft_ms <= metrics.duration_ms
    assert metrics.decode_tok_per_s is not None
    assert metrics.decode_tok_per_s > 0
    assert metrics.peak_rss_bytes is not None
    assert metrics.peak_rss_bytes > 50 * 2**20
    assert metrics.peak_vram_bytes is None


def test_sampling_depends_on_the_seed_and_on_nothing_else(model: TransformersModel) -> None:
    def sample(seed: int) -> tuple[int, ...]:
        request = Request(id="s", turns=("Hello",), max_tokens=12, temperature=1.0, seed=seed)
        return answered(model.generate([request]))[0].answers[0].token_ids

    first = sample(7)
    torch.manual_seed(1)
    assert sample(7) == first
    assert len({sample(seed) for seed in range(6)}) > 1


def test_a_temperature_near_zero_samples_what_greedy_chooses(model: TransformersModel) -> None:
    request = Request(id="s", turns=("Hello",), max_tokens=12)
    cold = replace(request, temperature=1e-30)
    assert answered(model.generate([cold]))[0].answers == answered(model.generate([request]))[0].answers


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers_and_leaves_its_neighbours_alone(
    model: TransformersModel,
) -> None:
    long = Request(id="long", turns=("x" * 500,), max_tokens=24)
    short = Request(id="short", turns=("Hi",), max_tokens=24)
    refused, kept = model.generate([long, short])
    assert isinstance(refused, EngineRefused)
    assert "max_tokens 24 exceed the context of 512" in str(refused)
    assert answered((kept,))[0].answers == answered(model.generate([short]))[0].answers


def test_a_conversation_that_outgrows_the_context_is_refused_at_that_turn(model: TransformersModel) -> None:
    grows = Request(id="grows", turns=("Hi", "x" * 480), max_tokens=8)
    stays = Request(id="stays", turns=("Hi", "there"), max_tokens=8)
    refused, kept = model.generate([grows, stays])
    assert isinstance(refused, EngineRefused)
    assert answered((kept,))[0].answers == answered(model.generate([stays]))[0].answers


def test_without_a_template_one_turn_is_sent_raw_and_a_conversation_refused(
    without_template: TransformersModel,
) -> None:
    request = Request(id="a", turns=("Hello",), max_tokens=4)
    (sent,) = answered(without_template.generate([request]))
    assert sent.notes == ("no chat template: prompt sent raw",)
    assert sent.answers[0].prompt_tokens == len("Hello") + 1
    for refused in (replace(request, turns=("a", "b")), replace(request, system="Be brief.")):
        (result,) = without_template.generate([refused])
        assert isinstance(result, EngineRefused)
        assert "no chat template" in str(result)


def test_a_template_that_raises_refuses_with_its_own_words(tmp_path: Path) -> None:
    model = load(CPU, tiny.make_tiny(tmp_path, template=tiny.TEMPLATE_WITHOUT_SYSTEM), Limits(threads=1))
    (result,) = model.generate([Request(id="a", turns=("Hi",), system="Be brief.")])
    assert isinstance(result, EngineRefused)
    assert "no system role" in str(result)


def test_a_template_that_drops_the_system_prompt_is_noted(tmp_path: Path) -> None:
    template = "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    model = load(CPU, tiny.make_tiny(tmp_path, template=template), Limits(threads=1))
    (completion,) = answered(model.generate([Request(id="a", turns=("Hi",), system="Be brief.", max_tokens=2)]))
    assert completion.notes == ("the chat template leaves the system prompt out",)


def test_an_empty_raw_prompt_starts_from_bos(model: TransformersModel, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Request(id="a", turns=("",), prompting=Prompting.RAW, max_tokens=4)
    assert answered(model.generate([empty]))[0].answers[0].prompt_tokens == 1
    tokenizer = model._speaker.tokenizer
    monkeypatch.setattr(type(tokenizer), "encode", lambda self, text, **_: [])
    assert answered(model.generate([empty]))[0].answers[0].prompt_tokens == 1
    monkeypatch.setattr(tokenizer, "_special_tokens_map", {**tokenizer._special_tokens_map, "bos_token": None})
    (result,) = model.generate([empty])
    assert isinstance(result, EngineRefused)
    assert "no BOS token" in str(result)


def test_logits_that_are_not_finite_are_noted_also_when_sampling(model: TransformersModel) -> None:
    head: Any = model.model.lm_head
    saved = head.weight.detach().clone()
    try:
        head.weight.data[7] = float("nan")
        for temperature in (0.0, 1.0):
            request = Request(id="a", turns=("Hi",), max_tokens=2, temperature=temperature)
            assert "the logits were not finite" in answered(model.generate([request]))[0].notes
    finally:
        head.weight.data.copy_(saved)


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [
        # Absolute positions: left padding must not count, which rotary positions would forgive.
        ("GPT2", {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}),
        # A window shorter than the prompts.
        ("Mistral", {"hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2, "sliding_window": 4}),
        # A recurrent state: no padding and no cache, row by row.
        ("Mamba", {"hidden_size": 16, "state_size": 4}),
    ],
)
def test_other_kinds_of_model_agree_with_the_library_too(architecture: str, sizes: dict[str, int]) -> None:
    torch.manual_seed(0)
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=64, num_hidden_layers=2, intermediate_size=32, initializer_range=0.5, **sizes
    )
    other: Any = getattr(transformers, f"{architecture}{HEADS[architecture]}")(config).eval()
    prompts = [[5, 6, 7, 8, 9, 10, 11, 12], [1, 2], [40, 41, 42, 43, 44]]
    stops = list(range(0, 64, 9))
    rows = decode(other, prompts, max_tokens=12, stop_ids=frozenset(stops), pick=greedy)
    for prompt, row in zip(prompts, rows, strict=True):
        ids = torch.tensor([prompt])
        out = other.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=12,
            pad_token_id=0,
            eos_token_id=stops,
        )
        assert out[0, len(prompt) :].tolist() == row.ids


def test_stop_ids_come_from_every_place_that_names_them(tmp_path: Path) -> None:
    model = load(CPU, tiny.make_tiny(tmp_path, stop_ids=(3, 4)), Limits(threads=1))
    assert model._speaker.stop_ids == {3, 4, tiny.IM_END_ID}


@pytest.fixture
def damaged(tmp_path: Path) -> Weights:
    return tiny.make_tiny(tmp_path / "damaged")


def change_tensors(weights: Weights, **changes: np.ndarray[Any, Any] | None) -> None:
    stored = load_file(weights.files[0])
    for name, value in changes.items():
        if value is None:
            del stored[name]
        else:
            stored[name] = value
    save_file(stored, weights.files[0], metadata={"format": "pt"})


def test_missing_weights_are_refused_and_never_made_up(damaged: Weights) -> None:
    change_tensors(damaged, **{"model.layers.1.mlp.up_proj.weight": None})
    with pytest.raises(EngineRefused, match=r"missing keys: model\.layers\.1\.mlp\.up_proj\.weight"):
        load(CPU, damaged, Limits(threads=1))


def test_weights_of_another_shape_are_refused(damaged: Weights) -> None:
    change_tensors(damaged, **{"model.layers.1.mlp.up_proj.weight": np.ones((8, 8), np.float32)})
    with pytest.raises(EngineRefused, match="cannot load"):
        load(CPU, damaged, Limits(threads=1))


def test_a_truncated_file_is_refused_in_the_loaders_words(damaged: Weights) -> None:
    damaged.files[0].write_bytes(damaged.files[0].read_bytes()[:5000])
    with pytest.raises(EngineRefused, match="cannot load"):
        load(CPU, damaged, Limits(threads=1))


def test_pickled_weights_are_never_loaded(damaged: Weights) -> None:
    damaged.files[0].unlink()
    torch.save({}, damaged.folder / "pytorch_model.bin")
    with pytest.raises(EngineRefused, match="cannot load"):
        load(CPU, damaged, Limits(threads=1))


def test_code_in_the_models_folder_does_not_run(damaged: Weights) -> None:
    config = json.loads((damaged.folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
    (damaged.folder / "config.json").write_text(json.dumps(config))
    (damaged.folder / "own.py").write_text(f"open({str(damaged.folder / 'ran')!r}, 'w')\n")
    with pytest.raises(EngineRefused):
        load(CPU, damaged, Limits(threads=1))
    assert not (damaged.folder / "ran").exists()


def test_a_tied_head_is_not_a_missing_weight(damaged: Weights) -> None:
    change_tensors(damaged, **{"lm_head.weight": None})
    config = json.loads((damaged.folder / "config.json").read_text())
    (damaged.folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    assert load(CPU, damaged, Limits(threads=1)).facts.chat_template


def test_the_dtype_is_float32_unless_asked_otherwise(damaged: Weights) -> None:
    assert load(CPU, damaged, Limits(threads=1)).facts.dtype == "float32"
    assert load(CPU, damaged, Limits(threads=1, dtype="bfloat16")).facts.dtype == "bfloat16"
    with pytest.raises(EngineRefused, match="found 'int3'"):
        load(CPU, damaged, Limits(threads=1, dtype="int3"))


def test_a_gpu_target_without_a_gpu_is_unavailable(damaged: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineUnavailable, match="no CUDA device"):
        load(replace(CPU, backend=Backend.GPU), damaged, Limits(threads=1))


def test_the_whole_way_through_a_child_gives_the_same_answers(
    model: TransformersModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    weights = tiny.make_tiny(tmp_path_factory.mktemp("child"), stop_ids=STOPS)
    engine = open_engine(CPU, weights, Limits(threads=1, max_batch=3))
    try:
        facts = engine.facts
        assert (facts.name, facts.device, facts.dtype, facts.threads) == ("transformers", "cpu", "float32", 1)
        assert (facts.context_tokens, facts.chat_template) == (tiny.CONTEXT, True)
        assert facts.parameters == sum(tensor.size for tensor in tiny.tensors().values())
        assert facts.load_ms > 0
        assert {"torch", "transformers", "tokenizers", "python"} <= set(facts.versions)
        sampled = [replace(request, temperature=0.7, seed=3) for request in requests()[:2]]
        through = answered(engine.generate([*requests(), *sampled]))
        assert [c.answers for c in through[:5]] == [c.answers for c in answered(model.generate(requests()))]
        assert [c.answers for c in through[5:]] == [answered(model.generate([one]))[0].answers for one in sampled]
        assert [c.metrics.batch_size for c in through[5:]] == [1, 1]
    finally:
        engine.close()


def test_the_embedded_model_answers_together_what_the_library_answers_alone() -> None:
    folder = Path(pytest_aprqa.__file__).parent / "embedded" / "aprqa_tiny"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("the embedded model has not been trained here")
    model = load(CPU, Weights(folder=folder, files=(), source="embedded"), Limits(threads=1))
    prompts = ("What is 2+2?", "Hello", "7 * 8 =", "Write a Python function that adds two numbers.", "17 - 9")
    batch = [Request(id=prompt, turns=(prompt,), max_tokens=48) for prompt in prompts]
    tokenizer = model._speaker.tokenizer
    for completion, prompt in zip(answered(model.generate(batch)), prompts, strict=True):
        message = [{"role": "user", "content": prompt}]
        text: Any = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert completion.answers[0].token_ids == reference(model, ids, 48, model._speaker.stop_ids)
