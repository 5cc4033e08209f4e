"""Pace, steps, batches, samples and traces of one tiny model, by all three engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from pytest_aprqa.core import Backend, EngineRefused, Format, Prompting, Request, Target, Weights
from pytest_aprqa.engines import Engine, Instruments, Limits, ModuleKind, ModuleTrace, apr, transformers
from tests import tiny
from tests.engines.converted import answered, as_file, open_supervised

for library in ("torch", "transformers", "xllamacpp", "cyllama"):
    pytest.importorskip(library)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

ROW = (tiny.BOS_ID, *b"The quick brown fox jumps over it.")
STOPPING = (tiny.BOS_ID, *b"^")
"""A row that the tiny model continues by one token and a stop."""


class Asked(Instruments, Engine):
    """What the tests ask."""


@dataclass(frozen=True)
class Subject:
    """An engine, and how it loads another model."""

    format: Format
    engine: Asked
    open: Callable[[Path], Asked]
    """The engine over a Hugging Face folder, converted where that is needed."""


def opener(format_: Format, scratch: Path) -> Callable[[Path], Asked]:
    """In this process where that spoils nothing; llama.cpp in its child."""

    def open_folder(folder: Path) -> Asked:
        target = Target("org/tiny", format_, None, Backend.CPU)
        if format_ is Format.SAFETENSORS:
            files = (folder / "model.safetensors",)
            return transformers.load(target, Weights(folder, files, "test"), Limits(threads=1))  # type: ignore[return-value]  # a resident has no close
        weights = as_file(folder, scratch / folder.name, format_=format_)
        if format_ is Format.APR:
            return apr.load(target, weights, Limits(threads=1))  # type: ignore[return-value]  # as above
        return open_supervised(weights, format_=format_)  # type: ignore[return-value]  # an engine in all but the base

    return open_folder


@pytest.fixture(scope="module", params=list(Format))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    folder = tmp_path_factory.mktemp("later")
    open_folder = opener(request.param, folder / "made")
    engine = open_folder(tiny.make_tiny(folder / "tiny").folder)
    yield Subject(request.param, engine, open_folder)
    close(engine)


def close(engine: Asked) -> None:
    """Ends the child where there is one."""
    if hasattr(engine, "close"):
        engine.close()


def agree(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    """Whether logits differ by no more than the order of summing makes them; those of the tiny model reach 20."""
    return mine.shape == theirs.shape and mine.dtype == theirs.dtype and np.allclose(mine, theirs, atol=1e-2)


@pytest.mark.parametrize("given", [1, 5, len(ROW) - 1])
def test_steps_over_the_cache_give_the_logits_of_the_whole(subject: Subject, given: int) -> None:
    (whole,) = subject.engine.logits([ROW])
    steps = subject.engine.stepwise(ROW, given=given)
    assert agree(steps, whole[given:])
    assert not agree(steps, whole[given - 1 : -1]), "positions matter"


def test_rows_together_give_the_logits_of_each_alone(subject: Subject) -> None:
    rows = [ROW[:9], ROW, STOPPING, ROW[:1], ROW]
    alone = subject.engine.logits(rows, last_only=True)
    together = subject.engine.together(rows)
    assert len(together) == len(rows)
    assert all(agree(mine, theirs) for mine, theirs in zip(together, alone, strict=True))
    assert not agree(together[0], together[1])


def test_rows_together_may_be_longer_than_a_piece(subject: Subject) -> None:
    rows = [(tiny.BOS_ID, *bytes(range(200))), (tiny.BOS_ID, *bytes(range(255, 0, -1))), (*ROW, *bytes(range(220)))]
    alone = subject.engine.logits(rows, last_only=True)
    assert all(agree(*pair) for pair in zip(subject.engine.together(rows), alone, strict=True))


def test_a_sample_is_what_generating_draws(subject: Subject) -> None:
    draws = [subject.engine.sample(ROW, max_tokens=8, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    text = "The quick brown fox jumps over it."
    request = Request(id="a", turns=(text,), prompting=Prompting.RAW, max_tokens=8, temperature=1.5, seed=1)
    (completion,) = answered(subject.engine.generate([request]))
    assert completion.answers[0].token_ids == draws[0]
    (likeliest,) = subject.engine.greedy([ROW], max_tokens=8)
    assert subject.engine.sample(ROW, max_tokens=8, temperature=0.0, seed=3) == likeliest


def test_a_pace_has_a_time_for_each_token_and_no_stop_id_ends_it(subject: Subject) -> None:
    assert len(subject.engine.greedy([STOPPING], max_tokens=12)[0]) == 2
    for tokens in (12, 1):
        pace = subject.engine.pace(STOPPING, tokens=tokens)
        assert len(pace.token_ms) == tokens - 1
        assert min(pace.prefill_ms, *pace.token_ms, 1.0) > 0
        assert pace.prompt_tokens == len(STOPPING)
        assert pace.peak_rss_bytes >= pace.rss_bytes > 10 * 2**20
        assert pace.peak_vram_bytes is None


def test_a_pace_past_broken_characters_is_complete(subject: Subject) -> None:
    assert len(subject.engine.pace(ROW, tokens=40).token_ms) == 39


def test_a_row_that_leaves_no_room_is_refused(subject: Subject) -> None:
    engine = subject.engine
    long = ROW * 14  # 490 of 512
    for call in (
        lambda: engine.pace(long, tokens=23),
        lambda: engine.sample(long, max_tokens=23, temperature=1.0, seed=0),
        lambda: engine.stepwise(ROW * 15, given=1),
        lambda: engine.together([ROW, ROW * 15]),
        lambda: engine.trace(ROW * 15),
    ):
        with pytest.raises(EngineRefused, match="exceeds the context of"):
            call()
    for strange in (
        lambda: engine.pace([999], tokens=1),
        lambda: engine.stepwise([1, 999], given=1),
        lambda: engine.together([[1], [999]]),
        lambda: engine.sample([999], max_tokens=1, temperature=1.0, seed=0),
        lambda: engine.trace([999]),
    ):
        with pytest.raises(EngineRefused, match="token id 999 is outside the vocabulary of 259"):
            strange()


TREE = (
    ("model.embed_tokens", "embd", ModuleKind.EMBEDDING),
    ("model.layers.0.input_layernorm", "attn_norm-0", ModuleKind.NORM),
    ("model.layers.0.self_attn", "attn_out-0", ModuleKind.ATTENTION),
    ("model.layers.0.post_attention_layernorm", "ffn_norm-0", ModuleKind.NORM),
    ("model.layers.0.mlp", "ffn_out-0", ModuleKind.MLP),
    ("model.layers.0", "l_out-0", ModuleKind.LAYER),
    ("model.layers.1.input_layernorm", "attn_norm-1", ModuleKind.NORM),
    ("model.layers.1.self_attn", "attn_out-1", ModuleKind.ATTENTION),
    ("model.layers.1.post_attention_layernorm", "ffn_norm-1", ModuleKind.NORM),
    ("model.layers.1.mlp", "ffn_out-1", ModuleKind.MLP),
    ("model.layers.1", "l_out-1", ModuleKind.LAYER),
    ("model.norm", "result_norm", ModuleKind.NORM),
    ("lm_head", "result_output", ModuleKind.HEAD),
)
"""Name in the checkpoint, in llama.cpp, and kind."""


def traced(engine: Asked) -> list[ModuleTrace]:
    """The trace, without what only llama.cpp tells: attention before its last projection."""
    return [module for module in engine.trace(ROW) if not module.name.startswith("kqv_out")]


def called(subject: Subject, name: str) -> str:
    """A module's name in this engine."""
    return next(inside if subject.format is Format.GGUF else name for known, inside, _ in TREE if known == name)


