"""Links into the table of records: the state of its filters as a fragment of the address."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

_LONGEST: Final = 300


def records_link(**filters: str) -> str:
    r"""The fragment that shows the fitting records; without filters all of them.

    >>> records_link(target="gguf-q4_k_m-cpu", outcome="falsified")
    '#records?target=gguf-q4_k_m-cpu&outcome=falsified'
    >>> records_link(q="\ud800")
    '#records'
    """
    if any(len(text) > _LONGEST or not text.isprintable() for text in filters.values()):
        return "#records"
    return f"#records?{urlencode(filters, quote_via=quote)}" if filters else "#records"
