"""``python -m pytest_aprqa.cli`` is ``apr-qa``."""

from pytest_aprqa.cli import main

main()
