"""The tokenizer of a Hugging Face folder: tokenizer.json, tokenizer_config.json, and the ids in the configurations.

Only tokenizer.json is read, the form that every model can be saved in; older folders without it have no tokenizer here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pytest_aprqa.conversion.pre_tokenizers import name_of
from pytest_aprqa.conversion.tokens import (
    BYTE_LEVEL,
    SENTENCEPIECE,
    TokenizerFacts,
    TokenType,
    flag,
    padding_text,
    special_ids,
    texts_of,
)
from pytest_aprqa.core import ArtefactError, Json
from pytest_aprqa.formats import inside, read_json

_FILE: Final = "tokenizer.json"
_MAX_TEMPLATE_BYTES: Final = 1 << 20
_BLANK: Final = "\u2581"
_MAX_ID: Final = 1 << 20


def read_tokenizer(folder: Path, config: Mapping[str, Json]) -> TokenizerFacts | None:
    """What the folder says of its tokenizer; None where it has no tokenizer.json.

    Args:
        folder: in Hugging Face layout.
        config: its config.json.

    Raises:
        ArtefactError: the files are broken.
    """
    if not (folder / _FILE).exists():
        return None
    path = inside(folder, _FILE)
    tokenizer = read_json(path)
    settings = _optional(folder, "tokenizer_config.json")
    generation = _optional(folder, "generation_config.json")
    model = tokenizer.get("model")
    if not isinstance(model, dict):
        raise ArtefactError("the tokenizer has no model", path=path, expected="model: {...}")
    kind, unwritable = _kind(model, tokenizer)
    added = _added(tokenizer, path)
    vocabulary, types = _vocabulary(model, added, kind, path)
    merges = _merges(model, path)
    pre = _pre(tokenizer, model, config) if kind == BYTE_LEVEL else "default" if kind == SENTENCEPIECE else None
    if kind == BYTE_LEVEL and pre is None:
        unwritable = f"no name is known for the pre-tokenizer {_brief(tokenizer.get('pre_tokenizer'))}"
    special = _special(settings, config, generation, vocabulary, path)
    begin, end = _ends(tokenizer.get("post_processor"), special, vocabulary)
    add_bos, add_eos = flag(settings.get("add_bos_token")), flag(settings.get("add_eos_token"))
    return TokenizerFacts(
        model=kind,
        vocabulary=vocabulary,
        merges=merges,
        token_types=types,
        special=special,
        pre=pre,
        scores=_scores(vocabulary, merges) if kind == SENTENCEPIECE else None,
        add_bos=begin if add_bos is None else add_bos,
        add_eos=end if add_eos is None else add_eos,
        add_space_prefix=_prefixed(tokenizer) if kind == SENTENCEPIECE else None,
        chat_template=_template(folder, settings),
        unwritable=unwritable or _unwritable_normalizer(tokenizer, kind),
    )


def _optional(folder: Path, name: str) -> dict[str, Json]:
    return read_json(inside(folder, name)) if (folder / name).exists() else {}


def _kind(model: Mapping[str, Json], tokenizer: Mapping[str, Json]) -> tuple[str, str]:
    """Which of GGUF's models it is, and why it is none."""
    said = model.get("type") or ("BPE" if "merges" in model else "unknown")
    if said != "BPE":
        return str(said), f"a tokenizer of type {said} cannot be written, only BPE"
    steps = [*_nested(tokenizer.get("normalizer"), "normalizers")]
    steps += _nested(tokenizer.get("pre_tokenizer"), "pretokenizers")
    blanks = any(_replaces_blanks(step) or step.get("type") == "Metaspace" for step in steps)
    if not blanks:
        return BYTE_LEVEL, ""
    return SENTENCEPIECE, "" if model.get("byte_fallback") else "it has no tokens for single bytes (byte_fallback)"


def _replaces_blanks(step: Mapping[str, Json]) -> bool:
    return step.get("type") == "Replace" and step.get("content") == _BLANK


def _nested(structure: Json, key: str) -> Iterator[Mapping[str, Json]]:
    if not isinstance(structure, dict):
        return
    parts = structure.get(key)
    if structure.get("type") == "Sequence" and isinstance(parts, list):
        for part in parts:
            yield from _nested(part, key)
    else:
        yield structure


