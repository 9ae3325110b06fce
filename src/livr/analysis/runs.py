"""Run folders, read for comparison: what was trained, how it went, what it answered."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livr.data.store import BLINK
from livr.errors import ConfigError, DataError
from livr.evaluate.score import Prediction, read_predictions
from livr.settings import read_yaml

SPLIT = "test"
_Kind = tuple[tuple[type, ...], str]
_TEXT: _Kind = ((str,), "a text")
_WHOLE: _Kind = ((int,), "a whole number")
_NUMBER: _Kind = ((int, float), "a number")
_SCORES = {"task": _TEXT, "method": _TEXT, "seed": _WHOLE}
"""What `scores.json` must say."""
_MAY_SAY = {"data": _TEXT, "model": _TEXT, "split": _TEXT, "train_seconds": _NUMBER}
_MEASURES = ("loss", "val_accuracy")
_AGAIN = "evaluate the run again with livr eval, or copy it again"
_MEND = "mend the file, or copy the run again"


@dataclass(frozen=True)
class Point:
    """One point of a learning curve.

    Attributes:
        stage: Name of the training stage.
        epoch: Passes over the data since the start of the run, both stages counted.
        value: A loss, or an accuracy in [0, 1].
    """

    stage: str
    epoch: float
    value: float


@dataclass(frozen=True)
class Run:
    """One method, trained and tested once.

    Attributes:
        path: The run folder.
        task: The task, or "mixed".
        method: `zero_shot`, `sft`, `livr`, ...
        seed: Seed of the run.
        scores: Contents of `scores.json`.
        config: Contents of `config.yaml`; empty for a model that was not trained.
        loss: Training loss over time.
        val_accuracy: Validation accuracy over time.
        predictions: Judged answers on the test split, in its order.
    """

    path: Path
    task: str
    method: str
    seed: int
    scores: dict[str, Any]
    config: dict[str, Any]
    loss: tuple[Point, ...]
    val_accuracy: tuple[Point, ...]
    predictions: tuple[Prediction, ...]

    @property
    def data(self) -> Path | None:
        """The data set folder, if the run remembers one whose questions are still there."""
        if self._on_blink:
            return None
        # What was typed for a test may hold in another working directory only.
        named = (self.scores.get("data"), self.config.get("data"))
        folders = [Path(name) for name in named if name]
        return next((path for path in folders if (path / f"{SPLIT}.jsonl").is_file()), None)

    @property
    def lost_data(self) -> str | None:
        """The data set folder that the run remembers, if its questions are gone."""
        named = self.scores.get("data") or self.config.get("data")
        return None if self._on_blink or self.data is not None else named

    @property
    def _on_blink(self) -> bool:
        return str(self.scores.get("data")).startswith(BLINK)

    @property
    def tune(self) -> str | None:
        """What was tuned, `lora` or `full`; None if the run has no settings."""
        return str(self.config.get("tune", "lora")) if self.config else None

    @property
    def train_seconds(self) -> float | None:
        """Time spent in training, or None if nothing was trained."""
        seconds = self.scores.get("train_seconds")
        return float(seconds) if seconds else None


def read_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        DataError: It is not a run folder, one of its files is damaged, or the run was never
            evaluated on the test split.
    """
    scores_file, answers_file = path / "scores.json", path / f"predictions-{SPLIT}.jsonl"
    if not scores_file.is_file():
        raise DataError(_no_scores(path))
    scores, metrics_file = _scores(scores_file), path / "metrics.jsonl"
    split = scores.get("split") or SPLIT
    if split != SPLIT and not answers_file.is_file():
        first = _evaluate(path, scores.get("data"))
        raise DataError(f"{path} was evaluated on the {split} split only; run {first} first")
    metrics = list(read_metrics(metrics_file)) if metrics_file.is_file() else []
    return Run(
        path=path,
        task=scores["task"],
        method=scores["method"],
        seed=scores["seed"],
        scores=scores,
        config=_config(path / "config.yaml"),
        loss=curve(metrics, "loss"),
        val_accuracy=curve(metrics, "val_accuracy"),
        predictions=tuple(read_predictions(answers_file)),
    )


