"""`livr data check`: every problem of a data set folder, found in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from livr.data.check_answers import Answers
from livr.data.check_leaks import Leaks
from livr.data.check_length import TokenCounter, length_problems, over_limit
from livr.data.check_pictures import PictureNotes
from livr.data.check_rows import row_problems
from livr.data.example import Example
from livr.data.inspection import Inspected, inspect
from livr.data.lines import read_rows
from livr.data.picture_paths import path_problem
from livr.data.regions import box_problem, read_region_rows
from livr.data.rows import Row, content_problems, shortened
from livr.data.store import REGIONS, SPLITS, is_there, row_file_fault, stored_splits
from livr.errors import DataError, Problem

Judged = Callable[[Example], bool]
"""Whether the answer of a question would be right if a model gave it word for word."""


@dataclass
class Report:
    """What a check found.

    Attributes:
        problems: Everything that is wrong, in file and row order.
        counts: Split -> number of lines that hold a JSON object.
        images: Number of different image files looked into.
        notes: What is no fault but should be known.
    """

    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    images: int = 0
    notes: list[str] = field(default_factory=list)

    def raise_if_any(self, folder: Path) -> None:
        """Raises DataError with all problems, if there are any."""
        if self.problems:
            raise DataError(f"{folder} has {len(self.problems)} problem(s):", self.problems)


def check_folder(
    folder: str | Path,
    counter: TokenCounter | None = None,
    judged: Judged | None = None,
) -> Report:
    """Looks at every row and into every image file of a data set folder.

    Args:
        folder: The data set.
        counter: If given, sequences longer than its limit are problems too.
        judged: If given, answers that can never be right are problems too.

    Raises:
        DataError: There is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; expected one with train.jsonl and images/")
    report = Report()
    checker = _Checker(root, report, counter, judged)
    splits = stored_splits(root)
    if not splits:
        report.problems.append(Problem("train.jsonl", None, _nothing(root)))
    elif "train" not in splits:
        report.notes.append(
            f"{root} has no train.jsonl: models can be tested on it, not trained on it"
        )
    for path in sorted(root.glob("*.jsonl")):
        if path.stem not in SPLITS and path.name != REGIONS:
            message = "not a split; rename it to train.jsonl, val.jsonl or test.jsonl, or move it"
            report.problems.append(Problem(path.name, None, message))
    for split in splits:
        file = f"{split}.jsonl"
        if fault := row_file_fault(root / file):
            report.problems.append(Problem(file, None, fault))
            continue
        checker.check_split(split)
    report.problems.extend(checker.region_problems())
    report.notes.extend(checker.picture_notes.notes())
    report.images = len(checker.images)
    return report


def _nothing(root: Path) -> str:
    names = sorted(path.name for path in root.iterdir())
    found = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "") if names else "nothing"
    return f"the file is missing, and so are val.jsonl and test.jsonl; found {found}"


class _Checker:
    """Remembers ids and images across the splits."""

    def __init__(
        self, root: Path, report: Report, counter: TokenCounter | None, judged: Judged | None
    ) -> None:
        self.root = root
        self.report = report
        self.counter = counter
        self.judged = judged
        self.ids: dict[str, str] = {}
        self.shown: dict[str, list[Inspected | None]] = {}
        self.images: dict[Path, Inspected] = {}
        self.picture_notes = PictureNotes()
        self.leaks = Leaks()

    def check_split(self, split: str) -> None:
        """Checks one file."""
        file = f"{split}.jsonl"
        count = 0
        start = len(self.report.problems)
        answers = Answers()
        for number, row, whole in read_rows(self.root / file, file, self.report.problems):
            count += 1
            content = (_content(row) or self._answer_problems(row)) if whole else []
            pictures, seen = self._pictures(row, split, number)
            if whole:
                self.shown.setdefault(row.id, seen)
            if whole and not content and not pictures:
                answers.see(row, number, tuple(found.digest for found in seen if found))
            messages = [*content, *self._id_problems(row, f"{file}:{number}"), *pictures]
            for name in row.sources:
                self.leaks.see_source(name, split, number)
            if self.counter is not None and whole and not pictures:
                messages.extend(self._length_problems(row, self.counter, bool(content)))
            self.report.problems.extend(Problem(file, number, message) for message in messages)
        self.report.notes.extend(answers.notes(file))
        found = [*self.report.problems[start:], *self.leaks.problems(split)]
        self.report.problems[start:] = sorted(found, key=lambda problem: problem.row or 0)
        self.report.counts[split] = count

    def _answer_problems(self, row: Row) -> list[str]:
        if self.judged is None or self.judged(row.to_example(self.root)):
            return []
        return [
            f"the answer {shortened(row.answer)!r} can never score: it is not judged right even "
            "if a model repeats it word for word; reword it"
        ]

    def _length_problems(self, row: Row, counter: TokenCounter, faulty: bool) -> list[str]:
        example = row.to_example(self.root.resolve())
        if not faulty:
            return length_problems(example, counter)
        try:
            return over_limit(counter(example), example, counter)
        except Exception:  # encoders stumble over what is reported already
            return []

    def _id_problems(self, row: Row, place: str) -> list[str]:
        if not row.id.strip():
            return []
        if row.id in self.ids:
            return [f"the id {row.id!r} was already used in {self.ids[row.id]}"]
        self.ids[row.id] = place
        return []

    def _pictures(
        self, row: Row, split: str, number: int
    ) -> tuple[list[str], list[Inspected | None]]:
        """Says which pictures cannot be used, and what was found in those that are asked about;
        notes where sound ones are shown."""
        problems: list[str] = []
        found: list[Inspected | None] = []
        for image in (*row.images, *row.helper_images):
            problem, seen = self._look(image)
            found.append(seen)
            if seen is None:
                problems.append(problem)
            else:
                self.leaks.see_picture(seen.digest, image, split, number)
        return problems, found[: len(row.images)]

    def _look(self, image: str) -> tuple[str, Inspected | None]:
        """Why a picture cannot be used, or what was found in it."""
        if problem := path_problem(self.root, image):
            return problem, None
        path = (self.root / image).resolve()
        if path not in self.images:
            self.images[path] = inspect(path)
            if not self.images[path].fault:
                self.picture_notes.see(image, self.images[path])
        seen = self.images[path]
        return (f"image {image} {seen.fault}", None) if seen.fault else ("", seen)

    def region_problems(self) -> list[Problem]:
        """Says what is wrong with the boxes of the data set, if it has any."""
        path = self.root / REGIONS
        if fault := row_file_fault(path):
            return [Problem(REGIONS, None, fault)]
        if not is_there(path):
            return []
        found: list[Problem] = []
        for number, region in read_region_rows(path, REGIONS, found):
            # Of a question that is not there nothing can be said; `dedup` may have removed it.
            images = self.shown.get(region.id)
            if images is None:
                continue
            if not 0 <= region.image < len(images):
                count = len(images)
                message = f"{region.id!r} has no image {region.image}; it has {count}, from 0 on"
                found.append(Problem(REGIONS, number, message))
            elif (seen := images[region.image]) and (fault := box_problem(region, seen.size)):
                found.append(Problem(REGIONS, number, fault))
        return found


def _content(row: Row) -> list[str]:
    """What is wrong with a row, images aside."""
    if row.board == []:
        rest = row.model_copy(update={"board": None})
        return [*_content(rest), "the board is empty; give its rows, or leave the key out"]
    return [
        *content_problems(row),
        *row_problems(row.task, row.choices, row.board, row.answer),
    ]
