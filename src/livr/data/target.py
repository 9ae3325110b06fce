"""The folder that a command writes: asked before any work, and put in place as a whole."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from livr.errors import DataError
from livr.files import told_as

MANIFEST = "manifest.json"


def writable_target(out: Path, overwrite: bool = False, inputs: Iterable[str | Path] = ()) -> Path:
    """Returns the folder to write, with links followed. Asked first, before long work.

    Args:
        out: The folder.
        overwrite: Whether it may be there and hold something.
        inputs: What is read, see `spare_inputs`.

    Raises:
        DataError: It is a file, holds the current folder, is a mount point, would take an input
            away, is not empty and `overwrite` is False, or may not be deleted.
    """
    target = out.resolve()
    if target.exists() and not target.is_dir():
        raise DataError(f"{out} exists and is not a folder; choose another --out")
    if Path.cwd().is_relative_to(target):
        raise DataError(
            f"--out {out} is the folder you are in, or one above it; it is replaced as a whole, "
            "so choose a new folder"
        )
    if target.is_mount():
        raise DataError(f"{out} is a mount point and cannot be replaced; choose a folder inside it")
    spare_inputs(out, inputs)
    if not target.is_dir() or not any(target.iterdir()):
        return target
    if not overwrite:
        raise DataError(f"{out} exists and is not empty; choose another --out or add --overwrite")
    if locked := _locked(target):
        raise DataError(
            f"{out} cannot be replaced, you may not delete what is in {locked}; choose another "
            f"--out, or allow it: chmod -R u+rwX {out}"
        )
    return target


def spare_inputs(out: Path, inputs: Iterable[str | Path]) -> None:
    """Refuses a folder to write that takes with it what is read.

    That is: the folder is or contains an input; or it lies in an input, holds something, and has
    no manifest of ours, so that it must be a part of that input.

    Args:
        out: The folder, replaced as a whole.
        inputs: Files and folders.

    Raises:
        DataError: Names the input.
    """
    target = out.resolve()
    if not target.is_dir():
        return
    foreign = any(target.iterdir()) and not (target / MANIFEST).is_file()
    for given in map(Path, inputs):
        real = given.resolve()
        places = {real} if given.name == ".." else {real, given.parent.resolve() / given.name}
        if any(place.is_relative_to(target) for place in places):
            relation = "is" if real == target else "contains"
        elif foreign and target.is_relative_to(real):
            relation = "is a part of"
        else:
            continue
        raise DataError(
            f"--out {out} {relation} {given}, which is read here and would be deleted: --out is "
            "replaced as a whole, so choose a new folder"
        )


def _locked(folder: Path) -> Path | None:
    """The first folder in it, or itself, whose contents may not be deleted."""
    for here, folders, files in os.walk(folder):
        if (folders or files) and not os.access(here, os.W_OK | os.X_OK):
            return Path(here)
        for below in (Path(here) / name for name in folders):
            # One that cannot be listed is not walked into.
            if not below.is_symlink() and not os.access(below, os.R_OK):
                return below
    return None


@contextlib.contextmanager
def parents_of(target: Path) -> Iterator[None]:
    """Makes the folders above the target; those that it made go again if the block fails."""
    missing = list(itertools.takewhile(lambda folder: not folder.exists(), target.parents))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def staged_folder(
    out: Path, overwrite: bool = False, inputs: Iterable[str | Path] = ()
) -> Iterator[Path]:
    """Gives an empty folder that becomes `out` if the block ends without error.

    A link stays, and the folder it leads to is written. Args are those of `writable_target`.

    Raises:
        DataError: See `writable_target`; or the old folder could not be deleted.
    """
    target = writable_target(out, overwrite, inputs)
    started = str(target.with_name(f".{target.name}-"))
    with told_as(out, started), parents_of(target):
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        stage.chmod(0o755)
        try:
            yield stage
            _put(stage, target)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _put(stage: Path, target: Path) -> None:
    """Renames the staged folder to the target, which is the old one or the new one afterwards."""
    if not target.is_dir():
        stage.replace(target)
        return
    old = stage.with_name(stage.name + "-old")
    target.replace(old)
    try:
        stage.replace(target)
    finally:  # also after Ctrl-C
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.replace(target)
    if old.exists():
        raise DataError(
            f"{target} is written and complete, but what it replaced could not be deleted and "
            f"lies in {old}; delete it"
        )
