"""The ``apr-qa`` command: what is done with playbooks, weights and evidence outside a pytest run.

Each command parses, calls one thing and prints. Exit codes: 0 done and passed, 1 done and not passed, 2 wrong usage or
unreadable input. Heavy rooms are imported by the command that needs them, so that ``--help`` is quick.
"""

from pytest_aprqa.cli.app import apr_qa, main

__all__ = ["apr_qa", "main"]
