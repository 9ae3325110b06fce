"""Data sets of a grid: built from the embedded images, named, or joined with weights."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from livr.analysis.ablate.grid import POOL, Grid, Task
from livr.analysis.ablate.pictures import marks
from livr.data.build import build_task, buildable
from livr.data.example import Example
from livr.data.lines import parse_line
from livr.data.rows import dump_row
from livr.data.store import BLINK, MANIFEST, file_sha256, load_split, read_manifest, write_dataset
from livr.data.tasks import TASKS
from livr.errors import ConfigError, DataError

Listener = Callable[[str], None]


class Sources:
    """Finds the data sets that a grid names; builds those that are missing, once.

    Args:
        grid: The grid.
        out: Its folder; data sets are built into `out/data`.
        listener: Told what is being built.
    """

    def __init__(self, grid: Grid, out: Path, listener: Listener | None = None) -> None:
        self.grid, self.folder, self.listener = grid, out / "data", listener

    def check(self) -> None:
        """Find everything that is not built here, before anything is built.

        Raises:
            ConfigError: Data sets can be built of no embedded images; all of them are named.
            DataError: A data set folder is missing.
        """
        parts = (name for task in self.grid.tasks for name in (*task.parts, *task.tested.values()))
        names = list(dict.fromkeys(parts))
        wrong = [name for name in names if self._built_here(name) and name not in buildable()]
        if wrong:
            said = map(_not_embedded, wrong)
            few = f"{len(wrong)} data sets cannot be built:\n  " if len(wrong) > 1 else ""
            raise ConfigError(few + "\n  ".join(said))
        for name in names:
            self._place(name)

    def training(self, task: Task) -> Path:
        """The folder that a task trains on."""
        if task.mix is None:
            return Path(self.tested(task.parts_name))
        return self._joined(task)

    def tested(self, name: str) -> str:
        """The data set of a name, as `livr.evaluate` takes it."""
        place, built = self._place(name)
        if built and not (place / MANIFEST).is_file():
            self._tell(f"building {name}")
            sizes = self.grid.sizes.model_dump()
            build_task(name, POOL, place, sizes, seed=self.grid.data_seed)
        elif built:
            self._check_built(place)
        return f"{BLINK}{place}" if name.startswith(BLINK) else str(place)

    def fingerprint(self, data: str, splits: Sequence[str]) -> str:
        """The hash of a data set; the grid's folder remembers what its pictures held."""
        return fingerprint(data, splits, self.folder / ".pictures")

    def _tell(self, text: str) -> None:
        if self.listener is not None:
            self.listener(text)

    def _built_here(self, name: str) -> bool:
        if name.startswith(BLINK) or self.grid.data != POOL:
            return False
        return name in TASKS or not Path(name).is_dir()

    def _place(self, name: str) -> tuple[Path, bool]:
        """The folder of a data set, and whether it is one to build here."""
        if self._built_here(name):
            return self.folder / name, True
        root = Path() if self.grid.data == POOL else Path(self.grid.data)
        place = root / name.removeprefix(BLINK)
        if not place.is_dir():
            raise DataError(
                f"the data set {name} is not there: {place} is no folder. Make it with "
                "livr data build, or name the folder that holds it with --data"
            )
        return place.resolve(), False

    def _check_built(self, place: Path) -> None:
        made = read_manifest(place)
        wanted = self.grid.sizes.model_dump()
        if made.get("wanted") != wanted or made.get("seed") != self.grid.data_seed:
            raise ConfigError(
                f"{place} was built with other sizes or another seed; choose another --out"
            )

    def _joined(self, task: Task) -> Path:
        assert task.mix is not None
        parts = {name: Path(self.tested(name)) for name in task.mix}
        prints = {n: self.fingerprint(str(path), ("train", "val")) for n, path in parts.items()}
        recipe = {"mix": task.mix, "parts": prints, "seed": self.grid.data_seed}
        place = self.folder / f"{task.name}-{_hash(recipe)}"
        if not (place / MANIFEST).is_file():
            self._tell(f"joining {', '.join(parts)}")
            weights = {parts[name]: weight for name, weight in task.mix.items()}
            splits: dict[str, Iterator[Example]] = {
                "train": join(weights, "train", self.grid.data_seed)
            }
            having = {p: 1.0 for p in parts.values() if (p / "val.jsonl").is_file()}
            if having:
                splits["val"] = join(having, "val", self.grid.data_seed)
            write_dataset(place, splits, recipe)
        return place


def _not_embedded(name: str) -> str:
    """Why a grid cannot build a data set, and how it gets one."""
    if name in TASKS:
        return (
            f"{name} has no embedded pictures. Make its data set with livr data build {name} "
            f"--source FOLDER --out DATA/{name}, then name the folder that holds the data sets of "
            "all tasks: data: DATA in the grid, or --data DATA"
        )
    return (
        f"there is no task {name!r} of the embedded pictures; choose among "
        f"{', '.join(buildable())}. For data sets of your own name the folder that holds one for "
        "each task: data: FOLDER in the grid, or --data FOLDER"
    )


def join(weights: Mapping[Path, float], split: str, seed: int) -> Iterator[Example]:
    """The rows of several data sets, each taken as often as its weight says.

    Args:
        weights: Data set folder to weight w: w x rows are taken, whole repeats first, the rest
            drawn without replacement.
        split: Which split.
        seed: Seed of the draw.

    Yields:
        Rows with ids that are unique in the whole.
    """
    for index, (folder, weight) in enumerate(weights.items()):
        rows = load_split(folder, split)
        for number, example in enumerate(_take(rows, weight, random.Random(f"{seed} {index}"))):
            yield example.model_copy(update={"id": f"{index}-{number:05d}-{example.id}"})


def _take(rows: Sequence[Example], weight: float, rng: random.Random) -> list[Example]:
    whole, rest = divmod(round(weight * len(rows)), len(rows))
    drawn = sorted(rng.sample(range(len(rows)), rest))
    return [*rows] * whole + [rows[i] for i in drawn]


def fingerprint(data: str, splits: Sequence[str], kept: Path | None = None) -> str:
    """A hash of a data set: its rows, and its pictures as `marks` tells them from others.

    Args:
        data: The data set, as `livr.evaluate` takes it.
        splits: Splits that count.
        kept: Folder that remembers what pictures held; None: see `marks`.
    """
    if data.startswith(BLINK):
        folder = Path(data.removeprefix(BLINK))
        names = sorted(folder.rglob("val*.parquet"))
        return _hash({str(p.relative_to(folder)): file_sha256(p) for p in names})
    folder = Path(data)
    found = {s: _rows_sha256(folder / f"{s}.jsonl") for s in splits
             if (folder / f"{s}.jsonl").is_file()}  # fmt: skip
    return _hash(found | marks(folder, splits, kept))


def _rows_sha256(file: Path) -> str:
    """Hash of the rows without their `sources`, which no model sees and which change nothing."""
    total = hashlib.sha256()
    with file.open("rb") as lines:
        for line in lines:
            row, _ = parse_line(line) if b'"sources"' in line else (None, [])
            bare = None if row is None else dump_row(row.model_copy(update={"sources": []})) + "\n"
            total.update(line if bare is None else bare.encode())
    return total.hexdigest()


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
