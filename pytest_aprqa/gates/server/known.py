"""What the bundled servers are known not to offer: every row was seen to falsify its gate, with the version named.

A gate that falsifies and has a row here is no news of the model. A row that has become untrue fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LLAMA_CPP: Final = "llama.cpp"
TRANSFORMERS: Final = "transformers"


@dataclass(frozen=True, slots=True)
class Known:
    """A deviation of a server that holds for every model."""

    sentence: str
    """What it does instead."""
    seen_with: str
    """The version that did."""


_XLLAMACPP: Final = "xllamacpp 2026.10.11549"
_SERVE: Final = "transformers 5.23.0"

KNOWN: Final[Mapping[tuple[str, str], Known]] = {
    (LLAMA_CPP, "F-HTTP-026"): Known("it generates one token where max_tokens is 0", _XLLAMACPP),
    (TRANSFORMERS, "F-HTTP-011"): Known("its streams end without [DONE]", _SERVE),
    (TRANSFORMERS, "F-HTTP-015"): Known("it answers empty messages with 500", _SERVE),
    (TRANSFORMERS, "F-HTTP-021"): Known("offline it answers the list of models with 500", _SERVE),
    (TRANSFORMERS, "F-HTTP-025"): Known("it answers a request without messages with 500", _SERVE),
    (TRANSFORMERS, "F-HTTP-026"): Known("it answers max_tokens 0 with 500", _SERVE),
    (TRANSFORMERS, "F-HTTP-028"): Known("it takes prompts beyond the context and says nothing", _SERVE),
    (TRANSFORMERS, "F-HTTP-030"): Known("it leaves the stop sequence in the answer", _SERVE),
    (TRANSFORMERS, "F-HTTP-031"): Known("it tells no log-probabilities", _SERVE),
    (TRANSFORMERS, "F-API-004"): Known("its answers of 500 have no message in JSON", _SERVE),
}
"""Kind of the server and gate's id to what it does instead."""


def known_deviation(kind: str, gate_id: str) -> str | None:
    """The reason why a falsified gate says nothing of this model's server; None where it does."""
    known = KNOWN.get((kind, gate_id))
    return None if known is None else f"{known.sentence} (seen with {known.seen_with})"
