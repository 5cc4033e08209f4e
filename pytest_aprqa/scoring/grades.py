"""The two grade tables: thirteen letters on the normalized score, and the certification grade on the MQS.

The same MQS may have two letters (800 is an A- in one table and a B in the other), so the tables have two names.
"""

from __future__ import annotations

from typing import Final

_GRADES: Final = (
    (97, "A+"),
    (93, "A"),
    (90, "A-"),
    (87, "B+"),
    (83, "B"),
    (80, "B-"),
    (77, "C+"),
    (73, "C"),
    (70, "C-"),
    (67, "D+"),
    (63, "D"),
    (60, "D-"),
)
"""Smallest normalized score (0-100) of each letter; below all of them is F."""

_CERT_GRADES: Final = ((950, "A+"), (900, "A"), (850, "B+"), (800, "B"), (700, "C"))
"""Smallest MQS (0-1000) of each letter; below all of them is F."""


def grade(normalized_score: float) -> str:
    """Letter of a normalized score (0-100).

    >>> grade(97.0), grade(91.381), grade(69.99), grade(0)
    ('A+', 'A-', 'D+', 'F')
    """
    return next((letter for least, letter in _GRADES if normalized_score >= least), "F")


def cert_grade(mqs: int) -> str:
    """Certification letter of an MQS (0-1000).

    >>> cert_grade(950), cert_grade(800), cert_grade(699)
    ('A+', 'B', 'F')
    """
    return next((letter for least, letter in _CERT_GRADES if mqs >= least), "F")
