"""Blocks of a playbook besides its model, matrix and scenarios: comparisons, speed, server, contracts, workflows.

Those that nothing executes yet are validated all the same, so that a playbook which loads today also loads in the
version that runs them; `untested` reports each one that a playbook declares.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from pytest_aprqa.core import Severity
from pytest_aprqa.playbook.fields import (
    Backends,
    Block,
    Formats,
    NonNegative,
    Quantizations,
    Switch,
    Temperature,
    Text,
    TokenLimit,
    Whole,
    snake_case,
)


class FormatCheck(StrEnum):
    """What `FormatValidation` may look at."""

    DTYPE_MAPPING = "dtype_mapping"
    TENSOR_ALIGNMENT = "tensor_alignment"
    HEADER_INTEGRITY = "header_integrity"
    TENSOR_COUNT = "tensor_count"
    TENSOR_NAMES = "tensor_names"
    TENSOR_SHAPES = "tensor_shapes"


class Invariant(StrEnum):
    """Invariants of a format conversion."""

    I_1 = "I-1"
    I_2 = "I-2"
    I_3 = "I-3"
    I_4 = "I-4"
    I_5 = "I-5"


Share = Annotated[NonNegative, Field(le=1)]


class Switched(Block):
    """A block with a switch of its own."""

    enabled: Switch = True
    """A block that is written down is meant, unless it says otherwise."""
    gates: tuple[Text, ...] = ()
    """Ids of the gates that the block decides."""


class FormatValidation(Switched):
    """The container of a converted model is well formed."""

    checks: tuple[FormatCheck, ...] = ()


class TensorDiff(Switched):
    """Shapes of all tensors are equal across formats."""

    filter: Text | None = None
    """Comma-separated fragments of tensor names; all tensors when absent."""


class InferenceCompare(Switched):
    """Formats give the same tokens and logits."""

    prompt: Text | None = None
    max_tokens: TokenLimit = 10
    tolerance: NonNegative = 1e-5
    """Largest difference of two logits."""


def _read_names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class Fingerprint(Switched):
    """Statistics of tensors are equal across formats."""

    tensors: Annotated[tuple[Text, ...], BeforeValidator(_read_names, json_schema_input_type=str | tuple[str, ...])] = (
        "all",
    )
    """Fragments of tensor names, as a list or separated by commas; ``all`` for every tensor."""
    stats: tuple[Text, ...] = ("mean", "std", "min", "max", "checksum")


class StatsTolerance(Block):
    """Largest relative deviation of a tensor's statistics, by role."""

    layernorm: NonNegative = 0.001
    embedding: NonNegative = 0.1
    attention: NonNegative = 0.01
    ffn: NonNegative = 0.01
    lm_head: NonNegative = 0.05


class ValidateStats(Switched):
    """Statistics of tensors are those of a reference file."""

    reference: Text | None = None
    tolerance: StatsTolerance = StatsTolerance()


class DifferentialTests(Block):
    """Comparisons of one format with another."""

    format_validation: FormatValidation | None = None
    tensor_diff: TensorDiff | None = None
    inference_compare: InferenceCompare | None = None
    fingerprint: Fingerprint | None = None
    validate_stats: ValidateStats | None = None


class ProfileAssertions(Block):
    """Thresholds; absent means none."""

    min_throughput: NonNegative | None = None
    """Tokens per second, on a backend without a threshold of its own."""
    min_throughput_cpu: NonNegative | None = None
    min_throughput_gpu: NonNegative | None = None
    max_p50_ms: NonNegative | None = None
    """Of the time between tokens, in milliseconds."""
    max_p99_ms: NonNegative | None = None
    """Of the time between tokens, in milliseconds."""
    max_ttft_ms: NonNegative | None = None
    """Time to the first token, in milliseconds."""
    max_load_ms: NonNegative | None = None
    """Time from starting the engine until it can be asked, in milliseconds."""
    max_memory_mb: NonNegative | None = None
    """Largest memory of the engine's process, in MiB; on a gpu of the device."""
    min_gpu_ratio: NonNegative = 1.0
    """Throughput of the gpu over that of the cpu."""
    max_throughput_drop: Share = 0.05
    """Against a baseline, as a share of its throughput."""
    max_latency_rise: NonNegative = 0.10
    """Against a baseline, as a share of its latency."""


