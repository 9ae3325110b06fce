"""`livr data convert` and `livr data export`: in and out of the folder format."""

from __future__ import annotations

import functools
import hashlib
import io
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from livr.data.example import Example, ImageInput
from livr.data.formats import HUB, read_parts
from livr.data.inspection import inspect_picture
from livr.data.pictures import storable
from livr.data.record import Look
from livr.data.store import (
    SPLITS,
    load_split,
    picture_files,
    staged_folder,
    stored_splits,
    write_dataset,
)
from livr.data.target import parents_of, spare_inputs, writable_target
from livr.errors import DataError


def convert(
    source: str | Path,
    out: str | Path,
    images: Path | None = None,
    val: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Reads a foreign format and writes a data set folder. Returns its manifest.

    A source whose parts are named after splits keeps them. Rows without a split are divided: those
    that show the same picture (by content), name a common source or count together come into one.

    Args:
        source: See `livr.data.formats.read_parts`.
        out: Folder to write.
        images: Folder of relative image paths.
        val: Share of the rows without a split for validation.
        test: Share of the rows without a split for test.
        seed: Seed of the split.
        overwrite: Replace an existing data set.

    Images that the source holds as bytes are written as they are; only pictures without a file
    of their own become PNG. The manifest's `notes` say why a split is smaller than asked for.

    Raises:
        DataError: A row or a picture is wrong, the target is taken or would take an input away,
            or the shares leave nothing to train on.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):  # so that NaN is refused, too
        raise DataError(f"val {val} and test {test} must be shares that leave rows to train on")
    named = () if str(source).startswith(HUB) else (source,)
    inputs = (*named, *(() if images is None else (images,)))
    target = writable_target(Path(out), overwrite, inputs)
    prefix = f".{target.name}-"
    with parents_of(target), TemporaryDirectory(prefix=prefix, dir=target.parent) as unpacked:
        look = functools.cache(inspect_picture)  # each picture is decoded once
        parts = read_parts(source, images, Path(unpacked), look)
        everything = [example for examples in parts.values() for example in examples]
        spare_inputs(Path(out), picture_files(everything))
        if None in parts:
            splits, notes = _divided(parts[None], {"val": val, "test": test}, seed, look)
            how = {"seed": seed, **({"notes": notes} if notes else {})}
        else:
            splits, how = _kept(parts), {"splits": "those of the source"}
        source_note = {"name": Path(source).name, "licence": "the user's own"}
        return write_dataset(out, splits, {"source": source_note, **how}, overwrite)


def _kept(parts: Mapping[str | None, list[Example]]) -> dict[str, list[Example]]:
    return {split: parts[split] for split in SPLITS if split in parts}


def _divided(
    examples: Sequence[Example], shares: Mapping[str, float], seed: int, look: Look
) -> tuple[dict[str, list[Example]], list[str]]:
    """Returns the splits that got rows, and why others got fewer than asked for."""
    groups = list(group_by_picture(examples, look).values())
    random.Random(seed).shuffle(groups)
    wanted = {split: round(shares[split] * len(examples)) for split in ("test", "val")}
    result: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for group in groups:
        split = next((s for s, n in wanted.items() if len(result[s]) + len(group) <= n), "train")
        result[split].extend(group)
    if not result["train"]:
        raise DataError(
            f"val {shares['val']} and test {shares['test']} leave none of the {len(examples)} "
            "row(s) to train on; lower them, or give more rows"
        )
    notes = []
    for split, share in shares.items():
        if share > 0 and not wanted[split]:
            notes.append(
                f"{split}: no row, {share:g} of {len(examples)} rounds to none; give more "
                "rows or a larger share"
            )
        elif len(result[split]) < wanted[split]:
            largest = max(map(len, groups))
            notes.append(
                f"{split}: {len(result[split])} of the {wanted[split]} row(s) asked for. Rows that "
                "show the same picture, name a common source or count together stay in one split; "
                f"there are {len(groups)} such group(s), the largest of {largest} row(s)"
            )
    return {split: rows for split, rows in result.items() if rows}, notes


def group_by_picture(examples: Sequence[Example], look: Look) -> dict[int, list[Example]]:
    """Groups examples linked by pictures with the same pixels, a source, or a score group.

    Helper images count as well: seen in training, they are known pictures in a test.

    Args:
        examples: Examples with sound pictures.
        look: Tells the hash of a file's pixels.
    """
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[str, int] = {}
    for index, example in enumerate(examples):
        names = [
            hashlib.sha256(image.tobytes()).hexdigest()
            if isinstance(image, Image.Image)
            else look(Path(image))[1]
            for image in (*example.images, *example.helper_images)
        ]
        if example.score_group is not None:
            names.append(f"score group {example.score_group}")
        names += [f"source {name}" for name in example.sources]
        for name in names:
            parent[root(index)] = root(first.setdefault(name, index))
    groups: dict[int, list[Example]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[root(index)].append(example)
    return groups


def export_parquet(folder: str | Path, out: str | Path, overwrite: bool = False) -> dict[str, int]:
    """Writes `<split>.parquet` per split, with the image files' own bytes inside.

    `datasets.load_dataset("parquet", data_files=...)` reads them, and so does
    `livr data convert`. Returns split -> rows.

    Raises:
        DataError: The data set has problems, or the target is taken or would take it away.
    """
    root = Path(folder)
    names = stored_splits(root)
    writable_target(Path(out), overwrite, [root / f"{split}.jsonl" for split in names])
    splits = {split: load_split(root, split) for split in names}
    if not splits:
        raise DataError(f"{root} has no train.jsonl, val.jsonl or test.jsonl")
    for examples in splits.values():
        spare_inputs(Path(out), picture_files(examples))
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("task", pa.string()),
            ("images", pa.list_(image)),
            ("question", pa.string()),
            ("choices", pa.list_(pa.string())),
            ("answer", pa.string()),
            ("helper_images", pa.list_(image)),
            ("board", pa.list_(pa.string())),
            ("score_group", pa.string()),
            ("sources", pa.list_(pa.string())),
        ]
    )
    with staged_folder(Path(out), overwrite) as stage:
        for split, examples in splits.items():
            # Opened here: pyarrow takes no path that holds bytes which are no text.
            file = (stage / f"{split}.parquet").open("wb")
            with file, pq.ParquetWriter(file, schema) as writer:
                for start in range(0, len(examples), 64):
                    rows = [_row(example) for example in examples[start : start + 64]]
                    writer.write_table(pa.Table.from_pylist(rows, schema))
    return {split: len(examples) for split, examples in splits.items()}


def _row(example: Example) -> dict[str, Any]:
    return {
        "id": example.id,
        "task": example.task,
        "images": [_packed(image) for image in example.images],
        "question": example.question,
        "choices": None if example.choices is None else list(example.choices),
        "answer": example.answer,
        "helper_images": [_packed(image) for image in example.helper_images],
        "board": None if example.board is None else list(example.board),
        "score_group": example.score_group,
        "sources": list(example.sources),
    }


def _packed(image: ImageInput) -> dict[str, Any]:
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        storable(image).save(buffer, "PNG")
        return {"bytes": buffer.getvalue(), "path": None}
    return {"bytes": Path(image).read_bytes(), "path": Path(image).name}
