"""Arrays that cross from the child to the supervisor: float32 matrices as .npy files in a folder that the parent made.

The child is not believed: a file must lie inside the folder, and be whole, and say what was asked for. Knows nothing of
pipes and processes, and imports NumPy only where it works, since each child imports this. Every fault of a file is a
`ValueError`.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_ARRAY_BYTES = 8 * 2**30
"""Larger than 8192 tokens × 256,000 ids of float32."""
_MAX_HEADER_BYTES = 4096
"""The header of a matrix takes 128."""


def write_arrays(arrays: Mapping[str, NDArray[np.float32]], folder: Path) -> dict[str, str]:
    """Writes each array; returns its name to the name of its file."""
    import numpy as np

    files = {name: f"{number}.npy" for number, name in enumerate(arrays)}
    for name, array in arrays.items():
        np.save(folder / files[name], np.ascontiguousarray(array, dtype=np.float32), allow_pickle=False)
    return files


def read_matrix(folder: Path, file: str, *, rows: int) -> NDArray[np.float32]:
    """Reads what the child wrote: float32 of shape (rows, columns).

    Args:
        folder: where it was told to write.
        file: the name that it gave.
        rows: how many rows were asked for.

    Raises:
        ValueError: there is no such file, or it is anything else.
    """
    import numpy as np

    if Path(file).name != file or file in {"", ".", ".."}:
        raise ValueError(f"array file {file!r} is no name inside the folder")
    with _open(folder / file) as stream:
        file_bytes = os.fstat(stream.fileno()).st_size
        shape, dtype = _read_header(stream, file)
        if dtype != np.float32 or len(shape) != 2 or shape[0] != rows or shape[1] < 1:
            raise ValueError(f"array {file!r} is {dtype} {shape}; expected float32 ({rows}, at least 1)")
        start, size_bytes = stream.tell(), math.prod(shape) * dtype.itemsize
        if size_bytes > MAX_ARRAY_BYTES or file_bytes != start + size_bytes:
            raise ValueError(
                f"array file {file!r} has {file_bytes} bytes; its header means {start + size_bytes},"
                f" of which at most {MAX_ARRAY_BYTES} are taken"
            )
        values = np.fromfile(stream, dtype=np.float32, count=math.prod(shape))
    return values.reshape(shape)


def _open(path: Path) -> BinaryIO:
    """The file itself: no link is followed, and no pipe waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as exc:
        raise ValueError(f"array file {path.name!r} cannot be opened: {exc}") from exc
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"array file {path.name!r} is no regular file")
    return os.fdopen(descriptor, "rb")


def _read_header(stream: BinaryIO, file: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type by the header; the stream then stands at the values."""
    import numpy as np

    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("its version is not 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=_MAX_HEADER_BYTES)
    except ValueError as exc:
        raise ValueError(f"array file {file!r} has no readable header: {exc}") from exc
    if fortran:
        raise ValueError(f"array file {file!r} is stored by columns; expected rows")
    return shape, dtype
