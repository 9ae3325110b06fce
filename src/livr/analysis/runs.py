"""Run folders, read for comparison: what was trained, how it went, what it answered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from livr.errors import DataError
from livr.evaluate.score import Prediction, read_predictions

SPLIT = "test"


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
        """The data set folder, if the run remembers one that is still there."""
        named = self.scores.get("data") or self.config.get("data")
        return Path(named) if named and Path(named).is_dir() else None

    @property
    def train_seconds(self) -> float | None:
        """Time spent in training, or None if nothing was trained."""
        seconds = self.scores.get("train_seconds")
        return float(seconds) if seconds else None


def read_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        DataError: It is not a run folder, or the run was never evaluated on the test split.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a run folder")
    scores_file = path / "scores.json"
    if not scores_file.is_file():
        raise DataError(f"{path} has no scores.json; run `livr eval {path} --data ...` first")
    scores = _json(scores_file)
    config_file, metrics_file = path / "config.yaml", path / "metrics.jsonl"
    config = yaml.safe_load(config_file.read_text("utf-8")) if config_file.is_file() else {}
    metrics = list(read_metrics(metrics_file)) if metrics_file.is_file() else []
    try:
        return Run(
            path=path,
            task=str(scores["task"]),
            method=str(scores["method"]),
            seed=int(scores["seed"]),
            scores=scores,
            config=dict(config or {}),
            loss=curve(metrics, "loss"),
            val_accuracy=curve(metrics, "val_accuracy"),
            predictions=tuple(read_predictions(path / f"predictions-{SPLIT}.jsonl")),
        )
    except KeyError as error:
        raise DataError(f"{scores_file} does not say the {error.args[0]} of the run") from error


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


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected an object")
    return value


def read_metrics(path: Path) -> Iterable[dict[str, Any]]:
    """The rows of `metrics.jsonl`.

    Raises:
        DataError: A line is no JSON object.
    """
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{number} is not a JSON object: {error}") from error


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
