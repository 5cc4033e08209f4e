from __future__ import annotations

import pytest

from pytest_aprqa.gates.server.forks import WIDEST, Parting, Path, Rival, Step, part

TIE = 0.5

PLAIN = Path(
    "abcd",
    (
        Step(2, (Rival("ax", 0.9), Rival("", 0.4))),
        Step(4, (Rival("abx", 0.1), Rival("aby", 2.0), Rival("ab", 0.3))),
        Step(4, (Rival("abcdef", 0.2),)),
    ),
)
"""Three tokens, ``ab``, ``cd`` and a stop, the first two of which might have been stops as well."""


def left(path: Path, text: str) -> tuple[int, int | None, float | None]:
    """Where a text leaves an answer."""
    parting = part(path.text, text, path, tie=TIE)
    assert parting is not None
    return parting.character, parting.token, parting.lead


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("abxd", (2, 1, 0.1)),
        ("abyd", (2, 1, 2.0)),
        ("abzd", (2, 1, None)),
        ("ab", (2, 1, 0.3)),
        ("", (0, 0, 0.4)),
        ("zbcd", (0, 0, None)),
        ("axcd", (1, 0, 0.9)),
        ("abcz", (3, 1, None)),
        ("abcdefg", (4, 2, 0.2)),
        ("abcde", (4, 2, None)),
    ],
)
def test_a_text_leaves_an_answer_at_the_token_from_which_another_leads_to_it(
    text: str, where: tuple[int, int | None, float | None]
) -> None:
    assert left(PLAIN, text) == where
    assert part(text, PLAIN.text, PLAIN, tie=TIE) == part(PLAIN.text, text, PLAIN, tie=TIE)


def test_equal_texts_do_not_part() -> None:
    assert part("ab", "ab", None, tie=TIE) is None


def test_a_token_that_begins_alike_parts_before_the_character_at_which_the_texts_do() -> None:
    # As SmolLM2 in Q4_K_M: own tokens "с", "с"; the server's one token "ск". The second "с" was sure, the first not.
    path = Path("Мосс", (Step(2), Step(3, (Rival("Моск", 0.238),)), Step(4, (Rival("Мосо", 3.0),))))
    assert left(path, "Москва") == (3, 1, 0.238)


def test_the_same_characters_may_be_cut_into_other_tokens() -> None:
    # As SmolLM2 in Q8_0: own tokens "ét", "é"; the server's "é", "th". Only between "ét" and "é" it was undecided.
    path = Path("L'été", (Step(2), Step(4, (Rival("L'é", 0.045),)), Step(5)))
    assert left(path, "L'éthéma") == (4, 1, 0.045)


def test_a_token_that_begins_as_both_texts_do_is_no_excuse_for_what_comes_much_later() -> None:
    # As SmolLM2 after "What is the capital of France?": "La" and "L", of "L'Etoile", were nearly as likely.
    path = Path("La femme", (Step(2, (Rival("L", 0.04),)), Step(5), Step(8)))
    assert left(path, "La grande") == (3, 0, 0.04)
    assert left(path, "La ferme") == (5, 2, None)


def test_the_first_byte_of_a_character_decides_which_it_may_be() -> None:
    # Three tokens: "a", the first byte of a letter, its second; another first byte was nearly as likely.
    path = Path("aж", (Step(1), Step(1, (Rival.of("a\ufffd", 0.03),)), Step(2, (Rival("aк", 2.0),))))
    assert left(path, "a中") == (1, 1, 0.03)
    assert left(path, "ax") == (1, 2, None)
    assert left(path, "жж") == (0, 0, None)
    assert left(path, "a") == (1, 2, None)


def test_a_rival_ends_where_its_last_whole_character_does() -> None:
    assert Rival.of("né\ufffd\ufffd", 1.0) == Rival("né", 1.0, whole=False)
    assert Rival.of("né", 1.0) == Rival("né", 1.0)


@pytest.mark.parametrize("path", [None, Path("abcd", ()), Path("axcd", PLAIN.steps)])
def test_without_an_answer_that_goes_along_nothing_is_known(path: Path | None) -> None:
    parting = part("abcd", "abce", path, tie=TIE)
    assert parting == Parting(3, TIE)
    assert not parting.near_tie
    assert parting.words == "at character 3 (by how much is unknown)"


def test_two_texts_that_both_leave_the_answer_part_where_the_surer_of_the_ways_does() -> None:
    assert part("abx", "aby", PLAIN, tie=TIE) == Parting(2, TIE, 1, 2.0)
    assert part("abx", "abz", PLAIN, tie=TIE) == Parting(2, TIE, 1, None)


def test_a_lead_below_the_limit_is_none() -> None:
    assert Parting(1, TIE, 0, TIE - 0.01).near_tie
    assert not Parting(1, TIE, 0, TIE).near_tie
    assert not Parting(1, TIE, 0, None).near_tie
    assert Parting(1, TIE, 0, -0.2).near_tie


def test_a_parting_says_by_how_much() -> None:
    assert Parting(3, TIE, 2, 0.1234).words == "at character 3 (token 2, by 0.123 nats)"
    assert Parting(3, TIE, 2).words == f"at character 3 (token 2, by over {WIDEST:g} nats)"
