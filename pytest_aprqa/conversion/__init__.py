"""What a model file of any format says in the words of Hugging Face, and how it is written in another format.

Effects: reads files, and writes below the folder it is given; quantizing to K-quants starts a process of its own. Knows
nothing of engines and verdicts.
"""

from pytest_aprqa.conversion.cached import convert_cached
from pytest_aprqa.conversion.configuration import plain_configuration
from pytest_aprqa.conversion.convert import CONVERTER, Converted, convert, digest_of
from pytest_aprqa.conversion.families import FAMILIES, Family
from pytest_aprqa.conversion.open import format_of, open_model
from pytest_aprqa.conversion.pre_tokenizers import equal_names
from pytest_aprqa.conversion.to_folder import write_hf_folder
from pytest_aprqa.conversion.tokens import ROLES, TokenizerFacts, TokenType
from pytest_aprqa.conversion.view import ModelView, TensorView

__all__ = [
    "CONVERTER",
    "FAMILIES",
    "ROLES",
    "Converted",
    "Family",
    "ModelView",
    "TensorView",
    "TokenType",
    "TokenizerFacts",
    "convert",
    "convert_cached",
    "digest_of",
    "equal_names",
    "format_of",
    "open_model",
    "plain_configuration",
    "write_hf_folder",
]
