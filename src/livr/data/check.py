"""`livr data check`: every problem of a data set folder, found in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from livr.data.example import Example
from livr.data.pictures import inspect_picture, path_problem
from livr.data.rows import Row, content_problems, read_rows
from livr.data.store import REGIONS, SPLITS
from livr.errors import DataError, LivrError, Problem

Advance = Callable[[str, int], None]


class TokenCount(NamedTuple):
    """Length of one example in tokens: prompt, latents and answer; the share of images."""

    total: int
    image: int


class TokenCounter(Protocol):
    """Knows how long an example becomes for one model.

    Attributes:
        limit: Longest sequence the model takes, in tokens.
        pixels_per_token: Pixels behind one image token, or None if not known.
    """

    limit: int
    pixels_per_token: int | None

    def __call__(self, example: Example) -> TokenCount:
        """Returns the length of one example. May raise a LivrError if it cannot be encoded."""
        ...


@dataclass
class Report:
    """What a check found.

    Attributes:
        problems: Everything that is wrong, in file and row order.
        counts: Split -> number of well-formed rows.
        images: Number of different image files looked into.
    """

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    images: int = 0

    def raise_if_any(self, folder: Path) -> None:
        """Raises DataError with all problems, if there are any."""
        if self.problems:
            raise DataError(f"{folder} has {len(self.problems)} problem(s):", self.problems)


def check_folder(
    folder: str | Path, counter: TokenCounter | None = None, advance: Advance | None = None
) -> Report:
    """Looks at every row and into every image file of a data set folder.

    Args:
        folder: The data set.
        counter: If given, sequences longer than its limit are problems too.
        advance: Called with file and row after every row, for a progress display.

    Raises:
        DataError: There is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; expected one with train.jsonl and images/")
    report = Report()
    checker = _Checker(root, report, counter)
    if not (root / "train.jsonl").exists():
        report.problems.append(Problem("train.jsonl", None, _missing_train(root)))
    for path in sorted(root.glob("*.jsonl")):
        if path.stem not in SPLITS and path.name != REGIONS:
            message = "not a split; rename it to train.jsonl, val.jsonl or test.jsonl, or move it"
            report.problems.append(Problem(path.name, None, message))
    for split in SPLITS:
        file = f"{split}.jsonl"
        if (root / file).is_dir():
            message = "is a folder; expected a file with one row per line"
            report.problems.append(Problem(file, None, message))
        elif (root / file).is_file():
            for row in checker.check_split(split):
                if advance:
                    advance(file, row)
    report.images = len(checker.images)
    return report


def _missing_train(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir())
    found = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "") if names else "nothing"
    return f"the file is missing; found {found}"


class _Checker:
    """Remembers ids and images across the splits."""

    def __init__(self, root: Path, report: Report, counter: TokenCounter | None) -> None:
        self.root = root
        self.report = report
        self.counter = counter
        self.ids: dict[str, str] = {}
        self.images: dict[Path, tuple[str, str]] = {}
        self.first_use: dict[str, tuple[str, str, str]] = {}
        self.first_source: dict[str, tuple[str, str]] = {}
        self.reported: set[tuple[str, str]] = set()

    def check_split(self, split: str) -> Iterator[int]:
        """Checks one file; yields the number of each well-formed row."""
        file = f"{split}.jsonl"
        path = self.root / file
        count = 0
        start = len(self.report.problems)
        for number, row in read_rows(path, file, self.report.problems):
            count += 1
            messages = [*content_problems(row), *self._id_problems(row, f"{file}:{number}")]
            for image in (*row.images, *row.helper_images):
                messages.extend(self._image_problems(image, split, f"{file}:{number}"))
            messages.extend(self._source_problems(row, split, f"{file}:{number}"))
            if self.counter is not None and not messages:
                messages.extend(length_problems(row.to_example(self.root.resolve()), self.counter))
            self.report.problems.extend(Problem(file, number, message) for message in messages)
            yield number
        found = self.report.problems[start:]
        self.report.problems[start:] = sorted(found, key=lambda problem: problem.row or 0)
        self.report.counts[split] = count

    def _id_problems(self, row: Row, place: str) -> list[str]:
        if not row.id.strip():
            return []
        if row.id in self.ids:
            return [f"the id {row.id!r} was already used in {self.ids[row.id]}"]
        self.ids[row.id] = place
        return []

    def _source_problems(self, row: Row, split: str, place: str) -> Iterator[str]:
        for name in row.sources:
            first_split, first_place = self.first_source.setdefault(name, (split, place))
            if first_split != split and (f"source {name}", split) not in self.reported:
                self.reported.add((f"source {name}", split))
                yield (
                    f"the source {name!r} is in two splits: it is already in {first_place}; "
                    "keep its questions in one split only"
                )

    def _image_problems(self, image: str, split: str, place: str) -> Iterator[str]:
        problem = path_problem(self.root, image)
        if problem:
            yield problem
            return
        path = (self.root / image).resolve()
        if path not in self.images:
            self.images[path] = inspect_image(path)
        message, digest = self.images[path]
        if message:
            yield f"image {image} {message}"
            return
        first_split, first_place, first_image = self.first_use.setdefault(
            digest, (split, place, image)
        )
        if first_split != split and (digest, split) not in self.reported:
            self.reported.add((digest, split))
            same = "it" if first_image == image else f"the same picture, as {first_image},"
            yield (
                f"image {image} is in two splits: {same} is already in {first_place}; "
                "keep it in one split only"
            )


def inspect_image(path: Path) -> tuple[str, str]:
    """Returns (what is wrong, "") or ("", hash of the pixels that the model sees)."""
    if path.stat().st_size == 0:
        return "is an empty file", ""
    return inspect_picture(path)


def length_problems(example: Example, counter: TokenCounter) -> list[str]:
    """Says by how much an example is too long for a model, and what would fit."""
    try:
        count = counter(example)
    except LivrError as error:
        return [str(error)]
    over = count.total - counter.limit
    if over <= 0:
        return []
    text = count.total - count.image
    message = (
        f"the sequence has {count.total:,} tokens ({count.image:,} of them images), {over:,} more "
        f"than the model takes ({counter.limit:,}); image tokens are never cut"
    )
    room = (counter.limit - text) // max(1, len(example.images))
    if room < 1:
        return [f"{message}: the text alone has {text:,} tokens, shorten it or use fewer images"]
    if counter.pixels_per_token is None:
        return [f"{message}: use a smaller pixel budget, at most {room:,} tokens per image fit"]
    return [
        f"{message}: a budget of at most {room * counter.pixels_per_token:,} pixels per image fits"
    ]
