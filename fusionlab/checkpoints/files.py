"""Files that are written completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CheckpointError(ValueError):
    """A file that cannot be read as a point of weight space.

    Example:
        >>> import tempfile
        >>> from fusionlab.checkpoints import CheckpointError, load
        >>> with tempfile.NamedTemporaryFile() as empty:
        ...     try:
        ...         load(empty.name)
        ...     except CheckpointError as error:
        ...         print("refused")
        refused
    """


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Open a temporary file beside `path`, renamed to it only if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())  # as any new file; some writers make it private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that new files do not get; they can only be read by setting them."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
