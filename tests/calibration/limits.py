"""Measures again what `pytest_aprqa.parity.calibration` states. Not run by pytest.

    python -m tests.calibration.limits MODEL_FOLDER STEM

MODEL_FOLDER is a Llama-like model in Hugging Face layout; STEM-F32.gguf, STEM-Q4_K_M.gguf and so on are its GGUF files
(``apr-qa convert`` makes them). Tensors are compared with those of STEM-F32.gguf, predictions with transformers in
float32; layers run in transformers on the dequantized weights. Of deep models every fifth layer's tensors are compared.
Prints a JSON line after each file, the last one of which has everything: word → quantity → worst cost.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from pytest_aprqa.parity import (
    MOMENTS,
    PARITY_TEXT,
    RANGES,
    Divergence,
    Quantity,
    TensorError,
    compare_logits,
    compare_tensors,
    deviations,
    fingerprint,
    layer_cosines,
    rope_unpermuted,
)

Floats = NDArray[np.float32]
Costs = dict[str, dict[str, float]]
FILES = (
    "Q8_0",
    "Q4_K_M",
    "Q2_K",
    "Q4_0",
    "Q6_K",
    "Q3_K_M",
    "Q5_K_M",
    "Q5_0",
    "F16",
    "Q4_1",
    "F32",
    "BF16",
    "Q5_1",
    "IQ4_NL",
)
CONTEXT = 2048


def tensors(path: Path) -> dict[str, tuple[str, Floats]]:
    """GGUF name → (type, dequantized values)."""
    return {
        tensor.name: (
            tensor.tensor_type.name,
            gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1].tolist()).astype(np.float32),
        )
        for tensor in gguf.GGUFReader(path).tensors
    }


def note(costs: Costs, word: str, quantity: Quantity, cost: float) -> None:
    """Keeps the worst cost."""
    row = costs.setdefault(word, {})
    row[quantity.value] = max(row.get(quantity.value, 0.0), cost)


def note_tensor(costs: Costs, word: str, reference: Floats, other: Floats) -> TensorError:
    """Costs of one tensor."""
    error = compare_tensors(reference, other)
    moved = deviations(fingerprint(reference), fingerprint(other))
    note(costs, word, Quantity.TENSOR_NMSE, error.nmse)
    note(costs, word, Quantity.TENSOR_COSINE, 1 - error.cosine)
    note(costs, word, Quantity.TENSOR_MAX, error.max_rel)
    note(costs, word, Quantity.BLOCK_NMSE, error.block_nmse)
    note(costs, word, Quantity.BLOCK_SCALE, error.block_scale_error)
    note(costs, word, Quantity.STAT_DEVIATION, max(moved[stat] for stat in MOMENTS))
    note(costs, word, Quantity.STAT_RANGE, max(moved[stat] for stat in RANGES))
    return error


def note_predictions(costs: Costs, word: str, seen: Divergence) -> None:
    """Costs of one file's predictions."""
    note(costs, word, Quantity.KL_MEAN, seen.kl_mean.value)
    note(costs, word, Quantity.KL_P99, seen.kl_p99.value)
    note(costs, word, Quantity.KL_MAX, seen.kl_max)
    note(costs, word, Quantity.TOP1, 1 - seen.top1.value)
    note(costs, word, Quantity.TOPK, 1 - seen.topk.value)
    note(costs, word, Quantity.PPL_RATIO, abs(math.log(seen.ppl_ratio.value)))
    note(costs, word, Quantity.LOGIT_NMSE, seen.nmse_p99.value)
    note(costs, word, Quantity.LOGIT_NMSE_MAX, seen.nmse_max)
    note(costs, word, Quantity.GREEDY_MARGIN, seen.disagreement_margin)


def llama_logits(path: Path, ids: list[int], vocab: int) -> Floats:
    """Logits of llama.cpp at every position."""
    import cyllama.llama.llama_cpp as llama

    llama.disable_logging()
    llama.ggml_backend_load_all()

    class Model(llama.LlamaModel):  # type: ignore[misc]  # the binding has no types
        """The context asks its model for this, and the model of cyllama 0.2 has it in its vocabulary only."""

        n_vocab = property(lambda self: self.get_vocab().n_vocab)

    model = Model(str(path), llama.LlamaModelParams())
    parameters = llama.LlamaContextParams()
    parameters.n_ctx = parameters.n_batch = CONTEXT
    parameters.n_threads = parameters.n_threads_batch = 1
    context = llama.LlamaContext(model, parameters)
    batch = llama.LlamaBatch(n_tokens=CONTEXT, embd=0, n_seq_max=1)
    batch.set_batch(ids, 0, True)
    context.decode(batch)
    return np.stack([np.asarray(context.get_logits_ith(i), dtype=np.float32)[:vocab] for i in range(len(ids))])


