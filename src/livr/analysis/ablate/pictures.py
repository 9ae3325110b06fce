"""What tells the pictures of a data set from others, also after one of them was changed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from livr.data.lines import read_rows
from livr.data.store import MANIFEST, file_sha256, read_manifest
from livr.errors import DataError, Problem
from livr.files import write_whole

_SETTLED_NS = 2_000_000_000
"""A file this young may change again without another time: clocks of file systems tick slowly."""

_Entry = tuple[str, str, tuple[int, ...]]
"""Hash when first read, hash when last read, and how the file looked then; () if too young."""


class Pictures:
    """Hashes of a data set's pictures. One that looks as it did is not read again.

    Args:
        data: The data set.
        kept: Folder in which the hashes are kept from call to call; None: they are not.
    """

    def __init__(self, data: Path, kept: Path | None) -> None:
        mark = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
        self.data = data
        self.file = None if kept is None else kept / f"{data.name}-{mark}.json"
        self.known: dict[str, _Entry] = _read(self.file)
        self.dirty = False

    def sha256(self, name: str) -> str:
        """The hash of a picture as it is now.

        Raises:
            DataError: It cannot be read.
        """
        try:
            return self._sha256(name)
        except OSError as error:
            place = self.data / name
            raise DataError(f"the picture {place} cannot be read: {error.strerror}") from error

    def _sha256(self, name: str) -> str:
        look = _look((self.data / name).stat())
        first, last, then = self.known.get(name, ("", "", ()))
        if look != then:
            last = file_sha256(self.data / name)
            settled = time.time_ns() - max(look[1:]) > _SETTLED_NS
            self.known[name] = (first or last, last, look if settled else ())
            self.dirty = True
        return last

    def changed(self, name: str) -> bool:
        """Whether a picture is another than when it was first read. False if nothing is kept."""
        return self.file is not None and self.sha256(name) != self.known[name][0]

    def folder_sha256(self, names: Iterable[str]) -> str:
        """The hash that a manifest holds of a folder with these pictures."""
        total = hashlib.sha256()
        for path in sorted(map(Path, names)):
            total.update(f"{path.name} {self.sha256(str(path))}\n".encode())
        return total.hexdigest()

    def keep(self) -> None:
        """Write down what was read anew."""
        if self.dirty and self.file is not None:
            write_whole(self.file, json.dumps(self.known))


def _read(file: Path | None) -> dict[str, _Entry]:
    try:
        found = json.loads(file.read_text("utf-8")) if file is not None else {}
    except (OSError, ValueError):
        return {}
    return {name: (first, last, tuple(look)) for name, (first, last, look) in found.items()}


def _look(found: os.stat_result) -> tuple[int, ...]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def marks(folder: Path, splits: Sequence[str], kept: Path | None = None) -> dict[str, str]:
    """What tells the pictures of a data set from others, by name of a picture or of a folder.

    A manifest is believed of folders whose pictures are all older than it; others are hashed
    again. Without one, pictures count by name and size below `images/`, so that results of before
    stay good, and by content if they have changed since a grid read them first or lie elsewhere.

    Args:
        folder: The data set.
        splits: Splits whose rows count.
        kept: See `Pictures`.

    Raises:
        DataError: A picture cannot be read.
    """
    pictures = Pictures(folder, kept)
    named = _named(folder, splits)
    manifest = folder / MANIFEST
    if manifest.is_file():
        found = _by_manifest(manifest, splits, named, pictures)
        known = tuple(os.path.normpath(place) + os.sep for place, mark in found.items() if mark)
        rest = [name for name in named if not name.startswith(known)]
        found |= {name: pictures.sha256(name) for name in rest}
    else:
        files = sorted(p for p in (folder / "images").rglob("*") if p.is_file())
        found = {str(p.relative_to(folder)): str(p.stat().st_size) for p in files}
        other = [name for name in named if name not in found or pictures.changed(name)]
        found |= {name: pictures.sha256(name) for name in other}
    pictures.keep()
    return found


def _by_manifest(
    manifest: Path, splits: Sequence[str], named: Mapping[str, os.stat_result], pictures: Pictures
) -> dict[str, str]:
    hashes = read_manifest(manifest.parent).get("sha256", {})
    written = manifest.stat()
    found = {f"images/{split}": hashes.get(f"images/{split}", "") for split in splits}
    for place in [place for place, mark in found.items() if mark]:
        inside = [name for name in named if name.startswith(os.path.normpath(place) + os.sep)]
        if any(_since(named[name], written) for name in inside):
            found[place] = pictures.folder_sha256(inside)
    return found


def _since(picture: os.stat_result, written: os.stat_result) -> bool:
    """Whether a picture may be newer; a copy keeps one of the two times at most."""
    return picture.st_mtime_ns >= written.st_mtime_ns or picture.st_ctime_ns >= written.st_ctime_ns


def _named(folder: Path, splits: Sequence[str]) -> dict[str, os.stat_result]:
    """The pictures that rows name and that are there; what is wrong is told when rows are read."""
    problems: list[Problem] = []
    names: set[str] = set()
    for split in splits:
        file = folder / f"{split}.jsonl"
        if file.is_file():
            for line in read_rows(file, file.name, problems):
                shown = (*line.row.images, *line.row.helper_images)
                names.update(map(os.path.normpath, shown))
    found: dict[str, os.stat_result] = {}
    for name in sorted(names):
        with suppress(OSError, ValueError):  # missing, or a name that no file can have
            found[name] = (folder / name).stat()
    return {name: state for name, state in found.items() if stat.S_ISREG(state.st_mode)}
