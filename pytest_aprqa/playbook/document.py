"""What may stand in a playbook: the model classes from which its JSON Schema is generated.

They describe the one dialect that `dialects` brings a file to. The blocks that nothing executes yet are in `blocks`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from pytest_aprqa.core import Backend, Format, Modality, Prompting, Quantization
from pytest_aprqa.playbook.blocks import (
    ContractTests,
    DifferentialTests,
    FalsificationGate,
    KernelProfile,
    OllamaParity,
    ProfileCi,
    PropertySettings,
    Serve,
    StateMachine,
    TracePayload,
    VerificationGate,
)
from pytest_aprqa.playbook.fields import (
    Backends,
    BackendWord,
    Block,
    FilePath,
    Formats,
    FormatWord,
    Modalities,
    ModalityWord,
    Name,
    NonNegative,
    Quantizations,
    QuantizationWord,
    Repository,
    Switch,
    Temperature,
    Text,
    TokenLimit,
    Version,
    Whole,
    kebab_case,
    listed,
    lower_case,
    refusal,
)


class FailurePolicy(StrEnum):
    """What a failure does to the cases that follow."""

    STOP_ON_FIRST = "stop-on-first"
    """Any failure ends the model's cases."""
    STOP_ON_P0 = "stop-on-p0"
    """A failed gateway, or a gate of severity P0, ends the model's cases."""
    COLLECT_ALL = "collect-all"
    """Everything runs."""
    FAIL_FAST = "fail-fast"
    """Any failure ends the session."""


_SnakePolicies = Literal["stop_on_first", "stop_on_p0", "collect_all", "fail_fast"]


class SizeCategory(StrEnum):
    """Size by parameters: below 1, 2, 4, 10, 30 thousand million, and above."""

    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    XLARGE = "xlarge"
    HUGE = "huge"
    AUTO = "auto"
    """Derived from the weights."""


class OracleType(StrEnum):
    """The judges that a playbook may name."""

    ARITHMETIC = "arithmetic"
    GARBAGE = "garbage"
    CODE_SYNTAX = "code_syntax"
    RESPONSE = "response"
    COMPOSITE = "composite"
    GOLDEN = "golden"
    JSON = "json"
    REGEX = "regex"
    CONTAINS = "contains"
    HF_PARITY = "hf_parity"


class Files(Block):
    """Artefacts that the user already has."""

    safetensors: FilePath | None = None
    gguf: FilePath | None = None
    apr: FilePath | None = None


class GroundTruth(StrEnum):
    """What an artefact is compared with."""

    ORIGINAL = "original"
    """The model's safetensors weights."""
    DEQUANTIZED = "dequantized"
    """The GGUF or APR file of ``files`` itself, dequantized: shows what an engine does with the file, and nothing of
    what quantizing did to the model."""


_ALL_FORMATS = (Format.SAFETENSORS, Format.APR, Format.GGUF)
_Count = Annotated[int, Field(strict=True, ge=1)]
_Many = Field(max_length=1000)
"""No cell has more scenarios than that."""


class Model(Block):
    """The model under test and its artefacts."""

    hf_repo: Repository
    """Name on the Hugging Face hub, ``org/name``."""
    revision: Annotated[Text, Field(min_length=1)] = "main"
    """Branch, tag or commit on the hub."""
    local_path: FilePath | None = None
    """A folder in Hugging Face layout, instead of the hub's; relative to the playbook."""
    files: Files = Files()
    """Artefacts to be tested as they are, relative to the playbook."""
    formats: Formats = _ALL_FORMATS
    """Formats to test; safetensors is the ground truth."""
    quantizations: Quantizations | None = None
    """Quantizations to test, of the formats that have any."""
    ground_truth: Annotated[GroundTruth, BeforeValidator(lower_case)] = GroundTruth.ORIGINAL
    """What every other format is compared with."""
    size_category: SizeCategory = SizeCategory.AUTO
    expected_hidden_dim: _Count | None = None
    expected_num_layers: _Count | None = None
    expected_num_heads: _Count | None = None
    expected_num_kv_heads: _Count | None = None
    expected_vocab_size: _Count | None = None
    expected_intermediate_dim: _Count | None = None
    family: Text | None = None
    size_variant: Text | None = None

    @model_validator(mode="after")
    def _check_ground_truth(self) -> Self:
        own = self.files.gguf or self.files.apr
        if self.ground_truth is GroundTruth.DEQUANTIZED and own is None:
            raise refusal("ground_truth is dequantized, but no file is given", expected="files.gguf or files.apr")
        return self


