"""Writes the two measurements as the rows of `pytest_aprqa.parity.calibration`. Not run by pytest.

    python -m tests.calibration.table TINY.json SMALL.json

Each file is what ``python -m tests.calibration.limits`` printed; only its last line counts. Costs are rounded up.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from pytest_aprqa.parity.calibration import PREDICTIONS, TENSORS
from pytest_aprqa.parity.quantity import Quantity

ORDER = ("F32", "F16", "BF16", "Q8_0", "APR_Q8", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "IQ4_NL",
         "APR_Q4", "Q3_K", "Q2_K")  # fmt: skip
ROUNDING = 1e-15
"""Costs below this are the rounding of a cosine of one."""


def rounded(cost: float) -> float:
    """Two significant digits, upwards."""
    if cost < ROUNDING:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(cost)) - 1)
    return float(f"{math.ceil(cost / unit - 1e-9) * unit:.2g}")


def group(row: dict[str, float], quantities: tuple[Quantity, ...]) -> str:
    """One tuple of costs, empty where a model has no file of that type."""
    if quantities[0].value not in row:
        return "()"
    return "(" + ", ".join(f"{rounded(row[quantity.value]):.2g}" for quantity in quantities) + ")"


if __name__ == "__main__":
    for name, path in zip(("_TINY", "_SMALL"), sys.argv[1:3], strict=True):
        table = json.loads(Path(path).read_text(encoding="utf-8").strip().splitlines()[-1])
        print(f"{name}: _Costs = {{")  # noqa: T201 - this is what the script is for
        for word in ORDER:
            row = table.get(word, {})
            print(f'    "{word}": ({group(row, TENSORS)},\n        {group(row, PREDICTIONS)}),')  # noqa: T201 - as above
        print("}  # fmt: skip")  # noqa: T201 - as above