def _unwritable_normalizer(tokenizer: Mapping[str, Json], kind: str) -> str:
    allowed = {"NFC"} if kind == BYTE_LEVEL else {"Prepend", "Replace"}
    kinds = [str(step.get("type")) for step in _nested(tokenizer.get("normalizer"), "normalizers")]
    strange = [name for name in kinds if name not in allowed]
    return f"llama.cpp has no normalizer {', '.join(strange)}"[:200] if strange else ""


def _prefixed(tokenizer: Mapping[str, Json]) -> bool:
    normalizers = [step.get("type") for step in _nested(tokenizer.get("normalizer"), "normalizers")]
    schemes = [
        step.get("prepend_scheme", "always" if step.get("add_prefix_space", True) else "never")
        for step in _nested(tokenizer.get("pre_tokenizer"), "pretokenizers")
        if step.get("type") == "Metaspace"
    ]
    return "Prepend" in normalizers or any(scheme != "never" for scheme in schemes)


def _pre(tokenizer: Mapping[str, Json], model: Mapping[str, Json], config: Mapping[str, Json]) -> str | None:
    return name_of(
        tokenizer.get("pre_tokenizer"),
        ignore_merges=bool(model.get("ignore_merges")),
        model_type=str(config.get("model_type")),
    )


def _added(tokenizer: Mapping[str, Json], path: Path) -> dict[int, tuple[str, bool]]:
    """Text and whether it is special, by id."""
    listed = tokenizer.get("added_tokens") or []
    added: dict[int, tuple[str, bool]] = {}
    for token in listed if isinstance(listed, list) else [None]:
        match token:
            case {"id": int(index), "content": str(text), **rest} if 0 <= index < _MAX_ID:
                added[index] = (text, bool(rest.get("special")))
            case _:
                raise ArtefactError("added_tokens has an entry without id and content", path=path, found=_brief(token))
    return added


