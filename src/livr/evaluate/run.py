"""Ask a model every question of a split and score its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from livr.arguments import checked
from livr.data.example import Example
from livr.data.store import load_split
from livr.errors import ConfigError, DataError
from livr.evaluate.asked import hashes
from livr.evaluate.places import places
from livr.evaluate.rank import known_answers, likeliest
from livr.evaluate.score import Prediction, Score, judge, score, score_by_task
from livr.evaluate.shared import shared_sources
from livr.model.compress import need_hidden_image
from livr.model.load import load
from livr.model.model import Model, Use, need_batch_size


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
        rank: Whether the known answers were ranked, instead of one written.
        kept_out: The folder of a run that nothing was written into, since nothing may be.
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
    rank: bool = False
    kept_out: Path | None = None

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
        if self.rank:
            result["rank"] = True
        if self.subsets:
            result["subsets"] = {name: part.fields() for name, part in self.subsets.items()}
            result["mean_of_subsets"] = self.mean
        return result


@checked
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
    rank: bool = False,
    trust_remote_code: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Accuracy on a split, of generated answers or of ranked ones.

    If `model` is the folder of a run, evaluated as it would be used (ordinary mask, latents
    kept), `predictions-<split>.jsonl` and `scores.json` are written there too.

    Args:
        model: A loaded model, or anything `livr.load` takes.
        data: Data set folder.
        split: `train`, `val` or `test`.
        mask: Attention rule by name.
        latents: `drop` leaves the latents out of the prompt, a number keeps the first so many.
        out: File for the result as JSON; needed where nothing may be written into the run.
        batch_size: Questions per forward pass.
        compress: Forget the image once the prompt is read; see `Model.generate`.
        rank: Take the likeliest of the known answers instead of what the model writes; see
            `livr.evaluate.rank`.
        trust_remote_code: Run the code that the checkpoint brings.
        on_progress: Called with (answered, all).

    Raises:
        LivrError: The model or the data cannot be used; see the message.
    """
    _need_sense(mask, batch_size, compress, rank)
    as_used = mask == "ordinary" and latents == "keep" and not rank
    where = places(None if isinstance(model, Model) or not as_used else model, split, out)
    name = model.source if isinstance(model, Model) else fspath(model)
    examples = _questions(Path(data), split)
    asked = model if isinstance(model, Model) else load(name, trust_remote_code=trust_remote_code)
    known = known_answers(examples, Path(data)) if rank else None
    way = partial(_way(asked, examples, known, compress), mask=mask, latents=latents)
    predictions = _judged(examples, partial(way, batch_size=batch_size), on_progress)
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
        rank=rank,
        kept_out=where.kept_out,
    )
    where.write(result, examples[0].task)
    return result


def _questions(data: Path, split: str) -> list[Example]:
    examples = load_split(data, split)
    if not examples:
        raise DataError(f"{data}: split {split} is empty")
    missing = [e.id for e in examples if not e.answer]
    if missing:
        raise DataError(f"{split}: {len(missing)} question(s) have no answer, first {missing[0]}")
    return examples


def _need_sense(mask: str, batch_size: int, compress: bool, rank: bool) -> None:
    """Refuse what cannot be asked, before anything is loaded."""
    if compress and rank:
        raise ConfigError("a ranked answer is read together with the image: leave out compress")
    if compress:
        need_hidden_image(mask)
    need_batch_size(batch_size)


def _way(
    model: Model,
    examples: list[Example],
    known: list[tuple[str, ...]] | None,
    compress: bool,
) -> Callable[..., list[str]]:
    """How answers come about: the likeliest of the known ones, or what the model writes."""
    if known is not None:
        return partial(likeliest, model, examples, known)
    room = model.room_for(example.answer for example in examples)
    return partial(model.generate, examples, max_new_tokens=room, compress=compress)


def _judged(
    examples: list[Example],
    ask: Callable[..., list[str]],
    on_progress: Callable[[int, int], None] | None,
) -> list[Prediction]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if on_progress is not None:
            on_progress(done, len(examples))

    texts = ask(on_progress=count)
    several = len({e.task for e in examples}) > 1
    about = zip(shared_sources(examples), hashes(examples), strict=True)
    return [
        judge(e, text).model_copy(
            update={"task": e.task if several else None, "sources": names, "asked": asked}
        )
        for e, text, (names, asked) in zip(examples, texts, about, strict=True)
    ]
