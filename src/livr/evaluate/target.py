"""A file that is written at the end of long work: whether it can be is asked before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from os import PathLike, fspath
from pathlib import Path

from livr.errors import ConfigError


def refuse_target(
    path: str | PathLike[str], named: str = "--out", holds: bytes | None = None
) -> None:
    """Refuse the name of a file that could not be written, or that is somebody's data.

    Args:
        path: The file; folders that it needs may be missing.
        named: The option that names it, for the message.
        holds: What every file holds that livr writes there: one that is there already is
            overwritten only if it holds this, too, or is empty. None: it is overwritten.

    Raises:
        ConfigError: It is a folder, lies below something that is none, may not be written, or is
            there already and somebody else's.
    """
    file = Path(path)
    if _means_folder(path, named):
        raise ConfigError(f"{named} {fspath(path)} is a folder; give the name of a file")
    if holds is not None and file.is_file() and not _holds(file, holds):
        raise ConfigError(
            f"{named} {file} is there already and was not written by this command, so it is not "
            "overwritten; choose another name, or delete it"
        )
    _must_be_writable(file, file.absolute().parents, named)


def file_in(path: str | PathLike[str], name: str) -> Path:
    """The file that `--out` names: if that is a folder, the one called `name` in it.

    Args:
        path: A file or a folder; that it is one to be made, a slash at its end says.
        name: The name of the file in a folder.

    Raises:
        ConfigError: The system cannot even look for it.
    """
    return Path(path) / name if _means_folder(path, "--out") else Path(path)


def refuse_folder(path: str | PathLike[str]) -> None:
    """Refuse an `--out` folder that no file could be written into.

    Args:
        path: The folder; it and those above it may be missing.

    Raises:
        ConfigError: It is a file, lies below one, or may not be written.
    """
    folder = Path(path)
    _is_folder(folder, "--out")
    _must_be_writable(folder, [folder.absolute(), *folder.absolute().parents], "--out")


def _holds(file: Path, mark: bytes) -> bool:
    """Whether a file holds some bytes, or none at all."""
    try:
        # Mapped, not read: a slip of the hand may name a checkpoint of many gigabytes.
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as found:
            return found.find(mark) >= 0
    except ValueError:  # an empty file cannot be mapped
        return True
    except OSError:
        return False


def _means_folder(path: str | PathLike[str], named: str) -> bool:
    # Path drops the slash that says so of a folder which is not there yet.
    return _is_folder(Path(path), named) or fspath(path).endswith(("/", os.sep))


def _is_folder(path: Path, named: str) -> bool:
    """Whether there is such a folder; refuses what the system cannot even look for."""
    try:
        return path.is_dir()
    except OSError as error:  # such as a name longer than the system takes
        raise ConfigError(
            f"{named} {path} is no path that can be used: {error.strerror}; choose another"
        ) from error


def _must_be_writable(file: Path, folders: Sequence[Path], named: str) -> None:
    """Look at the first of some folders, from the inside out, that is there."""
    # A link that leads nowhere is in the way, too.
    above = next(folder for folder in folders if os.path.lexists(folder))
    if not above.is_dir():
        raise ConfigError(
            f"{named} {file}: {above} is not a folder, so nothing can be written below it; "
            "choose another place"
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{named} {file}: nothing may be written in {above}; change its permissions or "
            "choose another place"
        )
