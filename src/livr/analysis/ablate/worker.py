"""One cell in a process of its own: `python -m livr.analysis.ablate.worker FOLDER [--fresh]`.

Reads `cell.json`, trains into `run/`, tests, and writes `result.json`; that file is what makes a
cell finished. Whatever stops it is written to `failed.json`, and as a whole to the log.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from livr.analysis.ablate.cells import CELL, FAILED, PROGRESS, RESULT, RUN, Cell, kept
from livr.analysis.compare_outcomes import encode
from livr.analysis.runs import curve, read_metrics
from livr.config import read_yaml
from livr.errors import ConfigError, LivrError
from livr.evaluate.run import Evaluation, evaluate
from livr.evaluate.score import write_predictions
from livr.evaluate.shared import as_text
from livr.files import write_json
from livr.machine import surroundings
from livr.method.bottleneck import BOTTLENECK
from livr.model.compress import obstacle
from livr.model.load import load
from livr.model.model import Model
from livr.train.disk import disk_fault
from livr.train.progress import VALIDATION_COST, Meter, Progress
from livr.train.run import train


class Reporter:
    """Writes how far a cell is to `progress.json`, once a second at most."""

    def __init__(self, folder: Path, cell: Cell) -> None:
        self.file, self.last, self.answered = folder / PROGRESS, 0.0, 0
        self.meter = Meter(cell.work, self._write)

    def _write(self, state: Progress) -> None:
        now = time.monotonic()
        if now - self.last >= 1:
            self.last = now
            share = state.done / state.total
            write_json(self.file, {"share": round(share, 4), "phase": state.phase})

    def training(self, state: Progress) -> None:
        """A listener for `train`."""
        self.meter.advance(max(0.0, state.done - self.meter.done), state.phase)

    def asked(self, done: int, total: int) -> None:
        """A listener for `evaluate`."""
        self.meter.advance(VALIDATION_COST * (done - self.answered), "test")
        self.answered = 0 if done == total else done


def perform(folder: Path, *, fresh: bool = False) -> dict[str, Any]:
    """Do a cell, as far as it has not been done, and return the contents of `result.json`.

    What was trained with other settings than the cell's is thrown away: the hash, and with it the
    folder, stays the same when a default changes.

    Args:
        folder: The cell's folder with `cell.json`.
        fresh: Throw away what an earlier attempt trained.

    Raises:
        LivrError: As `livr.train` and `livr.evaluate`.
    """
    cell = Cell.model_validate_json((folder / CELL).read_text("utf-8"))
    run, reporter = folder / RUN, Reporter(folder, cell)
    started = time.monotonic()
    if run.exists() and (fresh or not _begun(cell, run)):
        shutil.rmtree(run)
    about: dict[str, Any] = dict.fromkeys(("train_seconds", "val_accuracy", "epoch"))
    if cell.train is not None:
        about |= _trained(cell, run, reporter)
    rows = _tested(cell, folder, reporter)
    result = {
        "hash": cell.hash,
        "seconds": round(time.monotonic() - started, 1),
        "rows": rows,
        "settings": cell.settings,
        **about,
        **surroundings(),
    }
    write_json(folder / RESULT, result)
    return result


def _begun(cell: Cell, run: Path) -> bool:
    """Whether a run folder holds a run with the cell's settings, to be continued or kept."""
    try:
        started = read_yaml(run / "config.yaml", "settings of the run")
    except ConfigError:
        return False
    if isinstance(started, dict) and cell.settings.get("dtype") == "auto":
        started.pop("dtype", None)  # A run says what that came to mean where it was begun.
    return isinstance(started, dict) and kept(started, cell.settings)


def _trained(cell: Cell, run: Path, reporter: Reporter) -> dict[str, Any]:
    assert cell.train is not None
    update: dict[str, Any] = {"out": run}
    if cell.train.vision_cache is None:
        # One store for the whole grid: cells of a task read the same images.
        update["vision_cache"] = run.resolve().parents[2] / ".vision-cache"
    config = cell.train.model_copy(update=update)
    if not (run / "train.json").is_file():
        if (run / "adapter").is_dir():
            shutil.rmtree(run / "adapter")
        train(config, resume=(run / "config.yaml").is_file(), on_progress=reporter.training)
    found = json.loads((run / "train.json").read_text("utf-8"))
    points = curve(read_metrics(run / "metrics.jsonl"), "val_accuracy")
    about = {name: found[name] for name in ("train_seconds", "val_accuracy", "epoch")}
    return about | {"val_curve": [[p.stage, p.epoch, p.value] for p in points]}


def _tested(cell: Cell, folder: Path, reporter: Reporter) -> list[dict[str, Any]]:
    run = folder / RUN
    if cell.train is None:
        asked = load(cell.model, **cell.loading)
    else:
        asked = load(run, trust_remote_code=cell.train.trust_remote_code)
    rows = []
    for task, data in cell.tests.items():
        result = evaluate(asked, data, "test", on_progress=reporter.asked)
        write_predictions(folder / f"predictions-{task}.jsonl", result.predictions)
        if len(cell.tests) == 1:
            _as_run(cell, task, run, result)
        rows.append(_row(task, result) | _blindfolded(cell, asked, data, reporter))
    return rows


def _blindfolded(cell: Cell, asked: Model, data: str, reporter: Reporter) -> dict[str, Any]:
    """The same questions under the bottleneck rule, the images forgotten after the prompt.

    Where layers stand in the way of forgetting, images stay; the answers are the same.
    """
    if not cell.blindfolded:
        return {}
    how: dict[str, Any] = {"mask": BOTTLENECK.name, "compress": not obstacle(asked)}
    result = evaluate(asked, data, "test", **how, on_progress=reporter.asked)
    return {"blindfolded": result.score.fields() | {"correct": result.score.correct}}


def _as_run(cell: Cell, task: str, run: Path, result: Evaluation) -> None:
    """Make `run/` a run folder for `livr report`, under the variant's name, trained or not."""
    write_predictions(run / "predictions-test.jsonl", result.predictions)
    file = run / "train.json"
    scores = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    scores |= {"task": task, "method": cell.variant, "seed": cell.seed}
    write_json(run / "scores.json", scores | result.summary())


def _row(task: str, result: Evaluation) -> dict[str, Any]:
    found = encode(result.predictions)
    if "sources" in found:
        found["sources"] = as_text(found["sources"])
    return {
        "task": task,
        **result.score.fields(),
        "correct": result.score.correct,
        **found,
    }


def main(folder: Path, fresh: bool) -> int:
    """Do a cell under its lock; 0, or 1 with the reason in `failed.json`."""
    (folder / FAILED).unlink(missing_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            perform(folder, fresh=fresh)
    except Timeout:
        reason = "another process is at work on it"
    except LivrError as error:
        reason = str(error)
    except Exception as error:
        traceback.print_exc()
        reason = disk_fault(error) or f"{type(error).__name__}: {error}"
    else:
        return 0
    sys.stderr.write(reason + "\n")
    write_json(folder / FAILED, {"reason": reason})
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--fresh" in sys.argv[2:]))
