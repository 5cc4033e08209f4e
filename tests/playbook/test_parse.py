from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aprqa.core import PlaybookError
from pytest_aprqa.playbook import parse
from pytest_aprqa.playbook.parse import parse_yaml
from pytest_aprqa.playbook.tree import locate, plain_data

PATH = Path("p.yaml")


def parsed(text: str) -> object:
    return plain_data(parse_yaml(text, PATH))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("-3.", -3.0),
        ("010", 10),
        ("+7", 7),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-30", "2026-01-30"),
        ("on", "on"),
        ("yes", "yes"),
        ("True", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 1", "1"),
        ("|\n  1\n", "1\n"),
    ],
)
def test_scalars_have_the_types_of_yaml_1_2(text: str, value: object) -> None:
    found = parsed(f"a: {text}")
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**50), 10**50) | st.text(st.characters(exclude_categories=["C"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(categories=["L"])), inner),
        max_leaves=20,
    )
)
def test_what_the_library_writes_reads_back(value: object) -> None:
    assert parsed(yaml.safe_dump(value, allow_unicode=True)) == value


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("a: 1\n\tb: 2\n", "2:1", "not YAML"),
        ("a: [1, 2\n", "2:1", "not YAML"),
        ("a: 1\n---\nb: 2\n", "2:1", "a second document starts"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' stands here twice; found the first one in line 1"),
        ("a: *b\n", "1:4", "the alias '*b' has no anchor"),
        ("a: &x\n  b: *x\n", "2:6", "inside its own anchor"),
        ("a: &a [1]\n*a : 2\n", "2:1", "an alias that is no text stands as a key"),
        ("? [1]\n: 2\n", "1:3", "a key is a list or a mapping"),
        ("a: !!python/object/apply:os.system [x]\n", "1:4", "a tag stands here"),
        ("a: !!int '3'\n", "1:4", "a tag stands here"),
        ("a: .inf\n", "1:4", "not finite"),
        ("a: .NaN\n", "1:4", "not finite"),
        ("a: 1e999\n", "1:4", "not finite"),
        ("a: " + "9" * 5000, "1:4", "more than 100 digits"),
        ("a:\n  <<: 3\n", "2:7", "merges something that is no mapping"),
        ("é: *b\n", "1:4", "has no anchor"),
    ],
)
def test_what_cannot_be_understood_is_refused_where_it_stands(text: str, where: str, problem: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        parse_yaml(text, PATH)
    assert str(caught.value).startswith(f"p.yaml:{where}: ")
    assert problem in str(caught.value)


def test_tabs_are_named() -> None:
    with pytest.raises(PlaybookError, match="not with tabs"):
        parse_yaml("a:\n\t- b\n", PATH)


def test_aliases_and_merge_keys_mean_what_they_name() -> None:
    text = "base: &b {x: 1, y: 2}\nother: &o {x: 5, z: 6}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, *o]}\nthree: *b\n"
    found = parsed(text)
    assert isinstance(found, dict)
    assert found["one"] == {"x": 1, "y": 3}
    assert found["two"] == {"x": 1, "y": 2, "z": 6}
    assert found["three"] == {"x": 1, "y": 2}


def test_an_alias_of_a_text_may_stand_as_a_key() -> None:
    assert parsed("a: &a word\n*a : 1\n&b other: 2\nc: {*b : 3}\n") == {
        "a": "word",
        "word": 1,
        "other": 2,
        "c": {"other": 3},
    }


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parsed('"<<": 1') == {"<<": 1}


def test_every_field_knows_its_line_and_column() -> None:
    root = parse_yaml("a:\n  - b: 1\n    c: [x, yy]\n", PATH)
    places = {steps: locate(root, steps) for steps in [("a",), ("a", 0, "b"), ("a", 0, "c", 1), ("a", 0, "c")]}
    assert {place.field: (place.line, place.column) for place in places.values()} == {
        "a": (1, 1),
        "a[0].b": (2, 8),
        "a[0].c[1]": (3, 12),
        "a[0].c": (3, 5),
    }


def test_the_slow_parser_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, 'é', {b: 2}]\nc: *x\n"
    expected = parse_yaml(text, PATH)
    monkeypatch.setattr(parse, "_LOADER", yaml.SafeLoader)
    assert parse_yaml(text, PATH) == expected
    with pytest.raises(PlaybookError, match=r"p\.yaml:2:1: this is not YAML"):
        parse_yaml("a: [1\n", PATH)
