"""Planted defects of conversion and quantization: what each comparison must catch."""

from tests.defects.conversion.library import CONVERSION_DEFECTS, ConversionDefect, plant_in

__all__ = ["CONVERSION_DEFECTS", "ConversionDefect", "plant_in"]
