"""Ask a model every question of a split and score the answers it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from livr.data.example import Example
from livr.data.store import BLINK, load_split
from livr.errors import DataError
from livr.evaluate.score import Prediction, Score, judge, score, score_by_task, write_predictions
from livr.evaluate.shared import shared_sources
from livr.evaluate.target import refuse_target
from livr.files import write_json
from livr.model.compress import need_hidden_image
from livr.model.load import load
from livr.model.model import Model, Use, need_batch_size
from livr.settings import read_object

MIXED = "mixed"
"""The task of a run that was tested on several at once."""


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        model: What was asked.
        data: Where the questions came from.
        split: Which part of them.
        mask: The attention rule in force.
        latents: `keep`, `drop`, how many of them, or `none` if the model has none. Of an export,
            how many its chat template adds.
        score: Accuracy with interval, and the share of unreadable answers.
        predictions: Every answer.
        subsets: Scores of the tasks in the data (BLINK: its subsets), if there are several.
        compress: Whether the image was forgotten once the prompt was read.
    """

    model: str
    data: str
    split: str
    mask: str
    latents: str | int
    score: Score
    predictions: tuple[Prediction, ...]
    subsets: dict[str, Score] = field(default_factory=dict)
    compress: bool = False

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.score.accuracy

    @property
    def mean(self) -> float:
        """Mean accuracy over the subsets; the accuracy if there is one only."""
        parts = [part.accuracy for part in self.subsets.values()]
        return sum(parts) / len(parts) if parts else self.accuracy

    def __str__(self) -> str:
        (low, high), groups = self.score.ci95, self.score.groups
        return (
            f"{self.accuracy:.1%} of {self.score.n} right "
            f"(95 % interval {low:.1%} to {high:.1%}), {self.score.unparsed:.1%} unreadable"
            + (f"; {groups.accuracy:.1%} of {groups.n} {groups.label}" if groups else "")
        )

    def summary(self) -> dict[str, Any]:
        """The fields of `livr eval --json`."""
        result: dict[str, Any] = {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "mask": self.mask,
            "latents": self.latents,
            **self.score.fields(),
        }
        if self.compress:
            result["compress"] = True
        if self.subsets:
            result["subsets"] = {name: part.fields() for name, part in self.subsets.items()}
            result["mean_of_subsets"] = self.mean
        return result


def evaluate(
    model: Model | str | PathLike[str],
    data: str | PathLike[str],
    split: str = "test",
    *,
    mask: str = "ordinary",
    latents: Use = "keep",
    out: str | PathLike[str] | None = None,
    batch_size: int = 32,
    compress: bool = False,
    trust_remote_code: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Accuracy of generated answers on a split.

    If `model` is the folder of a run, evaluated as it would be used (ordinary mask, latents
    kept), `predictions-<split>.jsonl` and `scores.json` are written there too.

    Args:
        model: A loaded model, or anything `livr.load` takes.
        data: Data set folder.
        split: `train`, `val` or `test`.
        mask: Attention rule by name.
        latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
        out: File for the result as JSON.
        batch_size: Questions per forward pass.
        compress: Forget the image once the prompt is read; see `Model.generate`.
        trust_remote_code: Run the code that the checkpoint brings.
        on_progress: Called with (answered, all).

    Raises:
        LivrError: The model or the data cannot be used; see the message.
    """
    if compress:
        need_hidden_image(mask)
    need_batch_size(batch_size)
    if out is not None:
        refuse_target(out, ending=".json")
    trained = _record(model, split) if mask == "ordinary" and latents == "keep" else None
    name = model.source if isinstance(model, Model) else fspath(model)
    examples = _questions(Path(data), split)
    asked = model if isinstance(model, Model) else load(name, trust_remote_code=trust_remote_code)
    options = {"batch_size": batch_size, "compress": compress}
    predictions = _ask(asked, examples, mask, latents, options, on_progress)
    result = Evaluation(
        model=name,
        data=str(data),
        split=split,
        mask=mask,
        latents=asked.in_words(latents),
        score=score(predictions),
        predictions=tuple(predictions),
        subsets=score_by_task(examples, predictions),
        compress=compress,
    )
    if trained is not None:
        write_to_run(result, Path(name), trained, MIXED if result.subsets else examples[0].task)
    if out is not None:
        write_json(Path(out), result.summary())
    return result


def _record(model: Model | str | PathLike[str], split: str) -> dict[str, Any] | None:
    """What training recorded of a run; None if `model` is none, so nothing is written there.

    Raises:
        LivrError: The record cannot be read, or the folder not be written.
    """
    file = None if isinstance(model, Model) else Path(model) / "train.json"
    if file is None or not file.is_file():
        return None
    refuse_target(_predictions(file.parent, split), "the predictions")
    return read_object(file, "copy the run again")


def _questions(data: Path, split: str) -> list[Example]:
    examples = load_split(data, split)
    if not examples:
        raise DataError(f"{data}: split {split} is empty")
    missing = [e.id for e in examples if not e.answer]
    if missing:
        raise DataError(f"{split}: {len(missing)} question(s) have no answer, first {missing[0]}")
    return examples


def _ask(
    model: Model,
    examples: list[Example],
    mask: str,
    latents: Use,
    options: dict[str, Any],
    on_progress: Callable[[int, int], None] | None,
) -> list[Prediction]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if on_progress is not None:
            on_progress(done, len(examples))

    options = options | {"max_new_tokens": model.room_for(e.answer for e in examples)}
    texts = model.generate(examples, mask, latents, on_progress=count, **options)
    several = len({e.task for e in examples}) > 1
    return [
        judge(e, text).model_copy(update={"task": e.task if several else None, "sources": names})
        for e, text, names in zip(examples, texts, shared_sources(examples), strict=True)
    ]


def _predictions(run: Path, split: str) -> Path:
    return run / f"predictions-{split}.jsonl"


def from_anywhere(data: str) -> str:
    """The name of a data set that holds in every working directory.

    Args:
        data: A folder, or a `blink:` name, which stays as it is.
    """
    return data if data.startswith(BLINK) else str(Path(data).resolve())


def write_to_run(result: Evaluation, run: Path, trained: dict[str, Any], task: str) -> None:
    """Put predictions and scores into a run folder, beside what training recorded.

    Args:
        result: The evaluation.
        run: The folder.
        trained: What training recorded.
        task: What was asked.
    """
    write_predictions(_predictions(run, result.split), result.predictions)
    file = run / "scores.json"
    scores = {"task": task, **trained, "data": from_anywhere(result.data)}
    scores |= result.score.fields() | {"correct": result.score.correct, "split": result.split}
    if result.split == "test" or not file.is_file():
        write_json(file, scores)
