"""What is said to a model, and how its answer is to be judged: tables of wordings, domains, seeded draws.

Everything is pure: the same arguments give the same scenarios in every process. Models, engines and verdicts are
unknown here.
"""

from pytest_aprqa.scenarios.code import code
from pytest_aprqa.scenarios.dialogues import recall
from pytest_aprqa.scenarios.domain import Domain, Generator, Mix
from pytest_aprqa.scenarios.draw import DomainTooSmall, draw, edge_probes
from pytest_aprqa.scenarios.edges import edges
from pytest_aprqa.scenarios.expressions import is_judgeable, oracles_for, parse_generator
from pytest_aprqa.scenarios.fill import Draw, digest, fill
from pytest_aprqa.scenarios.generators import GENERATORS, default_mix
from pytest_aprqa.scenarios.questions import capitals, json_objects
from pytest_aprqa.scenarios.strategies import strategy
from pytest_aprqa.scenarios.sums import Span, arithmetic, word_problems

__all__ = [
    "GENERATORS",
    "Domain",
    "DomainTooSmall",
    "Draw",
    "Generator",
    "Mix",
    "Span",
    "arithmetic",
    "capitals",
    "code",
    "default_mix",
    "digest",
    "draw",
    "edge_probes",
    "edges",
    "fill",
    "is_judgeable",
    "json_objects",
    "oracles_for",
    "parse_generator",
    "recall",
    "strategy",
    "word_problems",
]
