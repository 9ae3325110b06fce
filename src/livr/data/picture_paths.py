"""Paths of pictures as rows have them, and why one of them cannot be used."""

from __future__ import annotations

import errno
import functools
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from livr.data.rows import is_unicode, shortened


def path_problem(root: Path, image: str) -> str | None:
    """Says why an image path cannot be used, or None: empty, absolute, outside, missing."""
    if not image:
        return "an image path is empty"
    name = shortened(image)
    if "\0" in image:
        return f"image path {name!r} holds a zero byte"
    if not is_unicode(image):
        return f"image path {name} holds a lone surrogate, half of a character; mend it"
    if Path(image).is_absolute() or image.startswith(("~", "\\")) or image[1:3] in (":\\", ":/"):
        return f"image {name} is an absolute path; paths must be relative to the data set folder"
    inside = root.resolve()
    try:
        resolved = (root / image).resolve()
    except (OSError, RuntimeError) as error:
        return f"image {name} cannot be resolved: {getattr(error, 'strerror', error)}"
    if not resolved.is_relative_to(inside):
        how = "through a link" if ".." not in Path(image).parts else "through .."
        return f"image {name} leaves the data set folder {how}; copy the file into it"
    return file_problem(resolved, name)


def file_problem(path: Path, name: str) -> str | None:
    """Says why there is no such image file, or None.

    Args:
        path: The file.
        name: The path as the row has it, for the message.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no text that a path can be
        return f"image {name} does not exist{_advice(path, name)}"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return (
                f"image {name} is no path that can be used ({error.strerror}); a row names the "
                "image file, it does not hold it"
            )
        return f"image {name} cannot be read ({error.strerror}); see who may read its folder"
    return None if stat.S_ISREG(mode) else f"image {name} is not a file"


def _advice(path: Path, name: str) -> str:
    """What to do about a file that is not there, if it can be told."""
    if "\\" in path.name:
        return "; write its path with / instead of \\"
    there = next((folder for folder in path.parents if folder.is_dir()), path.parent)
    wanted = path.relative_to(there).parts
    found = _alike(there, wanted)
    if not found:
        return ""
    if all(_nfc(a) == _nfc(b) for a, b in zip(found, wanted, strict=True)):
        return (
            ", but a file of that name is there whose letters are stored in another Unicode form "
            "(macOS writes NFD, most others NFC); rename it, or write the path as the file has it"
        )
    shown = Path(*Path(name).parts[: -len(wanted)], *found)
    return f", but {shown} does; upper and lower case count, so write it like that"


def _alike(folder: Path, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The path below a folder that differs in case or Unicode form alone; empty if there is none.

    Args:
        folder: A folder that is there.
        wanted: The steps of a path below it.
    """
    found: tuple[str, ...] = ()
    for step in wanted:
        here = folder.joinpath(*found)
        try:
            name = _names(here, here.stat().st_mtime_ns).get(_folded(step))
        except OSError:
            return ()
        if name is None:
            return ()
        found = (*found, name)
    return found


@functools.lru_cache(maxsize=8)
def _names(folder: Path, _changed: int) -> Mapping[str, str]:
    """Folded name -> name of all in a folder. Thousands of rows may miss their pictures there."""
    found = [file.name for file in folder.iterdir()]
    return {_folded(name): name for name in sorted(found, reverse=True)}


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _nfc(_nfc(text).casefold())
