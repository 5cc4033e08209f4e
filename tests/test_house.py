"""House rules that no single room can hold: public names, import cost, what the README says."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_aprqa
from pytest_aprqa.plugin.options import OPTIONS

ROOT = Path(__file__).resolve().parent.parent
ROOMS = sorted(module.name for module in pkgutil.iter_modules(pytest_aprqa.__path__) if module.ispkg)
HEAVY = {"torch", "transformers", "hypothesis", "pydantic", "numpy", "yaml", "rich", "click", "gguf", "huggingface_hub"}


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_exist_and_are_sorted(room: str) -> None:
    module = importlib.import_module(f"pytest_aprqa.{room}")
    names = list(module.__all__)
    assert names == sorted(names, key=_isort_key)
    assert all(hasattr(module, name) for name in names)


def _isort_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pytest_aprqa.plugin; print(*sorted(set(sys.argv[1:]) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_a_run_without_playbooks_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import sys
        def test_it():
            assert not {HEAVY!r} & set(sys.modules)
        """
    )
    others = ("hypothesispytest", "anyio", "html", "metadata", "cov", "xdist")
    env = [word for name in others for word in ("-p", f"no:{name}")]
    pytester.runpytest_subprocess(*env).assert_outcomes(passed=1)


def test_the_readme_names_only_options_that_exist() -> None:
    named = set(re.findall(r"--aprqa-[a-z-]*[a-z]", (ROOT / "README.md").read_text()))
    assert named
    assert named <= {option.flag for option in OPTIONS} | {"--aprqa-x"}


def test_the_readme_names_only_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    links = set(re.findall(r"\]\(([^)#:]+)\)", text)) | set(re.findall(r"playbooks/models/\S+?\.yaml", text))
    assert len(links) > 3
    assert [link for link in sorted(links) if not (ROOT / link).exists()] == []


def test_every_room_is_on_the_readmes_map() -> None:
    map_of_rooms = (ROOT / "README.md").read_text().partition("## The map")[2]
    assert [room for room in ROOMS if not re.search(rf"\b{room}\b", map_of_rooms)] == []


def test_shipped_playbooks_can_be_planned() -> None:
    """Those that somebody wrote, and one of each tier of those that bootstrap writes, all of which it has read."""
    from pytest_aprqa.suite import plan_playbook

    paths = sorted((ROOT / "playbooks").rglob("*.playbook.yaml"))
    written = {path: "# Written by: apr-qa bootstrap" in path.read_text() for path in paths}
    one_of_a_tier = {path.name.rpartition("-")[2]: path for path in paths if written[path]}
    chosen = [path for path in paths if not written[path]] + list(one_of_a_tier.values())
    assert len(one_of_a_tier) == 5
    assert len(chosen) >= 10
    for path in chosen:
        plan = plan_playbook(path, {"MODELS": "/models"}, strict=True, unavailable={})
        assert plan.cases
        assert plan.playbook.name == path.name.removesuffix(".playbook.yaml")
        assert path.read_text().startswith("# yaml-language-server: $schema=")


def test_tickets_know_which_options_of_the_plugin_take_no_value() -> None:
    from pytest_aprqa.plugin.options import OPTIONS
    from pytest_aprqa.tickets.reproduction import FLAGS

    assert {option.flag for option in OPTIONS if option.kind == "flag"} == FLAGS
