"""From a grid to its cells: one training run with its tests, or one model that is only asked."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from livr.analysis.ablate.arm import LOADING, Arm
from livr.analysis.ablate.grid import Grid, Task
from livr.analysis.ablate.pick import cell_name
from livr.analysis.ablate.sources import Sources
from livr.config import Settings, TrainConfig, build, load_recipe
from livr.data.store import file_sha256, load_split
from livr.errors import ConfigError, ModelError
from livr.method.variants import variant
from livr.mini import EMBEDDED, checkpoint_dir
from livr.recipes import find_shipped
from livr.train.progress import VALIDATION_COST
from livr.train.run import workload

CELL, RESULT, FAILED, PROGRESS, LOG, RUN = (
    "cell.json", "result.json", "failed.json", "progress.json", "log.txt", "run",
)  # fmt: skip
_LARGE = 64 << 20
_PLACES = {"data", "model", "out", "vision_cache", "vision_cache_gib"}
"""Settings that say where things are: results do not depend on them."""


class Cell(Settings):
    """One cell, as its process reads it from `cell.json`."""

    task: str
    """The grid's name of the task."""
    variant: str
    """The grid's name of the variant."""
    method: str
    """The method behind it."""
    seed: int
    """Seed of the run."""
    model: str
    """The base model."""
    train: TrainConfig | None
    """The run; None: the model is only asked."""
    loading: dict[str, Any] = Field(default_factory=dict)
    """How the base model is loaded where nothing is trained."""
    tests: dict[str, str]
    """Task to data set."""
    blindfolded: bool = False
    """Whether the test is asked under the bottleneck rule too."""
    work: float
    """Its size, in the unit of `Progress`."""
    hash: str
    """Of everything that its numbers depend on."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return cell_name(self.task, self.variant, self.seed if self.train else None)

    @property
    def folder(self) -> str:
        """Name of its folder; other settings, another folder."""
        words = re.sub(r"[^\w.=,-]+", "-", f"{self.task}-{self.variant}-{self.seed}")
        return f"{words}-{self.hash[:8]}"

    @property
    def settings(self) -> dict[str, Any]:
        """All settings of the run, defaults too, as its result keeps them."""
        return self.train.model_dump(mode="json", exclude=_PLACES) if self.train else {}

    def made(self, result: dict[str, Any]) -> bool:
        """Whether a result is this cell's: the same hash, and no default has changed since.

        The hash leaves defaults out, so that a setting that is new does not make old results
        stale. One whose default is another now does.
        """
        return bool(result.get("hash") == self.hash) and kept(
            result.get("settings", {}), self.settings
        )


def kept(then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the settings that there were then are the same now."""
    return all(
        kept(value, now[name])
        if isinstance(value, dict) and isinstance(now[name], dict)
        else value == now[name]
        for name, value in then.items()
        if name in now
    )


def cells_of(grid: Grid, sources: Sources) -> list[Cell]:
    """All cells, seed by seed, so that a grid stopped early is a whole one with fewer seeds.

    Data sets that are missing are built.

    Raises:
        ConfigError: A setting is wrong.
        DataError: A data set is missing or wrong.
        ModelError: There is no such embedded model.
    """
    seeded, runs = grid.seeded(), recipes(grid)
    sources.check()
    model = model_fingerprint(grid.model)
    cells = []
    for task in grid.tasks:
        material = _material(task, sources, any(arm.trains for arm, _ in seeded))
        for arm, seed in seeded:
            cells.append(_cell(grid, arm, seed, runs[arm.name, seed], material, model))
    return sorted(cells, key=lambda cell: grid.seeds.index(cell.seed))


def recipes(grid: Grid) -> dict[tuple[str, int], TrainConfig | None]:
    """The settings of every run by variant and seed, data aside; None if nothing is trained.

    Raises:
        ConfigError: A setting is wrong.
    """
    return {(arm.name, seed): _recipe(grid, arm, seed) for arm, seed in grid.seeded()}


