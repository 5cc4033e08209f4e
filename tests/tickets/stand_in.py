"""A stand-in for GitHub's ``gh``: writes down each word that it is given, and answers as a small repository would."""

from __future__ import annotations

import json
import sys
from pathlib import Path

_SCRIPT = """#!{python} -IS
import json, os, sys
home, words = {home!r}, sys.argv[1:]
def kept(name):
    path = os.path.join(home, name)
    return json.load(open(path)) if os.path.exists(path) else []
def keep(name, value):
    json.dump(value, open(os.path.join(home, name), "w"))
def of(name):
    return [word.partition("=")[2] for word in words if word.startswith(f"--{{name}}=")]
with open(os.path.join(home, "calls.jsonl"), "a") as calls:
    calls.write(json.dumps(words) + "\\n")
known, names = kept("issues.json"), kept("labels.json")
if words[:2] == ["issue", "list"]:
    print(json.dumps(known))
elif words[:2] == ["label", "list"]:
    print(json.dumps([{{"name": name}} for name in names]))
elif words[:2] == ["label", "create"]:
    keep("labels.json", [*names, words[2]])
elif words[:2] == ["issue", "create"]:
    missing = [label for label in of("label") if label not in names]
    if os.path.exists(os.path.join(home, "refuse")) or missing:
        sys.exit(f"could not add label: {{missing}}")
    body, url = open(of("body-file")[0]).read(), f"https://github.com/a/b/issues/{{len(known) + 1}}"
    keep("issues.json", [*known, {{"state": "OPEN", "url": url, "body": body, "title": of("title")[0]}}])
    print(url)
else:
    sys.exit("unknown command")
"""


def install(folder: Path) -> Path:
    """Puts the stand-in into a folder for PATH; what it is told lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "gh"
    script.write_text(_SCRIPT.format(python=sys.executable, home=str(folder)))
    script.chmod(0o755)
    return folder


def calls(folder: Path) -> list[list[str]]:
    """Each call's words, in order."""
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def issues(folder: Path) -> list[dict[str, str]]:
    """What was filed."""
    found: list[dict[str, str]] = json.loads((folder / "issues.json").read_text())
    return found
