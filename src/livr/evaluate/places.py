"""Where the result of an evaluation is written, and that it can be is known before."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livr.data.store import BLINK
from livr.errors import ConfigError
from livr.evaluate.score import write_predictions
from livr.evaluate.target import refuse_target
from livr.files import write_json
from livr.settings import read_object

if TYPE_CHECKING:
    from livr.evaluate.run import Evaluation

WRITTEN = b'\n  "mask": "'
"""What every result holds, and neither a run's scores nor the results of a grid."""
MIXED = "mixed"
"""The task of a run that was tested on several at once."""


@dataclass(frozen=True)
class Places:
    """Where a result goes.

    Attributes:
        out: A file of its own, or None.
        run: The folder of the run that was asked, or None.
        trained: What training recorded of that run.
        kept_out: The folder of a run that nothing is written into, since nothing may be.
    """

    out: Path | None
    run: Path | None = None
    trained: dict[str, Any] = field(default_factory=dict)
    kept_out: Path | None = None

    def write(self, result: Evaluation, task: str) -> None:
        """Write a result wherever it goes.

        Args:
            result: The result.
            task: What was asked, if it was one task.
        """
        if self.run is not None:
            write_predictions(_predictions(self.run, result.split), result.predictions)
            file = self.run / "scores.json"
            about = {"task": MIXED if result.subsets else task, **self.trained}
            about |= {"data": from_anywhere(result.data), **result.score.fields()}
            if result.split == "test" or not file.is_file():
                scored = {"correct": result.score.correct, "split": result.split}
                write_json(file, about | scored)
        if self.out is not None:
            write_json(self.out, result.summary())


def places(
    asked: str | PathLike[str] | None, split: str, out: str | PathLike[str] | None
) -> Places:
    """Where a result goes. In a run that may not be written nothing is, if there is an `out`.

    Args:
        asked: The folder that is asked; None or what is no run of training gets no result.
        split: Which questions.
        out: Where else the result is written, or None.

    Raises:
        LivrError: The record of training cannot be read, the folder not be written and there is
            no `out`, or `out` cannot be written.
    """
    file = None if out is None else Path(out)
    if out is not None:
        refuse_target(out, holds=WRITTEN)
    record = None if asked is None else Path(asked) / "train.json"
    if record is None or not record.is_file():
        return Places(file)
    try:
        refuse_target(_predictions(record.parent, split), "the predictions")
    except ConfigError as error:
        if file is not None:
            return Places(file, kept_out=record.parent)
        raise ConfigError(f"{error}: with --out FILE the result is written there alone") from error
    return Places(file, record.parent, read_object(record, "copy the run again"))


def _predictions(run: Path, split: str) -> Path:
    return run / f"predictions-{split}.jsonl"


def from_anywhere(data: str) -> str:
    """The name of a data set that holds in every working directory.

    Args:
        data: A folder, or a `blink:` name, which stays as it is.
    """
    return data if data.startswith(BLINK) else str(Path(data).resolve())
