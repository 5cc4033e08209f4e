"""The GGUF engine against the ground truth in transformers, on the embedded model, and where it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa.core import (
    Backend,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    Finish,
    Format,
    Prompting,
    Quantization,
    Request,
    Target,
    Weights,
)
from pytest_aprqa.engines import Limits, SupervisedEngine, open_engine
from pytest_aprqa.engines.transformers import TransformersModel, load
from tests import tiny
from tests.engines.converted import PROMPTS, answered, as_file, embedded_weights, kl_mean, open_supervised

for library in ("torch", "transformers", "xllamacpp", "cyllama"):
    pytest.importorskip(library)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TRUTH_TARGET = Target("org/model", Format.SAFETENSORS, None, Backend.CPU)
TALK = Request(id="talk", turns=("My name is Ada.", "What is 3+4?", "Thanks"), system="Answer briefly.", max_tokens=12)


@pytest.fixture(scope="module")
def truth() -> TransformersModel:
    return load(TRUTH_TARGET, embedded_weights(), Limits(threads=1))


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return as_file(embedded_weights().folder, tmp_path_factory.mktemp("gguf"), format_=Format.GGUF)


@pytest.fixture(scope="module")
def engine(gguf: Weights) -> Iterator[SupervisedEngine]:
    opened = open_supervised(gguf, format_=Format.GGUF)
    yield opened
    opened.close()


def open_tiny(folder: Path, template: str | None) -> tuple[TransformersModel, SupervisedEngine]:
    """A model whose tokenizer adds BOS, in both engines."""
    weights = tiny.make_tiny(folder / "tiny", template=template)
    converted = as_file(weights.folder, folder / "gguf", format_=Format.GGUF)
    return load(TRUTH_TARGET, weights, Limits(threads=1)), open_supervised(converted, format_=Format.GGUF)


def test_the_facts_are_those_of_the_file(engine: SupervisedEngine, truth: TransformersModel) -> None:
    facts = engine.facts
    assert (facts.name, facts.dtype, facts.device, facts.threads) == ("llama_cpp", "F32", "cpu", 1)
    assert (facts.parameters, facts.context_tokens) == (truth.facts.parameters, truth.facts.context_tokens)
    assert facts.chat_template
    assert facts.versions.keys() == {"python", "xllamacpp", "cyllama"}
    assert facts.load_ms > 0


def test_token_ids_texts_and_prompts_are_those_of_the_ground_truth(
    engine: SupervisedEngine, truth: TransformersModel
) -> None:
    for special in (True, False):
        assert engine.encode(PROMPTS, special=special) == truth.encode(PROMPTS, special=special)
    rows = truth.encode(PROMPTS, special=True)
    assert engine.decode(rows) == truth.decode(rows)
    conversations = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
    conversations.append(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ]
    )
    assert engine.render(conversations) == truth.render(conversations)


def test_plain_text_holds_no_control_tokens(engine: SupervisedEngine) -> None:
    text = "a<|im_end|>b<|im_start|>"
    (plain,) = engine.encode([text], special=False)
    (prompt,) = engine.encode([text], special=True)
    assert engine.decode([plain]) == (text,)
    assert len(plain) > len(prompt)
    (control,) = engine.encode(["<|im_end|><|im_start|>"], special=True)
    assert not set(control) & set(plain)


def test_greedy_text_is_that_of_the_ground_truth(engine: SupervisedEngine, truth: TransformersModel) -> None:
    requests = [Request(id=prompt, turns=(prompt,), max_tokens=24) for prompt in PROMPTS]
    requests += [replace(request, id=f"raw {request.id}", prompting=Prompting.RAW) for request in requests]
    requests += [replace(request, id=f"short {request.id}", max_tokens=2) for request in requests]
    expected = [answered(truth.generate([request]))[0].answers for request in requests]
    assert [completion.answers for completion in answered(engine.generate(requests))] == expected
    assert {answer.finish for (answer,) in expected} == {Finish.STOP, Finish.LENGTH}


def test_a_request_is_answered_the_same_alone_and_among_others(engine: SupervisedEngine) -> None:
    requests = [Request(id=prompt, turns=(prompt,), max_tokens=16) for prompt in PROMPTS[:4]]
    together = [completion.answers for completion in answered(engine.generate([*requests, TALK, *requests]))]
    alone = [answered(engine.generate([request]))[0].answers for request in requests]
    assert together == [*alone, answered(engine.generate([TALK]))[0].answers, *alone]


def test_a_conversation_feeds_earlier_answers_back(engine: SupervisedEngine, truth: TransformersModel) -> None:
    (completion,) = answered(engine.generate([TALK]))
    assert completion.answers == answered(truth.generate([TALK]))[0].answers
    seen = [answer.prompt_tokens for answer in completion.answers]
    assert seen == sorted(set(seen)), "each prompt holds the one before"


def test_continuations_are_those_of_the_ground_truth(engine: SupervisedEngine, truth: TransformersModel) -> None:
    rows = truth.encode(PROMPTS, special=True)
    assert engine.greedy(rows, max_tokens=24) == truth.greedy(rows, max_tokens=24)


def test_logits_are_those_of_the_ground_truth(engine: SupervisedEngine, truth: TransformersModel) -> None:
    short, long, *others = truth.encode(PROMPTS, special=True)
    rows = [short, (long * 600)[:600], *others]  # the second takes more than one piece, and more room than the first
    for expected, logits in zip(truth.logits(rows), engine.logits(rows), strict=True):
        assert logits.shape == expected.shape
        assert logits.dtype == np.float32
        assert kl_mean(expected, logits) < 1e-5
    (last,) = engine.logits([rows[1]], last_only=True)
    assert last.shape == (1, logits.shape[1])
    assert kl_mean(truth.logits([rows[1]], last_only=True)[0], last) < 1e-5


def test_logits_do_not_depend_on_what_was_asked_before(engine: SupervisedEngine, truth: TransformersModel) -> None:
    first, second = truth.encode(PROMPTS[:2], special=True)
    (before,) = engine.logits([first])
    engine.logits([second * 20])
    (after,) = engine.logits([first])
    assert np.array_equal(before, after)


def test_activations_are_unavailable_and_said_to_be(engine: SupervisedEngine) -> None:
    with pytest.raises(EngineUnavailable, match="'llama_cpp': it has no instrument 'activations'"):
        engine.activations([1])


def test_sampling_depends_on_the_seed_and_on_nothing_else(engine: SupervisedEngine) -> None:
    def sample(seed: int) -> tuple[int, ...]:
        request = Request(id="s", turns=("Hello",), max_tokens=12, temperature=1.5, seed=seed)
        return answered(engine.generate([request]))[0].answers[0].token_ids

    first = sample(7)
    engine.generate([TALK])
    assert sample(7) == first
    assert len({sample(seed) for seed in range(6)}) > 1


def test_sampling_takes_the_whole_distribution(engine: SupervisedEngine, truth: TransformersModel) -> None:
    (row,) = truth.encode(["Hello"], special=True)
    likely = set(np.argsort(truth.logits([row], last_only=True)[0][0])[-100:].tolist())
    hot = [
        Request(id="s", turns=("Hello",), prompting=Prompting.RAW, max_tokens=1, temperature=1e6, seed=seed)
        for seed in range(20)
    ]
    drawn = {completion.answers[0].token_ids[0] for completion in answered(engine.generate(hot))}
    assert len(drawn - likely) > 5, "nothing is cut off: no top-k, no top-p, no min-p"


def test_metrics_are_measured(engine: SupervisedEngine) -> None:
    (completion,) = answered(engine.generate([TALK]))
    metrics = completion.metrics
    assert metrics.generated_tokens == sum(len(answer.token_ids) for answer in completion.answers)
    assert metrics.prompt_tokens == sum(answer.prompt_tokens for answer in completion.answers)
    assert metrics.batch_size == 1
    assert metrics.ttft_ms is not None
    assert 0 < metrics.ttft_ms <= metrics.duration_ms
    assert metrics.decode_tok_per_s is not None
    assert metrics.decode_tok_per_s > 0
    assert metrics.peak_rss_bytes is not None
    assert metrics.peak_rss_bytes > 10 * 2**20


def test_strange_rows_are_refused(engine: SupervisedEngine) -> None:
    context = engine.facts.context_tokens
    assert context is not None
    for token in (-1, 10**6, 10**12):
        with pytest.raises(EngineRefused, match=f"token id {token} is outside the vocabulary of"):
            engine.logits([[token]])
        with pytest.raises(EngineRefused, match="outside the vocabulary"):
            engine.decode([[token]])
    with pytest.raises(EngineRefused, match=f"exceeds the context of {context}"):
        engine.logits([[1] * (context + 1)])
    with pytest.raises(EngineRefused, match=f"exceeds the context of {context - 4}"):
        engine.greedy([[1] * context], max_tokens=4)


def test_a_prompt_fits_up_to_the_last_token_of_the_context(tmp_path: Path) -> None:
    _, engine = open_tiny(tmp_path, None)
    asks = [Request(id="a", turns=("x" * 499,), prompting=Prompting.RAW, max_tokens=n) for n in (12, 13)]
    fits, exceeds = engine.generate(asks)
    assert answered((fits,))[0].answers[0].prompt_tokens == 500
    assert isinstance(exceeds, EngineRefused)
    assert "prompt of 500 tokens and max_tokens 13 exceed the context of 512" in str(exceeds)
    engine.close()


def test_without_a_template_none_is_made_up(tmp_path: Path) -> None:
    truth, engine = open_tiny(tmp_path, None)
    assert not engine.facts.chat_template
    one = Request(id="a", turns=("Hello",), max_tokens=4)
    (sent,) = answered(engine.generate([one]))
    assert sent.notes == ("no chat template: prompt sent raw",)
    assert sent.answers == answered(truth.generate([one]))[0].answers
    (refused,) = engine.generate([replace(one, turns=("a", "b"))])
    assert isinstance(refused, EngineRefused)
    with pytest.raises(EngineRefused, match="no chat template"):
        engine.render([[{"role": "user", "content": "Hi"}]])
    engine.close()


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m['content'] }", "Expected }}"),
        ("{{ raise_exception('never') }}", "Jinja Exception: never"),
        ("{{ messages | nosuchfilter }}", "nosuchfilter"),
    ],
)
def test_a_template_that_llama_cpp_does_not_take_spoils_conversations_only(
    tmp_path: Path, template: str, reason: str
) -> None:
    truth, engine = open_tiny(tmp_path, template)
    talk = Request(id="a", turns=("Hi",), max_tokens=2)
    raw = replace(talk, id="b", prompting=Prompting.RAW)
    refused, sent = engine.generate([talk, raw])
    assert isinstance(refused, EngineRefused)
    assert "the chat template refuses the conversation" in str(refused)
    assert reason in str(refused)
    assert answered((sent,))[0].answers == answered(truth.generate([raw]))[0].answers
    with pytest.raises(EngineRefused, match="the chat template refuses"):
        engine.render([[{"role": "user", "content": "Hi"}]])
    engine.close()


def test_a_bos_that_the_template_writes_is_seen_once(tmp_path: Path) -> None:
    truth, engine = open_tiny(tmp_path, "{{ bos_token }}" + tiny.TEMPLATE)
    conversation = [{"role": "user", "content": "Hi"}]
    (text,) = engine.render([conversation])
    assert (text,) == truth.render([conversation])
    assert text.count(tiny.BOS) == 1
    request = Request(id="a", turns=("Hi",), max_tokens=4)
    (mine,), (theirs,) = answered(engine.generate([request])), answered(truth.generate([request]))
    assert mine.answers == theirs.answers
    engine.close()


def test_a_bos_that_only_llama_cpp_adds_shows_in_what_it_renders(tmp_path: Path) -> None:
    truth, engine = open_tiny(tmp_path, tiny.TEMPLATE)
    conversation = [{"role": "user", "content": "Hi"}]
    assert engine.render([conversation]) == (tiny.BOS + truth.render([conversation])[0],)
    engine.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw[: len(raw) * 2 // 3], "not within the file bounds"),
        (lambda raw: raw[:100], "cannot load"),
        (lambda raw: b"", "cannot load"),
        (lambda raw: b"PK" + raw[2:], "does not look like a valid GGUF"),
        (
            lambda raw: raw.replace(b"blk.1.attn_q.weight", b"blk.1.attn_Q.weight"),
            "missing tensor 'blk.1.attn_q.weight'",
        ),
        (lambda raw: raw.replace(b"llama", b"lxama"), "unknown model architecture: 'lxama'"),
    ],
)
def test_a_file_that_llama_cpp_does_not_load_is_refused_in_its_words(
    gguf: Weights, tmp_path: Path, change: object, reason: str
) -> None:
    assert callable(change)
    file = tmp_path / "model.gguf"
    file.write_bytes(change(gguf.files[0].read_bytes()))
    with pytest.raises(EngineRefused, match=reason):
        open_supervised(replace(gguf, files=(file,)), format_=Format.GGUF)


def test_no_file_at_all_is_refused(gguf: Weights, tmp_path: Path) -> None:
    for files in ((), (tmp_path / "nothing.gguf",)):
        with pytest.raises(EngineRefused, match=r"no \.gguf file|not found"):
            open_supervised(replace(gguf, files=files), format_=Format.GGUF)


def test_whatever_is_in_a_damaged_file_the_error_is_one_of_ours(gguf: Weights, tmp_path: Path) -> None:
    raw = bytearray(gguf.files[0].read_bytes())
    random = np.random.default_rng(0)
    for number in range(4):
        damaged = bytearray(raw)
        for place in random.integers(8, 4000, 6):
            damaged[place] ^= 0xFF
        file = tmp_path / f"{number}.gguf"
        file.write_bytes(damaged)
        try:
            open_supervised(replace(gguf, files=(file,)), format_=Format.GGUF).close()
        except EngineError:
            continue


def test_a_gpu_target_without_a_gpu_is_unavailable(gguf: Weights) -> None:
    import xllamacpp

    if any("GPU" in str(device["type"]) for device in xllamacpp.get_device_info()):
        pytest.skip("this build of xllamacpp sees a GPU")
    with pytest.raises(EngineUnavailable, match="sees no GPU; install it with: pip install xllamacpp"):
        open_engine(Target("org/model", Format.GGUF, None, Backend.GPU), gguf, Limits(threads=1))


@pytest.mark.parametrize(
    ("quantization", "dtype", "kl"), [(Quantization.F16, "F16", 1e-4), (Quantization.Q8_0, "Q8_0", 0.05)]
)
def test_quantized_weights_run_and_lose_what_they_must(
    truth: TransformersModel, tmp_path: Path, quantization: Quantization, dtype: str, kl: float
) -> None:
    weights = as_file(embedded_weights().folder, tmp_path, format_=Format.GGUF, quantization=quantization)
    engine = open_supervised(weights, format_=Format.GGUF)
    assert engine.facts.dtype == dtype
    rows = truth.encode(PROMPTS[:3], special=True)
    losses = [kl_mean(a, b) for a, b in zip(truth.logits(rows), engine.logits(rows), strict=True)]
    assert 0 < max(losses) < kl
    engine.close()