_Prompting = Annotated[Prompting, BeforeValidator(lower_case)]


class Matrix(Block):
    """The cells of the test and what is common to all of them."""

    modalities: Modalities = (Modality.RUN, Modality.CHAT, Modality.SERVE)
    backends: Backends = (Backend.CPU, Backend.GPU)
    scenario_count: Annotated[Whole, Field(ge=1, le=1000)] = 100
    """Scenarios in each cell; generated ones fill up the listed. A playbook that lists some and gives no count has
    as many as it lists."""
    seed: Annotated[Whole, Field(ge=0, lt=1 << 63)] = 42
    timeout_ms: Annotated[Whole, Field(ge=1000, le=600_000)] = 60_000
    """Hard deadline for each request, in milliseconds."""
    prompts: Annotated[tuple[Text, ...], Field(min_length=1), _Many] | None = None
    """Prompts that are sent at least once in each cell."""
    max_tokens: TokenLimit = 32
    """Limit for each answer."""
    temperature: Temperature = 0.0
    prompting: _Prompting | None = None
    """``template`` or ``raw``; default: through the chat template where the model has one."""
    system: Text | None = None
    """System prompt of every scenario that has none of its own."""


class Gates(Block):
    """Switches of the gateways; one that is off is evaluated and reported, but fails nothing."""

    g0: Switch = Field(default=True, alias="g0_integrity")
    g1: Switch = Field(default=True, alias="g1_model_loads")
    g2: Switch = Field(default=True, alias="g2_basic_inference")
    g3: Switch = Field(default=True, alias="g3_no_crashes")
    g4: Switch = Field(default=True, alias="g4_output_quality")


class Oracle(Block):
    """A judge with its parameters, which the judge itself checks."""

    type: Annotated[OracleType, BeforeValidator(lower_case)]
    config: dict[str, JsonValue] = Field(default_factory=dict)