class ProfileCi(Switched):
    """Throughput and latency, measured."""

    warmup: Annotated[Whole, Field(ge=0, le=1000)] = 3
    measure: Annotated[Whole, Field(ge=1, le=1000)] = 10
    formats: Formats | None = None
    backends: Backends | None = None
    prompt: Text | None = None
    tokens: Annotated[Whole, Field(ge=2, le=4096)] = 32
    """Tokens of each measured answer, whatever the model wants to say."""
    assertions: ProfileAssertions = ProfileAssertions()


_HTTP = r"^https?://[^\s/]+(/\S*)?$"


class Serve(Block):
    """Who serves the model, where it is not the server that comes with its format's engine."""

    command: Text | None = None
    """Command line of a server, started without a shell; ``{model}``, ``{port}``, ``{host}`` and ``{threads}`` are
    filled in. One that takes no port says in ``url`` where it listens."""
    url: Annotated[Text, Field(pattern=_HTTP)] | None = None
    """Base of a running endpoint, such as ``http://127.0.0.1:8000``; ``/v1/...`` is added."""
    model: Text | None = None
    """Name that requests give; default: the first that the endpoint lists."""
    api_key_env: Text | None = None
    """Environment variable that holds the key."""
    health: Annotated[Text, Field(pattern=r"^/\S*$")] = "/health"
    """Path that answers 200 once the model can be asked."""
    ready_timeout_ms: Annotated[Whole, Field(ge=1000, le=3_600_000)] = 300_000
    """Deadline for becoming ready, in milliseconds."""
    formats: Formats | None = None
    """Formats that are served so; default: all."""


class TracePayload(Switched):
    """Every layer's output is finite and in range."""

    prompt: Text | None = None


class ContractTests(Block):
    """Invariants that hold between the formats of one model."""

    invariants: tuple[Invariant, ...] = (Invariant.I_2, Invariant.I_3, Invariant.I_4, Invariant.I_5)


class OllamaParity(Switched):
    """Comparison with Ollama."""

    model_tag: Text | None = None
    quantizations: Quantizations | None = None
    prompts: tuple[Text, ...] = ("What is 2+2?",)
    temperature: Temperature = 0.0
    min_perf_ratio: NonNegative = 0.8


class FalsificationGate(Block):
    """A condition that a run must meet."""

    id: Text
    description: Text = ""
    condition: Text = ""
    severity: Severity = Severity.P1


class StateMachine(Block):
    """A workflow of states and transitions, in either of the two shapes in use."""

    enabled: Switch = True
    initial: Text | None = None
    states: dict[str, JsonValue] | tuple[Text, ...] = ()
    transitions: tuple[dict[str, JsonValue], ...] = ()


class PropertySettings(Block):
    """Settings of all property tests, where ``property_tests`` is a mapping."""

    enabled: Switch = True
    cases: Annotated[Whole, Field(ge=1, le=10_000)] = 100
    max_shrink_iters: Annotated[Whole, Field(ge=0)] = 1000


class KernelProfile(Block):
    """Documentation of the kernels that a model exercises; tests nothing by itself."""

    family: Text | None = None
    kernel_ops: tuple[Annotated[Text, AfterValidator(snake_case)], ...] = ()
    prompt_count: Whole | None = None
    long_context: Switch | None = None


class VerificationGate(Block):
    """A gate of a ticket."""

    id: Text
    description: Text = ""
    condition: Text = ""
    gate: Text | None = None
    tool: Text | None = None
    args: tuple[Text, ...] = ()
