"""The judge of token counts: what a server says it read and wrote, against what the model's own engine did.

The stop token may be counted among the completion or not; both are usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_aprqa.core import Finish, Verdict, corroborated, falsified
from pytest_aprqa.gates.server.exchanges import OK, ask, body_of, stream
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import Said
from pytest_aprqa.serving.reply import text_of, usage_of

KEYS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
RULE: Final = "with or without the stop token"


def judge_usage(service: Service) -> Verdict:
    """F-HTTP-014: unstreamed against the own engine, streamed against unstreamed."""
    compared = 0
    for said in service.heard.said:
        reply = ask(service, said.asked)
        if reply.status != OK:
            continue
        usage = usage_of(reply)
        if usage is None or (lacking := [key for key in KEYS if key not in usage]):
            what = "usage" if usage is None else f"{lacking[0]} in its usage"
            return falsified(f"the answer to {said.asked.name} has no {what}: {body_of(reply)}")
        compared += 1
        if wrong := _wrong(usage, said, same_text=text_of(reply) == said.plain):
            return falsified(f"after {said.asked.name} {wrong}", compared=compared, usage={**usage}, rule=RULE)
        streamed = stream(service, said.asked)
        if streamed.status != OK:
            continue
        compared += 1
        if wrong := _streamed_wrong(streamed.usage, usage, same_text=streamed.text == text_of(reply)):
            return falsified(f"after {said.asked.name} {wrong}", compared=compared, usage={**usage})
    return corroborated(f"{compared} counts are the own engine's, streamed and not, {RULE}", compared=compared)


def _wrong(usage: Mapping[str, int], said: Said, *, same_text: bool) -> str:
    prompt, completion, total = (usage[key] for key in KEYS)
    if prompt != said.prompt_tokens:
        return f"prompt_tokens is {prompt}, the own engine read {said.prompt_tokens}"
    if total != prompt + completion:
        return f"total_tokens is {total}, should be {prompt} + {completion} = {prompt + completion}"
    own = len(said.token_ids)
    # Another text, which is another gate's affair, has another length.
    if own and same_text and completion not in _allowed(said):
        return f"completion_tokens is {completion}, the own engine wrote {own} for the same text ({RULE})"
    return ""


def _allowed(said: Said) -> set[int]:
    own = len(said.token_ids)
    return {own, own - 1} if said.finish is Finish.STOP else {own}


def _streamed_wrong(streamed: Mapping[str, int] | None, usage: Mapping[str, int], *, same_text: bool) -> str:
    if streamed is None:
        return "the stream tells no usage, though it was asked for"
    keys = KEYS if same_text else KEYS[:1]
    other = next((key for key in keys if streamed.get(key) != usage[key]), None)
    if other is None:
        return ""
    return f"the stream's {other} is {streamed.get(other)}, in one piece it is {usage[other]}"