def _read_oracles(value: object) -> object:
    return [{"type": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


Oracles = Annotated[
    tuple[Oracle, ...],
    BeforeValidator(_read_oracles, json_schema_input_type=tuple[OracleType | Oracle, ...]),
]
OneOrMoreOracles = Annotated[
    tuple[Oracle, ...],
    BeforeValidator(
        lambda value: _read_oracles(listed(value)),
        json_schema_input_type=OracleType | Oracle | tuple[OracleType | Oracle, ...],
    ),
]

_CELL_WORDS = tuple(str(word) for words in (Format, Backend, Modality, Quantization) for word in words)


def _check_word(word: str) -> str:
    if word not in _CELL_WORDS:
        raise refusal("is no word of a cell", expected=", ".join(_CELL_WORDS))
    return word


CellWords = Annotated[
    tuple[Annotated[Text, BeforeValidator(lower_case), AfterValidator(_check_word)], ...],
    BeforeValidator(listed, json_schema_input_type=str | tuple[str, ...]),
]
LowerText = Annotated[Text, BeforeValidator(lower_case)]


class ListedScenario(Block):
    """One entry of ``scenarios``."""

    name: Annotated[Text, Field(min_length=1)] | None = None
    """Default: made from the prompt."""
    prompt: Text | None = None
    turns: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """What the user says, turn by turn, instead of ``prompt``."""
    prompt_set: Text | None = None
    """Name of a golden corpus."""
    system: Text | None = None
    oracle: OneOrMoreOracles = ()
    """A type, a type with its config, or a list of those; all must be satisfied."""
    expected: JsonValue = None
    """The expected number, a text that must occur, or what the oracle needs."""
    language: LowerText | None = None
    max_tokens: TokenLimit | None = None
    temperature: Temperature | None = None
    prompting: _Prompting | None = None
    only: CellWords = ()
    """Words that a cell must all have: formats, backends, modalities, quantizations."""
    formats: Formats | None = None
    backends: Backends | None = None
    category: Annotated[LowerText, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        given = [name for name in ("prompt", "turns", "prompt_set") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise refusal(f"gives {found}", expected="one of prompt, turns and prompt_set")
        return self


class MatrixPrompt(Block):
    """One entry of ``mvp_matrix``: a prompt for one cell."""

    prompt: Text
    format: FormatWord | None = None
    quantization: QuantizationWord | None = None
    backend: BackendWord | None = None
    modality: ModalityWord | None = None


class VerificationTest(Block):
    """One entry of ``verification_tests``: a prompt with its answer, or a comparison of formats."""

    name: Annotated[Text, Field(min_length=1)] | None = None
    prompt: Text
    type: Text | None = None
    format: FormatWord | None = None
    formats: Formats | None = None
    expect: JsonValue = None
    tolerance: JsonValue = None


class GoldenOutput(Block):
    """One entry of ``golden_outputs``: what a known good run answered."""

    prompt: Text
    max_tokens: TokenLimit | None = None
    temperature: Temperature | None = None
    expected_prefix: Text | None = None
    must_contain: tuple[Text, ...] = ()
    must_not_contain: tuple[Text, ...] = ()


class PropertyTestEntry(Block):
    """One entry of ``property_tests``."""

    name: Annotated[Text, Field(min_length=1)]
    generator: Annotated[Text, Field(min_length=1)]
    oracle: Annotated[Text, Field(min_length=1)]
    count: Annotated[Whole, Field(ge=1, le=10_000)] = 100


class Skip(Block):
    """Cells that are not to be tested, and why; all the words given must fit a cell."""

    format: FormatWord | None = None
    backend: BackendWord | None = None
    modality: ModalityWord | None = None
    quantization: QuantizationWord | None = None
    reason: Annotated[Text, Field(min_length=1)]
    issue: Text | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words that a cell must all have to be skipped."""
        words = (self.format, self.quantization, self.backend, self.modality)
        return tuple(str(word) for word in words if word is not None)

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        if not self.words:
            raise refusal("names no cell", expected="a format, backend, modality or quantization")
        return self


class Document(Block):
    """A playbook as it is written."""

    name: Name | None = None
    """Default: the file's name."""
    version: Version = "0.0.0"
    """The playbook's own version; 0.0.0 means that it has none."""
    description: Text = ""
    model: Model
    test_matrix: Matrix
    gates: Gates = Gates()
    oracles: Oracles = ()
    """Judges of every scenario that names none."""
    failure_policy: Annotated[
        FailurePolicy, BeforeValidator(kebab_case, json_schema_input_type=FailurePolicy | _SnakePolicies)
    ] = FailurePolicy.STOP_ON_P0
    scenarios: Annotated[tuple[ListedScenario, ...], _Many] = ()
    mvp_matrix: Annotated[tuple[MatrixPrompt, ...], _Many] = ()
    verification_tests: Annotated[tuple[VerificationTest, ...], _Many] = ()
    golden_outputs: Annotated[tuple[GoldenOutput, ...], _Many] = ()
    property_tests: Annotated[tuple[PropertyTestEntry, ...], _Many] = ()
    property_settings: PropertySettings | None = None
    skips: Annotated[tuple[Skip, ...], _Many] = ()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    """Free-form; ``tier`` is read from it."""
    kernel_profile: KernelProfile | None = None
    falsification_gates: tuple[FalsificationGate, ...] = ()
    state_machine: StateMachine | None = None
    differential_tests: DifferentialTests | None = None
    profile_ci: ProfileCi | None = None
    serve: Serve = Serve()
    trace_payload: TracePayload | None = None
    contract_tests: ContractTests | None = None
    limits: dict[LowerText, dict[LowerText, NonNegative]] = Field(default_factory=dict)
    """Limits of comparisons instead of the built-in ones: stored type or quantization → quantity → limit."""
    ollama_parity: OllamaParity | None = None
    verification_gates: tuple[VerificationGate, ...] = ()
    acceptance: dict[str, JsonValue] = Field(default_factory=dict)
    reproduction: dict[str, JsonValue] = Field(default_factory=dict)
    expected: dict[str, JsonValue] = Field(default_factory=dict)
    regression_tests: tuple[dict[str, JsonValue], ...] = ()
    tools_required: tuple[Text, ...] = ()
