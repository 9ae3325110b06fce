"""The main job on the embedded model and images: zero-shot, direct SFT and LIVR side by side."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from livr.analysis import REFERENCE
from livr.analysis.compare import Line, compare, label, results
from livr.analysis.report import write_report
from livr.analysis.runs import SPLIT, Run, read_run
from livr.config import Settings, TrainConfig, load_recipe
from livr.data.build import POOL, build_task
from livr.data.tasks import get_task
from livr.errors import ConfigError
from livr.evaluate.places import from_anywhere
from livr.evaluate.run import evaluate
from livr.evaluate.score import write_predictions
from livr.evaluate.target import refuse_folder
from livr.files import write_json, write_whole
from livr.mini import EMBEDDED
from livr.model.load import load
from livr.recipes import find_shipped
from livr.settings import as_yaml
from livr.train.progress import VALIDATION_COST, Listener, Meter, Progress
from livr.train.run import train, workload

MARK = "demo.yaml"
SMALL_SETTINGS = ("tune=full", "optim.lr=1e-3")
"""For an embedded model, as in the committed evidence, where they were chosen on validation."""
_BUILD_COST = 0.5
"""Making a question against one training step on it; makes estimates of time honest."""


class DemoConfig(Settings):
    """What `livr demo` does."""

    tasks: tuple[str, ...] = ("counting", "localization")
    """Tasks that `livr data build` makes from the embedded images."""
    seeds: int = Field(1, ge=1)
    """Runs per task and method; seeds 42, 43, ..."""
    model: str = "mini"
    """Hub id, checkpoint folder, or `mini`."""
    train: int = Field(1000, ge=8)
    """Training questions per task."""
    val: int = Field(60, ge=1)
    """Validation questions per task; they choose the checkpoint."""
    test: int = Field(200, ge=1)
    """Test questions per task, from source images of their own."""
    epochs: tuple[float, float] = (2, 3)
    """Epochs of LIVR's two stages; direct SFT gets their sum in one."""
    settings: tuple[str, ...] = Field(
        default_factory=lambda given: SMALL_SETTINGS if given.get("model") in EMBEDDED else ()
    )
    """Changes to both recipes. By default `SMALL_SETTINGS` for an embedded model, else none."""


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Attributes:
        out: Its folder, with `results.json`, `report.html`, `data/` and `runs/`.
        lines: The table.
        runs: Every run.
    """

    out: Path
    lines: tuple[Line, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class _Job:
    """One run to be: a method on a task with a seed. Zero-shot has no settings to train with."""

    task: str
    method: str
    seed: int
    data: Path
    folder: Path
    config: TrainConfig | None

    def work(self, sizes: DemoConfig) -> float:
        trained = workload(self.config, sizes.train, sizes.val) if self.config else 0.0
        return trained + VALIDATION_COST * sizes.test


def run_demo(
    config: DemoConfig,
    out: Path,
    *,
    overwrite: bool = False,
    on_progress: Listener | None = None,
) -> Demo:
    """Build the data, run every method, compare. Continues where an earlier call was stopped.

    Args:
        config: What to do.
        out: Folder for everything.
        overwrite: Start anew, if the folder holds an earlier demo.
        on_progress: Told how far the whole is.

    Raises:
        ConfigError: A setting is wrong, or the folder holds something else or cannot be written.
        LivrError: As `livr.train` and `livr.evaluate`.
    """
    tasks = [get_task(name).name for name in dict.fromkeys(config.tasks)]
    jobs = [job for task in tasks for job in _jobs(config, task, out)]
    refuse_folder(out)
    if not (out / MARK).is_file():
        load(config.model)  # What is wrong with it is said before anything is written.
    _prepare(config, out, overwrite)
    building = _BUILD_COST * (config.train + config.val + config.test) * len(tasks)
    meter = Meter(building + sum(job.work(config) for job in jobs), on_progress)
    for task in tasks:
        _build(config, task, out, meter)
    for job in jobs:
        _perform(job, config, meter)
    runs = [read_run(job.folder) for job in jobs]
    return _conclude(config, out, runs)


def _conclude(config: DemoConfig, out: Path, runs: Sequence[Run]) -> Demo:
    command = command_line(config, out)
    lines = compare(runs)
    about = {"command": command, "settings": config.model_dump(mode="json")}
    write_json(out / "results.json", results(runs, lines, REFERENCE) | about)
    write_report(out / "report.html", runs, command=command)
    return Demo(out=out, lines=tuple(lines), runs=tuple(runs))


def command_line(config: DemoConfig, out: Path) -> str:
    """The command that does the same again.

    >>> command_line(DemoConfig(seeds=3), Path("demo"))
    'livr demo --task counting --task localization --seeds 3 --out demo'
    """
    words = ["livr", "demo"]
    for task in config.tasks:
        words += ["--task", task]
    words += ["--seeds", str(config.seeds)]
    if config.model != DemoConfig.model_fields["model"].default:
        words += ["--model", config.model]
    return shlex.join([*words, "--out", out.name])


def _prepare(config: DemoConfig, out: Path, overwrite: bool) -> None:
    """Make the folder, or check that it holds the same demo, unfinished or finished."""
    mark = out / MARK
    if mark.is_file() and overwrite:
        for name in ("data", "runs"):
            shutil.rmtree(out / name, ignore_errors=True)
        mark.unlink()
    elif out.is_dir() and any(out.iterdir()) and not mark.is_file():
        raise ConfigError(f"{out} is not empty and holds no demo; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    settings = as_yaml(config.model_dump(mode="json"))
    if mark.is_file() and mark.read_text("utf-8") != settings:
        raise ConfigError(
            f"{out} holds a demo with other settings; choose another --out, or --overwrite it"
        )
    write_whole(mark, settings)


def _jobs(config: DemoConfig, task: str, out: Path) -> list[_Job]:
    data, runs = out / "data" / task, out / "runs"
    first = TrainConfig.model_fields["seed"].default
    jobs = [_Job(task, "zero_shot", first, data, runs / f"{task}-zero_shot", None)]
    for seed in range(first, first + config.seeds):
        for method, epochs in (("sft", [sum(config.epochs)]), ("livr", list(config.epochs))):
            folder = runs / f"{task}-{method}-{seed}"
            recipe = load_recipe(
                find_shipped(method),
                config.settings,
                model=config.model,
                data=data,
                out=folder,
                seed=seed,
                epochs=epochs,
            )
            jobs.append(_Job(task, method, seed, data, folder, recipe))
    return jobs


def _build(config: DemoConfig, task: str, out: Path, meter: Meter) -> None:
    sizes = {"train": config.train, "val": config.val, "test": config.test}
    folder = out / "data" / task
    if folder.is_dir():
        meter.advance(_BUILD_COST * sum(sizes.values()), f"{label(task)}: data")
        return
    build_task(
        task,
        POOL,
        folder,
        sizes,
        progress=lambda *_: meter.advance(_BUILD_COST, f"{label(task)}: making questions"),
    )


def _perform(job: _Job, sizes: DemoConfig, meter: Meter) -> None:
    """Train and evaluate one job, as far as that has not been done."""
    title = f"{label(job.task)}: {label(job.method)}"
    if sizes.seeds > 1 and job.config is not None:
        title += f", seed {job.seed}"
    end = meter.done + job.work(sizes)
    if not (job.folder / "scores.json").is_file():
        start = meter.done
        if job.config is not None and not (job.folder / "adapter").is_dir():
            _train(job, _part_of(meter, start, title, job.method))
        _evaluate(job, sizes, meter, f"{title}, test")
    meter.advance(max(0.0, end - meter.done), title)


def _part_of(meter: Meter, start: float, title: str, method: str) -> Listener:
    """A listener that adds a run's own progress to the whole."""

    def listen(state: Progress) -> None:
        phase = state.phase.removeprefix(f"{method} ").replace("stage", "stage ")
        meter.advance(start + state.done - meter.done, f"{title}, {phase}")

    return listen


def _train(job: _Job, listener: Listener) -> None:
    assert job.config is not None
    started = (job.folder / "config.yaml").is_file()
    if job.folder.exists() and not started:
        shutil.rmtree(job.folder)
    train(job.config, resume=started, on_progress=listener)


def _evaluate(job: _Job, sizes: DemoConfig, meter: Meter, title: str) -> None:
    step = VALIDATION_COST * sizes.test
    start = meter.done

    def listen(done: int, total: int) -> None:
        meter.advance(start + step * done / total - meter.done, title)

    if job.config is not None:
        evaluate(job.folder, job.data, SPLIT, on_progress=listen)
        return
    result = evaluate(sizes.model, job.data, SPLIT, on_progress=listen)
    write_predictions(job.folder / f"predictions-{SPLIT}.jsonl", result.predictions)
    scores: dict[str, Any] = {"task": job.task, "method": job.method, "seed": job.seed}
    scores |= result.summary() | {"data": from_anywhere(result.data)}
    write_json(job.folder / "scores.json", scores)
