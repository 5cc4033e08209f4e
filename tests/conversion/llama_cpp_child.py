"""Run as a file: loads GGUF files with llama.cpp and answers a list of questions, for `test_llama_cpp`.

Reads [{"path", "ids"?, "texts"?, "vocabulary"}] from standard input; writes for each {"logits": file.npy, "encoded"}.
In a process of its own, since llama.cpp may end the process over a file that it does not like.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from cyllama.llama import llama_cpp


class Model(llama_cpp.LlamaModel):  # type: ignore[misc]  # the package has no types
    """`get_logits_ith` asks for an attribute that the model does not have."""

    n_vocab = 0


def logits(model: Model, ids: list[int]) -> np.ndarray[Any, Any]:
    """The logits of every position, float32 (positions, vocabulary)."""
    parameters = llama_cpp.LlamaContextParams()
    parameters.n_ctx = parameters.n_batch = 256
    parameters.n_threads = parameters.n_threads_batch = 1
    context = llama_cpp.LlamaContext(model, parameters)
    batch = llama_cpp.LlamaBatch(n_tokens=256, embd=0, n_seq_max=1)
    batch.set_batch(ids, 0, True)
    context.decode(batch)
    return np.array([np.array(context.get_logits_ith(place)) for place in range(len(ids))], np.float32)


def main() -> None:
    """Answers all questions."""
    llama_cpp.disable_logging()
    llama_cpp.ggml_backend_load_all()
    answers = []
    for number, question in enumerate(json.load(sys.stdin)):
        parameters = llama_cpp.LlamaModelParams()
        parameters.use_extra_bufts = False
        model = Model(question["path"], parameters)
        model.n_vocab = question["vocabulary"]
        answer: dict[str, Any] = {}
        if "ids" in question:
            answer["logits"] = str(Path(question["path"]).with_name(f"logits-{number}.npy"))
            np.save(answer["logits"], logits(model, question["ids"]))
        vocabulary = model.get_vocab()
        answer["encoded"] = [list(vocabulary.tokenize(text, False, False)) for text in question.get("texts", [])]
        answers.append(answer)
    Path(sys.argv[1]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
