"""What a grid is: the YAML file that `livr ablate` reads."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from livr.analysis import REFERENCE
from livr.analysis.ablate.arm import Arm
from livr.config import Settings, build, read_yaml
from livr.errors import ConfigError

POOL = "pool"
_NAME = re.compile(r"[\w.-]+")


class Sizes(Settings):
    """Questions per split of data sets that the grid builds from the embedded images."""

    train: int = Field(1000, ge=8)
    """Training questions (appendix B)."""
    val: int = Field(250, ge=1)
    """Validation questions; they choose the checkpoint (4.1)."""
    test: int = Field(300, ge=1)
    """Test questions (ours)."""


class Task(Settings):
    """One task of a grid. Just its name is enough where the data set has that name."""

    name: str
    """How results call it."""
    data: str | None = None
    """Data set: its name below the grid's `data`, or a folder. Default: `name`."""
    mix: dict[str, float] | None = None
    """Train on several data sets joined: data set to weight, the share of its training rows that
    is taken; 2 takes each twice (METHOD section 2, multi-task)."""
    tests: dict[str, str] | None = None
    """Where to test: task to data set, or `blink:FOLDER`. Default: the data set itself, or all
    data sets of the mix."""

    @model_validator(mode="before")
    @classmethod
    def _name_is_enough(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Task:
        if self.data is not None and self.mix is not None:
            raise ValueError("give data or mix, not both")
        if self.mix is not None and (not self.mix or min(self.mix.values()) <= 0):
            raise ValueError("mix needs positive weights")
        for name in (self.name, *self.tested):
            if not _NAME.fullmatch(name):
                raise ValueError(f"the name {name!r} may hold letters, digits, dots, _ and - only")
        return self

    @property
    def parts(self) -> dict[str, float]:
        """The data sets trained on, with their weights."""
        return self.mix or {self.data or self.name: 1.0}

    @property
    def tested(self) -> dict[str, str]:
        """The test sets by task."""
        if self.tests is not None:
            return self.tests
        return {part: part for part in self.mix} if self.mix else {self.name: self.parts_name}

    @property
    def parts_name(self) -> str:
        """The one data set of a task without a mix."""
        return self.data or self.name


class Grid(Settings):
    """Variants x tasks x seeds x settings."""

    tasks: tuple[Task, ...]
    """What to train on and test."""
    variants: tuple[Arm, ...]
    """The methods. A method that trains nothing is one cell per task, whatever the seeds."""
    seeds: tuple[int, ...] = (42,)
    """Seeds of the runs (appendix B: 42; we take at least three)."""
    model: str = "mini"
    """Hub id, checkpoint folder, or `mini`."""
    data: str = POOL
    """`pool`: data sets are built from the embedded images, once. Else the folder that holds one
    data set folder per task."""
    sizes: Sizes = Sizes()
    """Sizes of the data sets, for `pool`."""
    data_seed: int = 0
    """Seed of the data sets, for `pool`, and of the draw of a mix."""
    epochs: tuple[float, float] = (4, 6)
    """Epochs of variants with two stages; those with one train for the sum (appendix B)."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of every run, `optim.lr: 3.0e-3`."""
    sweep: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Settings with several values each, for every variant that trains."""
    blindfolded: bool = False
    """Ask what was trained with latents a second time under the bottleneck rule, the images
    forgotten after the prompt (compressed decoding) where the model's layers allow that: what the
    latents alone carry (ours)."""
    baseline: str = REFERENCE
    """The variant that the others are compared with."""
    paper: str | None = None
    """Table of published numbers that this grid repeats, see livr compare --paper."""

    @field_validator("tasks", "variants", "seeds")
    @classmethod
    def _not_empty(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            raise ValueError("the list is empty; name at least one")
        return value

    @model_validator(mode="after")
    def _names_are_different(self) -> Grid:
        for what, names in (
            ("task", [task.name for task in self.tasks]),
            ("variant", [arm.name for arm in self.arms()]),
            ("seed", [str(seed) for seed in self.seeds]),
        ):
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(f"the {what} {twice[0]} is there twice; give one another name")
        return self

    @model_validator(mode="after")
    def _tests_are_different(self) -> Grid:
        # The results of all tasks are one table, whose rows go by test, variant and seed.
        for one, other in combinations(self.tasks, 2):
            if both := [name for name in one.tested if name in other.tested]:
                moved = one if one.mix and not other.mix else other
                names = ", ".join(
                    f"{moved.name}-{name}: {data}" if name in both else f"{name}: {data}"
                    for name, data in moved.tested.items()
                )
                raise ValueError(
                    f"the tasks {one.name} and {other.name} are both tested on {', '.join(both)}, "
                    f"so their results could not be told apart. Put {moved.name} into a grid of "
                    f"its own, or give its tests other names: tests: {{{names}}}"
                )
        return self

    @model_validator(mode="after")
    def _baseline_is_there(self) -> Grid:
        names = [arm.name for arm in self.arms()]
        # What nobody wrote stays: a grid may well have no direct SFT, and then no differences.
        if self.baseline not in (*names, REFERENCE):
            raise ValueError(
                f"the baseline {self.baseline!r} is none of the variants; choose among "
                f"{', '.join(map(repr, names))}"
            )
        return self

    def arms(self) -> list[Arm]:
        """All variants, sweeps expanded."""
        return [arm for entry in self.variants for arm in entry.expanded(self.sweep)]

    def seeded(self) -> list[tuple[Arm, int]]:
        """All variants with each of their seeds; a model that is only asked has one."""
        return [
            (arm, seed)
            for arm in self.arms()
            for seed in (self.seeds if arm.trains else self.seeds[:1])
        ]


def load_grid(path: Path, trust_remote_code: bool = False, **given: Any) -> Grid:
    """Read a grid.

    Args:
        path: The YAML file.
        trust_remote_code: Run the code that the grid's checkpoint brings.
        given: Settings that win over it; None means not given.

    Raises:
        ConfigError: The file is missing, not YAML, or holds a wrong setting; all are named. Or it
            asks for trust_remote_code, which is for the user to decide, not for a file.
    """
    values = read_yaml(path, "grid")
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected settings like 'tasks: [counting]', found {values!r}")
    values |= {name: value for name, value in given.items() if value is not None}
    grid = build(Grid, values, str(path))
    if trust_remote_code:
        settings = {**grid.settings, "trust_remote_code": True}
        return grid.model_copy(update={"settings": settings})
    asked = (grid.settings, *(arm.settings for arm in grid.arms()))
    if any(settings.get("trust_remote_code") for settings in asked):
        raise ConfigError(
            f"{path} asks to run the code that a checkpoint brings. A file cannot decide that: "
            "read the code, leave the setting out, and give --trust-remote-code"
        )
    return grid
