"""For tests of the repository itself: pytester drives the plugin as a user would."""

from __future__ import annotations

pytest_plugins = ["pytester"]
