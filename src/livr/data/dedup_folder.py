"""`livr data dedup`: writes a cleaned copy of a data set, with a list of what was removed."""

from __future__ import annotations

import json
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
    finish_manifest,
    load_split,
    read_manifest,
    staged_folder,
    writable_target,
    write_split,
)
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
        counts: Split -> rows kept.
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

    Args:
        folder: The data set to clean; its own test split is copied unchanged.
        against: Data set folder or `blink:DIR/Subset` to keep apart from.
        out: Folder to write; gets removed.json and a contact sheet removed.png as well.
        split: Split of `against`.
        embed: Prefilter.
        overwrite: Replace an existing data set.

    Raises:
        DataError: One of the data sets is missing or wrong, the target is taken, or nothing
            would remain.
    """
    root = Path(folder)
    writable_target(Path(out), overwrite)  # asked before the search, which takes long
    load_split(root, "train")  # its absence, too, is said before
    test = load_split(against, split)
    known = {k: v for k, v in read_manifest(root).items() if k not in WRITTEN_ANEW}
    kept: dict[str, list[Example]] = {}
    removed: dict[str, list[Duplicate]] = {}
    rows: dict[str, Example] = {example.id: example for example in test}
    originals: dict[str, Example] = {}
    for name in (*CLEANED, "test"):
        if not (root / f"{name}.jsonl").is_file():
            continue
        examples = load_split(root, name)
        found = find_duplicates(examples, test, embed) if name in CLEANED else []
        gone = {duplicate.train_id for duplicate in found}
        kept[name] = [example for example in examples if example.id not in gone]
        removed[name] = found
        originals.update({example.id: example for example in examples})
    if not kept.get("train"):
        raise DataError(f"{root}: no training row would remain")
    with staged_folder(Path(out), overwrite) as stage:
        counts = {name: write_split(stage, name, examples) for name, examples in kept.items()}
        duplicates = [duplicate for found in removed.values() for duplicate in found]
        listing = [duplicate.describe() for duplicate in duplicates]
        (stage / REMOVED).write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
        if duplicates:
            _sheet(duplicates, originals, rows).save(stage / SHEET)
        summary = {name: len(found) for name, found in removed.items()}
        note = {"against": Path(str(against)).name, "split": split, "removed": summary}
        limits = {"max_hash_distance": MAX_HASH_DISTANCE, "min_ssim": MIN_SSIM}
        finish_manifest(stage, counts, {**known, "deduplicated": {**note, **limits}})
    return Cleaned(counts, summary)


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
