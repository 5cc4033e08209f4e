"""Engines: what loads a model and answers, each in a supervised child process that may crash, hang or eat memory.

`open_engine` is the way in; `supervise` is for those who write an engine of their own. POSIX systems only.
"""

from pytest_aprqa.engines.instruments import instruments_of
from pytest_aprqa.engines.protocol import (
    Engine,
    EngineFacts,
    Instruments,
    Limits,
    LoadResident,
    OpenEngine,
    Resident,
    Result,
)
from pytest_aprqa.engines.readings import ModuleKind, ModuleTrace, Pace
from pytest_aprqa.engines.registry import engine_names, open_engine
from pytest_aprqa.engines.session import SupervisedEngine, supervise
from pytest_aprqa.engines.threads import default_threads

__all__ = [
    "Engine",
    "EngineFacts",
    "Instruments",
    "Limits",
    "LoadResident",
    "ModuleKind",
    "ModuleTrace",
    "OpenEngine",
    "Pace",
    "Resident",
    "Result",
    "SupervisedEngine",
    "default_threads",
    "engine_names",
    "instruments_of",
    "open_engine",
    "supervise",
]
