"""Other people's formats, read into examples: chat JSON, LLaVA, ShareGPT, csv, Hugging Face.

- chat: {"messages": [{"role", "content"}], "images": [...]}; content is text with `<image>` marks
  or a list of {"type": "text" | "image"} parts;
- LLaVA: {"image": ..., "conversations": [{"from": "human" | "gpt", "value"}]};
- ShareGPT: the same with "images": [...];
- own rows: {"question", "answer", "images", "choices", "helper_images", "board",
  "score_group", "sources"};
- csv: the columns image (several separated by ;), question, answer, optionally choices and board
  (separated by |), sources and helper_images (by ;), id, task, score_group and split; UTF-8;
- Hugging Face: a folder written by `save_to_disk`, parquet files, or `hf:NAME[:SPLIT]`.

Parts of a folder that are named after splits keep them, see `livr.data.parts`; else rows keep those
that they name under `split`. Other keys and columns are not read.

One exchange per row: a row with several turns is a problem, not silently cut.
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from livr.data.check_rows import row_problems
from livr.data.csv_rows import from_csv
from livr.data.example import Example
from livr.data.inspection import inspect_picture
from livr.data.parts import Placed, from_folder, from_hub, from_parquet, stated_split
from livr.data.picture_paths import file_problem
from livr.data.record import Look, Record, has_id, to_example
from livr.data.rows import Row, content_problems, shortened
from livr.data.store import picture_files
from livr.data.texts import from_json, from_lines
from livr.errors import DataError, Problem

HUB = "hf:"
_LISTED = 20
"""Most missing pictures that are named one by one. More of them have one cause."""


def read_parts(
    source: str | Path,
    images: Path | None = None,
    unpack: Path | None = None,
    look: Look | None = None,
) -> dict[str | None, list[Example]]:
    """Reads a file or folder in any of the formats above.

    Args:
        source: A .json, .jsonl, .csv or .parquet file, a folder, or `hf:NAME[:SPLIT]`.
        images: Folder that relative image paths start from; default: where the file lies.
        unpack: Folder for the files of images that the source holds as bytes, written as they
            are; default: they are opened in memory.
        look: Looks into every picture file; default: each is decoded, once.

    Returns:
        Split -> its examples; None stands for all of a source that names no splits. Ids that
        start again in each split get the split in front; rows without one get one that is free.

    Raises:
        DataError: With every problem found, each with its row; of many missing pictures the first.
    """
    path = Path(source)
    base = path.parent if images is None else _folder(images)
    pictures = _Pictures(look or functools.cache(inspect_picture))
    problems: list[Problem] = []
    parts: dict[str | None, list[Example]] = defaultdict(list)
    nameless: set[tuple[str | None, int]] = set()
    seen: dict[tuple[str | None, str], Problem] = {}
    for count, placed in enumerate(_records(str(source), problems), start=1):
        try:
            name = f"{path.stem}-{count:05d}"
            example = to_example(placed.record, name, base, unpack, pictures.look)
            split = placed.split or stated_split(placed.record)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems.append(Problem(placed.file, placed.row, str(error)))
            continue
        messages = [*_problems_of(example), *pictures.problems_of(example)]
        if has_id(placed.record):
            here = Problem(placed.file, placed.row, "")
            first = seen.setdefault((split, example.id), here)
            messages += [] if first is here else [_used(example.id, first, here)]
        else:
            nameless.add((split, len(parts[split])))
        problems.extend(Problem(placed.file, placed.row, message) for message in messages)
        parts[split].append(example)
    if problems:
        raise DataError(
            f"{source} has {len(problems) + pictures.left_out} problem(s):",
            [*problems, *pictures.summary(path.name, base)],
        )
    if not parts:
        raise DataError(f"{source} holds no row")
    if None in parts and len(parts) > 1:
        raise DataError(
            f'{source}: {len(parts[None])} row(s), the first {parts[None][0].id}, have no "split" '
            "but others do; fill it in, or leave it out everywhere to have the rows divided"
        )
    return _with_distinct_ids(parts, nameless)


def _folder(images: Path) -> Path:
    if not images.is_dir():
        raise DataError(f"--images {images} is no folder; name the one that image paths start from")
    return images


def _used(name: str, first: Problem, here: Problem) -> str:
    place = f"row {first.row}" if first.file == here.file else f"{first.file}, row {first.row}"
    return (
        f"the id {name!r} was already used in {place}; give each row of a split its own, or leave "
        "the ids out, and every row gets one"
    )


def _with_distinct_ids(
    parts: Mapping[str | None, list[Example]], nameless: set[tuple[str | None, int]]
) -> dict[str | None, list[Example]]:
    """Ids are unique in their split so far; those of nameless rows were made up."""
    given = {
        (split, index): example.id
        for split, examples in parts.items()
        for index, example in enumerate(examples)
        if (split, index) not in nameless
    }
    if len(set(given.values())) < len(given):  # they start again in each split
        given = {place: f"{place[0]}-{name}" for place, name in given.items()}
    taken = set(given.values())
    result: dict[str | None, list[Example]] = {}
    for split, examples in parts.items():
        result[split] = []
        for index, example in enumerate(examples):
            name = given.get((split, index)) or _free(example.id, taken)
            same = name == example.id
            result[split].append(example if same else example.model_copy(update={"id": name}))
    return result


def _free(name: str, taken: set[str]) -> str:
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    found = next(name for name in names if name not in taken)
    taken.add(found)
    return found


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
    more = row_problems(example.task, example.choices, example.board, example.answer)
    return content_problems(row) + more


class _Pictures:
    """Says which picture files cannot be used.

    Attributes:
        look: Looks into a file that is there.
        left_out: Missing pictures that were counted only.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.missing = 0

    @property
    def left_out(self) -> int:
        return max(0, self.missing - _LISTED)

    def problems_of(self, example: Example) -> list[str]:
        found = []
        for path in picture_files([example]):
            name = shortened(str(path))
            if problem := file_problem(path, name):
                self.missing += 1
                found += [] if self.left_out else [problem]
            elif fault := self.look(path)[0]:
                found.append(f"image {name} {fault}")
        return found

    def summary(self, file: str, base: Path) -> list[Problem]:
        """One entry for those that were counted only."""
        if not self.left_out:
            return []
        message = (
            f"{self.left_out:,} more image(s) cannot be found. Relative paths start from {base}; "
            "if that is the wrong folder, name the right one with --images"
        )
        return [Problem(file, None, message)]


def _records(source: str, problems: list[Problem]) -> Iterator[Placed]:
    path = Path(source)
    if path.is_dir() and not source.startswith(HUB):
        yield from from_folder(path, problems)
        return
    for number, record in _rows(source, problems):
        yield Placed(None, path.name, number, record)


def _rows(source: str, problems: list[Problem]) -> Iterator[tuple[int, Record]]:
    path = Path(source)
    suffix = path.suffix.lower()
    if source.startswith(HUB):
        yield from from_hub(source.removeprefix(HUB), problems)
    elif not path.is_file():
        raise DataError(f"{source} does not exist")
    elif suffix == ".csv":
        yield from from_csv(path, problems)
    elif suffix == ".parquet":
        yield from from_parquet(path, path.name, problems)
    elif suffix == ".jsonl":
        yield from from_lines(path, problems)
    elif suffix == ".json":
        yield from from_json(path, problems)
    else:
        raise DataError(f"{source}: expected .json, .jsonl, .csv, .parquet, a folder or {HUB}NAME")
