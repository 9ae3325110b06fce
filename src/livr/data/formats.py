"""Other people's formats, read into examples: chat JSON, LLaVA, ShareGPT, csv, Hugging Face.

- chat: {"messages": [{"role", "content"}], "images": [...]}; content is text with `<image>` marks
  or a list of {"type": "text" | "image"} parts;
- LLaVA: {"image": ..., "conversations": [{"from": "human" | "gpt", "value"}]};
- ShareGPT: the same with "images": [...];
- own rows: {"question", "answer", "images", "choices", "helper_images", "board",
  "score_group"};
- csv: the columns image (several separated by ;), question, answer, optionally choices
  (separated by |) and id;
- Hugging Face: a folder written by `save_to_disk`, parquet files, or `hf:NAME[:SPLIT]`.

One exchange per row: a row with several turns is a problem, not silently cut.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from livr.data.example import Example
from livr.data.record import Record, to_example
from livr.data.rows import Row, content_problems
from livr.errors import DataError, Problem

HUB = "hf:"


def read_examples(source: str | Path, images: Path | None = None) -> list[Example]:
    """Reads a file or folder in any of the formats above.

    Args:
        source: A .json, .jsonl, .csv or .parquet file, a folder, or `hf:NAME[:SPLIT]`.
        images: Folder that relative image paths start from; default: where the file lies.

    Raises:
        DataError: With every problem found, each with its row.
    """
    path = Path(source)
    file, base = path.name, images or path.parent
    problems: list[Problem] = []
    examples: list[Example] = []
    seen: dict[str, int] = {}
    for number, record in enumerate(_records(str(source), problems), start=1):
        try:
            example = to_example(record, f"{path.stem}-{number:05d}", base)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems.append(Problem(file, number, str(error)))
            continue
        messages = _problems_of(example)
        if example.id in seen:
            messages.append(f"the id {example.id!r} was already used in row {seen[example.id]}")
        seen.setdefault(example.id, number)
        problems.extend(Problem(file, number, message) for message in messages)
        examples.append(example)
    if problems:
        raise DataError(f"{source} has {len(problems)} problem(s):", problems)
    if not examples:
        raise DataError(f"{source} holds no row")
    return examples


def _problems_of(example: Example) -> list[str]:
    row = Row(
        id=example.id,
        task=example.task,
        images=["image"] * len(example.images),
        question=example.question,
        choices=None if example.choices is None else list(example.choices),
        answer=example.answer,
        board=None if example.board is None else list(example.board),
        score_group=example.score_group,
    )
    stored = (*example.images, *example.helper_images)
    missing = [i for i in stored if not isinstance(i, Image.Image) and not Path(i).is_file()]
    return content_problems(row) + [f"image {image} does not exist" for image in missing]


def _records(source: str, problems: list[Problem]) -> Iterator[Record]:
    path = Path(source)
    if source.startswith(HUB):
        yield from _from_hub(source.removeprefix(HUB))
    elif path.is_dir():
        yield from _from_folder(path)
    elif not path.is_file():
        raise DataError(f"{source} does not exist")
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (_from_csv(row) for row in csv.DictReader(file))
    elif path.suffix == ".parquet":
        yield from _from_parquet([path])
    elif path.suffix == ".jsonl":
        yield from _from_lines(path, problems)
    elif path.suffix == ".json":
        yield from _from_json(path)
    else:
        raise DataError(f"{source}: expected .json, .jsonl, .csv, .parquet, a folder or {HUB}NAME")


def _from_json(path: Path) -> list[Record]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, list):
        raise DataError(f"{path}: expected a list of rows, found {type(value).__name__}")
    return value


def _from_lines(path: Path, problems: list[Problem]) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    yield json.loads(line)
            except ValueError as error:
                problems.append(Problem(path.name, number, f"not JSON: {error}"))


def _from_csv(row: dict[str, str | None]) -> Record:
    missing = [name for name in ("image", "question", "answer") if row.get(name) is None]
    if missing:
        raise DataError(
            f"the csv has no column {', '.join(missing)}; expected image,question,answer"
        )
    record: Record = {"question": row["question"], "answer": row["answer"]}
    record["images"] = [name.strip() for name in (row["image"] or "").split(";") if name.strip()]
    if row.get("choices"):
        record["choices"] = [choice.strip() for choice in (row["choices"] or "").split("|")]
    if row.get("id"):
        record["id"] = row["id"]
    return record


def _from_parquet(paths: Iterable[Path]) -> Iterator[Record]:
    import pyarrow.parquet as pq  # only where parquet is read

    for path in paths:
        try:
            for batch in pq.ParquetFile(path).iter_batches(batch_size=64):
                yield from batch.to_pylist()
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not a parquet file: {error}") from error


def _from_folder(path: Path) -> Iterator[Record]:
    parquet = sorted(path.rglob("*.parquet"))
    if parquet:
        yield from _from_parquet(parquet)
        return
    import datasets  # slow to import

    try:
        loaded = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} holds neither parquet files nor a saved dataset: {error}"
        ) from error
    parts = loaded.values() if isinstance(loaded, datasets.DatasetDict) else [loaded]
    for part in parts:
        yield from part


def _from_hub(name: str) -> Iterator[Record]:
    import datasets  # slow to import

    repository, _, split = name.partition(":")
    try:
        yield from datasets.load_dataset(repository, split=split or "train")
    except (OSError, ValueError) as error:
        raise DataError(f"{name} cannot be loaded from the Hugging Face hub: {error}") from error
