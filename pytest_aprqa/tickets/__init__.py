"""Failures as tickets: one for each probable cause, with evidence, reproduction and what to look at next. Pure.

Knows nothing of files or issue trackers, but for the words that GitHub's ``gh`` is given.
"""

from pytest_aprqa.tickets.blame import Blame, blame_of
from pytest_aprqa.tickets.causes import CAUSES, Cause, TicketCategory
from pytest_aprqa.tickets.commands import (
    AUTOMATED,
    gh_arguments,
    gh_command,
    gh_label_arguments,
    gh_labels_arguments,
    gh_list_arguments,
)
from pytest_aprqa.tickets.compose import tickets_of
from pytest_aprqa.tickets.defect_map import DEFECT_MAP, Fixture
from pytest_aprqa.tickets.markdown import marker, render_ticket
from pytest_aprqa.tickets.reproduction import options_of, reproduction
from pytest_aprqa.tickets.scene import Scene, scene_of
from pytest_aprqa.tickets.scope import Scope, scope_of
from pytest_aprqa.tickets.severity import Priority
from pytest_aprqa.tickets.ticket import Excerpt, NextStep, Ticket
from pytest_aprqa.tickets.words import cause_of_words

__all__ = [
    "AUTOMATED",
    "CAUSES",
    "DEFECT_MAP",
    "Blame",
    "Cause",
    "Excerpt",
    "Fixture",
    "NextStep",
    "Priority",
    "Scene",
    "Scope",
    "Ticket",
    "TicketCategory",
    "blame_of",
    "cause_of_words",
    "gh_arguments",
    "gh_command",
    "gh_label_arguments",
    "gh_labels_arguments",
    "gh_list_arguments",
    "marker",
    "options_of",
    "render_ticket",
    "reproduction",
    "scene_of",
    "scope_of",
    "tickets_of",
]
