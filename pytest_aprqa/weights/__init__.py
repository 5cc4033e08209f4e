"""Where the weights of a model are on this machine, and how they get there.

Effects: reads folders; with permission, downloads. Knows nothing of engines, and does not judge what it finds.
"""

from pytest_aprqa.weights.digests import digest_files, digest_memory, digested
from pytest_aprqa.weights.hub_cache import HubCache, hub_cache
from pytest_aprqa.weights.places import Search, Wanted
from pytest_aprqa.weights.resolve import resolve
from pytest_aprqa.weights.signature import MATCHES, SIGNATURE_NAME, compare_signature, verify_command
from pytest_aprqa.weights.smollm2 import SMOLLM2, SMOLLM2_GGUF, fetch_smollm2, told_origin

__all__ = [
    "MATCHES",
    "SIGNATURE_NAME",
    "SMOLLM2",
    "SMOLLM2_GGUF",
    "HubCache",
    "Search",
    "Wanted",
    "compare_signature",
    "digest_files",
    "digest_memory",
    "digested",
    "fetch_smollm2",
    "hub_cache",
    "resolve",
    "told_origin",
    "verify_command",
]
