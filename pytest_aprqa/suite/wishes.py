"""What a playbook says about its checks: limits and thresholds of its own, prompts, lengths, who serves. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import replace

from pytest_aprqa.core import AprqaError, Format, PlaybookError, Target
from pytest_aprqa.gates import Options, Thresholds, thresholds_of
from pytest_aprqa.parity import Quantity, canonical, words
from pytest_aprqa.playbook import Playbook, ProfileAssertions
from pytest_aprqa.serving import ServeWish


def limits_of(playbook: Playbook) -> dict[str, float]:
    """The playbook's own limits, as ``type.quantity``.

    Raises:
        PlaybookError: there is no such type or quantity.
    """
    found: dict[str, float] = {}
    for word, limits in playbook.declared.limits.items():
        try:
            known = canonical(word).lower()
        except AprqaError:
            raise _unknown(playbook, f"limits.{word}", word, [it.lower() for it in words()]) from None
        for quantity, limit in limits.items():
            if quantity not in set(Quantity):
                raise _unknown(playbook, f"limits.{word}.{quantity}", quantity, list(Quantity))
            found[f"{known}.{quantity}"] = limit
    return found


def options_of(playbook: Playbook) -> Options:
    """What the playbook's blocks ask to be compared."""
    options = Options()
    tests, trace = playbook.declared.differential_tests, playbook.declared.trace_payload
    compare = None if tests is None else tests.inference_compare
    if compare is not None and compare.enabled:
        prompts = options.prompts if compare.prompt is None else (compare.prompt, *options.prompts)
        options = replace(options, prompts=tuple(dict.fromkeys(prompts)), max_tokens=compare.max_tokens)
    if trace is not None and trace.enabled and trace.prompt:
        options = replace(options, trace_prompt=trace.prompt)
    return options


def thresholds_for(playbook: Playbook, target: Target) -> Thresholds:
    """What is asserted of a target's speed and memory: by the playbook, else by default."""
    profile = playbook.declared.profile_ci
    return thresholds_of(ProfileAssertions() if profile is None else profile.assertions, target.format, target.backend)


def wish_for(playbook: Playbook, target: Target, environment: Mapping[str, str]) -> ServeWish:
    """Who serves a target: the playbook's command or endpoint, else the bundled server of its format."""
    serve = playbook.declared.serve
    if target.format not in (serve.formats or tuple(Format)):
        return ServeWish()
    return ServeWish(
        command=serve.command,
        url=serve.url,
        model=serve.model,
        api_key=environment.get(serve.api_key_env) if serve.api_key_env else None,
        health=serve.health,
        ready_timeout_ms=serve.ready_timeout_ms,
    )


def _unknown(playbook: Playbook, field: str, word: str, known: Collection[str]) -> PlaybookError:
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return PlaybookError(
        f"{word[:60]!r} has no limits; expected one of {', '.join(known)}{hint}",
        path=playbook.path,
        line=playbook.line_of(field),
        column=1,
        field=field,
    )
