"""How cases are spread over xdist workers: those that belong together go to one worker, in order.

What belongs together follows from the failure policy: a target's cases (so that each model is loaded once), or all that
one failure may end (so that it ends the same with any number of workers). Items of other plugins are spread one by one.
Imported only when xdist distributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from xdist.scheduler import LoadScheduling, LoadScopeScheduling

from pytest_aprqa.plugin.marks import is_playbook

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling
    from xdist.workermanage import WorkerController

_TARGET: Final = re.compile(r"\[((?:safetensors|apr|gguf)(?:-[a-z0-9_]+)?-(?:cpu|gpu))(?=[-\]])")
"""The target in an item's name, such as ``chat[gguf-q4_k_m-cpu-two_plus_two]``."""


def group_of(nodeid: str, scope_of: Callable[[str], str]) -> str:
    """The group that an item belongs to.

    Args:
        nodeid: pytest's id of the item.
        scope_of: path of a playbook → ``target``, ``model`` or ``session``.

    >>> group_of("a.playbook.yaml::run[gguf-q8_0-cpu-x]", lambda path: "target")
    'a.playbook.yaml::gguf-q8_0-cpu'
    >>> group_of("a.playbook.yaml::run[gguf-q8_0-cpu-x]", lambda path: "model")
    'a.playbook.yaml'
    >>> group_of("test_a.py::test_b", lambda path: "target")
    'test_a.py::test_b'
    """
    path, _, name = nodeid.partition("::")
    if not is_playbook(path):
        return nodeid
    scope = scope_of(path)
    if scope == "session":
        return scope
    target = _TARGET.search(name)
    return f"{path}::{target[1]}" if target and scope == "target" else path


def keeps_together(config: pytest.Config) -> bool:
    """Whether all cases of a target will run in one worker."""
    return not _user_chose(config) or config.getoption("dist") in ("loadfile", "loadscope", "each", "no")


def make_scheduler(config: pytest.Config, log: Producer, scope_of: Callable[[str], str]) -> Scheduling | None:
    """Our scheduler, or None where the user chose how to distribute.

    Args:
        config: the controller's.
        log: xdist's.
        scope_of: path of a playbook → ``target``, ``model`` or ``session``.
    """
    return None if _user_chose(config) else LateScheduling(config, log, scope_of)


def _user_chose(config: pytest.Config) -> bool:
    """``-n`` alone means ``--dist load`` to xdist, so that value counts only where it was typed."""
    words = (*config.invocation_params.args, *config.getini("addopts"))
    typed = any(str(word) == "-d" or str(word).startswith("--dist") for word in words)
    return typed or config.getoption("dist") != "load"


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """xdist's scope scheduler with our groups, and with counters where it would count every item after every test."""

    def __init__(self, config: pytest.Config, log: Producer, scope_of: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self._scope_of = scope_of
        self._groups: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._left: dict[str, int] = {}

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Marks the test done; a finished group is forgotten, so that what is pending stays quick to count."""
        group = self._split_scope(self.registered_collections[node][item_index])
        self._left[group] -= 1
        super().mark_test_complete(node, item_index, duration)
        if not self._left[group]:
            del self.assigned_work[node][group]

    def _split_scope(self, nodeid: str) -> str:
        if nodeid not in self._groups:
            self._groups[nodeid] = group_of(nodeid, self._scope_of)
        return self._groups[nodeid]

    def _assign_work_unit(self, node: WorkerController) -> None:
        group, unit = self.workqueue.popitem(last=False)
        self.assigned_work.setdefault(node, {})[group] = unit
        waiting = [nodeid for nodeid, completed in unit.items() if not completed]
        self._left[group] = len(waiting)
        if not self._places:
            self._places = {nodeid: place for place, nodeid in enumerate(self.registered_collections[node])}
        node.send_runtest_some([self._places[nodeid] for nodeid in waiting])

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        return sum(self._left[group] for group in workload)


class LateScheduling:
    """Decides at the first collection: our groups if it holds a playbook, else xdist's own default.

    So a run without playbooks is distributed as if this plugin were not installed.
    """

    def __init__(self, config: pytest.Config, log: Producer, scope_of: Callable[[str], str]) -> None:
        self.config = config
        self._log = log
        self._chosen: Any = GroupScheduling(config, log, scope_of)
        self._decided = False

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Takes a worker's collection; the first one decides."""
        if not self._decided:
            self._decided = True
            if not any(is_playbook(nodeid.partition("::")[0]) for nodeid in collection):
                nodes = self._chosen.nodes
                self._chosen = LoadScheduling(self.config, self._log)
                for known in nodes:
                    self._chosen.add_node(known)
        self._chosen.add_node_collection(node, collection)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the chosen scheduler's
        return getattr(self._chosen, name)
