"""llama.cpp itself loads what we write, computes what `transformers` computes, and splits text as tokenizers does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa import embedded
from pytest_aprqa.conversion import convert, open_model
from pytest_aprqa.conversion.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer, structure_of
from pytest_aprqa.core import Format, Quantization
from tests.conversion.models import PROBES, byte_level, make_with

pytest.importorskip("cyllama")

ROWS = 1032
"""More than the tokenizer has tokens, so that the vocabulary must be padded."""

SIZES: dict[str, Any] = {
    "vocab_size": ROWS,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}

LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
    "rope_theta": 500000.0,
}
LONG = {
    "rope_type": "longrope",
    "long_factor": [1.0 + step / 8 for step in range(8)],
    "short_factor": [1.0] * 8,
    "original_max_position_embeddings": 256,  # llama.cpp chooses by the context it is given, 256 in the child
    "rope_theta": 10000.0,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 1e6}
GRANITE = {
    "embedding_multiplier": 12.0,
    "residual_multiplier": 0.22,
    "attention_multiplier": 0.0625,
    "logits_scaling": 2.0,
}

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", {"rope_parameters": LLAMA3}),
    "llama-biased": (
        "LlamaConfig",
        {
            "attention_bias": True,
            "mlp_bias": True,
            "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
        },
    ),
    "llama-tied-wide": ("LlamaConfig", {"head_dim": 32, "tie_word_embeddings": True}),
    "mistral": ("MistralConfig", {"sliding_window": None}),
    "qwen2": ("Qwen2Config", {"rope_parameters": YARN}),
    "qwen3": ("Qwen3Config", {"head_dim": 32}),
    "phi3": ("Phi3Config", {}),
    "phi3-long": (
        "Phi3Config",
        {"rope_parameters": LONG, "original_max_position_embeddings": 256, "max_position_embeddings": 512},
    ),
    "gemma": ("GemmaConfig", {"head_dim": 32}),
    "gemma2": ("Gemma2Config", {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 128}),
    "gemma3": (
        "Gemma3TextConfig",
        {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 128, "num_hidden_layers": 7},
    ),
    "granite": ("GraniteConfig", GRANITE),
    "stablelm": ("StableLmConfig", {"use_qkv_bias": True}),
    "starcoder2": ("Starcoder2Config", {}),
}

IDS = list(range(3, 120))


def ask(scratch: Path, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Asks llama.cpp, in one process for all questions."""
    answers = scratch / "answers.json"
    child = Path(__file__).with_name("llama_cpp_child.py")
    done = subprocess.run(
        [sys.executable, "-P", str(child), str(answers)],
        input=json.dumps(questions).encode(),
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:].decode(errors="replace")
    loaded: list[dict[str, Any]] = json.loads(answers.read_text())
    return loaded


