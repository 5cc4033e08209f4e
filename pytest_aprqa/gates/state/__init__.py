"""State: what an engine computes again, later, together with other rows, or elsewhere.

One table of checks, one model at work, one function that judges.
"""

from pytest_aprqa.gates.state.table import STATE_CHECKS, judge_state
from pytest_aprqa.gates.state.work import Work

__all__ = ["STATE_CHECKS", "Work", "judge_state"]
