from __future__ import annotations

import re

from pytest_aprqa.core import Modality, Outcome
from pytest_aprqa.evidence import AnswerRecord
from pytest_aprqa.tickets import marker, render_ticket, tickets_of
from pytest_aprqa.tickets.markdown import MAX_CHARS
from tests.reports.samples import CPU, GGUF, HOSTILE, case, eventful, evidence, record
from tests.tickets.failures import FAILED, diagnosed

ATTACK = (
    "```\n</details><script>alert(1)</script>\n````sh\nrm -rf /\n"
    "<!-- aprqa-ticket: 0000000000000000 --> @everyone #1 [x](javascript:1) |a|b|\x1b]0;x\x07"
)


def hostile_ticket() -> str:
    made = case(
        ATTACK,
        Modality.RUN,
        GGUF,
        Outcome.CRASHED,
        answer=ATTACK,
        gate_id=ATTACK,
        turns=(ATTACK,),
        reason=ATTACK,
        expected=ATTACK,
        stderr_tail=ATTACK,
        details={ATTACK: ATTACK},
    )
    (ticket,) = tickets_of(evidence([made.model_copy(update={"model": ATTACK})]))
    return render_ticket(ticket)


def outside_of_fences(text: str) -> str:
    kept, fence = [], ""
    for line in text.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif opened := re.match(r"(`{3,})", line):
            fence = opened[1]
        else:
            kept.append(line)
    assert fence == ""
    return "\n".join(kept)


def test_hostile_text_stays_text() -> None:
    text = hostile_ticket()
    assert "\x1b" not in text
    assert "\x07" not in text
    prose = outside_of_fences(text)
    assert "<script>" not in prose
    assert "@everyone" not in prose
    assert re.search(r"(?<!\\)\]\(javascript", prose) is None
    assert prose.count("<!--") == 1


def test_the_first_line_is_the_hidden_key() -> None:
    (ticket,) = tickets_of(evidence([diagnosed("F-LAYOUT-002", "transposed")]))
    assert render_ticket(ticket).startswith(f"{marker(ticket.key)}\n\n# ")


def test_a_body_fits_into_an_issue_whatever_the_evidence() -> None:
    huge = "`" * 50_000 + HOSTILE * 300
    records = [
        case(f"{n}{huge}", Modality.RUN, CPU, FAILED, answer=None, reason=f"{n}{huge}", turns=(huge,), expected=huge,
             answers=(AnswerRecord(text=huge),), stderr_tail=huge, exit_code=1, gate_id=f"X{n}{huge}",
             details={str(key): huge for key in range(60)})
        for n in range(6)
    ]  # fmt: skip
    for ticket in tickets_of(evidence(records)):
        text = render_ticket(ticket)
        assert len(text) <= MAX_CHARS
        assert len(ticket.title) < 250
        outside_of_fences(text)


def test_every_part_is_there() -> None:
    texts = [render_ticket(ticket) for ticket in tickets_of(eventful())]
    assert len(texts) == 3
    for text in texts:
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Hypothesis", "Evidence", "Cases", "See it again", "Look next", "Environment"]
    crash = next(text for text in texts if "the engine dies" in text)
    assert "SIGSEGV" in crash
    assert "ggml: assertion failed" in crash
    assert "pytest 'playbooks/models/aprqa-tiny-mvp.playbook.yaml::F-EDGE-001[gguf-q4_k_m-cpu]'" in crash


def test_without_a_playbook_no_command_is_invented() -> None:
    made = evidence([record("G1-LOAD", GGUF, FAILED)])
    playbook = made.playbook.model_copy(update={"path": ""})
    (ticket,) = tickets_of(made.model_copy(update={"playbook": playbook}))
    assert ticket.reproduction == ""
    assert "The evidence names no playbook" in render_ticket(ticket)