def _no_scores(path: Path) -> str:
    """What a folder without scores is, and what to do."""
    if not path.is_dir():
        return f"{path} is not a run folder"
    if (path / "config.yaml").is_file():
        if (path / "adapter").is_dir():
            first = _evaluate(path, _config(path / "config.yaml").get("data"))
            return f"{path} is a run that was not evaluated; run {first} first"
        return (
            f"{path} is a run that has not finished; continue it with livr train ... --resume, "
            f"then run {_evaluate(path)}"
        )
    if (path / "grid.yaml").is_file():
        return f"{path} is a grid none of whose cells has a result; go on with livr ablate"
    is_data = any((path / f"{split}.jsonl").is_file() for split in ("train", "val", SPLIT))
    is_model = (path / "config.json").is_file()
    kind = ": it is a data set" if is_data else ": it is a checkpoint" if is_model else ""
    return f"{path} holds no run{kind}; name a folder that livr train wrote"


def _evaluate(run: Path, data: str | None = None) -> str:
    """The command that evaluates a run, as it is typed."""
    where = "..." if data is None else shlex.quote(data)
    return f"`livr eval {shlex.quote(str(run))} --data {where}`"


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """Read several run folders. A folder that is no run but holds runs stands for those. A run
    that is named twice is read once.

    Raises:
        DataError: One of them is not a run, or holds none.
    """
    runs = []
    for path in paths:
        inside = sorted(found.parent for found in path.rglob("scores.json"))
        if not (path / "scores.json").is_file() and inside:
            runs += [read_run(folder) for folder in inside]
        else:
            runs.append(read_run(path))
    return list({run.path.resolve(): run for run in runs}.values())


def _scores(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a JSON file: {error}; {_AGAIN}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected an object; {_AGAIN}")
    for name, kind in _SCORES.items():
        if name not in value:
            raise DataError(f"{path} does not say the {name} of the run; {_AGAIN}")
        _must_be(value[name], kind, f"{path}: {name}")
    for name, kind in _MAY_SAY.items():
        if value.get(name) is not None:
            _must_be(value[name], kind, f"{path}: {name}")
    return value


def _must_be(value: Any, kind: _Kind, where: str, then: str = _AGAIN) -> None:
    types, words = kind
    if not isinstance(value, types):
        raise DataError(f"{where} is {value!r}, expected {words}; {then}")


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = read_yaml(path, "settings of the run") or {}
    except ConfigError as error:
        raise DataError(f"{error}\n{_MEND.capitalize()}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected settings like 'method: livr', found {value!r}; {_MEND}")
    for name in ("data", "model", "tune"):
        if value.get(name) is not None:
            _must_be(value[name], _TEXT, f"{path}: {name}", _MEND)
    return value


def read_metrics(path: Path) -> Iterable[dict[str, Any]]:
    """The rows of `metrics.jsonl`. A last line that was cut off is left out, as in training.

    Raises:
        DataError: A line is no JSON object, or what it measures is no number.
    """
    # Lines that are whole end in one; not splitlines, which knows more ends than JSON.
    *lines, rest = path.read_bytes().split(b"\n")
    for number, line in enumerate([*lines, rest], start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            if number > len(lines):
                return
            raise DataError(f"{path}:{number} is not a JSON object: {error}; {_MEND}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number} is not a JSON object; {_MEND}")
        measured = [name for name in _MEASURES if row.get(name) is not None]
        for name in [*measured, "epoch"] if measured else []:
            _must_be(row.get(name), _NUMBER, f"{path}:{number}: {name}", _MEND)
        yield row


def curve(rows: Iterable[dict[str, Any]], name: str) -> tuple[Point, ...]:
    """The points of one measure. Epochs that start anew in each stage are added up."""
    points: list[Point] = []
    start = 0.0
    for row in rows:
        if row.get(name) is None:
            continue
        stage, epoch = str(row.get("stage", "")), float(row["epoch"])
        if points and stage != points[-1].stage:
            start = points[-1].epoch if epoch < points[-1].epoch else 0.0
        points.append(Point(stage, start + epoch, float(row[name])))
    return tuple(points)
