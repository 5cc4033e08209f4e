"""The qualification: what is planned from a playbook, tested on a bench, and stopped by a policy.

The rooms above (plugin, cli) give it pytest items and options; it gives them records.
"""

from pytest_aprqa.suite import qualification
from pytest_aprqa.suite.agenda import BEFORE, Entry, agenda_of, orders_of_gateways
from pytest_aprqa.suite.bench import Bench, BenchSetup
from pytest_aprqa.suite.examiner import Examiner, Trial
from pytest_aprqa.suite.facts import ENGINE, WEIGHTS, playbook_info
from pytest_aprqa.suite.machine import unavailable_words
from pytest_aprqa.suite.overrides import Overrides, override
from pytest_aprqa.suite.plan import Plan, group_key, is_on, plan_of, plan_playbook
from pytest_aprqa.suite.policy import Latch, Scope, scope_of
from pytest_aprqa.suite.quiet import Quiet
from pytest_aprqa.suite.records import record_of_phase
from pytest_aprqa.suite.servers import Servers
from pytest_aprqa.suite.shelf import Shelf
from pytest_aprqa.suite.subjects import Subjects

__all__ = [
    "BEFORE",
    "ENGINE",
    "WEIGHTS",
    "Bench",
    "BenchSetup",
    "Entry",
    "Examiner",
    "Latch",
    "Overrides",
    "Plan",
    "Quiet",
    "Scope",
    "Servers",
    "Shelf",
    "Subjects",
    "Trial",
    "agenda_of",
    "group_key",
    "is_on",
    "orders_of_gateways",
    "override",
    "plan_of",
    "plan_playbook",
    "playbook_info",
    "qualification",
    "record_of_phase",
    "scope_of",
    "unavailable_words",
]
