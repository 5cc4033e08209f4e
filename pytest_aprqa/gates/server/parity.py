"""The judge of F-SERVE-PARITY-001: a server answers what the model's own engine answered before, or says where not."""

from __future__ import annotations

from pytest_aprqa.core import Finish, Json, Verdict, corroborated, falsified
from pytest_aprqa.gates.server.exchanges import OK, ask, excerpt, part_own
from pytest_aprqa.gates.server.service import Service
from pytest_aprqa.gates.server.spoken import MAX_TOKENS, Said
from pytest_aprqa.gates.server.ties import tie_of
from pytest_aprqa.serving.reply import finish_of, text_of


def judge_parity(service: Service) -> Verdict:
    """Greedy texts, character by character; where the model itself was undecided the two may part."""
    equal, ties, wrong = 0, [], []
    missing, tie = 0, tie_of(service)
    for said in service.heard.said:
        reply = ask(service, said.asked)
        text = text_of(reply)
        if reply.status != OK or text is None:
            missing += 1
            continue
        # Servers hide control tokens; that they show none is another gate's.
        parting = None if text == said.text else part_own(said, text, tie)
        if parting is None and (wrong_finish := _finish(finish_of(reply), said)):
            wrong.append(f"{said.asked.name} is {wrong_finish}")
        elif parting is None:
            equal += 1
        elif parting.near_tie:
            ties.append(f"{said.asked.name} parts {parting.words}")
        else:
            wrong.append(
                f"{said.asked.name} is answered {excerpt(text)}, the own engine says {excerpt(said.plain)}: they part "
                f"{parting.words}"
            )
    compared = equal + len(ties) + len(wrong)
    details: dict[str, Json] = {"near_ties": [*ties], "differences": [*wrong[:5]], "limit": tie}
    if wrong:
        return falsified(f"{len(wrong)} of {compared} answers differ: {wrong[0]}", compared=compared, **details)
    note = f", {len(ties)} part where one token leads another by less than {tie:g} nats: {ties[0]}" if ties else ""
    rest = f"; {missing} have no answer" if missing else ""
    return corroborated(f"{equal} of {compared} answers are the own engine's{note}{rest}", compared=compared, **details)


def _finish(finish: str | None, said: Said) -> str:
    """How a finish differs from the own engine's; a stop token that is the last one allowed may count as either."""
    if finish == said.finish or (finish in set(Finish) and len(said.token_ids) == MAX_TOKENS):
        return ""
    return f"finished by {finish!r}, the own engine by {said.finish.value!r}, with the same text"
