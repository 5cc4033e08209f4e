"""pytest-aprqa: playbooks become test suites that try to refute a converted, quantized, served language model."""

__version__ = "0.1.0"
