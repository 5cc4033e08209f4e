from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import AprqaError, EngineRefused, Outcome, Quantization
from pytest_aprqa.golden import GoldenCorpus, compare, judge_parity
from pytest_aprqa.parity import Quantity
from tests.golden.talker import VOCABULARY, Logits, Talker


def test_the_recorded_model_itself_is_corroborated(corpus: GoldenCorpus) -> None:
    verdict = judge_parity(corpus, Talker())
    assert (verdict.outcome, verdict.compared) == (Outcome.CORROBORATED, corpus.positions)
    assert "of 3 prompts" in verdict.reason


def test_a_constant_added_to_all_logits_is_no_difference(corpus: GoldenCorpus) -> None:
    comparison = compare(corpus, Talker(damage=lambda logits: logits + np.float32(3.5)))
    assert all(check.holds for check in comparison.checks)


def _shifted(logits: Logits) -> Logits:
    return np.roll(logits, 1, axis=1)


def _hot(logits: Logits) -> Logits:
    return logits * np.float32(0.7)


def _late(logits: Logits) -> Logits:
    return np.roll(logits, 1, axis=0)


def _equal(logits: Logits) -> Logits:
    return np.zeros_like(logits)


def _less_likely(logits: Logits) -> Logits:
    """Masks the likeliest token, as a wrong padding mask would."""
    masked = logits.copy()
    np.put_along_axis(masked, masked.argmax(axis=1)[:, None], -np.inf, axis=1)
    return masked


@pytest.mark.parametrize("damage", [_shifted, _hot, _late, _equal, _less_likely])
@pytest.mark.parametrize("word", ["f32", "f16", Quantization.Q8_0])
def test_damaged_logits_are_falsified(corpus: GoldenCorpus, damage: Callable[[Logits], Logits], word: str) -> None:
    verdict = judge_parity(corpus, Talker(damage=damage), word)
    assert verdict.outcome is Outcome.FALSIFIED
    assert "golden_kl" in verdict.reason


def _noisy(logits: Logits) -> Logits:
    noise = np.random.default_rng(len(logits)).normal(0, 0.15, logits.shape)
    return (logits + noise).astype(np.float32)


def test_noise_passes_by_the_limits_of_a_coarse_type_alone(corpus: GoldenCorpus) -> None:
    kl = {
        word: next(
            check
            for check in compare(corpus, Talker(damage=_noisy), word).checks
            if check.quantity is Quantity.GOLDEN_KL
        )
        for word in ("f32", "f16", "q4_0")
    }
    assert [kl[word].holds for word in kl] == [False, False, True]
    # Half the variance of the noise, as theory has it for small errors.
    assert kl["f32"].measured.value == pytest.approx(0.15**2 / 2, rel=0.4)


def test_limits_can_be_overridden(corpus: GoldenCorpus) -> None:
    wide = {"golden_kl": 1.0, "logit_nmse": 1.0, "top1": 0.1, "greedy_margin": 100.0}
    assert judge_parity(corpus, Talker(damage=_noisy), "f32", wide).outcome is Outcome.CORROBORATED
    tight = {"golden_kl": 0.0}
    assert judge_parity(corpus, Talker(damage=_noisy), "q4_0", wide | tight).outcome is Outcome.FALSIFIED


def test_other_token_ids_are_falsified_before_any_logits(corpus: GoldenCorpus) -> None:
    verdict = judge_parity(corpus, Talker(start=None, template="{}", lacks="logits"))
    assert verdict.outcome is Outcome.FALSIFIED
    assert "3 of 3 golden prompts cannot be compared" in verdict.reason
    reason = _reason(corpus, Talker(start=None))
    assert "2 of 3 golden prompts cannot be compared" in reason
    assert "token ids differ from token 0 on: expected [256, 111, 110], found [111, 110, 101]" in reason


def _reason(corpus: GoldenCorpus, talker: Talker) -> str:
    return judge_parity(corpus, talker).reason


def test_another_chat_template_is_falsified(corpus: GoldenCorpus) -> None:
    reason = _reason(corpus, Talker(template="<u>{} <a>"))
    assert "1 of 3 golden prompts" in reason
    assert "'chat'" in reason


