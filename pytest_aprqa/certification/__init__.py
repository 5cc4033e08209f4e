"""Drives pytest and settles what came of it: reports, tickets, and the registry's row.

Also what is known without a run: the plan of a playbook, and what this machine could run. pytest is a child process
here; nothing of it is imported.
"""

from pytest_aprqa.certification.certify import Candidate, Certifying, certify, foresee, own_files
from pytest_aprqa.certification.choose import choose
from pytest_aprqa.certification.doctor import Health, examine
from pytest_aprqa.certification.errors import CertificationError
from pytest_aprqa.certification.locked import LockState, lock_state, nearest_lock
from pytest_aprqa.certification.outlook import Outlook, outlook_of
from pytest_aprqa.certification.process import Ended, command_line, run_pytest
from pytest_aprqa.certification.register import Newcomer
from pytest_aprqa.certification.seen import Seen, look_for
from pytest_aprqa.certification.settle import Desk, settle_run
from pytest_aprqa.certification.settled import Ending, Settled
from pytest_aprqa.certification.shown import outlook_lines, summary_lines, time_words
from pytest_aprqa.certification.tools import LOOKS, TOOLS_NAME, ToolRow, Tried, foresee_tools, try_tools
from pytest_aprqa.certification.wishes import Wishes, pytest_arguments
from pytest_aprqa.certification.write_reports import ALL_FORMS, ReportForm, digest_of, write_reports

__all__ = [
    "ALL_FORMS",
    "LOOKS",
    "TOOLS_NAME",
    "Candidate",
    "CertificationError",
    "Certifying",
    "Desk",
    "Ended",
    "Ending",
    "Health",
    "LockState",
    "Newcomer",
    "Outlook",
    "ReportForm",
    "Seen",
    "Settled",
    "ToolRow",
    "Tried",
    "Wishes",
    "certify",
    "choose",
    "command_line",
    "digest_of",
    "examine",
    "foresee",
    "foresee_tools",
    "lock_state",
    "look_for",
    "nearest_lock",
    "outlook_lines",
    "outlook_of",
    "own_files",
    "pytest_arguments",
    "run_pytest",
    "settle_run",
    "summary_lines",
    "time_words",
    "try_tools",
    "write_reports",
]
