"""The lines that pytest prints above a run: which playbook is tested on what; not how that was found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_aprqa.core import counted, visible

_LISTED = 8
"""Targets named one by one; a playbook may have dozens."""


def header_lines(
    playbook: str,
    *,
    aprqa_version: str,
    playbook_version: str | None = None,
    tier: str | None = None,
    model: str,
    targets: Sequence[str],
    devices: Sequence[str] = (),
    engines: Mapping[str, str] | None = None,
    scenarios: int | None = None,
    distinct_prompts: int | None = None,
) -> list[str]:
    """What one playbook of the session is about to test.

    Args:
        playbook: its name.
        aprqa_version: version of this package.
        playbook_version: version that the playbook gives itself.
        tier: its tier.
        model: ``org/name``.
        targets: ids of the targets, in order.
        devices: what computes, such as ``cpu (2 cores)`` or ``cuda: NVIDIA H100``.
        engines: name of an engine or library to its version.
        scenarios: how many scenarios are sent in each cell.
        distinct_prompts: how many of them differ.
    """
    name = visible(" ".join(filter(None, (playbook, playbook_version))))
    lines = [f"aprqa {aprqa_version}: playbook {name} ({f'tier {visible(tier)}' if tier else 'no tier'})"]
    lines.append(f"  model: {visible(model)}")
    lines.append(f"  targets: {_listing(targets)}")
    if scenarios is not None:
        differ = "" if distinct_prompts is None else f", {counted(distinct_prompts, 'distinct prompt')}"
        lines.append(f"  scenarios: {scenarios:,} in each cell{differ}")
    if devices:
        lines.append(f"  devices: {_listing(devices)}")
    if engines:
        lines.append(f"  engines: {_listing([f'{engine} {version}' for engine, version in engines.items()])}")
    return lines


def _listing(words: Sequence[str]) -> str:
    shown = ", ".join(map(visible, words[:_LISTED])) or "none"
    more = len(words) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
