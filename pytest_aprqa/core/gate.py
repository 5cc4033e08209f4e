"""The one table of gates: id → gateway, category, severity, title.

No other place knows these facts; ids are never parsed for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from pytest_aprqa.core.target import Backend, Modality


class Gateway(StrEnum):
    """The five gateways; one that fails makes the score zero."""

    G0 = "G0"
    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"

    @property
    def word(self) -> str:
        """One word, such as ``integrity``."""
        return _GATEWAY_WORDS[self]


_GATEWAY_WORDS: Final = {
    Gateway.G0: "integrity",
    Gateway.G1: "load",
    Gateway.G2: "inference",
    Gateway.G3: "stability",
    Gateway.G4: "quality",
}


MAX_GARBAGE: Final = Fraction(1, 4)
"""G4: above this share of garbage among the generated texts, the model is not one that speaks."""


class GatewayState(StrEnum):
    """Unknown is a value: a gateway without evidence is not passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Category(StrEnum):
    """Score categories."""

    QUAL = "QUAL"
    PERF = "PERF"
    STAB = "STAB"
    COMP = "COMP"
    EDGE = "EDGE"
    REGR = "REGR"


class Severity(StrEnum):
    """P0 stops the line."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"


@dataclass(frozen=True, slots=True)
class Gate:
    """A named check."""

    id: str
    category: Category
    severity: Severity
    title: str
    """The hypothesis, as a sentence that can be refuted."""
    gateway: Gateway | None = None
    """The gateway that fails with this gate, if any."""
    timed: bool = False
    """Whether its reason tells times or sizes, which differ from run to run."""


def _gateway_gate(id: str, gateway: Gateway, title: str) -> Gate:
    return Gate(id, Category.STAB, Severity.P0, title, gateway)


def _compatible(id: str, title: str, severity: Severity = Severity.P0) -> Gate:
    """A gate on what conversion and quantization did to one artefact."""
    return Gate(id, Category.COMP, severity, title)


def _served(id: str, title: str, severity: Severity = Severity.P1, category: Category = Category.QUAL) -> Gate:
    """A gate on a server that holds the model, by what a client sees."""
    return Gate(id, category, severity, title, timed=True)


def _robust(id: str, title: str, severity: Severity = Severity.P1) -> Gate:
    """A gate on what a server does with bad clients and bad requests."""
    return Gate(id, Category.EDGE, severity, title, timed=True)


def _steady(id: str, title: str, severity: Severity = Severity.P1) -> Gate:
    """A gate on state: what came before must not change an answer."""
    return Gate(id, Category.STAB, severity, title)


def _speed(id: str, title: str, severity: Severity = Severity.P1) -> Gate:
    """A gate on what was measured with a clock or in bytes."""
    return Gate(id, Category.PERF, severity, title, timed=True)


def _regression(id: str, title: str) -> Gate:
    """A gate on conversions that must undo, repeat or agree with one another."""
    return Gate(id, Category.REGR, Severity.P0, title)


_ALL: Final = (
    _gateway_gate("G0-INTEGRITY-CONFIG", Gateway.G0, "config.json is there, parses and names a known architecture"),
    _gateway_gate("G0-INTEGRITY-SHARDS", Gateway.G0, "every weight file is there, well formed and inside its bounds"),
    _gateway_gate("G0-INTEGRITY-LAYERS", Gateway.G0, "the layers in the tensor names are those of config.json"),
    _gateway_gate("G0-INTEGRITY-HIDDEN", Gateway.G0, "the embedding's width is config.json's hidden_size"),
    _gateway_gate("G0-INTEGRITY-VOCAB", Gateway.G0, "the embedding's height is config.json's vocab_size"),
    _gateway_gate("G0-INTEGRITY-DTYPE", Gateway.G0, "the weights have floating-point types, as config.json says"),
    _gateway_gate(
        "G0-INTEGRITY-TIED", Gateway.G0, "the output head is there, or tied to the embedding as config.json says"
    ),
    _gateway_gate(
        "G0-INTEGRITY-TOKENIZER", Gateway.G0, "the tokenizer's files are there and its ids fit the vocabulary"
    ),
    _gateway_gate("G0-TENSOR-001", Gateway.G0, "names and shapes of all tensors are those of the architecture"),
    _gateway_gate("G0-VALIDATE-001", Gateway.G0, "no weight is NaN or infinite and no matrix is all zero"),
    _gateway_gate("G1-LOAD", Gateway.G1, "the engine loads the model"),
    _gateway_gate("G2-INFER", Gateway.G2, "the model answers a simple prompt with at least one printable token"),
    _gateway_gate("G3-STABLE", Gateway.G3, "no well-formed request crashes the engine"),
    _gateway_gate("G4-QUALITY", Gateway.G4, "at most a quarter of the generated texts is garbage"),
    Gate("F-A1-001", Category.QUAL, Severity.P1, "run on cpu gives the expected answer"),
    Gate("F-A2-001", Category.QUAL, Severity.P1, "run on gpu gives the expected answer"),
    Gate("F-A3-001", Category.QUAL, Severity.P1, "chat on cpu gives the expected answer"),
    Gate("F-A4-001", Category.QUAL, Severity.P1, "chat on gpu gives the expected answer"),
    Gate("F-A5-001", Category.QUAL, Severity.P1, "serve on cpu gives the expected answer"),
    Gate("F-A6-001", Category.QUAL, Severity.P1, "serve on gpu gives the expected answer"),
    Gate("F-EDGE-001", Category.EDGE, Severity.P2, "a hostile prompt neither crashes nor hangs the engine"),
    # The container of an .apr file.
    _compatible("F-APR-FORMAT-001", "every dtype byte is in the APR v2 table"),
    _compatible("F-APR-FORMAT-002", "metadata, index and every tensor start at multiples of 64 bytes"),
    _compatible("F-APR-FORMAT-003", "magic, version, flags and both checksums are right"),
    # What the metadata says, against the ground truth's config.json.
    _compatible("F-META-SIZE-001", "layers, hidden size, feed-forward size and vocabulary are the ground truth's"),
    _compatible("F-META-HEADS-001", "heads, key-value heads and head width are the ground truth's"),
    _compatible("F-META-ROPE-001", "base, type and scaling of the rotary embedding are the ground truth's"),
    _compatible("F-META-NORM-001", "the epsilon of the norms is the ground truth's"),
    _compatible("F-META-CONTEXT-001", "the context length is the ground truth's", Severity.P1),
    _compatible("F-META-TIED-001", "the output head is tied or stored as in the ground truth"),
    # Tensors: names and shapes, then values.
    _compatible("F-CONTRACT-I2-001", "tensor names map one to one onto the ground truth's"),
    _compatible("F-CONTRACT-I3-001", "every stored type is known and is what the quantization promises"),
    _compatible("F-ROSETTA-DIFF-001", "no tensor has its dimensions reversed"),
    _compatible("F-ROSETTA-DIFF-002", "all shapes are the ground truth's"),
    _compatible("F-ROSETTA-FP-001", "no stored value is NaN or infinite"),
    _compatible("F-LAYOUT-002", "values correlate with the ground truth as they lie, not transposed or permuted"),
    _compatible("F-QUANT-ERROR-001", "the dequantization error of every tensor is within its type's limit"),
    _compatible("F-QUANT-COSINE-001", "the cosine of every tensor with the ground truth is within its type's limit"),
    _compatible("F-ROSETTA-FP-002", "tensors of a lossless type are bit for bit the ground truth's"),
    _compatible(
        "F-ROSETTA-FP-003", "mean, deviation and range of every tensor are within its type's limit", Severity.P1
    ),
    _compatible("F-CONTRACT-I4-001", "statistics of every tensor survive the conversion"),
    _compatible("F-ROSETTA-STATS-001", "statistics of the norms are the ground truth's"),
    _compatible("F-ROSETTA-STATS-002", "statistics of the embedding are the ground truth's", Severity.P1),
    _compatible("F-ROSETTA-STATS-003", "statistics of the attention weights are the ground truth's", Severity.P1),
    _compatible("F-ROSETTA-STATS-004", "every tensor was compared", Severity.P1),
    _compatible("F-ROSETTA-STATS-005", "the mean of every norm is the ground truth's, not zero"),
    _compatible("F-ROSETTA-STATS-006", "the deviation of every norm is the ground truth's"),
    # Text to ids and back, as the artefact's own engine does it.
    _compatible("F-TOKEN-IDS-001", "every text becomes the token ids of the ground truth"),
    _compatible("F-TOKEN-BYTES-001", "bytes outside the vocabulary become the token ids of the ground truth"),
    _compatible("F-TOKEN-SPECIAL-001", "special tokens have the ids and roles of the ground truth"),
    _compatible("F-TOKEN-BOS-001", "a prompt starts with as many BOS tokens as the ground truth gives it"),
    _compatible("F-CONTRACT-I5-001", "decoding the ids of a text gives the text"),
    _compatible("F-SEC-INJECT-001", "control strings in a user's text become no control tokens"),
    _compatible("F-CHAT-TEMPLATE-001", "the chat template renders every conversation as the ground truth does"),
    # What the engine computes from the same token ids.
    _compatible("F-LOGIT-NMSE-001", "the last logits of short prompts are the ground truth's within the type's limit"),
    _compatible("F-LOGIT-LONG-001", "the last logits of a long prompt are the ground truth's within the type's limit"),
    _compatible("F-ROSETTA-INF-001", "greedy tokens agree, or part where the ground truth is nearly undecided"),
    _compatible("F-ROSETTA-INF-002", "logits at every compared position are within the type's limit", Severity.P1),
    _compatible("F-ROSETTA-INF-003", "what is generated is not one padding token over and over"),
    _compatible("F-CONTRACT-I1-001", "the converted model answers as the original does"),
    _compatible("F-KL-MEAN-001", "the mean KL divergence over a text is within the type's limit"),
    _compatible("F-KL-TAIL-001", "the 99th percentile of the KL divergence is within the type's limit", Severity.P1),
    _compatible("F-KL-MAX-001", "the largest KL divergence is within the type's limit", Severity.P1),
    _compatible("F-TOP1-001", "the likeliest token agrees as often as the type's limit asks"),
    _compatible("F-TOPK-001", "the likeliest tokens overlap as much as the type's limit asks", Severity.P1),
    _compatible("F-PPL-001", "the perplexity of a text is within the type's limit of the ground truth's"),
    _compatible("F-TRACE-DIFF-001", "no layer's output leaves the ground truth's direction"),
    _compatible("F-TRACE-PAYLOAD-001", "no layer's output is NaN or infinite"),
    _compatible("F-TRACE-PAYLOAD-003", "every layer's output stays in the ground truth's range", Severity.P1),
    # Direct conversions, by the letters of source and target.
    _compatible("F-CONV-S-A", "SafeTensors to APR keeps every tensor"),
    _compatible("F-CONV-S-G", "SafeTensors to GGUF keeps every tensor within the type's limit"),
    _compatible("F-CONV-A-S", "APR to SafeTensors keeps every tensor"),
    _compatible("F-CONV-A-G", "APR to GGUF keeps every tensor"),
    _compatible("F-CONV-G-S", "GGUF to SafeTensors keeps every tensor"),
    _compatible("F-CONV-G-A", "GGUF to APR keeps every tensor"),
    # Chains of conversions.
    _regression("F-CONV-RT-001", "GGUF to APR to SafeTensors to GGUF gives the same tensors"),
    _regression("F-CONV-RT-002", "SafeTensors to APR to GGUF to SafeTensors gives the same tensors"),
    _regression("F-CONV-RT-003", "SafeTensors to APR to GGUF to APR to SafeTensors gives the same tensors"),
    _regression("F-CONV-RT-004", "SafeTensors to APR to GGUF to APR gives the same tensors as SafeTensors to APR"),
    _regression("F-CONV-RT-BYTE-001", "a round trip through the same format gives the same bytes"),
    _regression("F-CONV-IDEM-001", "converting twice gives the same bytes"),
    _regression("F-CONV-COM-001", "GGUF to APR gives what GGUF to SafeTensors to APR gives"),
    # Layers of one model, looked at while it answers.
    Gate("F-TRACE-PAYLOAD-002", Category.QUAL, Severity.P0, "the text that was traced is not garbage"),
    Gate("F-TRACE-006", Category.QUAL, Severity.P1, "no module's output explodes"),
    Gate("F-TRACE-DEAD-001", Category.QUAL, Severity.P1, "no module's output is zero, or the same at every token"),
    # State: caches, batches, seeds.
    _steady("F-STATE-TIMING-001", "logits computed token by token over the cache are those computed at once"),
    _steady("F-STATE-CORRUPT-001", "a prompt is answered after another prompt as it was before"),
    _steady("F-STATE-BATCH-001", "a row in a padded batch gets the logits that it gets alone"),
    _steady("F-STATE-REPEAT-001", "the same greedy request gives the same tokens twice"),
    _steady("F-RUN-005", "the same seed gives the same sampled tokens twice"),
    _compatible("F-PAR-001", "the gpu computes what the cpu computes", Severity.P1),
    # Speed and memory.
    _speed("F-PROFILE-007", "a floor that no machine reaches is refused", Severity.P0),
    _speed("F-PROFILE-CI-001", "decoding is as fast as its floor"),
    _speed("F-PROFILE-CI-002", "the 99th percentile of the time between tokens stays under its ceiling"),
    _speed("F-PROFILE-CI-003", "the median time between tokens stays under its ceiling", Severity.P2),
    _speed("F-PERF-002", "the first token comes before its ceiling"),
    _speed("F-PERF-003", "the gpu decodes at least as fast as the cpu"),
    _speed("F-PERF-005", "the largest memory stays under its ceiling"),
    _speed("F-PERF-006", "memory does not grow from request to request", Severity.P2),
    _speed("F-PERF-007", "the model is loaded before its ceiling", Severity.P2),
    _speed("F-PROFILE-DIFF-001", "decoding is not slower than in the baseline by more than its limit"),
    _speed("F-PROFILE-DIFF-002", "time to and between tokens is not longer than in the baseline by more", Severity.P2),
    # The server: up, healthy, listed.
    _served("F-SERVE-001", "the server becomes ready before its deadline", Severity.P0, Category.STAB),
    _served("F-HTTP-001", "the server takes a connection", Severity.P0, Category.STAB),
    _served("F-HTTP-002", "the health endpoint answers 200", Severity.P0, Category.STAB),
    _served("F-API-003", "the health endpoint answers within a second", category=Category.STAB),
    _served("F-HTTP-003", "the health endpoint tells no other device than the one that was asked for"),
    _served("F-HTTP-021", "the list of models names the served model"),
    # One answer.
    _served("F-HTTP-005", "a well-formed chat request is answered with 200", Severity.P0),
    _served("F-HTTP-007", "the answer is JSON, and says so", Severity.P0),
    _served("F-HTTP-006", "the answer holds a choice with a message", Severity.P0),
    _served("F-HTTP-008", "the message is not empty", Severity.P0),
    _served("F-HTTP-009", "the message shows no token numbers"),
    _served("F-HTTP-009b", "the message shows no byte-level markers"),
    _served("F-API-002", "the message shows no control tokens"),
    _served("F-HTTP-020", "the message has no replacement characters", Severity.P0),
    _served("F-SERVE-002", "a completion of a raw prompt is JSON with a text"),
    _served("F-HTTP-012", "a system prompt reaches the model"),
    _served("F-HTTP-013", "earlier turns reach the model"),
    _served("F-HTTP-014", "usage counts the tokens that the model's own tokenizer counts", Severity.P2),
    _served("F-HTTP-016", "the same greedy request is answered the same way twice", category=Category.STAB),
    _served("F-HTTP-029", "text in any script is sent and comes back unharmed"),
    _served("F-HTTP-030", "a stop sequence ends the answer before it"),
    _served("F-HTTP-031", "log-probabilities have the shape that the API gives them", Severity.P2),
    _served("F-SERVE-PARITY-001", "the server answers what run and chat answer", Severity.P0),
    # Streams.
    _served("F-HTTP-010", "a streamed answer is server-sent events, each one JSON"),
    _served("F-HTTP-011", "a streamed answer ends with [DONE]"),
    _served("F-HTTP-022", "a streamed answer says what the answer in one piece says"),
    _served("F-SERVE-003", "a raw prompt's completion is streamed too"),
    # Limits and bad requests.
    _robust("F-HTTP-026", "max_tokens 0 gives no token or an error of the client's"),
    _robust("F-HTTP-027", "max_tokens 1 gives one token, finished by length"),
    _robust("F-HTTP-018", "max_tokens of a million is capped or refused", Severity.P0),
    _robust("F-HTTP-028", "a prompt beyond the context is refused or cut, and said so"),
    _robust("F-HTTP-015", "empty messages are refused or answered, without a fault of the server's"),
    _robust("F-HTTP-025", "a request without messages is refused as the client's error"),
    _robust("F-HTTP-017", "malformed JSON is refused as the client's error"),
    _robust("F-HTTP-023", "an oversized or deeply nested body neither hangs nor kills the server"),
    _robust("F-HTTP-024", "a model that is not served is refused, or the answer names the one that answered"),
    _robust("F-API-004", "an error comes with a message"),
    _robust("F-HTTP-035", "after every kind of error the server answers as before", Severity.P0),
    # Several clients, bad clients, and the end.
    _served("F-HTTP-019", "ten clients at once are all answered", Severity.P0, Category.STAB),
    _served("F-HTTP-032", "of clients at once each gets its own answer", Severity.P0, Category.STAB),
    _served("F-HTTP-033", "a client that leaves in mid-stream leaves nothing behind", category=Category.STAB),
    _served("F-HTTP-034", "a slow reader gets all of its answer and holds up nobody", category=Category.STAB),
    _served("F-SERVE-006", "descriptors and memory of the server do not grow with requests", category=Category.STAB),
    _served("F-SERVE-005", "the server ends in mid-stream when it is told to", category=Category.STAB),
    _served(
        "F-HTTP-004", "told to end, the server exits and leaves no process and no open port", Severity.P0, Category.STAB
    ),
    # A recorded ground truth.
    Gate(
        "F-HF-PARITY-001", Category.REGR, Severity.P0, "logits are those of the golden corpus within the type's limit"
    ),
    Gate("F-HF-PARITY-004", Category.REGR, Severity.P0, "the golden corpus is whole and as it was recorded"),
)

GATES: Final = {gate.id: gate for gate in _ALL}
"""Every gate by its id."""

_SCENARIO_GATES: Final = {
    (Modality.RUN, Backend.CPU): "F-A1-001",
    (Modality.RUN, Backend.GPU): "F-A2-001",
    (Modality.CHAT, Backend.CPU): "F-A3-001",
    (Modality.CHAT, Backend.GPU): "F-A4-001",
    (Modality.SERVE, Backend.CPU): "F-A5-001",
    (Modality.SERVE, Backend.GPU): "F-A6-001",
}

EDGE_GATE: Final = GATES["F-EDGE-001"]
"""The gate of scenarios whose category is ``edge``, in every cell."""


def scenario_gate(modality: Modality, backend: Backend) -> Gate:
    """The gate under which an ordinary scenario of a cell is filed.

    >>> scenario_gate(Modality.CHAT, Backend.CPU).id
    'F-A3-001'
    """
    return GATES[_SCENARIO_GATES[modality, backend]]
