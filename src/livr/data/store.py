"""The data set folder: `train.jsonl val.jsonl test.jsonl images/ manifest.json`.

Writing is atomic: everything is staged beside the target and renamed at the end.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from livr.data.example import Example, ImageInput
from livr.data.lines import read_rows
from livr.data.picture_paths import path_problem
from livr.data.pictures import SUFFIXES, PictureError, open_picture, storable
from livr.data.rows import Row, content_problems, dump_row
from livr.data.target import MANIFEST as MANIFEST
from livr.data.target import staged_folder as staged_folder
from livr.errors import DataError, Problem
from livr.settings import read_object

SPLITS = ("train", "val", "test")
REGIONS = "regions.jsonl"
"""Regions of interest of a data set, for `livr explain`."""
FORMAT_VERSION = 1
BLINK = "blink:"


def load_split(folder: str | Path, split: str) -> list[Example]:
    """Reads one split with absolute image paths.

    Checks every row and that each image file exists inside the folder; `livr data check`
    looks into the files as well.

    `blink:DIR` or `blink:DIR/Subset` reads BLINK instead; its public questions stand for every
    split but train.

    Raises:
        DataError: With all problems of that split, each with file and row.
    """
    if str(folder).startswith(BLINK):
        return _load_blink(str(folder).removeprefix(BLINK), split)
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; expected one with {split}.jsonl and images/")
    path = root / f"{split}.jsonl"
    if fault := row_file_fault(path):
        raise DataError(f"{path} {fault}")
    if not path.exists():
        have = ", ".join(sorted(p.name for p in root.glob("*.jsonl"))) or "no .jsonl file"
        raise DataError(f"{path} does not exist; the folder has {have}")
    problems: list[Problem] = []
    examples = []
    seen: dict[str, int] = {}
    for number, row, whole in read_rows(path, path.name, problems):
        messages = content_problems(row) if whole else []
        first = seen.setdefault(row.id, number) if row.id.strip() else number
        if first != number:
            messages.append(f"the id {row.id!r} was already used in row {first}")
        stored = (*row.images, *row.helper_images)
        messages.extend(m for image in stored if (m := path_problem(root, image)))
        problems.extend(Problem(path.name, number, message) for message in messages)
        examples.append(row.to_example(root.resolve()))
    if problems:
        raise DataError(f"{path} has {len(problems)} problem(s):", problems)
    return examples


def stored_splits(root: Path) -> list[str]:
    """Returns the splits that a data set folder has, readable or not."""
    return [split for split in SPLITS if is_there(root / f"{split}.jsonl")]


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def row_file_fault(path: Path) -> str | None:
    """Says why what is there cannot be read as rows, or None; None, too, if nothing is there."""
    if path.is_file():
        return _unreadable(path)
    if not is_there(path):
        return None
    if path.is_dir():
        return "is a folder; expected a file with one row per line"
    if not path.exists():
        return f"is a link that leads nowhere ({path.readlink()}); mend it, or delete it"
    return "is a pipe or a device; expected a file with one row per line"


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"cannot be read ({error.strerror}); see who may read it, or copy it again"
    return None


def files_of(root: Path) -> list[Path]:
    """Returns the files of a data set that its rows and pictures are in.

    Raises:
        DataError: See `load_split`.
    """
    splits = stored_splits(root)
    examples = [example for split in splits for example in load_split(root, split)]
    return [*(root / f"{split}.jsonl" for split in splits), *picture_files(examples)]


def picture_files(examples: Iterable[Example]) -> list[Path]:
    """Returns the files that the examples show, helper images included, each once."""
    stored = (image for row in examples for image in (*row.images, *row.helper_images))
    files = (Path(image) for image in stored if not isinstance(image, Image.Image))
    return list(dict.fromkeys(files))


def _load_blink(folder: str, split: str) -> list[Example]:
    from livr.data.sources.blink import load_blink  # pyarrow is not needed for own data

    if split == "train":
        raise DataError("BLINK is for evaluation; it has no training questions")
    return load_blink(folder)


def write_dataset(
    folder: str | Path,
    splits: Mapping[str, Iterable[Example]],
    manifest: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Writes a data set folder and returns its manifest.

    PIL images are stored upright as PNG of 8 bits; image paths are copied byte for byte.

    Args:
        folder: Target; must be empty or absent unless `overwrite`.
        splits: Examples by split name; may be generators, they are consumed once.
        manifest: Further entries for manifest.json.

    Raises:
        DataError: The target is taken, or an image cannot be read.
    """
    with staged_folder(Path(folder), overwrite) as stage:
        counts = {split: write_split(stage, split, rows) for split, rows in splits.items()}
        return finish_manifest(stage, counts, manifest or {})


def write_split(stage: Path, split: str, examples: Iterable[Example]) -> int:
    """Writes `<split>.jsonl` and `images/<split>/` below `stage`. Returns the number of rows."""
    count = 0
    with (stage / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
        for example in examples:
            names, helpers = (
                [
                    _store_image(stage, f"images/{split}/{count:05d}-{kind}{index}", image)
                    for index, image in enumerate(images)
                ]
                for kind, images in (("", example.images), ("helper", example.helper_images))
            )
            row = Row(
                id=example.id,
                task=example.task,
                images=names,
                question=example.question,
                choices=None if example.choices is None else list(example.choices),
                answer=example.answer,
                helper_images=helpers,
                board=None if example.board is None else list(example.board),
                score_group=example.score_group,
                sources=list(example.sources),
            )
            lines.write(dump_row(row) + "\n")
            count += 1
    return count


def _store_image(stage: Path, stem: str, image: ImageInput) -> str:
    (stage / stem).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(image, Image.Image):
        try:
            upright = storable(image)
        except PictureError as error:
            raise DataError(f"an image for {stem} {error}") from error
        name = f"{stem}.png"
        upright.save(stage / name, compress_level=4)
        return name
    try:
        with open_picture(image) as opened:
            name = stem + SUFFIXES.get(opened.format or "", Path(image).suffix)
    except PictureError as error:
        raise DataError(f"image {image} {error}") from error
    shutil.copyfile(image, stage / name)  # a full disk is not the picture's fault
    return name


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a data set's manifest.json says; nothing if there is none.

    Raises:
        DataError: It is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    return read_object(path, "delete it, or copy it again", DataError)


def finish_manifest(
    stage: Path, counts: Mapping[str, int], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes manifest.json: format, counts, hashes and `extra`. Returns it."""
    manifest: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        **extra,
        "counts": dict(counts),
        "sha256": {
            **{f"{split}.jsonl": file_sha256(stage / f"{split}.jsonl") for split in counts},
            **{f"images/{split}": _folder_sha256(stage / "images" / split) for split in counts},
        },
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
    # A file name may hold bytes that are no text; JSON has escapes of the same form for them.
    (stage / MANIFEST).write_bytes(text.encode(errors="backslashreplace"))
    return manifest


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_sha256(folder: Path) -> str:
    """Hash over names and contents of all files, in name order."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_file():
            total.update(f"{path.name} {file_sha256(path)}\n".encode())
    return total.hexdigest()