def _vocabulary(
    model: Mapping[str, Json], added: Mapping[int, tuple[str, bool]], kind: str, path: Path
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    vocab = model.get("vocab")
    if not isinstance(vocab, dict):
        # Unigram lists [text, score]; its kind is not converted, but its texts can be compared.
        pairs = vocab if isinstance(vocab, list) else []
        vocab = {str(pair[0]): index for index, pair in enumerate(pairs) if isinstance(pair, list) and pair}
    texts: dict[int, str] = {}
    for text, index in vocab.items():
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < _MAX_ID:
            raise ArtefactError(f"the token {text[:80]!r} has no usable id", path=path, found=_brief(index))
        texts[index] = text
    types = {index: _type_of(text, model, kind) for index, text in texts.items()}
    for index, (text, special) in added.items():
        controls = special or _looks_special(text)
        if types.get(index) != TokenType.UNKNOWN:
            types[index] = TokenType.CONTROL if controls else TokenType.USER_DEFINED
        texts[index] = text if controls else text.replace(_BLANK, " ")
    count = max(texts, default=-1) + 1
    return (
        tuple(texts.get(index, padding_text(index)) for index in range(count)),
        tuple(int(types.get(index, TokenType.UNUSED)) for index in range(count)),
    )


def _type_of(text: str, model: Mapping[str, Json], kind: str) -> TokenType:
    if kind == SENTENCEPIECE:
        if text == model.get("unk_token"):
            return TokenType.UNKNOWN
        if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            return TokenType.BYTE
    return TokenType.NORMAL


def _looks_special(text: str) -> bool:
    """What llama.cpp's converter takes for a control token though the file does not call it special."""
    brackets = (("<|", "|>"), ("<\uff5c", "\uff5c>"), ("<unused", ">"))
    return text in ("<pad>", "<mask>", "<2mass>", "[@BOS@]") or any(
        text.startswith(start) and text.endswith(end) for start, end in brackets
    )


def _merges(model: Mapping[str, Json], path: Path) -> tuple[str, ...]:
    """As ``left right``; a space inside a part is written as byte-level alphabets write it."""
    merges = model.get("merges") or []
    if isinstance(merges, list) and merges and isinstance(merges[0], list):
        pairs = [pair for pair in merges if isinstance(pair, list) and len(pair) == 2]
        if len(pairs) != len(merges):
            raise ArtefactError("merges has an entry that is no pair", path=path)
        merges = [" ".join(str(part).replace(" ", "\u0120") for part in pair) for pair in pairs]
    return texts_of(merges, "merges", path=path)


def _scores(vocabulary: tuple[str, ...], merges: tuple[str, ...]) -> tuple[float, ...]:
    """Scores that make SentencePiece merge in the order of the merges: minus the rank of a token's first merge."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault(merge.replace(" ", "", 1), rank)
    # A token that no merge makes is never the result of one, whatever its score.
    return tuple(-float(ranks[text]) if text in ranks else 0.0 for text in vocabulary)


def _special(
    settings: Mapping[str, Json],
    config: Mapping[str, Json],
    generation: Mapping[str, Json],
    vocabulary: tuple[str, ...],
    path: Path,
) -> dict[str, int]:
    """Ids by role: the tokenizer's own word first, then the model's."""
    index_of = {text: index for index, text in enumerate(vocabulary)}
    stated: dict[str, Json] = {}
    for role in ("bos", "eos", "unk", "pad", "sep", "mask"):
        token = settings.get(f"{role}_token")
        text = token.get("content") if isinstance(token, dict) else token
        known = index_of.get(text) if isinstance(text, str) else None
        stated[role] = _id(config.get(f"{role}_token_id"), len(vocabulary)) if known is None else known
    stops = generation.get("eos_token_id")
    others = [stop for stop in stops if stop != stated["eos"]] if isinstance(stops, list) else []
    # llama.cpp has two more roles that end an answer; more stops than three it must guess by their texts.
    stated |= dict(zip(("eot", "eom"), others, strict=False))
    return special_ids(stated, len(vocabulary), path=path)


def _id(stated: Json, count: int) -> int | None:
    """The id that a configuration states, or the first of several; None where it is none of a token.

    Published configurations say -1, or an id past the end, and mean that there is none.
    """
    first = stated[0] if isinstance(stated, list) and stated else stated
    usable = isinstance(first, int) and not isinstance(first, bool) and 0 <= first < count
    return first if usable and isinstance(first, int) else None


def _ends(structure: Json, special: Mapping[str, int], vocabulary: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether the post-processor puts BOS in front, and EOS behind."""
    for step in _nested(structure, "processors"):
        single = step.get("single")
        if step.get("type") == "TemplateProcessing" and isinstance(single, list) and single:
            texts = [_special_text(single[place]) for place in (0, -1)]
            roles = [vocabulary[special[role]] if role in special else None for role in ("bos", "eos")]
            return texts[0] is not None and texts[0] == roles[0], texts[1] is not None and texts[1] == roles[1]
    return False, False


def _special_text(item: Json) -> str | None:
    match item:
        case {"SpecialToken": {"id": str(text)}}:
            return text
        case _:
            return None


def _template(folder: Path, settings: Mapping[str, Json]) -> str | None:
    """The chat template: of its own file, as `transformers` prefers it, else of tokenizer_config.json."""
    path = folder / "chat_template.jinja"
    if path.exists():
        try:
            with inside(folder, path.name).open("rb") as stream:
                text = stream.read(_MAX_TEMPLATE_BYTES + 1)
            if len(text) > _MAX_TEMPLATE_BYTES:
                raise ArtefactError("is too large", path=path, expected=f"at most {_MAX_TEMPLATE_BYTES} bytes")
            return text.decode("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ArtefactError(f"cannot be read: {exc}", path=path) from exc
    stated = settings.get("chat_template")
    if stated is None and (folder / "chat_template.json").exists():
        stated = _optional(folder, "chat_template.json").get("chat_template")
    if isinstance(stated, list):
        named = {str(each.get("name")): each.get("template") for each in stated if isinstance(each, dict)}
        stated = named.get("default")
    return stated if isinstance(stated, str) else None


def _brief(value: Json) -> str:
    return repr(value)[:200]
