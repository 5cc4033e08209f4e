"""Servers: what a client sees of a server that holds the model, gate by gate."""

from pytest_aprqa.gates.server.known import KNOWN, Known, known_deviation
from pytest_aprqa.gates.server.service import Said, Service, Spoken, listen
from pytest_aprqa.gates.server.table import SERVER_CHECKS, SERVER_ENDINGS, SERVER_START, judge_service

__all__ = [
    "KNOWN",
    "SERVER_CHECKS",
    "SERVER_ENDINGS",
    "SERVER_START",
    "Known",
    "Said",
    "Service",
    "Spoken",
    "judge_service",
    "known_deviation",
    "listen",
]
