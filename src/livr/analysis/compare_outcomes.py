"""What a comparison needs of a run: which questions it got right. Read from runs or from a grid."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from livr.analysis.ablate.results import RESULTS, read_grid
from livr.analysis.runs import Run, read_run, read_runs
from livr.analysis.tell_apart import told_apart
from livr.errors import DataError
from livr.evaluate.score import Prediction, sources_of
from livr.evaluate.shared import Sources, from_text

RIGHT, WRONG, UNREAD = "1", "0", "-"


@dataclass(frozen=True)
class Outcomes:
    """One method on one task with one seed, reduced to right and wrong.

    Attributes:
        task: The task.
        method: The method, or the name of a grid's variant.
        seed: Seed of the run.
        answers: One letter per question, in the order of the test split: `1` right, `0` wrong,
            `-` unreadable, which is wrong too.
        floor: Accuracy of always giving the most common right answer.
        questions: Hash of the questions' ids and right answers; see `same_questions`.
        asked: Hash of their texts and pictures; empty in results from before there was one.
        source: Where this was read, for messages.
        model: What was trained.
        train_seconds: Training time, or None.
        group_of: For questions that count only together, the number of each one's group, or
            None; empty if no question has one.
        blindfolded: Accuracy under the bottleneck rule, or None if that was not asked.
        sources: What each question shares with others, see `livr.evaluate.shared`; empty if none
            shares anything.
        run: Its folder with curves and answers, where that was read.
    """

    task: str
    method: str
    seed: int
    answers: str
    floor: float
    questions: str
    source: str
    model: str = ""
    train_seconds: float | None = None
    group_of: tuple[int | None, ...] = ()
    blindfolded: float | None = None
    sources: Sources = ()
    asked: str = ""
    run: Run | None = field(default=None, repr=False, compare=False)

    @property
    def right(self) -> list[bool]:
        """Right or wrong per question."""
        return [letter == RIGHT for letter in self.answers]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.answers.count(RIGHT) / len(self.answers)


@dataclass(frozen=True)
class Failed:
    """A cell of a grid that has no result.

    Attributes:
        task: Its task.
        method: Its variant.
        seed: Its seed.
        reason: Why, in one line.
    """

    task: str
    method: str
    seed: int
    reason: str


def encode(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Predictions as the fields that `Outcomes` keeps of them.

    Args:
        predictions: Judged answers in the order of the split; at least one.
    """
    lines = "".join(f"{row.id}\t{row.answer}\n" for row in predictions)
    common = Counter(row.answer for row in predictions).most_common(1)[0][1]
    names = [row.score_group for row in predictions]
    asked = [row.asked for row in predictions]
    shared = sources_of(predictions)
    numbers = {name: i for i, name in enumerate(dict.fromkeys(filter(None, names)))}
    return {
        "answers": "".join(
            RIGHT if row.correct else UNREAD if row.prediction is None else WRONG
            for row in predictions
        ),
        "floor": common / len(predictions),
        "questions": _hash(lines),
        **({"asked": _hash("\n".join(asked))} if all(asked) else {}),
        **({"group_of": tuple(numbers.get(name or "") for name in names)} if numbers else {}),
        **({"sources": shared} if shared else {}),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def same_questions(one: Outcomes, other: Outcomes) -> bool:
    """Whether two runs were asked the same, as far as both know it."""
    differ = one.asked and other.asked and one.asked != other.asked
    return one.questions == other.questions and not differ


def outcomes_of(run: Run | Outcomes) -> Outcomes:
    """A run, reduced."""
    if isinstance(run, Outcomes):
        return run
    return Outcomes(
        task=run.task,
        method=run.method,
        seed=run.seed,
        source=str(run.path),
        model=str(run.config.get("model") or run.scores.get("model") or ""),
        train_seconds=run.train_seconds,
        run=run,
        **encode(run.predictions),
    )


def in_subsets(runs: Iterable[Outcomes]) -> list[Outcomes]:
    """The same, with a run that was tested on several tasks at once (BLINK: its subsets) task by
    task, where its folder was read."""
    return [part for run in runs for part in parts_of(run) or [run]]


def parts_of(whole: Outcomes) -> list[Outcomes]:
    """A run that was tested on several tasks at once, task by task; none if it was not."""
    by_task: dict[str, list[Prediction]] = {}
    for row in whole.run.predictions if whole.run else ():
        if row.task is not None:
            alone = row.model_copy(update={"task": None})
            by_task.setdefault(row.task, []).append(alone)
    return [_part(whole, task, rows) for task, rows in by_task.items()]


def _part(whole: Outcomes, task: str, rows: Sequence[Prediction]) -> Outcomes:
    assert whole.run is not None
    # What the folder says of all tasks together is true of none of them.
    run = replace(whole.run, task=task, predictions=tuple(rows), loss=(), val_accuracy=())
    nothing: dict[str, Any] = {"group_of": (), "sources": (), "blindfolded": None, "asked": ""}
    return replace(whole, task=task, run=run, **{**nothing, **encode(rows)})


def read_outcomes(
    paths: Iterable[Path], *, cells: bool = False
) -> tuple[list[Outcomes], list[Failed]]:
    """Read run folders, folders of runs, folders of grids, and the results file of a grid.

    Args:
        paths: The folders and files.
        cells: Read the folders of a grid's runs too, as far as they are still there.

    Raises:
        DataError: One of them is none of these, or a run folder is damaged.
    """
    found: list[Outcomes] = []
    failed: list[Failed] = []
    folders: list[Path] = []
    for path in paths:
        file = path if path.suffix == ".json" else path / RESULTS
        grid = read_grid(file)
        if grid is None:
            if path.is_file():
                raise DataError(f"{path} is neither a run folder nor the results file of a grid")
            folders.append(path)
            continue
        shared = {name: from_text(text) for name, text in grid.sources.items()}
        rows = [_outcomes(row, shared, file) for row in grid.rows]
        failed += [Failed(**row) for row in grid.failed]
        hashes = [cell["hash"] for cell in grid.cells]
        found += _with_runs(rows, file.parent, hashes) if cells else rows
    return found + [outcomes_of(run) for run in told_apart(read_runs(folders))], failed


def _with_runs(rows: Iterable[Outcomes], grid: Path, hashes: Iterable[str]) -> list[Outcomes]:
    """The rows of a grid with the folders of those runs that gave these very answers."""

    def key(one: Outcomes) -> tuple[str, str, int, str, str]:
        return one.task, one.method, one.seed, one.questions, one.answers

    # Folders of settings that the grid had before lie beside those of now.
    scores = [file for name in hashes for file in grid.glob(f"cells/*-{name[:8]}/run/scores.json")]
    runs = {key(outcomes_of(run)): run for run in (read_run(file.parent) for file in scores)}
    return [replace(row, run=runs.get(key(row))) for row in rows]


def known_sources(runs: Iterable[Outcomes]) -> Sources:
    """What the questions share that these runs answered, as far as one of them knows."""
    return next((run.sources for run in runs if run.sources), ())


def _outcomes(row: dict[str, Any], shared: Mapping[str, Sources], file: Path) -> Outcomes:
    return Outcomes(
        task=row["task"],
        method=row["method"],
        seed=row["seed"],
        answers=row["answers"],
        floor=row["floor"],
        questions=row["questions"],
        asked=row.get("asked", ""),
        source=f"{file} ({row['cell']})",
        model=row["model"],
        train_seconds=row["train_seconds"],
        group_of=tuple(row.get("group_of", ())),
        blindfolded=row["blindfolded"]["accuracy"] if "blindfolded" in row else None,
        sources=shared.get(row["task"], ()),
    )
