"""Model servers: started, watched and ended as processes of their own, and asked over HTTP as their users ask them."""

from pytest_aprqa.serving.client import Client, Overdue, Unreachable
from pytest_aprqa.serving.command import check_command
from pytest_aprqa.serving.engine import ServedEngine
from pytest_aprqa.serving.open import SERVED_ENGINES, open_server
from pytest_aprqa.serving.reply import Event, Reply, Streamed, finish_of, text_of, usage_of
from pytest_aprqa.serving.server import Server, ServeWish, Stopped
from pytest_aprqa.serving.sse import Parsed, SseParser, parse_sse
from pytest_aprqa.serving.start import NeverReady

__all__ = [
    "SERVED_ENGINES",
    "Client",
    "Event",
    "NeverReady",
    "Overdue",
    "Parsed",
    "Reply",
    "ServeWish",
    "ServedEngine",
    "Server",
    "SseParser",
    "Stopped",
    "Streamed",
    "Unreachable",
    "check_command",
    "finish_of",
    "open_server",
    "parse_sse",
    "text_of",
    "usage_of",
]
