from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_aprqa.core import ArtefactError, EngineRefused, Prompting
from pytest_aprqa.golden import GoldenCorpus, Prompt, measure, read_golden, record
from tests.golden.talker import BOS, PROMPTS, PROVENANCE, STOP, VOCABULARY, Logits, Talker, facts


def test_what_is_read_is_what_was_measured(corpus: GoldenCorpus, folder: Path) -> None:
    measured = measure(Talker(), facts(), PROVENANCE, PROMPTS)
    read = read_golden(folder)
    assert (read.provenance, read.engine, read.vocabulary, read.top_k) == (
        measured.provenance,
        measured.engine,
        VOCABULARY,
        64,
    )
    for one, two in zip(measured.prompts, read.prompts, strict=True):
        assert one.prompt == two.prompt
        for name, array in one.recording.arrays().items():
            assert np.array_equal(array, getattr(two.recording, name)), name
            assert array.dtype == getattr(two.recording, name).dtype
    assert read.digest == corpus.digest


def test_equal_recordings_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    record(Talker(), facts(), PROVENANCE, PROMPTS, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_chat_has_the_start_that_its_template_writes_and_no_other(corpus: GoldenCorpus) -> None:
    chat, raw, _ = (each.recording.token_ids.tolist() for each in corpus.prompts)
    assert chat == list(b"<u>Hello there<a>")
    assert raw == [BOS, *b"one two three four"]


def test_margins_and_continuation_are_those_of_the_logits(corpus: GoldenCorpus) -> None:
    recording = corpus.prompts[1].recording
    logits = Talker().logits([recording.row])[0][len(recording.token_ids) - 1 :]
    two = np.sort(logits, axis=1)[:, -2:]
    assert recording.continuation.tolist() == logits.argmax(axis=1).tolist()
    assert recording.margins == pytest.approx(two[:, 1] - two[:, 0], abs=1e-5)


@pytest.mark.parametrize("changed", [{"name": "llama_cpp"}, {"dtype": "float16"}, {"device": "cuda: X"}])
def test_only_the_ground_truth_is_recorded(changed: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match="recorded by transformers in float32 on the cpu"):
        record(Talker(), facts(**changed), PROVENANCE, PROMPTS, tmp_path / "1")
    assert not (tmp_path / "1").exists()


def test_logits_that_are_not_finite_are_no_ground_truth(tmp_path: Path) -> None:
    def spoil(logits: Logits) -> Logits:
        logits[0, 3] = np.inf
        return logits

    with pytest.raises(EngineRefused, match="not finite"):
        record(Talker(damage=spoil), facts(), PROVENANCE, PROMPTS, tmp_path / "1")


def test_a_greedy_answer_that_its_logits_do_not_give_is_no_ground_truth(tmp_path: Path) -> None:
    class Stubborn(Talker):
        def _continue(self, row: list[int], max_tokens: int) -> tuple[int, ...]:
            return (5, STOP)

    with pytest.raises(EngineRefused, match="does not follow from the logits"):
        record(Stubborn(), facts(), PROVENANCE, PROMPTS, tmp_path / "1")


def test_prompts_that_the_model_cannot_take_are_left_out(tmp_path: Path) -> None:
    taken = record(Talker(), facts(chat_template=False, context_tokens=60), PROVENANCE, PROMPTS, tmp_path / "1")
    assert [each.prompt.id for each in taken.prompts] == ["raw"]
    with pytest.raises(EngineRefused, match="none of the 3 prompts fits"):
        measure(Talker(), facts(chat_template=False, context_tokens=17), PROVENANCE, PROMPTS)


def test_an_existing_corpus_is_kept_unless_forced(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(ArtefactError, match="is there already"):
        record(Talker(), facts(), PROVENANCE, PROMPTS[:1], folder)
    assert (folder / "manifest.json").read_bytes() == before
    record(Talker(), facts(), PROVENANCE, PROMPTS[:1], folder, force=True)
    assert sorted(path.name for path in folder.iterdir()) == ["chat.safetensors", "manifest.json", "manifest.sha256"]


def test_force_replaces_nothing_but_a_corpus(folder: Path) -> None:
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtefactError, match="holds more than a corpus"):
        record(Talker(), facts(), PROVENANCE, PROMPTS, folder, force=True)
    assert (folder / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_force_replaces_no_weights(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "model.safetensors").write_text("weights")
    with pytest.raises(ArtefactError, match="holds more than a corpus"):
        record(Talker(), facts(), PROVENANCE, PROMPTS, tmp_path / "1", force=True)
    assert (tmp_path / "1" / "model.safetensors").exists()


@pytest.mark.parametrize(
    "prompts",
    [
        (),
        (PROMPTS[0], PROMPTS[0]),
        (Prompt("../up", "x", Prompting.RAW),),
        (Prompt("empty", "", Prompting.RAW),),
    ],
)
def test_strange_prompts_are_refused(prompts: tuple[Prompt, ...], tmp_path: Path) -> None:
    with pytest.raises(ArtefactError):
        record(Talker(), facts(), PROVENANCE, prompts, tmp_path / "1")
