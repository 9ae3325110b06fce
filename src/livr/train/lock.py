"""One writer per run folder: the system knows who holds the lock, and forgets it with its death."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from livr.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
"""Lies in a run folder while the run is written, and after a process that was killed."""


def refuse_busy(out: Path) -> None:
    """Refuse a run folder that another process writes.

    Args:
        out: The folder; it may be missing.

    Raises:
        ConfigError: With the process.
    """
    with suppress(OSError), (out / LOCK).open("r+", encoding="utf-8") as file:
        _lock(file, out)


@contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Nobody else may write a run folder while the block runs.

    Where there are no such locks (Windows, some network file systems) nothing is locked.

    Args:
        out: The folder.

    Raises:
        ConfigError: Another process writes it.
    """
    file = _open(out / LOCK)
    if file is None:
        yield
        return
    with file:
        _lock(file, out)
        with suppress(OSError):
            file.truncate(0)
            file.write(
                f"process {os.getpid()} on {socket.gethostname()} since "
                f"{datetime.now():%Y-%m-%d %H:%M:%S}"
            )
            file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                (out / LOCK).unlink()


def _open(path: Path) -> IO[str] | None:
    """The file of a lock; None where none can be made, which whoever writes next will say."""
    with suppress(OSError):
        return path.open("a+", encoding="utf-8")
    return None


def _lock(file: IO[str], out: Path) -> None:
    """Lock it until it is closed, if the file system can."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise ConfigError(
            f"{out} is being written by {file.read() or 'another process'}; wait for it, stop it, "
            "or choose another --out"
        ) from None
    except OSError:
        return