def make_model(folder: Path, config_class: str, settings: Mapping[str, Any]) -> None:
    """A random model of any architecture, with the embedded model's tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = getattr(transformers, config_class)(**{**SIZES, **settings})
    model = transformers.AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:  # biases of 0 and norms of 1 would hide that they are lost or shifted
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((embedded.folder() / name).read_bytes())


def logits_of(folder: Path) -> np.ndarray[Any, Any]:
    """What `transformers` computes from a folder, float64 (positions, vocabulary)."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0].double().numpy()
    return np.asarray(logits)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every model, its GGUF file, and a folder made of that file."""
    root = tmp_path_factory.mktemp("families")
    for name, (config_class, settings) in MODELS.items():
        make_model(root / name, config_class, settings)
        made = convert(root / name, root / f"{name}-gguf", format=Format.GGUF, quantization=Quantization.F32)
        convert(made.path, root / f"{name}-back", format=Format.SAFETENSORS)
        apr = convert(made.path, root / f"{name}-apr", format=Format.APR)
        convert(apr.path, root / f"{name}-apr-back", format=Format.SAFETENSORS)
    return root


def test_llama_cpp_computes_what_transformers_computes(models: Path) -> None:
    questions = [
        {"path": str(models / f"{name}-gguf" / "model.gguf"), "ids": IDS, "vocabulary": ROWS} for name in MODELS
    ]
    divergences = {}
    for name, answer in zip(MODELS, ask(models, questions), strict=True):
        reference, other = log_softmax(logits_of(models / name)), log_softmax(np.load(answer["logits"]))
        divergences[name] = float((np.exp(reference) * (reference - other)).sum(axis=-1).mean())
    # llama.cpp keeps keys and values in float16; a lost bias or a wrong row order is above 0.01.
    assert {name: value for name, value in divergences.items() if not value < 1e-4} == {}


def log_softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_and_number_of_every_architecture_survives(models: Path, name: str) -> None:
    source = open_model(models / name)
    assert source.foreign == ()
    for path in (models / f"{name}-gguf" / "model.gguf", models / f"{name}-apr" / "model.apr"):
        other = open_model(path)
        assert set(source.tensors) <= set(other.tensors)
        for plain, tensor in source.tensors.items():
            np.testing.assert_allclose(other.tensors[plain].values(), tensor.values(), rtol=0, atol=2e-7)
        ours = {key: value for key, value in other.config.items() if key in source.config}
        stated = {key: source.config[key] for key in ours}
        for key in ("model_type", "architectures") if name == "mistral" else ():
            assert (ours.pop(key), stated.pop(key)) != (None, None)  # GGUF calls it llama
        assert ours == pytest.approx(stated) if all(map(_plain_number, ours.values())) else ours == stated


def _plain_number(value: object) -> bool:
    return isinstance(value, int | float)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("back", ["back", "apr-back"])
def test_the_way_there_and_back_computes_the_same(models: Path, name: str, back: str) -> None:
    np.testing.assert_allclose(logits_of(models / f"{name}-{back}"), logits_of(models / name), rtol=0, atol=1e-4)


def trained(rule: PreTokenizer) -> dict[str, Any]:
    """A tokenizer.json with this splitting rule, and merges that reach over every place where it must split."""
    tokenizers = pytest.importorskip("tokenizers")
    plain = byte_level(structure_of(rule), [], ignore_merges=rule.ignore_merges)
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps({**plain, "added_tokens": []}))
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=900, show_progress=False)
    tokenizer.train_from_iterator([*PROBES] * 4, trainer)
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    return byte_level(structure_of(rule), merges, ignore_merges=rule.ignore_merges)


def test_llama_cpp_splits_text_by_our_names_as_tokenizers_does_by_our_rules(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    questions: list[dict[str, Any]] = []
    expected: dict[str, list[list[int]]] = {}
    # llama.cpp's tekken and gpt-4o take a combining mark for a piece of its own; tokenizers does not.
    texts = [text for text in PROBES if "\u0301" not in text]
    for rule in PRE_TOKENIZERS:
        name = rule.names[0]
        tokenizer = trained(rule)
        rows = len(tokenizer["model"]["vocab"])
        folder = make_with(tmp_path / name, tokenizer, {}, rows)
        facts = open_model(folder).tokenizer
        assert facts is not None
        assert facts.pre == name
        made = convert(folder, tmp_path / f"{name}-gguf", format=Format.GGUF)
        back = convert(made.path, tmp_path / f"{name}-back", format=Format.SAFETENSORS)
        for path in (folder, back.path):
            loaded = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
            ids = [loaded.encode(text, add_special_tokens=False).ids for text in texts]
            assert expected.setdefault(name, ids) == ids
        questions.append({"path": str(made.path), "vocabulary": rows, "texts": texts})
    answers = ask(tmp_path, questions)
    assert {rule.names[0]: answer["encoded"] for rule, answer in zip(PRE_TOKENIZERS, answers, strict=True)} == expected


@pytest.mark.parametrize("prefix", [True, False])
def test_llama_cpp_merges_sentencepiece_by_our_scores_as_tokenizers_does(tmp_path: Path, prefix: bool) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer, rows = sentencepiece(prefix)
    folder = make_with(tmp_path / "model", tokenizer, {"add_bos_token": True}, rows)
    made = convert(folder, tmp_path / "gguf", format=Format.GGUF)
    back = convert(made.path, tmp_path / "back", format=Format.SAFETENSORS)
    loaded, returned = (tokenizers.Tokenizer.from_file(str(path / "tokenizer.json")) for path in (folder, back.path))
    ids = [loaded.encode(text, add_special_tokens=False).ids for text in PROBES]
    assert [returned.encode(text, add_special_tokens=False).ids for text in PROBES] == ids
    answer = ask(tmp_path, [{"path": str(made.path), "vocabulary": rows, "texts": [*PROBES]}])[0]
    assert answer["encoded"] == ids
    assert [returned.decode(row) for row in ids] == [loaded.decode(row) for row in ids]


def sentencepiece(prefix: bool) -> tuple[dict[str, Any], int]:
    """A tokenizer.json as Mistral (with a prefix) and Gemma (without one) have it, and how many rows it needs."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    prepend = [tokenizers.normalizers.Prepend("▁")] if prefix else []
    tokenizer.normalizer = tokenizers.normalizers.Sequence([*prepend, tokenizers.normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, show_progress=False, max_token_length=12
    )
    tokenizer.train_from_iterator([*PROBES[:1], *PROBES[2:3], *PROBES[4:6]] * 4, trainer)
    made: dict[str, Any] = json.loads(tokenizer.to_str())
    made["added_tokens"] = made["added_tokens"][:3]
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix else []
    back = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    made["decoder"] = {"type": "Sequence", "decoders": [back, {"type": "ByteFallback"}, {"type": "Fuse"}, *strip]}
    return made, len(made["model"]["vocab"]) + 3
