from __future__ import annotations

import pytest

from tests.reports.snapshot import FOLDER, check_snapshot


def test_another_text_or_a_missing_snapshot_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APRQA_UPDATE_SNAPSHOTS", raising=False)
    kept = (FOLDER / "header.txt").read_text()
    check_snapshot("header.txt", kept)
    with pytest.raises(AssertionError):
        check_snapshot("header.txt", f"{kept} ")
    with pytest.raises(AssertionError, match="no snapshot"):
        check_snapshot("missing.txt", "")
