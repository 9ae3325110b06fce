"""`livr data dedup`: writes a cleaned copy of a data set, with a list of what was removed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from livr.data.dedup import (
    MAX_HASH_DISTANCE,
    MIN_SSIM,
    Duplicate,
    Embedder,
    find_duplicates,
    open_rgb,
    thumbnail_embedding,
)
from livr.data.example import Example
from livr.data.store import (
    BLINK,
    REGIONS,
    finish_manifest,
    is_there,
    load_split,
    picture_files,
    read_manifest,
    row_file_fault,
    staged_folder,
    stored_splits,
    write_split,
)
from livr.data.target import spare_inputs, writable_target
from livr.errors import DataError

CLEANED = ("train", "val")
REMOVED = "removed.json"
SHEET = "removed.png"
CELL = 160
WRITTEN_ANEW = ("format_version", "counts", "sha256")
"""Entries of a manifest that the cleaned data set has its own of."""


@dataclass(frozen=True)
class Cleaned:
    """What a run did.

    Attributes:
        counts: Split -> rows kept. A split of which none remained is left out.
        removed: Split -> rows removed.
    """

    counts: dict[str, int]
    removed: dict[str, int]


def dedup_folder(
    folder: str | Path,
    against: str | Path,
    out: str | Path,
    split: str = "test",
    embed: Embedder = thumbnail_embedding,
    overwrite: bool = False,
) -> Cleaned:
    """Copies a data set without the train and val rows that show a test picture.

    Its regions are copied as they are: those of rows that are gone mean nothing.

    Args:
        folder: The data set to clean; its own test split is copied unchanged.
        against: Data set folder or `blink:DIR/Subset` to keep apart from.
        out: Folder to write; gets removed.json and a contact sheet removed.png as well.
        split: Split of `against`.
        embed: Prefilter.
        overwrite: Replace an existing data set.

    Raises:
        DataError: One of the data sets is missing or wrong, the target is taken or would take
            one of them away, or nothing would remain.
    """
    root, target = Path(folder), Path(out)
    inputs = (root, str(against).removeprefix(BLINK))
    writable_target(target, overwrite, inputs)  # asked before the search, which takes long
    load_split(root, "train")  # its absence, too, is said before
    if fault := row_file_fault(root / REGIONS):
        raise DataError(f"{root / REGIONS} {fault}")
    known = {k: v for k, v in read_manifest(root).items() if k not in WRITTEN_ANEW}
    test = load_split(against, split)
    sets = {name: load_split(root, name) for name in stored_splits(root)}
    for examples in (test, *sets.values()):
        spare_inputs(target, picture_files(examples))
    removed = {
        name: find_duplicates(examples, test, embed) if name in CLEANED else []
        for name, examples in sets.items()
    }
    kept = {name: _without(removed[name], examples) for name, examples in sets.items()}
    if not kept["train"]:
        raise DataError(f"{root}: no training row would remain")
    summary = {name: len(found) for name, found in removed.items()}
    note = {"against": Path(str(against)).name, "split": split, "removed": summary}
    limits = {"max_hash_distance": MAX_HASH_DISTANCE, "min_ssim": MIN_SSIM}
    with staged_folder(target, overwrite, inputs) as stage:
        counts = {name: write_split(stage, name, rows) for name, rows in kept.items() if rows}
        _write_removed(stage, removed, sets, test)
        if is_there(root / REGIONS):
            shutil.copyfile(root / REGIONS, stage / REGIONS)
        finish_manifest(stage, counts, {**known, "deduplicated": {**note, **limits}})
    return Cleaned(counts, summary)


def _without(found: Sequence[Duplicate], examples: Sequence[Example]) -> list[Example]:
    gone = {duplicate.train_id for duplicate in found}
    return [example for example in examples if example.id not in gone]


def _write_removed(
    stage: Path,
    removed: Mapping[str, Sequence[Duplicate]],
    sets: Mapping[str, Sequence[Example]],
    test: Sequence[Example],
) -> None:
    duplicates = [duplicate for found in removed.values() for duplicate in found]
    listing = [duplicate.describe() for duplicate in duplicates]
    (stage / REMOVED).write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
    if duplicates:
        originals = {example.id: example for rows in sets.values() for example in rows}
        shown = {example.id: example for example in test}
        _sheet(duplicates, originals, shown).save(stage / SHEET)


def _sheet(
    duplicates: list[Duplicate], train: dict[str, Example], test: dict[str, Example]
) -> Image.Image:
    """Shows each removed picture beside the test picture it equals, first match of each row."""
    rows = duplicates[:60]
    sheet = Image.new("RGB", (4 * 2 * CELL, (CELL + 18) * -(-len(rows) // 4)), "white")
    pen = ImageDraw.Draw(sheet)
    for index, duplicate in enumerate(rows):
        match = duplicate.matches[0]
        left, top = index % 4 * 2 * CELL, index // 4 * (CELL + 18)
        pictures = (
            train[match.train_id].images[match.train_image],
            test[match.test_id].images[match.test_image],
        )
        for offset, picture in enumerate(pictures):
            image = open_rgb(picture)
            image.thumbnail((CELL - 4, CELL - 4))
            sheet.paste(image, (left + offset * CELL, top))
        text = f"{match.train_id}  hash {match.hash_distance}  ssim {match.ssim:.2f}"
        text += "  mirrored" if match.mirrored else ""
        pen.text((left, top + CELL), text, fill="black", font=ImageFont.load_default(size=11))
    return sheet
