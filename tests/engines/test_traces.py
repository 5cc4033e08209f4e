"""Which modules of a tree are traced, whatever the architecture calls them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_aprqa.core import EngineUnavailable
from pytest_aprqa.engines.forward import row_activations
from pytest_aprqa.engines.traces import interesting_modules, trace_row
from tests.engines.architectures import IDS, SMALL, small

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.parametrize(
    ("architecture", "parts"),
    [
        ("GPT2LMHeadModel", "transformer.wte h:ln_1,attn,ln_2,mlp transformer.ln_f lm_head"),
        ("MambaForCausalLM", "backbone.embeddings layers:norm,mixer backbone.norm_f lm_head"),
    ],
)
def test_modules_are_traced_under_the_names_of_their_tree(architecture: str, parts: str) -> None:
    model = small(architecture, **SMALL[architecture])
    embedding, layers, norm, head = parts.split()
    trunk = f"{embedding.partition('.')[0]}.{layers.partition(':')[0]}"
    expected = [embedding]
    for number in range(2):
        expected += [f"{trunk}.{number}.{part}" for part in layers.partition(":")[2].split(",")]
        expected.append(f"{trunk}.{number}")
    modules = trace_row(model, IDS, engine="test")
    assert [module.name for module in modules] == [*expected, norm, head]
    assert [module.kind.value for module in modules if module.name.endswith(("attn", "mixer"))] == ["attention"] * 2
    assert not any(module._forward_hooks for module in model.modules()), "the hooks are gone"


@pytest.mark.parametrize("architecture", SMALL)
def test_a_trace_measures_what_activations_record(architecture: str) -> None:
    model = small(architecture, **SMALL[architecture])
    recorded = row_activations(model, IDS, engine="test")
    modules = trace_row(model, IDS, engine="test")
    told = [module for module in modules if module.kind in ("embedding", "layer")] + [modules[-2]]
    assert len(told) == len(recorded)
    for module, values in zip(told, recorded.values(), strict=True):
        assert module.shape == values.shape
        assert module.rms == pytest.approx(float(np.sqrt((values.astype(np.float64) ** 2).mean())), rel=1e-9)


def test_a_layer_of_unknown_parts_is_traced_part_by_part() -> None:
    config = transformers.OPTConfig(
        vocab_size=64, hidden_size=16, ffn_dim=32, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=16
    )
    model = transformers.OPTForCausalLM(config).eval()
    modules = trace_row(model, IDS, engine="test")
    first = {module.name.rpartition(".")[2]: module.kind.value for module in modules if ".layers.0." in module.name}
    assert first.items() >= {"self_attn": "attention", "fc1": "other", "fc2": "other"}.items()
    assert modules[0].name == "model.decoder.embed_tokens"
    assert {"model.decoder.layers.1", "model.decoder.final_layer_norm", "lm_head"} <= {m.name for m in modules}


def test_a_tree_without_a_list_of_layers_is_unavailable() -> None:
    from torch.nn import Module

    class Strange(Module):
        def get_input_embeddings(self) -> None:
            return None

    strange: Any = Strange()
    with pytest.raises(EngineUnavailable, match="Strange keeps no list of layers"):
        interesting_modules(strange, "test")


def test_outputs_that_hold_no_tensor_of_numbers_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("LlamaForCausalLM", **SMALL["LlamaForCausalLM"])
    norm: Any = model.model.layers[0].input_layernorm
    model.model.layers[0].register_module("watcher", torch.nn.Identity())
    plain = norm.forward

    def forward(hidden: object) -> object:
        outputs: tuple[object, ...] = (None, "words", (), {}, torch.tensor([1]), torch.tensor(1.0))
        for output in outputs:
            model.model.layers[0].watcher(output)
        return plain(hidden)

    monkeypatch.setattr(norm, "forward", forward)
    names = [module.name for module in trace_row(model, IDS, engine="test")]
    assert "model.layers.0.input_layernorm" in names
    assert not any("watcher" in name for name in names)
