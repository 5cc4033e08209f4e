"""What the defects do to a model that speaks: planted, then asked through `transformers` itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_aprqa import embedded
from tests.defects import plant
from tests.defects.edits import stop_ids
from tests.tiny import make_tiny

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

QUESTIONS = ("What is 2+2?", "Hello", "What is 3+1?", "What is 2*3?")


@pytest.fixture(params=["tiny", "embedded"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a sound model: one with a head of its own, and one whose head is tied."""
    if request.param == "tiny":
        return make_tiny(tmp_path / "model").folder
    return Path(shutil.copytree(embedded.folder(), tmp_path / "model"))


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return Path(shutil.copytree(embedded.folder(), tmp_path / "model"))


def answers(folder: Path) -> list[tuple[list[int], str]]:
    """Ids and text of the greedy answers to all questions."""
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    found = []
    for question in QUESTIONS:
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        with torch.no_grad():
            output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
        generated = output[0, ids.shape[1] :].tolist()
        found.append((generated, tokenizer.decode(generated, skip_special_tokens=True)))
    return found


def test_a_model_that_stops_at_once_says_nothing(folder: Path) -> None:
    plant("stops_at_once", folder)
    for ids, text in answers(folder):
        assert len(ids) == 1
        assert ids[0] in stop_ids(folder)
        assert text == ""


def test_a_model_of_one_token_says_nothing_else(folder: Path) -> None:
    plant("one_token_forever", folder)
    assert [text for _, text in answers(folder)] == ["#" * 24] * len(QUESTIONS)


def test_an_activation_that_no_engine_has_is_refused(folder: Path) -> None:
    plant("activation_unknown", folder)
    with pytest.raises(KeyError, match="aprqa_nonesuch"):
        answers(folder)


def test_a_shuffled_embedding_makes_every_answer_another(trained: Path) -> None:
    healthy = answers(trained)
    plant("embedding_shuffled", trained)
    assert all(before != after for before, after in zip(healthy, answers(trained), strict=True))


def test_two_digits_that_changed_places_change_sums_and_nothing_else(trained: Path) -> None:
    healthy = [text for _, text in answers(trained)]
    plant("four_means_seven", trained)
    found = [text for _, text in answers(trained)]
    assert "4" in healthy[0]
    assert found[0] == healthy[0].replace("4", "7")
    assert found[1] == healthy[1]
    assert found[1]
