"""Other people's formats, read into examples: chat JSON, LLaVA, ShareGPT, csv, Hugging Face.

- chat: {"messages": [{"role", "content"}], "images": [...]}; content is text with `<image>` marks
  or a list of {"type": "text" | "image"} parts;
- LLaVA: {"image": ..., "conversations": [{"from": "human" | "gpt", "value"}]};
- ShareGPT: the same with "images": [...];
- own rows: {"question", "answer", "images", "choices", "helper_images", "board",
  "score_group", "sources"};
- csv: the columns image (several separated by ;), question, answer, optionally choices
  (separated by |), sources (separated by ;) and id; UTF-8;
- Hugging Face: a folder written by `save_to_disk`, parquet files, or `hf:NAME[:SPLIT]`.

Parts of a folder that are named after splits keep them, see `livr.data.parts`.

One exchange per row: a row with several turns is a problem, not silently cut.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from livr.data.example import Example
from livr.data.parts import from_folder, from_hub, from_parquet
from livr.data.pictures import file_problem
from livr.data.record import Record, to_example
from livr.data.rows import Row, content_problems, json_fault, shortened
from livr.errors import DataError, Problem

HUB = "hf:"
COLUMNS = ("image", "question", "answer")
_LONGEST_CELL = 2**31 - 1
_Numbered = Iterator[tuple[int, Record]]
"""Records, each with its row: the line of a text file, else counted from 1."""
_Placed = Iterator[tuple[str | None, int, Record]]
"""The same with the split that the source puts it into, if any."""


def read_examples(
    source: str | Path, images: Path | None = None, unpack: Path | None = None
) -> list[Example]:
    """Reads a file or folder in any of the formats above, all splits in one list.

    Args and errors are those of `read_parts`.
    """
    parts = read_parts(source, images, unpack)
    return [example for examples in parts.values() for example in examples]


def read_parts(
    source: str | Path, images: Path | None = None, unpack: Path | None = None
) -> dict[str | None, list[Example]]:
    """Reads a file or folder in any of the formats above.

    Args:
        source: A .json, .jsonl, .csv or .parquet file, a folder, or `hf:NAME[:SPLIT]`.
        images: Folder that relative image paths start from; default: where the file lies.
        unpack: Folder for the files of images that the source holds as bytes, written as they
            are; default: they are opened in memory.

    Returns:
        Split -> its examples; None stands for all of a source that names no splits.

    Raises:
        DataError: With every problem found, each with its row.
    """
    path = Path(source)
    file, base = path.name, images or path.parent
    problems: list[Problem] = []
    parts: dict[str | None, list[Example]] = defaultdict(list)
    seen: dict[str, int] = {}
    for count, (split, number, record) in enumerate(_records(str(source), problems), start=1):
        try:
            example = to_example(record, f"{path.stem}-{count:05d}", base, unpack)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems.append(Problem(file, number, str(error)))
            continue
        messages = _problems_of(example)
        if example.id in seen:
            messages.append(f"the id {example.id!r} was already used in row {seen[example.id]}")
        seen.setdefault(example.id, number)
        problems.extend(Problem(file, number, message) for message in messages)
        parts[split].append(example)
    if problems:
        raise DataError(f"{source} has {len(problems)} problem(s):", problems)
    if not parts:
        raise DataError(f"{source} holds no row")
    return parts


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
        sources=list(example.sources),
    )
    stored = (*example.images, *example.helper_images)
    paths = [Path(image) for image in stored if not isinstance(image, Image.Image)]
    missing = [file_problem(path, shortened(str(path))) for path in paths]
    return content_problems(row) + [problem for problem in missing if problem]


def _records(source: str, problems: list[Problem]) -> _Placed:
    path = Path(source)
    if path.is_dir() and not source.startswith(HUB):
        for number, (split, record) in enumerate(from_folder(path), start=1):
            yield split, number, record
        return
    for number, record in _rows(source, problems):
        yield None, number, record


def _rows(source: str, problems: list[Problem]) -> _Numbered:
    path = Path(source)
    if source.startswith(HUB):
        yield from enumerate(from_hub(source.removeprefix(HUB)), start=1)
    elif not path.is_file():
        raise DataError(f"{source} does not exist")
    elif path.suffix == ".csv":
        yield from _from_csv(path, problems)
    elif path.suffix == ".parquet":
        yield from enumerate(from_parquet(path), start=1)
    elif path.suffix == ".jsonl":
        yield from _from_lines(path, problems)
    elif path.suffix == ".json":
        yield from enumerate(_from_json(path), start=1)
    else:
        raise DataError(f"{source}: expected .json, .jsonl, .csv, .parquet, a folder or {HUB}NAME")


def _from_json(path: Path) -> list[Record]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {_not_utf8(error)}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {json_fault(error)}") from error
    if not isinstance(value, list):
        raise DataError(f"{path}: expected a list of rows, found {type(value).__name__}")
    return value


def _not_utf8(error: UnicodeDecodeError) -> str:
    found = error.object[error.start]
    return f"is not UTF-8 text (a byte {found:#04x} cannot be read); save it as UTF-8"


def _from_lines(path: Path, problems: list[Problem]) -> _Numbered:
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            try:
                line = raw.decode("utf-8-sig")
                if line.strip():
                    yield number, json.loads(line)
            except UnicodeDecodeError as error:
                problems.append(Problem(path.name, number, f"the line {_not_utf8(error)}"))
            except (ValueError, RecursionError) as error:
                problems.append(Problem(path.name, number, f"not JSON: {json_fault(error)}"))


def _from_csv(path: Path, problems: list[Problem]) -> _Numbered:
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _csv_rows(csv.reader(file), path, problems)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} {_not_utf8(error)}") from error
    except csv.Error as error:
        message = f"{path} cannot be read as csv ({error}); save it again as a UTF-8 csv file"
        raise DataError(message) from error
    finally:
        csv.field_size_limit(limit)  # it holds for the whole program


def _csv_rows(table: Any, path: Path, problems: list[Problem]) -> _Numbered:
    header: list[str] = next((cells for cells in table if cells), [])
    missing = [name for name in COLUMNS if name not in header]
    if header and missing:
        raise DataError(
            f"{path}: the csv has no column {', '.join(missing)}; expected {','.join(COLUMNS)}"
        )
    while True:
        number = table.line_num + 1  # a row may go on over several lines
        cells = next(table, None)
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) != len(header):
            message = (
                f"the row has {len(cells)} cells but the header has {len(header)}; "
                "text that holds a comma needs quotes around it"
            )
            problems.append(Problem(path.name, number, message))
            continue
        yield number, _csv_record(dict(zip(header, cells, strict=True)))


def _csv_record(row: dict[str, str]) -> Record:
    record: Record = {"question": row["question"], "answer": row["answer"]}
    record["images"] = [name.strip() for name in row["image"].split(";") if name.strip()]
    if row.get("choices"):
        record["choices"] = [choice.strip() for choice in row["choices"].split("|")]
    if row.get("id"):
        record["id"] = row["id"]
    record["sources"] = [name.strip() for name in row.get("sources", "").split(";") if name.strip()]
    return record