class Truth:
    """The model in transformers, float32."""

    def __init__(self, folder: Path) -> None:
        import torch
        import transformers

        self.torch = torch
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.model.train(False)
        self.config = self.model.config
        self.ids: list[int] = tokenizer(PARITY_TEXT)["input_ids"][:CONTEXT]

    def run(self) -> tuple[Floats, Mapping[str, Floats]]:
        """Logits and the output of every layer."""
        with self.torch.no_grad():
            out = self.model.model(self.torch.tensor([self.ids]), output_hidden_states=True)
            logits = self.model.lm_head(out.last_hidden_state)[0].numpy()
        return logits, {f"layer.{i}": state[0].numpy() for i, state in enumerate(out.hidden_states)}

    def load(self, values: Mapping[str, tuple[str, Floats]]) -> None:
        """Puts dequantized weights into the model."""
        state = self.model.state_dict()
        for name in list(state):
            found = self._value(name, values)
            if found is not None:
                state[name].copy_(self.torch.from_numpy(np.array(found)))

    def _value(self, name: str, values: Mapping[str, tuple[str, Floats]]) -> Floats | None:
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, self.config.num_hidden_layers)
        raw = names.get_name(name, (".weight",))
        raw = "token_embd.weight" if raw == "output.weight" and raw not in values else raw
        if raw is None or raw not in values:
            return None
        heads = {"q_proj": self.config.num_attention_heads, "k_proj": self.config.num_key_value_heads}
        count = next((heads[word] for word in heads if word in name), None)
        return values[raw][1] if count is None else np.ascontiguousarray(rope_unpermuted(values[raw][1], count))


def apr_way(word: str) -> Callable[[Floats], Floats]:
    """Through one of APR's own types and back."""
    from pytest_aprqa.formats import apr_types

    def there_and_back(values: Floats) -> Floats:
        raw = np.frombuffer(apr_types.encode(word, values.ravel()), np.uint8)
        return apr_types.decode(word, raw, values.size).reshape(values.shape)

    return there_and_back


def apr_predictions(costs: Costs, truth: Truth, whole: Mapping[str, tuple[str, Floats]]) -> None:
    """What the engine of .apr files would predict: transformers on the dequantized weights."""
    logits, layers = truth.run()
    for word in ("APR_Q8", "APR_Q4"):
        way = apr_way(word)
        truth.load({name: (word, way(values) if values.ndim == 2 else values) for name, (_, values) in whole.items()})
        found, found_layers = truth.run()
        note_predictions(costs, word, compare_logits([(logits, found, np.array(truth.ids[1:]))]))
        note(costs, word, Quantity.HIDDEN_COSINE, 1 - min(layer_cosines(layers, found_layers).values()))
    truth.load(whole)


def simple_types(costs: Costs, reference: Mapping[str, tuple[str, Floats]]) -> None:
    """Types that no file above has for every tensor, through gguf's own NumPy quantizers and ours."""

    def gguf_way(word: str) -> Callable[[Floats], Floats]:
        kind = gguf.GGMLQuantizationType[word]
        return lambda values: gguf.dequantize(gguf.quantize(values, kind), kind).reshape(values.shape)

    ways = {word: gguf_way(word) for word in ("F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0")}
    ways |= {word: apr_way(word) for word in ("APR_Q8", "APR_Q4")}
    for word, way in ways.items():
        for _, values in reference.values():
            if values.ndim == 2 and values.shape[1] % 32 == 0:
                note_tensor(costs, word, values, way(values))


def compared(name: str) -> bool:
    """Tensors outside of layers, and those of every fifth layer."""
    parts = name.split(".")
    return parts[0] != "blk" or int(parts[1]) % 5 == 0


def measured(folder: Path, stem: str) -> Iterator[Costs]:
    """Costs so far, after each file."""
    whole = tensors(Path(f"{stem}-F32.gguf"))
    reference = {name: value for name, value in whole.items() if compared(name)}
    truth = Truth(folder)
    logits, layers = truth.run()
    following = np.array(truth.ids[1:])
    costs: Costs = {}
    simple_types(costs, reference)
    apr_predictions(costs, truth, whole)
    for word in FILES:
        path = Path(f"{stem}-{word}.gguf")
        values = tensors(path)
        for name, (kind, other) in values.items():
            if name in reference and (word == "F32" or kind != "F32"):
                note_tensor(costs, kind, reference[name][1], other)
        row = word.removesuffix("_M")
        found = llama_logits(path, truth.ids, logits.shape[1])
        note_predictions(costs, row, compare_logits([(logits, found, following)]))
        truth.load(values)
        cosines = layer_cosines(layers, truth.run()[1])
        note(costs, row, Quantity.HIDDEN_COSINE, 1 - min(cosines.values()))
        yield costs


if __name__ == "__main__":
    for so_far in measured(Path(sys.argv[1]), sys.argv[2]):
        sys.stdout.write(json.dumps(so_far) + "\n")
        sys.stdout.flush()