def _recipe(grid: Grid, arm: Arm, seed: int) -> TrainConfig | None:
    """The settings of a run without its data; None if nothing is trained.

    Raises:
        ConfigError: The variant has three stages and no epochs are given, or a setting is wrong.
    """
    stages = len(variant(arm.method).stages)
    if not stages:
        build(TrainConfig, _loading(grid, arm), f"variant {arm.name}")
        return None
    epochs = arm.epochs
    if epochs is None:
        usual: dict[int, tuple[float, ...]] = {1: (sum(grid.epochs),), 2: grid.epochs}
        if stages not in usual:
            raise ConfigError(f"variant {arm.name} has {stages} stages; give it epochs")
        epochs = usual[stages]
    settings = {**grid.settings, **arm.settings}
    if clash := {"data", "out", "model", "method", "seed"} & settings.keys():
        raise ConfigError(f"variant {arm.name}: {min(clash)} is no setting here; the grid says it")
    given: dict[str, Any] = {"method": arm.method, "model": grid.model, "seed": seed}
    if "epochs" not in settings:
        given["epochs"] = list(epochs)
    overrides = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    method = variant(arm.method)
    # What deviates in more than values has constants of its own.
    recipe = find_shipped(method.name if method.home else "livr")
    config = load_recipe(recipe, overrides, **given)
    method.plan(config.epochs)
    return config


def _loading(grid: Grid, arm: Arm) -> dict[str, Any]:
    """How the base model is loaded. What trains has its own settings in its run instead."""
    given = {**grid.settings, **({} if arm.trains else arm.settings)}
    return {name: given[name] for name in LOADING if name in given}


@dataclass(frozen=True)
class _Material:
    """The data of a task: where it is, how much of it, and what tells it from other data."""

    task: str
    data: Path | None
    tests: dict[str, str]
    counts: tuple[int, int, int]
    marks: dict[str, Any]


def _material(task: Task, sources: Sources, trains: bool) -> _Material:
    tests = {name: sources.tested(data) for name, data in task.tested.items()}
    marks: dict[str, Any] = {n: sources.fingerprint(data, ("test",)) for n, data in tests.items()}
    asked = sum(len(load_split(data, "test")) for data in tests.values())
    if not trains:
        return _Material(task.name, None, tests, (0, 0, asked), {"tests": marks})
    data = sources.training(task).resolve()
    val = len(load_split(data, "val")) if (data / "val.jsonl").is_file() else 0
    counts = (len(load_split(data, "train")), val, asked)
    own = sources.fingerprint(str(data), ("train", "val"))
    return _Material(task.name, data, tests, counts, {"tests": marks, "data": own})


def _cell(
    grid: Grid, arm: Arm, seed: int, train: TrainConfig | None, material: _Material, model: str
) -> Cell:
    count, val, asked = material.counts
    loading = _loading(grid, arm)
    identity: dict[str, Any] = {"model": model, "tests": material.marks["tests"]} | loading
    blindfolded = grid.blindfolded and variant(arm.method).latents
    work = VALIDATION_COST * asked * (1 + blindfolded)
    name = str(Path(grid.model).resolve()) if Path(grid.model).is_dir() else grid.model
    if blindfolded:
        identity["blindfolded"] = True
    if train is not None:
        train = train.model_copy(update={"data": material.data, "model": name})
        work += workload(train, count, val)
        # Settings at their defaults are left out, so a new setting does not make old cells stale.
        own = train.model_dump(mode="json", exclude_defaults=True, exclude={"data", "model"})
        own |= {"method": train.method, "seed": seed, "epochs": list(train.epochs)}
        identity |= {"train": own, "data": material.marks["data"]}
    text = json.dumps(identity, sort_keys=True)
    return Cell(
        task=material.task,
        variant=arm.name,
        method=arm.method,
        seed=seed,
        model=name,
        train=train,
        loading=loading,
        tests=material.tests,
        blindfolded=blindfolded,
        work=work,
        hash=hashlib.sha256(text.encode()).hexdigest(),
    )


def model_fingerprint(model: str) -> str:
    """A hash of a local checkpoint's files; the name itself for one from the hub.

    Files above 64 MiB count by name and size.

    Raises:
        ModelError: There is no such embedded model.
    """
    if model in EMBEDDED:
        folder = checkpoint_dir(model)
    elif Path(model).is_dir():
        folder = Path(model)
    elif model.startswith((".", "/", "~")):
        raise ModelError(f"the model {model} is no folder")
    else:
        return model
    sizes = {p: p.stat().st_size for p in sorted(folder.iterdir()) if p.is_file()}
    marks = [f"{p.name} {file_sha256(p) if n <= _LARGE else n}" for p, n in sizes.items()]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
