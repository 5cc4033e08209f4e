"""Planted defects: what each gateway must catch."""

from tests.defects.library import DEFECTS, Defect, plant

__all__ = ["DEFECTS", "Defect", "plant"]
