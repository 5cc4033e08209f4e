from __future__ import annotations

import math

import pytest

from pytest_aprqa.core import AprqaError, Quantization
from pytest_aprqa.parity import AT_LEAST, ROLE_TOLERANCES, Quantity, Role, limit_for, stat_limit, words
from pytest_aprqa.parity import limits as module
from pytest_aprqa.parity.calibration import MEASURED

SIZES = (None, 7_000_000_000, 135_000_000, 2_000_000)
FINER_FIRST = ("F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K")


@pytest.mark.parametrize("word", words())
@pytest.mark.parametrize("quantity", Quantity)
def test_every_word_has_a_limit_of_every_quantity(word: str, quantity: Quantity) -> None:
    for parameters in SIZES:
        limit = limit_for(word, quantity, parameters=parameters)
        assert math.isfinite(limit.value)
        assert limit.at_most is (quantity not in AT_LEAST)
        assert limit.source


@pytest.mark.parametrize("quantization", Quantization)
def test_every_quantization_of_a_playbook_has_limits(quantization: Quantization) -> None:
    assert limit_for(quantization.value, Quantity.KL_MEAN).value > 0


@pytest.mark.parametrize("word", ["", "Q9_Z", "auto", "IQ1_S", "Q4"])
def test_an_unknown_word_is_an_error_never_a_default(word: str) -> None:
    with pytest.raises(AprqaError, match="no limit for the stored type"):
        limit_for(word, Quantity.KL_MEAN)
    with pytest.raises(AprqaError, match="no limit for the stored type"):
        stat_limit(word, Role.NORM)


@pytest.mark.parametrize("quantity", [Quantity.TENSOR_NMSE, Quantity.KL_MEAN, Quantity.BLOCK_SCALE, Quantity.TOP1])
@pytest.mark.parametrize("parameters", SIZES)
def test_coarser_types_are_allowed_more(quantity: Quantity, parameters: int | None) -> None:
    limits = [limit_for(word, quantity, parameters=parameters).value for word in FINER_FIRST]
    costs = [1 - limit for limit in limits] if quantity in AT_LEAST else limits
    assert costs == sorted(costs)


@pytest.mark.parametrize("quantity", [Quantity.KL_MEAN, Quantity.TOP1, Quantity.PPL_RATIO])
@pytest.mark.parametrize("word", FINER_FIRST)
def test_smaller_models_are_allowed_more(quantity: Quantity, word: str) -> None:
    limits = [limit_for(word, quantity, parameters=parameters).value for parameters in SIZES[1:]]
    costs = [1 - limit for limit in limits] if quantity in AT_LEAST else limits
    assert costs == sorted(costs)


@pytest.mark.parametrize("word", sorted(MEASURED))
def test_measured_models_pass_with_a_margin(word: str) -> None:
    for quantity, measured in MEASURED[word].items():
        for cost, parameters in ((measured.tiny, 2_000_000), (measured.small, 135_000_000)):
            limit = limit_for(word, quantity, parameters=parameters)
            allowed = 1 - limit.value if quantity in AT_LEAST else limit.value
            assert allowed >= 1.5 * cost - 1e-12, (quantity, limit)


@pytest.mark.parametrize("word", words())
def test_a_halved_or_doubled_block_is_beyond_every_limit(word: str) -> None:
    if not word.startswith("APR_"):  # one scale for a whole tensor: silent blocks are rightly lost
        assert limit_for(word, Quantity.BLOCK_SCALE).value < 0.45


@pytest.mark.parametrize("word", words())
def test_a_zeroed_or_permuted_tensor_is_beyond_every_limit(word: str) -> None:
    assert limit_for(word, Quantity.TENSOR_NMSE).value < 0.5
    assert limit_for(word, Quantity.TENSOR_COSINE).value > 0.7


def test_an_unknown_size_has_the_strictest_limits() -> None:
    assert limit_for("Q4_K_M", Quantity.KL_MEAN) == limit_for("Q4_K_M", Quantity.KL_MEAN, parameters=8_000_000_000)


def test_the_size_of_the_model_plays_no_role_for_tensors() -> None:
    values = {limit_for("Q4_K", Quantity.TENSOR_NMSE, parameters=parameters).value for parameters in SIZES}
    assert len(values) == 1


def test_spelling_does_not_matter() -> None:
    assert limit_for("q4-k-m", Quantity.KL_MEAN) == limit_for("Q4_K_M", Quantity.KL_MEAN)


def test_a_playbook_may_set_a_limit() -> None:
    limit = limit_for("Q4_K_M", Quantity.KL_MEAN, {"kl_mean": 0.5})
    assert limit.value == 0.5
    assert "playbook" in limit.source
    assert limit_for("Q4_K_M", Quantity.TOP1, {"top1": 0.5}).at_most is False


def test_a_limit_for_one_word_is_stronger_than_one_for_all() -> None:
    overrides = {"kl_mean": 0.5, "q4_k_m.kl_mean": 0.7}
    assert limit_for("Q4_K_M", Quantity.KL_MEAN, overrides).value == 0.7
    assert limit_for("Q8_0", Quantity.KL_MEAN, overrides).value == 0.5


def test_nan_holds_no_limit() -> None:
    assert not limit_for("F32", Quantity.KL_MEAN).holds(math.nan)
    assert not limit_for("F32", Quantity.TOP1).holds(math.nan)


@pytest.mark.parametrize("role", Role)
def test_statistics_are_allowed_the_role_s_tolerance_and_the_type_s_error(role: Role) -> None:
    exact, coarse = stat_limit("F32", role), stat_limit("Q2_K", role)
    assert exact.value == pytest.approx(ROLE_TOLERANCES[role], abs=1e-3)
    assert coarse.value > exact.value
    assert role.value in coarse.source
    assert stat_limit("Q2_K", role, {"stat_deviation": 0.3}).value == 0.3


def test_a_quantity_without_a_number_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEASURED", {"Q8_0": {}})
    with pytest.raises(AprqaError, match="no limit of kl_max"):
        limit_for("Q8_0", Quantity.KL_MAX, parameters=2_000_000)
