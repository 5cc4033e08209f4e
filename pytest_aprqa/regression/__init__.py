"""Is a later run worse than an earlier one? Two evidence objects in, one comparison out. Pure.

Knows nothing of files, terminals or pytest.
"""

from pytest_aprqa.regression.circumstances import Difference
from pytest_aprqa.regression.compare import compare
from pytest_aprqa.regression.comparison import Comparison, Conclusion, GatewayChange, Limits, Side
from pytest_aprqa.regression.flips import Flip, Told
from pytest_aprqa.regression.mcnemar import McNemar, holm, mcnemar, upper_tail
from pytest_aprqa.regression.measures import MEASURED_GATES, MeasureDelta, Reading
from pytest_aprqa.regression.pairing import Change, Duplicate, Pair, Pairing, Unit, pair_records
from pytest_aprqa.regression.speeds import SpeedDelta, SpeedRatio
from pytest_aprqa.regression.tally import Group, Tally

__all__ = [
    "MEASURED_GATES",
    "Change",
    "Comparison",
    "Conclusion",
    "Difference",
    "Duplicate",
    "Flip",
    "GatewayChange",
    "Group",
    "Limits",
    "McNemar",
    "MeasureDelta",
    "Pair",
    "Pairing",
    "Reading",
    "Side",
    "SpeedDelta",
    "SpeedRatio",
    "Tally",
    "Told",
    "Unit",
    "compare",
    "holm",
    "mcnemar",
    "pair_records",
    "upper_tail",
]