def test_a_trace_names_each_module_and_measures_what_it_gave(subject: Subject) -> None:
    modules = traced(subject.engine)
    assert [(module.name, module.kind) for module in modules] == [
        (called(subject, name), kind) for name, _, kind in TREE
    ]
    features = [tiny.HIDDEN] * (len(TREE) - 1) + [tiny.VOCABULARY]
    assert [module.shape for module in modules] == [(len(ROW), count) for count in features]
    (logits,) = subject.engine.logits([ROW])
    head = modules[-1]
    assert head.mean == pytest.approx(float(logits.mean(dtype=np.float64)), abs=1e-3)
    assert head.max_abs == pytest.approx(float(np.abs(logits).max()), abs=1e-2)
    assert head.spread == pytest.approx(float(logits.std(axis=0).max()), abs=1e-2)
    assert all(module.nan == module.inf == 0 and module.std > 0 and module.spread > 0 for module in modules)
    assert all(module.zero_fraction < 0.01 for module in modules)


def poisoned(folder: Path, name: str, value: float) -> Path:
    """The tiny model with one of its tensors set to a value."""
    weights = tiny.make_tiny(folder)
    tensors = load_file(weights.files[0])
    tensors[name] = np.full_like(tensors[name], value)
    save_file(tensors, weights.files[0], metadata={"format": "pt"})
    return folder


def test_a_trace_finds_the_module_that_gives_no_numbers_first(subject: Subject, tmp_path: Path) -> None:
    engine = subject.open(poisoned(tmp_path / "nan", "model.layers.1.mlp.down_proj.weight", np.nan))
    modules = traced(engine)
    close(engine)
    first = next(module for module in modules if module.nan)
    assert first.name == called(subject, "model.layers.1.mlp")
    assert first.nan == len(ROW) * tiny.HIDDEN
    assert [module.nan > 0 for module in modules] == [False] * 9 + [True] * 4


def test_a_trace_finds_the_module_that_is_dead(subject: Subject, tmp_path: Path) -> None:
    engine = subject.open(poisoned(tmp_path / "zero", "model.layers.0.self_attn.o_proj.weight", 0.0))
    modules = traced(engine)
    close(engine)
    dead = [module for module in modules if module.zero_fraction == 1]
    assert [module.name for module in dead] == [called(subject, "model.layers.0.self_attn")]
    assert (dead[0].std, dead[0].spread, dead[0].max_abs) == (0, 0, 0)
