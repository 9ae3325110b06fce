"""The data set folder: `train.jsonl val.jsonl test.jsonl images/ manifest.json`.

Writing is atomic: everything is staged beside the target and renamed at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from livr.data.example import Example, ImageInput
from livr.data.pictures import SUFFIXES, PictureError, open_picture, path_problem, storable
from livr.data.rows import Row, content_problems, dump_row, read_rows
from livr.errors import DataError, Problem
from livr.settings import read_object

SPLITS = ("train", "val", "test")
REGIONS = "regions.jsonl"
"""Regions of interest of a data set, for `livr explain`."""
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
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
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file with one row per line")
    if not path.is_file():
        have = ", ".join(sorted(p.name for p in root.glob("*.jsonl"))) or "no .jsonl file"
        raise DataError(f"{path} does not exist; the folder has {have}")
    problems: list[Problem] = []
    examples = []
    seen: dict[str, int] = {}
    for number, row in read_rows(path, path.name, problems):
        messages = content_problems(row)
        if row.id in seen:
            messages.append(f"the id {row.id!r} was already used in row {seen[row.id]}")
        seen.setdefault(row.id, number)
        stored = (*row.images, *row.helper_images)
        messages.extend(m for image in stored if (m := path_problem(root, image)))
        problems.extend(Problem(path.name, number, message) for message in messages)
        examples.append(row.to_example(root.resolve()))
    if problems:
        raise DataError(f"{path} has {len(problems)} problem(s):", problems)
    return examples


def _load_blink(folder: str, split: str) -> list[Example]:
    from livr.data.sources.blink import load_blink  # pyarrow is not needed for own data

    if split == "train":
        raise DataError("BLINK is for evaluation; it has no training questions")
    return load_blink(folder)


def writable_target(out: Path, overwrite: bool = False) -> Path:
    """Returns the folder to write, with links followed. Asked first, before long work.

    Raises:
        DataError: It is a file, holds the current folder, is a mount point, or is not empty and
            `overwrite` is False.
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
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise DataError(f"{out} exists and is not empty; choose another --out or add --overwrite")
    return target


@contextlib.contextmanager
def staged_folder(out: Path, overwrite: bool = False) -> Iterator[Path]:
    """Gives an empty folder that becomes `out` if the block ends without error.

    A link stays, and the folder it leads to is written.

    Raises:
        DataError: See `writable_target`.
    """
    target = writable_target(out, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    stage.chmod(0o755)
    try:
        yield stage
        if target.is_dir():
            old = stage.with_name(stage.name + "-old")
            target.replace(old)
            stage.replace(target)
            shutil.rmtree(old)
        else:
            stage.replace(target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


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
    (stage / MANIFEST).write_text(text, encoding="utf-8")
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
