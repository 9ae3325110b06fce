"""What a grid would take, before it starts: its cells, and a measured guess of their time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from livr.analysis.ablate.cells import Cell, cells_of, recipes
from livr.analysis.ablate.grid import POOL, Grid, Sizes
from livr.analysis.ablate.outline import outline
from livr.analysis.ablate.sources import Sources
from livr.config import TrainConfig
from livr.errors import DataError, ModelError
from livr.method.variants import variant
from livr.train import estimate
from livr.train.plan import plan_run

SAMPLE = 48
"""Training questions that are built to measure on."""
_Kind = tuple[str | None, bool]


@dataclass(frozen=True)
class Planned:
    """A cell that has not been started.

    Attributes:
        task: Its task.
        variant: Its variant.
        seed: Its seed, or None if nothing is trained.
        epochs: Epochs per stage; empty if nothing is trained.
        seconds: What it would take, or None without an estimate.
    """

    task: str
    variant: str
    seed: int | None
    epochs: tuple[float, ...]
    seconds: float | None


@dataclass(frozen=True)
class Guess:
    """A grid that has not been started.

    Attributes:
        cells: Its cells.
        machine: What the seconds are for.
        problem: Why nothing could be measured, or None.
    """

    cells: tuple[Planned, ...]
    machine: str
    problem: str | None

    @property
    def total(self) -> float | None:
        """All cells one after another; None without an estimate."""
        known = [cell.seconds for cell in self.cells if cell.seconds is not None]
        return sum(known) if len(known) == len(self.cells) else None


def guess(grid: Grid, gpu: str | None = None) -> Guess:
    """List the cells and estimate their time. Writes nothing that stays.

    Per task a few real steps of one variant are taken on a small data set, and once for each kind
    of step (images given twice, Mirage). Otherwise variants are taken to differ by the length of
    their training only. Where data or model are not there yet, the problem is named; for a GPU
    there is an outline then, from the model's published shape.

    Args:
        grid: The grid.
        gpu: Estimate for this GPU instead of this machine.

    Raises:
        ConfigError: A setting is wrong.
    """
    runs = recipes(grid)
    machine, problem = "this machine", None
    seconds: dict[tuple[str, str, int], float] = {}
    try:
        machine, seconds = _measured(grid, gpu)
    except (DataError, ModelError) as error:
        problem = str(error).splitlines()[0]
        machine, seconds = _outlined(grid, runs, gpu)
    cells = []
    for task in grid.tasks:
        for arm, seed in grid.seeded():
            run = runs[arm.name, seed]
            found = seconds.get((task.name, arm.name, seed))
            epochs = run.epochs if run else ()
            shown = seed if run else None
            cells.append(Planned(task.name, arm.name, shown, epochs, found))
    return Guess(tuple(cells), machine, problem)


def _outlined(
    grid: Grid, runs: Mapping[tuple[str, int], TrainConfig | None], gpu: str | None
) -> tuple[str, dict[tuple[str, str, int], float]]:
    """As `_measured`, without weights and data. Nothing where too little is known."""
    if gpu is None:
        return "this machine", {}
    card = estimate.find_gpu(gpu)
    with suppress(DataError, ModelError):
        return card.name, outline(grid, runs, card)
    return card.name, {}


def _measured(grid: Grid, gpu: str | None) -> tuple[str, dict[tuple[str, str, int], float]]:
    """The machine, and seconds by task, variant and seed. Tasks on which nothing trains: none."""
    machine = "this machine"
    seconds: dict[tuple[str, str, int], float] = {}
    extra: dict[_Kind, float] = {}
    with TemporaryDirectory() as folder:
        small, scale = _small(grid)
        cells = cells_of(small, Sources(small, Path(folder)))
        for task in grid.tasks:
            own = [cell for cell in cells if cell.task == task.name]
            first = next((cell for cell in own if cell.train), None)
            if first is None:
                continue
            machine, rate = _rate(first, gpu)
            extra.setdefault(_kind(first), 1.0)
            for cell in own:
                if cell.train and _kind(cell) not in extra:
                    extra[_kind(cell)] = _rate(cell, gpu)[1] / rate
                own_rate = rate * (extra[_kind(cell)] if cell.train else 1.0)
                seconds[cell.task, cell.variant, cell.seed] = own_rate * scale * cell.work
    return machine, seconds


def _kind(cell: Cell) -> _Kind:
    """What changes the cost of a step by a factor: longer prompts, or steps of another kind."""
    arm = variant(cell.method)
    return arm.home, arm.repeats


def _rate(cell: Cell, gpu: str | None) -> tuple[str, float]:
    """The machine, and seconds per unit of work, from a few real steps of a cell that trains."""
    assert cell.train is not None
    cost = plan_run(cell.train, gpu).costs[-1]
    return cost.machine, cost.seconds / cell.work


def _small(grid: Grid) -> tuple[Grid, float]:
    """The same grid with small data sets of its own, and how much smaller they are."""
    scale = max(1.0, grid.sizes.train / SAMPLE)
    if grid.data != POOL or scale == 1:
        return grid, 1.0
    sizes = grid.sizes.model_dump()
    small = {name: max(8, round(count / scale)) for name, count in sizes.items()}
    return grid.model_copy(update={"sizes": Sizes(**small)}), scale
