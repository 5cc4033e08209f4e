"""Arrays arrive as they were written, and a file that is anything but what was asked for is a ValueError."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_aprqa.engines import arrays
from pytest_aprqa.engines.arrays import read_matrix, write_arrays

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_arrays_arrive_as_they_were_written(tmp_path: Path) -> None:
    odd = np.array([[np.nan, np.inf, -0.0, 1e-45]], np.float32)
    files = write_arrays({"a": VALUES, "b": odd, "by columns": np.asfortranarray(VALUES)}, tmp_path)
    assert read_matrix(tmp_path, files["a"], rows=2).tolist() == VALUES.tolist()
    assert read_matrix(tmp_path, files["b"], rows=1).tobytes() == odd.tobytes()
    assert read_matrix(tmp_path, files["by columns"], rows=2).tolist() == VALUES.tolist()


@pytest.mark.parametrize("file", ["../out.npy", "/etc/passwd", "", ".", "..", "sub/0.npy", "nothing.npy", "a\0b"])
def test_a_name_that_is_no_file_of_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "out.npy", VALUES)
    with pytest.raises(ValueError, match="array file"):
        read_matrix(tmp_path / "in", file, rows=2)


def test_links_pipes_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", VALUES)
    (tmp_path / "link.npy").symlink_to(tmp_path / "real.npy")
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "folder.npy").mkdir()
    for name in ("link.npy", "pipe.npy", "folder.npy"):
        with pytest.raises(ValueError, match="array file"):
            read_matrix(tmp_path, name, rows=2)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (VALUES.astype(np.float64), "expected float32"),
        (VALUES.astype(np.int32), "expected float32"),
        (VALUES.astype(">f4"), "expected float32"),
        (VALUES[0], "expected float32"),
        (VALUES[:1], r"\(1, 3\); expected float32 \(2"),
        (VALUES[:, :0], r"\(2, 0\); expected float32"),
        (np.asfortranarray(VALUES), "by columns"),
    ],
)
def test_another_type_or_shape_is_refused(tmp_path: Path, values: np.ndarray[Any, Any], reason: str) -> None:
    np.save(tmp_path / "0.npy", values)
    with pytest.raises(ValueError, match=reason):
        read_matrix(tmp_path, "0.npy", rows=2)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.array([[{}], [{}]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="expected float32"):
        read_matrix(tmp_path, "0.npy", rows=2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw[:-1], "its header means"),
        (lambda raw: raw + b"x", "its header means"),
        (lambda raw: raw[:5], "no readable header"),
        (lambda raw: b"", "no readable header"),
        (lambda raw: b"x" * 500, "no readable header"),
        (lambda raw: raw[:6] + b"\x03\x00" + raw[8:], "its version is not 1.0"),
        (lambda raw: raw.replace(b"(2, 3)", b"(2, 9)"), "its header means"),
        (lambda raw: raw.replace(b"(2, 3), }      ", b"(2, 3999999), }"), "its header means"),
        (lambda raw: raw.replace(b"'shape'", b"'shapy'"), "no readable header"),
        (lambda raw: raw[:8] + b"\xff\xff" + raw[10:] + b" " * 2**16, "no readable header"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: Any, reason: str) -> None:  # noqa: ANN401 - a lambda
    file = tmp_path / "0.npy"
    np.save(file, VALUES)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ValueError, match=reason):
        read_matrix(tmp_path, "0.npy", rows=2)


def test_an_array_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "0.npy", VALUES)
    monkeypatch.setattr(arrays, "MAX_ARRAY_BYTES", VALUES.nbytes - 1)
    with pytest.raises(ValueError, match="at most 23 are taken"):
        read_matrix(tmp_path, "0.npy", rows=2)