def test_a_start_written_by_tokenizer_and_template_is_taken_once(corpus: GoldenCorpus) -> None:
    """The template writes none, so the one that the tokenizer adds is taken away, whichever it is."""
    assert compare(corpus, Talker(start=256)).problems == ()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda logits: np.where(np.arange(VOCABULARY) == 9, np.nan, logits), "NaN or infinite at position 0"),
        (lambda logits: np.where(np.arange(VOCABULARY) == 9, np.inf, logits), "NaN or infinite at position 0"),
        (lambda logits: logits[:, :100], "only 100 logits"),
        (lambda logits: logits[:-1], "logits for 32 positions"),
    ],
)
def test_logits_that_cannot_be_compared_are_falsified(corpus: GoldenCorpus, damage: Any, said: str) -> None:  # noqa: ANN401 - lambdas
    class Broken(Talker):
        def logits(self, rows: Any, *, last_only: bool = False) -> tuple[Logits, ...]:  # noqa: ANN401 - as given
            return tuple(damage(each) for each in super().logits(rows, last_only=last_only))

    verdict = judge_parity(corpus, Broken())
    assert verdict.outcome is Outcome.FALSIFIED
    assert said in verdict.reason


def test_a_larger_padded_vocabulary_is_no_difference(corpus: GoldenCorpus) -> None:
    class Padded(Talker):
        def logits(self, rows: Any, *, last_only: bool = False) -> tuple[Logits, ...]:  # noqa: ANN401 - as given
            return tuple(
                np.pad(each, ((0, 0), (0, 20)), constant_values=-np.inf)
                for each in super().logits(rows, last_only=last_only)
            )

    assert judge_parity(corpus, Padded()).outcome is Outcome.CORROBORATED


def test_another_greedy_answer_is_falsified(corpus: GoldenCorpus) -> None:
    class Forgetful(Talker):
        """Its logits are right, but not those that it generates by, as with a broken cache."""

        def _continue(self, row: list[int], max_tokens: int) -> tuple[int, ...]:
            first, *_ = super()._continue(row, max_tokens)
            return (first, 77, 77)

    comparison = compare(corpus, Forgetful())
    assert {each.parted_at for each in comparison.prompts} == {1}
    broken = [check.quantity for check in comparison.checks if not check.holds]
    assert broken == [Quantity.GREEDY_MARGIN]
    assert judge_parity(corpus, Forgetful()).outcome is Outcome.FALSIFIED


def test_an_answer_may_part_where_the_artefacts_own_logits_do(corpus: GoldenCorpus) -> None:
    """How far those may be off is for the other quantities to say."""
    comparison = compare(corpus, Talker(damage=_hot_noise), "q4_0")
    parted = [each for each in comparison.prompts if each.parted_at is not None]
    assert parted
    assert max(each.margin for each in parted) > 0.05
    assert max(each.own_margin for each in parted) < 1e-3
    (greedy,) = (check for check in comparison.checks if check.quantity is Quantity.GREEDY_MARGIN)
    assert greedy.holds
    assert greedy.measured.value < 1e-3


def _hot_noise(logits: Logits) -> Logits:
    """The same noise at a position whatever comes after it, as an artefact's error is."""
    noise = np.random.default_rng(5).normal(0, 2.0, (300, VOCABULARY))
    return (logits + noise[: len(logits)]).astype(np.float32)


def test_nothing_compared_is_inconclusive(corpus: GoldenCorpus) -> None:
    verdict = judge_parity(replace(corpus, prompts=()), Talker())
    assert (verdict.outcome, verdict.compared) == (Outcome.INCONCLUSIVE, 0)


@pytest.mark.parametrize("instrument", ["encode", "logits"])
def test_a_missing_instrument_is_inconclusive(corpus: GoldenCorpus, instrument: str) -> None:
    verdict = judge_parity(corpus, Talker(lacks=instrument))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert instrument in verdict.reason


def test_a_refusing_engine_is_for_the_caller_to_judge(corpus: GoldenCorpus) -> None:
    class Refusing(Talker):
        def render(self, conversations: Any) -> tuple[str, ...]:  # noqa: ANN401 - as given
            raise EngineRefused("no chat template")

    with pytest.raises(EngineRefused):
        judge_parity(corpus, Refusing())


def test_a_type_without_limits_is_an_error(corpus: GoldenCorpus) -> None:
    with pytest.raises(AprqaError, match="no limit for the stored type 'q9_z'"):
        judge_parity(corpus, Talker(), "q9_z")


def test_a_comparison_is_plain_json(corpus: GoldenCorpus) -> None:
    import json

    value = compare(corpus, Talker()).to_json()
    assert json.loads(json.dumps(value, allow_nan=False)) == value
