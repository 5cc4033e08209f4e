"""Moments as the registry and evidence write them: RFC 3339, with any number of digits after the second."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_FORM: Final = re.compile(r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE)
_MICROSECONDS: Final = 7
"""A point and six digits: what `datetime` can hold."""


def moment_of(text: str) -> datetime | None:
    """The moment in UTC; None where the text is none.

    >>> moment_of("2026-02-13T00:45:20.430428576Z").isoformat()
    '2026-02-13T00:45:20.430428+00:00'
    >>> moment_of("2026-02-30T00:00:00Z") is None
    True
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    zone = "+00:00" if found[3] in "Zz" else found[3]
    try:
        return datetime.fromisoformat(f"{found[1]}{(found[2] or '')[:_MICROSECONDS]}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def text_of(moment: datetime) -> str:
    """The moment as we write it, in UTC and to the second.

    >>> text_of(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
    '2026-01-02T03:04:05Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
